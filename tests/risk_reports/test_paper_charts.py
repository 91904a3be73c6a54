"""Charts on paper: every value a mark, names in the legend, the same bytes again."""

from __future__ import annotations

import re

from risk_reports.paper_charts import Point, bars, curves, intervals


def marks(svg: str, kind: str) -> int:
    """How many marks of a kind are drawn."""
    return sum(
        group.count("<path") + group.count("<line")
        for group in re.findall(rf"mark-{kind} role-mark .*?</g>", svg, re.S)
    )


def test_every_value_of_a_curve_is_a_mark_and_every_line_is_named() -> None:
    lines = {"模型": [(0.0, 0.0), (0.5, 0.3), (1.0, 1.0)], "GLM": [(0.0, 0.0), (1.0, 1.0)]}
    picture = curves(lines, across="share", up="claims", told="two lines")
    assert picture.told == "two lines"
    assert all(name in picture.svg for name in ("模型", "GLM", "share", "claims"))
    assert marks(picture.svg, "line") == 2
    assert picture == curves(lines, across="share", up="claims", told="two lines")


def test_bands_bear_their_intervals() -> None:
    points = [Point(label=f"b{at}", value=1 + at / 10, lower=0.9, upper=1.5, expected=1.0) for at in range(4)]
    picture = intervals(points, across="band", up="A/E", told="bands")
    assert marks(picture.svg, "rule") == 4
    assert marks(picture.svg, "line") == 1
    assert marks(picture.svg, "symbol") == 4


def test_bars_stand_beside_the_limit() -> None:
    picture = bars({"C17": 0.4, "C34": 1.2}, across="used", limit=1.0, told="two bars")
    assert all(name in picture.svg for name in ("C17", "C34", "used"))
    assert (marks(picture.svg, "rect"), marks(picture.svg, "rule")) == (2, 1)
