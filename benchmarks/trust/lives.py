"""The exhibit `docs/exhibits/data-trust.md`: an honest firm with outages and one that cuts air, as the engine sees them.

`python -m benchmarks.trust.lives` prints the page; `--write` stores it with its pictures.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import vl_convert

from benchmarks.trust.worlds import TrustWorld, build
from features.data_trust.engine import examine
from features.data_trust.grade import graded
from features.data_trust.power import ratios
from features.data_trust.settings import grade_rules_at, trust_settings_at
from features.data_trust.spells import BLOCK_DAYS, blocks
from features.data_trust.told import Told
from features.settings import shipped_parameters
from features.trust import DataTrust
from risk_reports.wording.catalogue import Language, wording
from simulator.frauds.plan import Code
from simulator.world import PARAMETERS_AS_OF, VERSION

PAGE = Path(__file__).parent.parent.parent / "docs" / "exhibits" / "data-trust.md"
SEED, OBLIGORS, LEAST_MACHINES = 101, 64, 3
SHOWN = {"executing_kw": "executing power", "parts_per_hour": "parts attempted per hour", "idle_kw": "idle power"}
LINES = ["#455a64", "#1b7f5c", "#c62828", "#8e6c00", "#5e35b1", "#00838f"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A firm as it was told at the world's end, why it was chosen, what it really does, and what the engine says."""

    title: str
    rule: str
    truth: str
    told: Told
    obligor: int
    trust: DataTrust

    @property
    def rows(self) -> list[int]:
        """Its machines."""
        return np.flatnonzero(self.told.owner == self.obligor).tolist()


def main() -> None:
    """Print the page, or write it with its pictures."""
    lives = [
        _honest(build(seed=SEED, obligors=OBLIGORS)),
        _faking(build(seed=SEED, codes=[Code.AIR_CUTTING], obligors=OBLIGORS)),
    ]
    text = page(lives)
    if "--write" not in sys.argv:
        print(text)
        return
    PAGE.write_text(text, encoding="utf-8")
    for life in lives:
        path = PAGE.parent / "data-trust" / f"{life.title}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(picture(life), encoding="utf-8")


def _honest(world: TrustWorld) -> Life:
    """Of the firms with enough machines, heard from the first week on, the one whose gateways were silent most."""
    told = world.told[-1]
    unknown = told.by_obligor(told.measures["unknown_seconds"]).sum(axis=1) / 86_400
    days = told.by_obligor((~np.isnan(told.measures["unknown_seconds"])).astype(np.float64)).sum(axis=1)
    share = np.where(_large(told), unknown / np.maximum(days, 1.0), -1.0)
    chosen = int(share.argmax())
    rule = f"of {int(_large(told).sum())} honest firms with at least {LEAST_MACHINES} machines, told over the whole window, its gateways were silent the largest share of the time ({share[chosen]:.1%})"
    return _life("honest", rule, "It hides nothing: its gateways fail at random.", told, chosen)  # fmt: skip


def _faking(world: TrustWorld) -> Life:
    """Of the firms that cut air and were told over the whole window, the one in the middle by executing time added."""
    told = world.told[-1]
    labels = world.labels.drop_duplicates("obligor_id").set_index("obligor_id")
    who = [
        number for number, obligor in enumerate(told.obligor_ids) if _large(told)[number] and obligor in labels.index
    ]
    chosen = sorted(who, key=lambda number: labels.loc[told.obligor_ids[number], "from_day"])[len(who) // 2]
    label = labels.loc[told.obligor_ids[chosen]]
    rule = f"of {len(who)} firms that cut air, have at least {LEAST_MACHINES} machines and were told over the whole window, it began in the middle"
    truth = f"From {label['from_day']} to {label['to_day']} its machines run {label['strength']:g} hours a day after work without material."
    return _life("faking", rule, truth, told, chosen)  # fmt: skip


def _large(told: Told) -> np.ndarray:
    """(obligor,): enough machines, told in the first and in the last week."""
    said = ~np.isnan(told.measures["executing_seconds"])
    both = said[:, :BLOCK_DAYS].any(axis=1) & said[:, -BLOCK_DAYS:].any(axis=1)
    return np.asarray(told.by_obligor(both.astype(np.float64)) >= LEAST_MACHINES)


def _life(title: str, rule: str, truth: str, told: Told, obligor: int) -> Life:
    parameters = shipped_parameters()
    seen = examine(told, trust_settings_at(parameters, PARAMETERS_AS_OF))
    name = told.obligor_ids[obligor]
    rules = grade_rules_at(parameters, PARAMETERS_AS_OF)
    trust = graded(seen.findings.get(name, ()), rules, checks=seen.checks[name])
    return Life(title=title, rule=rule, truth=truth, told=told, obligor=obligor, trust=trust)


def page(lives: Sequence[Life]) -> str:
    """The page as Markdown."""
    parts = [
        "# An honest firm with outages, and one that cuts air",
        "",
        "> synthetic; effect sizes are inputs, not findings",
        "",
        f"Printed by `python -m benchmarks.trust.lives`: world {VERSION}, seed {SEED}, {OBLIGORS} firms, the last 730 days; once with everybody honest, once with everybody who can cutting air (F1, moderate strength). "
        "How the engine works: [data trust](../data-trust.md).",
    ]  # fmt: skip
    for life in lives:
        parts += _section(life)
    return "\n".join(parts) + "\n"


def _section(life: Life) -> list[str]:
    grade = life.trust.grade
    return [
        "",
        f"## The {life.title} one: {grade}",
        "",
        f"{life.told.obligor_ids[life.obligor]}, {len(life.rows)} machines; chosen because {life.rule}. {life.truth}",
        "",
        f"**{grade}**: {wording(Language.EN).say(f'trust.grade.{grade}')}",
        "",
        f"![Energy told and billed by month, silence, and each machine's ratios by week](data-trust/{life.title}.svg)",
        "",
        *_findings(life.trust),
        "",
        "Compared: " + ", ".join(f"{code} {state}" for code, state in sorted(life.trust.checks.items())) + ".",
    ]


def _findings(trust: DataTrust) -> list[str]:
    if not trust.findings:
        return ["No finding."]
    say = wording(Language.EN).say
    rows = [
        f"| {item.severity} | {say(f'trust.{item.code}')} | {(item.machine_uid or 'all machines').rsplit('/', 1)[-1]} | {item.since} | {item.strength} | {_evidence(item.evidence)} |"
        for item in trust.findings
    ]  # fmt: skip
    return ["| severity | finding | machine | since | strength | evidence |", "|---|---|---|---|---:|---|", *rows]


def _evidence(evidence: Any) -> str:
    return ", ".join(
        f"{name} {value:,.4g}" for name, value in evidence.items() if value is not None and name != "statistic"
    )


def picture(life: Life) -> str:
    """Energy told and billed, silence, and the ratios of each machine against their medians, as SVG."""
    panels = [_energy(life), _silence(life), *(_ratio(life, name) for name in SHOWN)]
    return str(vl_convert.vegalite_to_svg(alt.vconcat(*panels).resolve_scale(color="independent").to_json()))


def _energy(life: Life) -> Any:
    months = _days(life).astype("datetime64[M]")
    told = life.told.by_obligor(life.told.measures["energy_kwh"])[life.obligor]
    billed = np.nan_to_num(life.told.ledgers.billed_kwh[life.obligor])
    rows = [
        {"at": str(month), "what": what, "value": float(values[months == month].sum())}
        for month in np.unique(months)[1:-1]
        for what, values in (("told by machines", told), ("billed", billed))
    ]
    return _lines(rows, "kWh a month")


def _silence(life: Life) -> Any:
    unknown = blocks(life.told.by_obligor(life.told.measures["unknown_seconds"]))[life.obligor]
    share = unknown / (86_400 * BLOCK_DAYS * len(life.rows))
    rows = [{"at": at, "what": "silent", "value": float(value)} for at, value in zip(_weeks(life), share, strict=True)]
    return _lines(rows, "share of time")


def _ratio(life: Life, name: str) -> Any:
    values = ratios(life.told)[name].values[life.rows]
    change = np.exp(values - np.nanmedian(values, axis=1, keepdims=True))
    rows = [
        {"at": at, "what": life.told.machine_uids[row].rsplit("/", 1)[-1], "value": round(float(value), 4)}
        for row, line in zip(life.rows, change, strict=True)
        for at, value in zip(_weeks(life), line, strict=True)
        if not np.isnan(value)
    ]
    return _lines(rows, f"{SHOWN[name]}, median 1", domain=(0.8, 1.2))


def _lines(rows: list[dict[str, Any]], unit: str, *, domain: tuple[float, float] | None = None) -> Any:
    scale = alt.Scale(zero=False) if domain is None else alt.Scale(domain=list(domain), clamp=True)
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("at:T", title=None),
            y=alt.Y("value:Q", title=unit, scale=scale),
            color=alt.Color("what:N", title=None, scale=alt.Scale(range=LINES)),
        )
        .properties(width=640, height=110)
    )


def _days(life: Life) -> np.ndarray:
    return (life.told.first_day + np.arange(life.told.days)).astype("datetime64[D]")


def _weeks(life: Life) -> list[str]:
    return [str(day) for day in _days(life)[life.told.days % BLOCK_DAYS :: BLOCK_DAYS]]


if __name__ == "__main__":
    main()
