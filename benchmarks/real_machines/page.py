"""The exhibit `docs/exhibits/real-machines.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import altair as alt
import vl_convert

from benchmarks.real_machines.failures import ALONE, TEST, TRAIN, Failures, Ranking
from benchmarks.real_machines.steel import KEYS, SteelYear
from features.catalogue import CATALOGUE

PAGE = Path(__file__).parents[2] / "docs" / "exhibits" / "real-machines.md"
FOLDER = PAGE.parent / "real-machines"
WIDTH, HEIGHT = 640, 150


def pictures(steel: SteelYear) -> dict[Path, str]:
    """The pictures of the page by the file that each belongs in, as SVG."""
    days = [
        {"day": day.isoformat(), "kwh": kwh, "hours": hours}
        for day, kwh, hours in zip(steel.days, steel.kwh, steel.executing_hours, strict=True)
    ]
    daily = alt.vconcat(_bars(days, "kwh", "kWh a day"), _bars(days, "hours", "hours above light load"))
    features = [
        {"day": day, "feature": CATALOGUE[key].label_en, "value": value}
        for day, row in steel.features.items()
        for key, value in row.items()
        if value is not None and key != "coverage_30d"
    ]
    by_month = (
        alt.Chart(alt.Data(values=features))
        .mark_line(point=True, color="#1b7f5c")
        .encode(
            x=alt.X("day:T", title=None),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
            row=alt.Row("feature:N", title=None, header=alt.Header(labelAngle=0, labelAlign="left")),
        )
        .resolve_scale(y="independent")
        .properties(width=WIDTH - 160, height=70)
    )
    return {FOLDER / "steel-days.svg": _svg(daily), FOLDER / "steel-features.svg": _svg(by_month)}


def _bars(rows: list[dict[str, object]], name: str, title: str) -> alt.Chart:
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(color="#37474f", width=1.5)
        .encode(x=alt.X("day:T", title=None), y=alt.Y(f"{name}:Q", title=title))
        .properties(width=WIDTH, height=HEIGHT)
    )


def _svg(chart: alt.TopLevelMixin) -> str:
    return str(vl_convert.vegalite_to_svg(chart.to_json()))


def page(steel: SteelYear, failures: Failures) -> str:
    """The whole page."""
    return f"""# Machines that others recorded

Printed by `python -m benchmarks.real_machines --write`; do not edit. The data are not part of the project. One row of
them takes the way of any row: mapping, admission, roll-up, features ([mappings.md](../mappings.md)).

## A year of a steel plant

Real: 15-minute meter readings of a steel plant (UCI 851), {steel.rows_read:,} rows read, {steel.rows_admitted:,} admitted,
{steel.rows_quarantined} quarantined. The source stamps the *end* of each interval and writes the last one of a day as 00:00 of
that same date, so that the row `01/01/2018 00:00` closes 1 January. The roll-up's {sum(steel.kwh):,.1f} kWh agree with the
file's own sum day by day: the largest difference of {len(steel.days)} days is {steel.largest_difference_kwh:.1e} kWh.

The plant is one machine here, and its load type stands in for a state (light load: idle; more: at work), which its owner
may see otherwise.

![kWh and hours above light load of each day](real-machines/steel-days.svg)

{_steel_table(steel)}

![The same features by month](real-machines/steel-features.svg)

## Who fails in the next 30 days

Simulated by Microsoft: a hundred machines in 2015 (`pdm_azure`; told three years later, where the shipped
parameters begin), {failures.machine_days:,} machine-days from 06:00 to
06:00. Errors and failures count as starts of faults; every day counts as worked throughout. At 06:00 of the first of
{_months(TEST)} the machines are ranked by what was known then, and the answer is whether a failure begins within 30 days
({failures.questions} questions, {failures.failing_ratio:.1%} of them yes). The logistic regression was fitted on the first of
{_months(TRAIN)}. The interval draws machines with replacement, {len(TEST)} months together.

| ranked by | AUC | 95 % interval |
|---|---|---|
| `{ALONE}` alone, fitted on nothing | {_ranking(failures.alone)} |
| logistic regression on {len(failures.features)} features of family breakdown | {_ranking(failures.together)} |

Features: {", ".join(f"`{key}`" for key in failures.features)}.

{_verdict(failures)}
"""


def _verdict(failures: Failures) -> str:
    """What the interval allows to be said."""
    if failures.together.lower > 0.5:
        return "The interval lies above 0.5: the features rank failures ahead of time on these machines, by as much as it says."
    return (
        "The interval reaches 0.5: on these machines the features do not rank failures 30 days ahead. Each of their components\n"
        "fails by its own age since replacement, and a count of a machine's past faults says little about it."
    )


def _ranking(ranking: Ranking) -> str:
    return f"{ranking.auc:.3f} | {ranking.lower:.3f} to {ranking.upper:.3f}"


def _months(months: Sequence[datetime]) -> str:
    return ", ".join(f"{when:%B}" for when in months)


def _steel_table(steel: SteelYear) -> str:
    head = "| as of | " + " | ".join(f"`{key}`" for key in KEYS) + " |\n" + "|---" * (len(KEYS) + 1) + "|"
    rows = [f"| {day} | " + " | ".join(_told(row, key) for key in KEYS) + " |" for day, row in steel.features.items()]
    return "\n".join([head, *rows])


def _told(row: Mapping[str, float | None], key: str) -> str:
    value = row[key]
    return "-" if value is None else f"{value:.3f}"
