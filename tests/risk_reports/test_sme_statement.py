"""The manufacturer's page in words and charts: complete, inert, with a text for every picture."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

import api.portal
import risk_reports
from risk_reports.sme_access import standing_consents
from risk_reports.sme_charts import COLOURS, Bar, compared, even_ticks, month_chart, share_ticks
from risk_reports.wording.catalogue import Language, wording

SVG = "{http://www.w3.org/2000/svg}"
BARS = [Bar(label="7月|2025", value=0.5, is_running=False), Bar(label="8月", value=None, is_running=False), Bar(label="9月", value=0.25, is_running=True)]  # fmt: skip


@pytest.mark.parametrize("name", COLOURS)
def test_a_chart_names_and_describes_itself(name: str) -> None:
    svg = month_chart(name, BARS, title="开机率", description="low < high & rising", highest=0.5, is_share=True)
    root = ElementTree.fromstring(svg)
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    told = {root.get("aria-labelledby"): root[0].text, root.get("aria-describedby"): root[1].text}
    assert told == {root[0].get("id"): "开机率", root[1].get("id"): "low < high & rising"}
    assert {"7月", "2025", "8月", "9月", "–"} <= {word for text in root.iter(f"{SVG}text") for word in text.itertext()}


def test_a_chart_keeps_to_the_content_security_policy_and_the_house() -> None:
    svg = month_chart("energy_kwh", BARS, title="kWh", description="d", highest=0.5, is_share=False)
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|<image|<foreignObject|href=", svg)
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_the_height_of_a_bar_is_its_value_and_running_months_are_lighter() -> None:
    bars = [Bar(label="a", value=4.0, is_running=False), Bar(label="b", value=1.0, is_running=True)]
    svg = month_chart("fault_starts", bars, title="t", description="d", highest=4, is_share=False)
    drawn = re.findall(
        rf'<path d="M[\d.]+,([\d.]+)h[\d.]+v([\d.]+)[^"]*" fill="{COLOURS["fault_starts"]}" opacity="([\d.]+)"', svg
    )
    tops, heights, opacities = ([float(part) for part in parts] for parts in zip(*drawn, strict=True))
    assert heights[0] == pytest.approx(4 * heights[1])
    assert tops[0] + heights[0] == pytest.approx(tops[1] + heights[1])
    assert opacities == [1.0, 0.5]


def test_a_chart_without_any_value_shows_dashes() -> None:
    empty = [Bar(label=str(n), value=None, is_running=False) for n in range(12)]
    svg = month_chart("energy_kwh", empty, title="t", description="d", highest=0, is_share=False)
    assert svg.count(">–<") == 12


def test_every_tick_of_the_axis_is_written() -> None:
    svg = month_chart("power_on_rate", BARS, title="t", description="d", highest=0.9, is_share=True)
    written = ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert [word for word in written if word.endswith("%")] == ["0%", "25%", "50%", "75%", "100%"]


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (2, [0, 1, 2]),
        (5, [0, 2, 4, 6]),
        (12, [0, 5, 10, 15]),
        (25_192, [0, 10_000, 20_000, 30_000]),
    ],
)
def test_ticks_are_whole_round_numbers(highest: float, ticks: list[float]) -> None:
    assert even_ticks(highest) == ticks


def test_ticks_reach_the_highest_value_in_few_steps() -> None:
    for highest in (0.3, 3, 7, 18, 44, 99, 101, 999, 5_001, 123_456, 9_999_999):
        ticks = even_ticks(highest)
        assert ticks[-1] >= highest
        assert 2 <= len(ticks) <= 6
        assert all(tick == round(tick) for tick in ticks)
    for share in (0, 0.2, 0.21, 0.6, 0.999, 1):
        ticks = share_ticks(share)
        assert ticks[0] == 0
        assert share <= ticks[-1] <= max(0.2, share + 0.2)


def test_own_and_peers_bars_share_a_scale_and_a_zero() -> None:
    both = compared(0.2, 0.4)
    assert (both.own_start, both.own_length, both.peers_start, both.peers_length) == (0, 50, 0, 100)
    down = compared(-0.1, 0.3)
    assert (down.own_start, down.own_length, down.peers_start, down.peers_length) == (0, 25, 25, 75)
    assert compared(0, 0).own_length < 1


def test_every_word_of_the_page_is_used() -> None:
    folders = (Path(api.portal.__file__ or "").parent, Path(risk_reports.__file__ or "").parent)
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in folders
        for path in [*folder.rglob("*.py"), *folder.rglob("*.html")]
    )
    made = (
        "page.purpose.",
        "page.mark.",
        "page.look.",
        "page.chart.",
        "page.coverage.basis.",
        "page.language.",
        "page.reasons.",
        "page.grant.confirm.",
        "page.recourse.outcome.",
        "page.recourse.known.",
        "page.recourse.lever.",
    )
    codes = [code for code in wording(Language.EN).sentences if code.startswith("page.")]
    assert len(codes) > 100
    assert [
        code for code in codes if not code.startswith(made) and f'"{code}' not in sources and f"'{code}" not in sources
    ] == []


def test_of_two_consents_the_longer_one_speaks() -> None:
    def consent(expires: str | None) -> dict[str, object]:
        return {"recipient": "bank-a", "purpose": "credit", "is_in_force": True, "expires_time": expires,
                "granted_time": datetime(2026, 1, 1, tzinfo=UTC).isoformat(), "mark": "unheard of"}  # fmt: skip

    def until(*ends: str | None) -> list[str]:
        shown = standing_consents([consent(end) for end in ends], names={}, zone="Asia/Shanghai", language=Language.EN)
        return [item.until for item in shown]

    assert until("2026-05-01T00:00:00+00:00", "2026-08-01T16:30:00+00:00") == ["2 August 2026"]
    assert until("2026-05-01T00:00:00+00:00", None) == [wording(Language.EN).say("page.consents.open")]


def test_the_firms_own_word_speaks_before_what_was_declared_for_it() -> None:
    def consent(mark: str, expires: str | None) -> dict[str, object]:
        return {"recipient": "bank-a", "purpose": "credit", "is_in_force": True, "expires_time": expires,
                "granted_time": datetime(2026, 1, 1, tzinfo=UTC).isoformat(), "mark": mark}  # fmt: skip

    def shown(*consents: dict[str, object]) -> tuple[str, str, bool]:
        (one,) = standing_consents(
            consents, names={}, unconfirmed=("operator_declared",), zone="Asia/Shanghai", language=Language.EN
        )
        return one.given.split(",")[0], one.until, one.is_unconfirmed

    say = wording(Language.EN).say
    own, declared = consent("portal", "2026-05-01T00:00:00+00:00"), consent("operator_declared", None)
    theirs, ours, open_end = say("page.mark.operator_declared"), say("page.mark.portal"), say("page.consents.open")
    assert shown(declared) == (theirs, open_end, True)
    assert shown(own) == (ours, "1 May 2026", False)
    assert shown(own, declared) == shown(declared, own) == (ours, open_end, False)
