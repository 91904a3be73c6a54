"""The actuary's pack of a model of claims: what it saw, how it does on groups that it never saw, the table as it would
be filed, and who gains and who loses when the book earns the same. Nothing is computed here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from risk_reports.document import Document, Picture, Section, Table
from risk_reports.numbers import estimate, number, ratio
from risk_reports.paper_charts import Axes, Point, curves, intervals
from risk_reports.wording.catalogue import Language, Wording, wording
from scoring.insurance.linear import Banding

Told = Mapping[str, Any]
LIMITS = ("history", "cause", "severity", "filing")
ENDS = ("value", "lower", "upper")
QUANTILES = ("q05", "q25", "q50", "q75", "q95")


def document(card: Told, figures: Told, language: Language, *, dated: datetime) -> Document:
    """The pack in one language, from the card and the figures that were kept beside the model."""
    pack = _Pack(card=card, figures=figures, words=wording(language))
    return Document(
        language=language,
        title=pack.say("actuary.title", version=card["model_version"][:12]),
        subtitle=pack.say("actuary.subtitle", policies=f"{card['policies']:,}", claims=f"{card['claims']:,}"),
        notices=[pack.say("memo.synthetic")] if card["data_origin"] == "synthetic" else [],
        sections=[
            pack.book(),
            pack.fit(),
            pack.bands("actuary.deciles", card["metrics"]["deciles"]),
            *(pack.bands("actuary.factor", bands, factor=key) for key, bands in card["metrics"]["factors"].items()),
            pack.double_lift(),
            pack.lorenz(),
            pack.murphy(),
            pack.relativities(),
            pack.dislocation(),
            Section(heading=pack.say("actuary.limits"), points=[pack.say(f"actuary.limits.{name}") for name in LIMITS]),
        ],
        dated=dated,
        footer=pack.say("actuary.footer"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pack:
    """A card and its figures in one language, section by section."""

    card: Told
    figures: Told
    words: Wording

    def say(self, code: str, /, **values: object) -> str:
        return self.words.say(code, **values)

    def book(self) -> Section:
        card, tail = self.card, self.card["tail"]
        points = [
            self.say(
                "actuary.book.exposure",
                exposure=self._number(card["exposure"], digits=1),
                unit=self.say(f"actuary.unit.{card['exposure_unit']}"),
                mean=self._number(card["mean_severity"], digits=2),
                currency=card["currency"],
            ),
            self.say("actuary.book.model", depth=card["depth"], rounds=card["rounds"], leaf=card["leaf_weight"]),
            self.say("actuary.book.dispersion", dispersion=self._number(card["dispersion"])),
        ]
        if tail is not None:
            points.append(
                self.say(
                    "actuary.book.tail",
                    threshold=self._number(tail["threshold"], digits=2),
                    excesses=tail["excesses"],
                    shape=self._number(tail["shape"]),
                    share=ratio(tail["large_loss_share"], self.words.language),
                )
            )
        rows = [[self._rule(name), str(count)] for name, count in card["rules"].items()]
        return Section(
            heading=self.say("actuary.book"),
            points=points,
            table=self._table(("rule", "rows"), rows, figures=1) if rows else None,
        )

    def fit(self) -> Section:
        metrics = self.card["metrics"]
        plain = ("deviance_of_constant", "deviance_of_glm", "deviance", "actual_to_expected_train", "gini")
        told = [(name, (self._number(metrics[name], digits=5), "")) for name in plain]
        for name in ("gini_of_challenger", "gini_of_table"):
            value = metrics[name]
            told.append((name, (self.say("unknown") if value is None else self._number(value, digits=5), "")))
        told += [
            (name, estimate(metrics[name], self.words.language))
            for name in ("gain_over_glm", "actual_to_expected_test")
        ]
        rows = [[self.say(f"actuary.fit.{name}"), *value] for name, value in told]
        tested = self.say(
            "actuary.fit.tested", policies=self.figures["test_policies"], claims=self.figures["test_claims"]
        )
        return Section(
            heading=self.say("actuary.fit"),
            paragraphs=[tested],
            table=self._table(("figure", "value", "interval"), rows, figures=2),
        )

    def bands(self, heading: str, bands: Sequence[Told], **values: object) -> Section:
        """Actual to expected by band, with exact Poisson intervals, and beside them those of claims that come in
        clusters where the card knows of any; how many of either cover 1. The picture has the wider ones."""
        clustered = self.card["dispersion"] > 0 and all(band.get("clustered") for band in bands)
        language, told = self.words.language, "clustered" if clustered else "ratio"
        rows = [
            [
                band["name"],
                self._number(band["exposure"], digits=1),
                str(band["claims"]),
                self._number(band["expected"], digits=1),
                *estimate(band["ratio"], language, digits=3),
                *(estimate(band["clustered"], language, digits=3)[1:] if clustered else ()),
            ]
            for band in bands
        ]
        columns = ("band", "exposure", "claims", "expected", "ae", "interval", *(("clustered",) if clustered else ()))
        return Section(
            heading=self.say(heading, **values),
            paragraphs=[
                self.say("actuary.covering", covering=_covering(bands, "ratio"), bands=len(bands)),
                *([self._covering_clustered(bands)] if clustered else ()),
            ],
            pictures=[self._actual_to_expected(self.say(heading, **values), bands, told=told)],
            table=self._table(columns, rows, figures=len(columns) - 1),
        )

    def _covering_clustered(self, bands: Sequence[Told]) -> str:
        dispersion = self._number(self.card["dispersion"])
        covering = _covering(bands, "clustered")
        return self.say("actuary.covering.clustered", covering=covering, bands=len(bands), dispersion=dispersion)

    def _actual_to_expected(self, heading: str, bands: Sequence[Told], *, told: str) -> Picture:
        points = [Point(label=band["name"], expected=1.0, **{end: band[told][end] for end in ENDS}) for band in bands]
        across, up = self._column("band"), self._column("ae")
        return intervals(points, across=across, up=up, told=self.say("actuary.picture", heading=heading))

    def double_lift(self) -> Section:
        return self._curves("double_lift", "ratio", ("observed", "trees", "glm"), axes=Axes.FITTED)

    def lorenz(self) -> Section:
        """Beside the diagonal, on which claims would lie if the order told nothing."""
        found = [(0.0, 0.0), *((row["exposure"], row["claims"]) for row in self.figures["lorenz"])]
        lines = {self._column("claims_share"): found, self.say("actuary.lorenz.equal"): [(at, at) for at, _ in found]}
        section = self._plain("lorenz", self.figures["lorenz"], ("exposure_share", "claims_share"))
        gap = self.say("actuary.lorenz.gap", gap=self._number(self.figures["concentration_gap"], digits=5))
        picture = curves(
            lines,
            across=self._column("exposure_share"),
            up=self._column("claims_share"),
            told=self.say("actuary.picture", heading=section.heading),
        )
        return replace(section, paragraphs=[*section.paragraphs, gap], pictures=[picture])

    def murphy(self) -> Section:
        return self._curves("murphy", "threshold", ("trees", "glm", "constant"))

    def _curves(self, name: str, across: str, lines: Sequence[str], *, axes: Axes = Axes.FROM_ZERO) -> Section:
        """A table with a line for each of these columns over another one."""
        found = self.figures[name]
        section = self._plain(name, found, (across, *lines))
        picture = curves(
            {self._column(line): [(row[across], row[line]) for row in found] for line in lines},
            across=self._column(across),
            up=self.say(f"actuary.{name}.up"),
            told=self.say("actuary.picture", heading=section.heading),
            axes=axes,
        )
        return replace(section, pictures=[picture])

    def relativities(self) -> Section:
        """The distilled table: base pure premium, and one relativity a band of each factor."""
        table = self.card["table"]
        rows = [
            [factor["banding"]["key"], band, self._number(math.exp(value))]
            for factor in table["factors"]
            for band, value in zip(_bands(factor["banding"]), factor["coefficients"], strict=True)
        ]
        base = self.say(
            "actuary.relativities.base",
            base=self._number(math.exp(table["intercept"]), digits=2),
            currency=self.card["currency"],
            difference=ratio(self.card["metrics"]["table_difference"], self.words.language),
        )
        return Section(
            heading=self.say("actuary.relativities"),
            paragraphs=[base],
            table=self._table(("factor_name", "band", "relativity"), rows, figures=1),
        )

    def dislocation(self) -> Section:
        """Who gains and who loses at equal portfolio premium, losers shown."""
        found, language = self.figures["dislocation"], self.words.language
        said = [
            self.say(
                "actuary.dislocation.shares",
                gain=ratio(found["gain"], language),
                lose=ratio(found["lose"], language),
                mean=ratio(found["mean_change"], language),
            ),
            self.say(
                "actuary.dislocation.quantiles",
                quantiles=", ".join(f"{int(name[1:])} %: {ratio(found[name], language)}" for name in QUANTILES),
            ),
            self.say("actuary.dislocation.claim"),
        ]
        lowest = ratio(min(band["from"] for band in found["bands"] if band["from"] is not None), language, digits=0)
        rows = [
            [
                f"< {lowest}" if band["from"] is None else f"≥ {ratio(band['from'], language, digits=0)}",
                ratio(band["exposure"], language),
                self.say("unknown") if band["loss_ratio"] is None else self._number(band["loss_ratio"], digits=3),
            ]
            for band in found["bands"]
        ]
        return Section(
            heading=self.say("actuary.dislocation"),
            paragraphs=said,
            table=self._table(("change", "exposure_share", "loss_ratio"), rows, figures=2),
        )

    def _plain(self, name: str, found: Sequence[Told], columns: tuple[str, ...]) -> Section:
        rows = [[self._number(value) for value in row.values()] for row in found]
        return Section(
            heading=self.say(f"actuary.{name}"),
            paragraphs=[self.say(f"actuary.{name}.how")],
            table=self._table(columns, rows, figures=len(columns)),
        )

    def _rule(self, name: str) -> str:
        return name.replace("_", " ")

    def _table(self, columns: tuple[str, ...], rows: Sequence[Sequence[str]], *, figures: int) -> Table:
        return Table(header=[self._column(name) for name in columns], rows=rows, figures=figures)

    def _column(self, name: str) -> str:
        return self.say(f"actuary.column.{name}")

    def _number(self, value: float, *, digits: int = 4) -> str:
        return number(value, self.words.language, digits=digits, fixed=True)


def _covering(bands: Sequence[Told], told: str) -> int:
    """How many bands' intervals hold 1."""
    return sum(band[told]["lower"] <= 1 <= band[told]["upper"] for band in bands)


def _bands(banding: Told) -> tuple[str, ...]:
    """The bands of a factor as the card's own type names them."""
    return Banding.model_validate(banding).names()
