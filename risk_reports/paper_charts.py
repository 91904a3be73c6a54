"""Charts for documents on paper: curves over a common axis, and bands with their intervals. In black and three colours
that print and that people who see red and green alike tell apart; every curve has a stroke of its own too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum

import altair as alt
import vl_convert
from altair import Chart

from risk_reports.document import Picture

COLOURS = ("#111111", "#1f6fb4", "#d9822b", "#7b7b7b")
STROKES = ([1, 0], [6, 2], [2, 2], [8, 3, 2, 3])
FONTS = "Noto Sans CJK SC, sans-serif"
WIDTH, HEIGHT = 460, 210


class Axes(Enum):
    """How both axes run."""

    FROM_ZERO = "from zero"
    FITTED = "over the values"
    LOGARITHMIC = "logarithmic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value with the ends of its interval, under a label, and what was expected of it."""

    label: str
    value: float
    lower: float
    upper: float
    expected: float


def curves(
    lines: Mapping[str, Sequence[tuple[float, float]]], *, across: str, up: str, told: str, axes: Axes = Axes.FROM_ZERO
) -> Picture:
    """Lines through (across, up), each under the name it has in the legend; the first is drawn full and black."""
    values = [
        {"line": name, "across": at, "up": value, "order": place}
        for name, points in lines.items()
        for place, (at, value) in enumerate(points)
    ]
    names = list(lines)
    colour = alt.Color("line:N", title=None, scale=alt.Scale(domain=names, range=list(COLOURS[: len(names)])))
    stroke = alt.StrokeDash("line:N", title=None, scale=alt.Scale(domain=names, range=list(STROKES[: len(names)])))
    scale = alt.Scale(type="log") if axes is Axes.LOGARITHMIC else alt.Scale(zero=axes is Axes.FROM_ZERO)
    drawn = (
        Chart(alt.Data(values=values))
        .mark_line(point=True)
        .encode(
            x=alt.X("across:Q", title=across, scale=scale),
            y=alt.Y("up:Q", title=up, scale=scale),
            color=colour,
            strokeDash=stroke,
            order="order:Q",
        )
    )
    return Picture(svg=_svg(alt.layer(drawn)), told=told)


def intervals(points: Sequence[Point], *, across: str, up: str, told: str) -> Picture:
    """Each value as a dot within its interval, beside a line through what was expected."""
    values = [asdict(point) for point in points]
    labels = [point.label for point in points]
    x = alt.X("label:N", title=across, sort=labels, axis=alt.Axis(labelAngle=-40 if len(labels) > 6 else 0))
    data = Chart(alt.Data(values=values))
    scale = alt.Scale(zero=False)
    ranges = data.mark_rule(color=COLOURS[1]).encode(
        x=x, y=alt.Y("lower:Q", title=up, scale=scale), y2=alt.Y2("upper:Q")
    )
    dots = data.mark_point(color=COLOURS[0], filled=True, size=40).encode(x=x, y=alt.Y("value:Q", scale=scale))
    line = data.mark_line(color=COLOURS[3], strokeDash=STROKES[1]).encode(x=x, y=alt.Y("expected:Q", scale=scale))
    return Picture(svg=_svg(alt.layer(line, ranges, dots)), told=told)


def bars(shares: Mapping[str, float], *, across: str, limit: float, told: str) -> Picture:
    """A bar for each name, longest first as given, beside a line at the limit of all."""
    names = list(shares)
    values = [{"name": name, "share": share} for name, share in shares.items()]
    y = alt.Y("name:N", title=None, sort=names)
    x = alt.X("share:Q", title=across, scale=alt.Scale(zero=True))
    drawn = Chart(alt.Data(values=values)).mark_bar(color=COLOURS[1], height=12).encode(x=x, y=y)
    at_limit = Chart(alt.Data(values=[{"share": limit}])).mark_rule(color=COLOURS[0], strokeDash=STROKES[1]).encode(x=x)
    return Picture(svg=_svg(alt.layer(drawn, at_limit)), told=told)


def _svg(chart: alt.LayerChart) -> str:
    specification = {
        **chart.properties(width=WIDTH, height=HEIGHT).to_dict(validate=False),
        "config": {"aria": False, "background": "white", "font": FONTS, "view": {"stroke": None}},
    }
    return str(vl_convert.vegalite_to_svg(json.dumps(specification)))
