"""Charts of the manufacturer's page as inline SVG: drawn on the server, named and described for who cannot see them.

Colours are plain attributes, so that a style sheet can give them others in the dark or on paper.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import vl_convert
from altair import Chart

WIDTH, HEIGHT = 340, 180

COLOURS = {
    "power_on_rate": "#0f6e63",
    "operating_rate": "#2b5f9e",
    "energy_kwh": "#96610f",
    "fault_starts": "#a63d2f",
}
"""One for each chart; each stands out from white and from its neighbours. Nothing is told by colour alone."""

AXIS_COLOUR, TEXT_COLOUR = "#d9d5ca", "#55524a"
RUNNING_OPACITY = 0.5
"""Of the bars of a month that was not over."""


SHARE_AXES = ((0.1, 2), (0.1, 4), (0.2, 3), (0.2, 4), (0.25, 4))
"""Step and number of steps of an axis of shares, the shortest first."""

INNER_ROLES = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
"""What the drawing says of its parts: the picture is told as one, by its title and description."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One month: its label (lines split by `|`), its value or None, and whether the month is still running."""

    label: str
    value: float | None
    is_running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two values on one scale of 0 to 100: where each bar begins and how long it is."""

    own_start: float
    own_length: float
    peers_start: float
    peers_length: float


def month_chart(name: str, bars: Sequence[Bar], *, title: str, description: str, highest: float, is_share: bool) -> str:
    """A bar for each month as an SVG element that bears its own title and description; a dash where nothing is known.

    `name` is one of `COLOURS` and makes the element's ids. The axis runs from 0 up to `highest` or just above it, in
    percent for shares of one.
    """
    rows = [
        {"at": at, "label": bar.label, "value": bar.value, "running": bar.is_running} for at, bar in enumerate(bars)
    ]
    known = [row for row in rows if row["value"] is not None]
    ticks = share_ticks(highest) if is_share else even_ticks(highest)
    axis = _axis(ticks, is_share=is_share)
    # A label may recur (July of two years), so places are numbers and the axis looks its words up.
    words = json.dumps([bar.label.split("|") for bar in bars])
    x = alt.X(
        "at:O",
        title=None,
        scale=alt.Scale(domain=list(range(len(bars))), paddingInner=0.28, paddingOuter=0.1),
        axis=alt.Axis(labelExpr=f"{words}[datum.value]", labelAngle=0, ticks=False, labelPadding=6, labelOverlap=False),
    )
    bars_drawn = (
        Chart(alt.Data(values=known or [{"at": 0, "value": 0, "running": False}]))
        .mark_bar(color=COLOURS[name])
        .encode(
            x=x,
            y=alt.Y("value:Q", title=None, scale=alt.Scale(domain=[0, ticks[-1]], nice=False), axis=axis),
            opacity=alt.condition("datum.running", alt.value(RUNNING_OPACITY), alt.value(1)),
        )
    )
    dashes = (
        Chart(alt.Data(values=[row for row in rows if row["value"] is None]))
        .mark_text(text="–", baseline="bottom", color=TEXT_COLOUR, fontSize=13)
        .encode(x=x, y=alt.YDatum(0, axis=axis))
    )
    layered = alt.layer(bars_drawn, dashes).properties(width=WIDTH, height=HEIGHT)
    return _accessible(_svg(layered), name=name, title=title, description=description)


def compared(own: float, peers: float) -> Comparison:
    """The firm's own value and its peers' as two bars from a common zero."""
    low, high = min(0.0, own, peers), max(0.0, own, peers)
    span = (high - low) or 1.0

    def bar(value: float) -> tuple[float, float]:
        return round(100 * (min(0.0, value) - low) / span, 2), round(max(100 * abs(value) / span, 0.75), 2)

    (own_start, own_length), (peers_start, peers_length) = bar(own), bar(peers)
    return Comparison(own_start=own_start, own_length=own_length, peers_start=peers_start, peers_length=peers_length)


def _axis(ticks: Sequence[float], *, is_share: bool) -> alt.Axis:
    shown = ".0%" if is_share else ",.0f"
    return alt.Axis(values=list(ticks), format=shown, ticks=False, domain=False, labelOverlap=False)


def share_ticks(highest: float) -> list[float]:
    """Three to six shares of one, from 0 to `highest` or just above it, evenly apart."""
    step, last = next((step, last) for step, last in SHARE_AXES if last * step >= highest - 1e-9)
    return [round(step * place, 2) for place in range(last + 1)]


def even_ticks(highest: float) -> list[float]:
    """Two to five whole round numbers from 0 to `highest` or just above it."""
    magnitude = 10 ** max(0, math.floor(math.log10(max(highest, 1.0))) - 1)
    steps = (factor * magnitude for factor in (1, 2, 5, 10, 20, 50, 100))
    step = next(step for step in steps if 4 * step >= highest)
    return [float(step * place) for place in range(max(1, math.ceil(highest / step)) + 1)]


def _svg(chart: alt.LayerChart) -> str:
    specification = {
        **chart.to_dict(validate=False),
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 2,
        "config": {
            "aria": False,
            "background": None,
            "view": {"stroke": None},
            "axis": {
                "gridColor": AXIS_COLOUR,
                "gridOpacity": 0.6,
                "domainColor": AXIS_COLOUR,
                "labelColor": TEXT_COLOUR,
                "labelFontSize": 11,
            },
        },
    }
    return str(vl_convert.vegalite_to_svg(json.dumps(specification)))


def _accessible(svg: str, *, name: str, title: str, description: str) -> str:
    """The SVG with a role, a title and a description, scaling with its place."""
    opening, rest = svg.split(">", 1)
    assert opening.startswith("<svg "), "not an SVG"
    box = opening[opening.index("viewBox=") :]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" '
        f'aria-labelledby="chart-{name}" aria-describedby="chart-{name}-told" {box}>'
    )
    told = (
        f'<title id="chart-{name}">{_escaped(title)}</title><desc id="chart-{name}-told">{_escaped(description)}</desc>'
    )
    return head + told + INNER_ROLES.sub("", rest)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
