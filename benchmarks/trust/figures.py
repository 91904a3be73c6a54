"""The figures of data trust as a table and as curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
NAMES = {
    "F1": "air-cutting, hours a day",
    "F2": "replayed days",
    "F3": "dummy load, share of run power",
    "F4": "extra parts, share",
    "F5": "moved gateway, jitter of power",
    "F8": "over-invoicing, share of turnover",
    "F10": "days hidden before an inspection",
    "F11": "hour meter turned back, share",
}


def page_part(page: str, figures: Mapping[str, Any]) -> str:
    """The page with the figures between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "\n".join([before + BEGIN, "", *_lines(figures), "", END + after])


def _lines(figures: Mapping[str, Any]) -> list[str]:
    honest = figures["honest_with_findings"]
    strengths = list(next(iter(figures["frauds"].values()))["recall_by_strength"])
    return [
        f"World {figures['world']}; {figures['statement']}. {figures['honest_obligors']:,} honest obligors of seeds 101-110, with outages and with modes not switched on {figures['mislabels_per_machine_day']:.0%} of machine-days: "
        f"false alarms at the threshold (strength {figures['threshold_strength']:.2f}, from honest obligors of seeds 1-10 with the same) {figures['false_alarm_rate']:.2%} {_percents(figures['false_alarm_rate_interval'])}; with a finding of at least note "
        f"{honest['note']:.2%}, moderate {honest['moderate']:.2%}, severe {honest['severe']:.2%}.",
        "",
        "| fraud | " + " | ".join(f"recall at {strength}" for strength in strengths) + " | smallest detectable | found by (at moderate strength) |",
        "|---|" + "---:|" * len(strengths) + "---:|---|",
        *(_row(code, fraud, strengths) for code, fraud in figures["frauds"].items()),
        "",
        "A cell: recall, of how many, and the exact 95 % interval (Clopper and Pearson), as if firms were independent; the firms of a seed are the same at every strength. Nothing below "
        f"{strengths[0]} was swept, so that a smallest strength there is an upper bound.",
        "",
        f"Without any jitter: replays {figures['exact']['F2']:.3f} {_ends(figures['exact_intervals']['F2'])}, clones within an obligor {figures['exact']['F5']:.3f} {_ends(figures['exact_intervals']['F5'])}; "
        f"{figures['clones_planted']} machines planted at a second obligor for half a year, found by fingerprints alone: {figures['clones_between_obligors']:.3f} {_ends(figures['clones_between_obligors_interval'])} "
        f"(of honest obligors {figures['clones_false_alarm_rate']:.2%} {_percents(figures['clones_false_alarm_rate_interval'])} stand out as much; the sweep's own threshold is strength {figures['clones_threshold_strength']:.2f}, from those of seeds 1-10).",
        "",
        *_habits(figures["false_alarms_by_habit"]),
        "",
        "![Recall at 1 % false alarms by strength, a panel a fraud](data-trust/recall.svg)",
        "",
        *_air(figures["air_cutting_with_effect"], strengths),
        "",
        *_gaps(figures["gaps"]),
    ]  # fmt: skip


def _habits(alarms: Mapping[str, Any]) -> list[str]:
    """What careless operators cost honest firms."""
    return [
        "False alarms of the same honest firms at the same threshold, by how often their operators forget to switch the mode (setup is told as execution, maintenance as waiting):",
        "",
        "| the mode is not switched | false alarms |",
        "|---|---:|",
        *(f"| {habit} | {found['false_alarm_rate']:.2%} {_percents(found['interval'])} |" for habit, found in alarms.items()),
    ]  # fmt: skip


def _air(air: Mapping[str, Any], strengths: list[str]) -> list[str]:
    """Air-cutting once more, without those whose label stands over nothing."""
    smallest = "none" if air["smallest_detectable"] is None else f"{air['smallest_detectable']:g}"
    recalls = ", ".join(f"{_cell(air, strength)} at {strength}" for strength in strengths)
    return [
        f"Of the air-cutters, those who had added executing time on at least four weeks of days, after four weeks of work of their own: recall {recalls}; smallest detectable {smallest}. "
        f"Over all strengths {air['missed']} were missed: {air['missed_without_days']} had hardly cut any air (their machines leave no time for it, or it had just begun), "
        f"{air['missed_without_past']} had cut it from the first report on, {air['missed_with_effect']} had no such reason.",
        "",
        "The same by what came of it, the share of air in the executing time told from the first such day to the last (all strengths together, after four weeks of work of their own):",
        "",
        "| share of air | " + " | ".join(air["recall_by_share"]) + " | smallest detectable |",
        "|---|" + "---:|" * (len(air["recall_by_share"]) + 1),
        "| recall | " + " | ".join(f"{recall:.3g} {_ends(air['interval_by_share'][share])}" for share, recall in air["recall_by_share"].items()) + f" | {_share(air['smallest_detectable_share'])} |",
        "| air-cutters | " + " | ".join(str(number) for number in air["frauds_by_share"].values()) + " | |",
    ]  # fmt: skip


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


def _gaps(gaps: Mapping[str, Any]) -> list[str]:
    """Causes of gaps: a row a true cause, a column a cause given."""
    causes = [
        cause for cause in next(iter(gaps.values()))["given"] if any(row["given"][cause] for row in gaps.values())
    ]
    rows = [
        f"| {truth.replace('_', ' ')} | {row['machine_hours']:,.0f} | " + " | ".join(f"{row['given'][cause]:.3f}" for cause in causes) + f" | {row['excused']:.3f} |"
        for truth, row in gaps.items()
    ]  # fmt: skip
    return [
        "Causes of gaps, shares of the unobserved machine hours (worlds of seeds 101-103, every firm hiding days before inspections, a year before each of two looks):",
        "",
        "| true cause | machine hours | " + " | ".join(f"`{cause}`" for cause in causes) + " | excused |",
        "|---|---:|" + "---:|" * (len(causes) + 1),
        *rows,
    ]


def _row(code: str, fraud: Mapping[str, Any], strengths: list[str]) -> str:
    recalls = " | ".join(_cell(fraud, strength) for strength in strengths)
    bound = "<= " if fraud["smallest_detectable_is_lowest_swept"] else ""
    smallest = bound + _share(fraud["smallest_detectable"])
    found_by = ", ".join(f"{check} {share:.2f}" for check, share in list(fraud["found_by"].items())[:3])
    return f"| {code} {NAMES[code]} | {recalls} | {smallest} | {found_by} |"


def _cell(recalls: Mapping[str, Any], strength: str) -> str:
    """A recall, of how many, with its interval."""
    recall, of = recalls["recall_by_strength"][strength], recalls["frauds_by_strength"][strength]
    return f"{recall:.3f} of {of} {_ends(recalls['interval_by_strength'][strength])}"


def _ends(interval: Sequence[float]) -> str:
    return f"({interval[0]:.2f} to {interval[1]:.2f})"


def _percents(interval: Sequence[float]) -> str:
    return f"({interval[0]:.2%} to {interval[1]:.2%})"


def curves(figures: Mapping[str, Any], folder: Path) -> None:
    """Recall by strength, a panel a fraud, as SVG."""
    rows = [
        {"fraud": f"{code} {NAMES[code]}", "strength": float(strength), "recall": recall}
        for code, fraud in figures["frauds"].items()
        for strength, recall in fraud["recall_by_strength"].items()
    ]
    line = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(point=True, color="#1b7f5c")
        .encode(
            x=alt.X("strength:Q", title="times moderate", scale=alt.Scale(type="log", base=2)),
            y=alt.Y("recall:Q", title="recall at 1 %", scale=alt.Scale(domain=[0, 1])),
        )
        .properties(width=150, height=110)
    )
    chart = line.facet(alt.Facet("fraud:N", title=None), columns=4)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recall.svg").write_text(vl_convert.vegalite_to_svg(chart.to_json()), encoding="utf-8")
