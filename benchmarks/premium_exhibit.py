"""One fleet's premium, from the claims table to the filed bill: `python -m benchmarks.premium_exhibit --write`.

A book of policies is drawn from known frequencies and severities, so that every step can be held against the truth. It
goes through the same doors as an insurer's own: read, trained, distilled, filed, priced. Synthetic; effect sizes are
inputs, not findings.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import genpareto

from api.models.service import scoring_parameters
from data_contracts.vocabulary import DataOrigin
from scoring.insurance.build_up import Bill, RiskTerms, bill_of_risk
from scoring.insurance.claims_model import ClaimsArtefact
from scoring.insurance.credibility import Credible, credible_ratios
from scoring.insurance.premium import loadings
from scoring.insurance.tariff import FiledTariff, dislocation, distilled, reconciled
from scoring.money import exact
from scoring.table.encoding import encoded
from scoring.training.claims.book import ClaimsBook, ClaimsQuestion, read_book
from scoring.training.claims.train import ClaimsTraining, train_claims
from simulator.summary import STATEMENT

PAGE = Path(__file__).parent.parent / "docs" / "exhibits" / "premium.md"
POLICIES, FLEETS = 60_000, 6_000
SEED = 11
AS_OF = date(2026, 1, 1)
KINDS = ("lathe", "mill", "press", "robot")
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
FLEET = "F0007"
MINOR_UNITS = 100
TREND = Decimal("1.03")

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Policies with the truth of each: the pure premium a year (n), in major units."""

    policies: pd.DataFrame
    claims: pd.DataFrame
    true_premiums: Vector


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """All that the page tells."""

    drawn: Drawn
    book: ClaimsBook
    model: ClaimsArtefact
    tariff: FiledTariff
    credible: Credible
    fleets: Sequence[str]
    filed: Vector
    bill: Bill


def main() -> None:
    """Take the book through and print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    text = page(run())
    if parser.parse_args().write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)


def run() -> Course:
    """From drawn tables to one fleet's bill."""
    drawn = draw()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("policies.csv", "claims.csv")]
        drawn.policies.to_csv(paths[0], index=False)
        drawn.claims.to_csv(paths[1], index=False)
        book = read_book(
            ClaimsQuestion(policies=paths[0], claims=paths[1], exposure="years", group="fleet", currency="currency")
        )
    how = ClaimsTraining(
        signs={"hours_a_year": 1, "faults_a_1000_hours": 1},
        data_origin=DataOrigin.SYNTHETIC,
        exposure_unit="year",
        seed=SEED,
    )
    model = train_claims(book, how, parameters=scoring_parameters(), as_of=AS_OF)
    tariff = distilled(
        model.card.table,
        product="equipment_ubi",
        filing_number="F-2026-01",
        effective=AS_OF,
        bounds=(0.4, 4.0),
        model_version=model.version,
    )
    filed = tariff.rates(encoded(book.factors, model.card.features))
    credible, fleets = _credible(book, model)
    return Course(
        drawn=drawn, book=book, model=model, tariff=tariff, credible=credible, fleets=fleets, filed=filed,
        bill=_bill(book, filed, credible, fleets),
    )  # fmt: skip


def draw() -> Drawn:
    """Machines of fleets, each fleet with a proneness of its own that no factor tells."""
    generator = np.random.default_rng(SEED)
    fleet = np.sort(generator.integers(0, FLEETS, POLICIES))
    hours = np.round(generator.gamma(4.0, 800.0, POLICIES))
    faults = np.round(generator.gamma(2.0, 0.8, POLICIES), 2)
    kind = generator.choice(KINDS, POLICIES)
    years = np.round(generator.uniform(0.25, 1.0, POLICIES), 2)
    logs = -2.3 + 0.65 * np.log(hours / 3200) + 0.22 * faults + 0.35 * (kind == "press") * (faults > 2)
    frequency = np.exp(logs) * generator.gamma(8.0, 1 / 8.0, FLEETS)[fleet]
    counts = generator.poisson(frequency * years)
    mean = np.where(kind == "robot", 9_000.0, 6_000.0)
    policy = np.repeat(np.arange(POLICIES), counts)
    amounts = mean[policy] * generator.gamma(2.0, 0.5, len(policy))
    large = generator.random(len(policy)) < 0.04
    amounts[large] = 40_000 + genpareto.rvs(0.35, scale=25_000, size=int(large.sum()), random_state=generator)
    names = [f"P{at:05d}" for at in range(POLICIES)]
    policies = pd.DataFrame(
        {
            "policy_id": names, "fleet": [f"F{at:04d}" for at in fleet], "years": years, "hours_a_year": hours,
            "faults_a_1000_hours": faults, "kind": kind, "currency": "CNY",
        }
    )  # fmt: skip
    claims = pd.DataFrame({"policy_id": [names[at] for at in policy], "amount": np.round(amounts, 2)})
    severity = 0.96 * mean + 0.04 * (40_000 + 25_000 / 0.65)
    return Drawn(policies=policies, claims=claims, true_premiums=np.exp(logs) * severity)


def _credible(book: ClaimsBook, model: ClaimsArtefact) -> tuple[Credible, list[str]]:
    """Fleets' claims over what the model expected of them; claims are Poisson, so a ratio of weight one varies by 1."""
    names, at = np.unique(np.array(book.groups), return_inverse=True)
    expected = np.bincount(at, weights=book.exposure * model.frequencies(book.factors))
    observed = np.bincount(at, weights=book.counts)
    return credible_ratios(expected, observed / expected, within=1.0), names.tolist()


def _bill(book: ClaimsBook, filed: Vector, credible: Credible, fleets: Sequence[str]) -> Bill:
    """A year's bill of all the fleet's machines."""
    mine = np.array(book.groups) == FLEET
    ratio = float(credible.ratios[list(fleets).index(FLEET)])
    terms = RiskTerms(credibility=exact(round(ratio, 4)), trend=TREND)
    charged = loadings("CNY", scoring_parameters().at(AS_OF))
    return bill_of_risk(exact(float(filed[mine].sum()) * MINOR_UNITS), loadings=charged, terms=terms)


def page(course: Course) -> str:
    """The exhibit."""
    card, book = course.model.card, course.book
    metrics, tail = card.metrics, card.tail
    assert tail is not None
    mine = np.flatnonzero(np.array(book.groups) == FLEET)
    place = list(course.fleets).index(FLEET)
    flat = np.full(len(course.filed), float(book.exposure @ course.filed / book.exposure.sum()))
    moved = dislocation(flat, course.filed, book.exposure, shares=SHARES)
    down = float(book.exposure[course.filed / flat <= 0.8].sum() / book.exposure.sum())
    slope = float(np.cov(course.drawn.true_premiums, course.filed)[0, 1] / np.var(course.filed, ddof=1))
    truth = float(book.exposure @ course.drawn.true_premiums)
    balance, error = float(book.exposure @ course.filed / truth), float((book.amounts**2).sum() ** 0.5 / truth)
    return "\n".join(
        [
            "# A premium, from the claims table to the filed bill",
            "",
            f"Printed by `python -m benchmarks.premium_exhibit --write`. A drawn book of {len(book.counts):,} policies in {len(course.fleets):,} fleets; {STATEMENT}. What is drawn is known, so every step is held against it.",
            "",
            "## 1. The claims table",
            "",
            f"{int(book.counts.sum()):,} paid claims over {book.exposure.sum():,.0f} machine-years: {book.counts.sum() / book.exposure.sum():.4f} a machine-year, mean CNY {book.amounts.mean():,.2f}. Read by the door of [own-book.md](../own-book.md).",
            "",
            "## 2. The model",
            "",
            f"GLM, then trees of depth {card.depth} in {card.rounds} rounds, chosen by folds of fleets. On a quarter of the fleets, never fitted on: deviance a machine-year {metrics.deviance:.5f} (GLM {metrics.deviance_of_glm:.5f}, one rate for all {metrics.deviance_of_constant:.5f}); paired gain over the GLM {_told(metrics.gain_over_glm.model_dump())} hundredths; A/E {_told(metrics.actual_to_expected_test.model_dump())}, in training {metrics.actual_to_expected_train:.6f}; {sum(band.ratio.lower <= 1 <= band.ratio.upper for band in metrics.deciles)} of 10 deciles' intervals cover 1.",
            "",
            f"Claims above CNY {tail.threshold:,.0f} are large: {tail.excesses} of {tail.losses}, Pareto shape {tail.shape:.2f} (drawn: 0.35), {100 * tail.large_loss_share:.1f} % on top of capped claims, shared by the whole book.",
            "",
            "## 3. The tariff as filed",
            "",
            f"Distilled into a table under filing {course.tariff.filing_number}: base CNY {course.tariff.base_rate:,.2f} a machine-year, relativities held within {course.tariff.lowest} to {course.tariff.highest}; version `{course.tariff.version[:16]}`. It differs from the model by {100 * metrics.table_difference:.1f} % of the mean premium on average; Gini {metrics.gini_of_table:.4f} against {metrics.gini:.4f}.",
            "",
            *_relativities(course.tariff),
            "",
            f"Against the truth: slope of the true pure premium on the filed one {slope:.3f}, filed over true {balance:.3f} (claims observed over true {book.costs.sum() / truth:.3f}, standard error {error:.3f}: what happened sets the level).",
            "",
            f"## 4. Fleet {FLEET}",
            "",
            *_machines(course, mine),
            "",
            f"The fleet had {int(book.counts[mine].sum())} claims where {course.credible.own[place] and book.counts[mine].sum() / course.credible.own[place]:.2f} were expected. Its own ratio {course.credible.own[place]:.3f} counts by Z = {course.credible.z[place]:.3f} (K = {course.credible.structure.k:.2f}; fleets were drawn with a variance of {1 / 8:.3f}, found {course.credible.structure.between:.3f}): {course.credible.ratios[place]:.4f} is charged.",
            "",
            "## 5. The bill of a year",
            "",
            "| line | CNY |",
            "|---|---|",
            *(f"| {line.name} | {line.amount_minor / 100:,.2f} |" for line in course.bill.risk),
            f"| **pure premium** | **{course.bill.pure_premium_minor / 100:,.2f}** |",
            *(f"| {line.name} | {line.amount_minor / 100:,.2f} |" for line in course.bill.loadings),
            f"| **gross premium** | **{course.bill.gross_premium_minor / 100:,.2f}** |",
            "",
            "## 6. Who gains and who loses at equal portfolio premium",
            "",
            f'Against one rate for all, the book earning the same: {100 * moved["gain"]:.0f} % of machine-years pay less and {100 * moved["lose"]:.0f} % more. Half of them move by between {100 * moved["q25"]:+.0f} % and {100 * moved["q75"]:+.0f} %, nine in ten between {100 * moved["q05"]:+.0f} % and {100 * moved["q95"]:+.0f} %; the median is {100 * moved["q50"]:+.0f} %. {100 * down:.0f} % pay at least a fifth less. The mean change is {100 * moved["mean_change"]:+.1f} %: a tariff by usage lowers nobody\'s premium on average, it moves who pays. A claim that it "lowers premiums by 20 %" is one about the winners, about a cheaper mix, or about changed behaviour, and says nothing without the losers.',
            "",
        ]
    )


def _relativities(tariff: FiledTariff) -> list[str]:
    lines = ["| factor | band | relativity |", "|---|---|---|"]
    for filed in tariff.factors:
        names = filed.factor.banding.names()
        shown = [at for at in range(len(names)) if names[at] != "missing"]
        step = max(1, len(shown) // 6)
        for at in shown[::step]:
            lines.append(f"| {filed.factor.banding.key} | {names[at]} | {filed.relativities[at]:.4f} |")
    return lines


def _machines(course: Course, mine: NDArray[np.int64]) -> list[str]:
    rows = encoded(course.book.factors, course.model.card.features)
    by_model = course.model.pure_premiums(course.book.factors.iloc[mine])
    lines = ["| machine | factors | product | filed rate | model's rate | difference |", "|---|---|---|---|---|---|"]
    for at, row in enumerate(mine):
        told = reconciled(course.tariff, rows[row], model_rate=float(by_model[at]))
        factors = ", ".join(f"{name} {band}: {value:.3f}" for name, band, value in told.factors)
        lines.append(
            f"| {course.drawn.policies['policy_id'].iloc[row]} | {factors} | {told.bounded:.3f} | {told.filed_rate:,.2f} | {told.model_rate:,.2f} | {100 * told.difference:+.1f} % |"
        )
    return lines


def _told(estimate: Mapping[str, Any]) -> str:
    return f"{estimate['value']:.3f} ({estimate['lower']:.3f} to {estimate['upper']:.3f})"


if __name__ == "__main__":
    main()
