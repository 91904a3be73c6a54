"""Charts drawn on the server as SVG, each with a text alternative: a page works without scripts and prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import vl_convert
from altair import Chart

ELEMENT_COLOURS = {
    "executing": "#1b7f5c",
    "setup": "#7cb342",
    "maintenance": "#9575cd",
    "idle": "#f2b134",
    "fault": "#c62828",
    "off": "#cfd8dc",
    "unknown": "#78909c",
}
"""Told apart also by people who see red and green alike, and in the legend by name."""


def machine_days_chart(machine_days: Sequence[Mapping[str, Any]], *, title: str) -> str:
    """Stacked hours by state for each local day of one machine, with the day's kWh and alarms beneath, as SVG.

    `machine_days` are objects with the names of `millgrade machine-days --json`, one machine, in order of days.
    """
    hours = [
        {"day": row["day"], "state": state, "hours": row[f"{state}_seconds"] / 3600, "order": order}
        for row in machine_days
        for order, state in enumerate(ELEMENT_COLOURS)
    ]
    day = alt.X("day:O", title=None, axis=alt.Axis(labelAngle=-60))
    states = (
        Chart(alt.Data(values=hours), title=title)
        .mark_bar()
        .encode(
            x=day,
            y=alt.Y("hours:Q", title="hours", scale=alt.Scale(domain=[0, 24])),
            color=alt.Color(
                "state:N",
                title=None,
                scale=alt.Scale(domain=list(ELEMENT_COLOURS), range=list(ELEMENT_COLOURS.values())),
            ),
            order="order:Q",
        )
        .properties(width=620, height=190)
    )
    return _svg(
        alt.vconcat(states, _line(machine_days, "energy_kwh", "kWh"), _line(machine_days, "fault_starts", "alarms"))
    )


def _line(machine_days: Sequence[Mapping[str, Any]], name: str, title: str) -> Chart:
    values = [{"day": row["day"], "value": row[name]} for row in machine_days]
    return (
        Chart(alt.Data(values=values))
        .mark_bar(color="#37474f")
        .encode(x=alt.X("day:O", title=None, axis=alt.Axis(labels=False)), y=alt.Y("value:Q", title=title))
        .properties(width=620, height=60)
    )


def _svg(chart: Any) -> str:
    return str(vl_convert.vegalite_to_svg(chart.to_json()))
