"""A manufacturer's journey in a real browser: signs in, reads, withdraws and grants, signs out; in zh and en, on desktop
and phone, with and without JavaScript. No request leaves the host, axe finds nothing, nothing in a name runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from portal_world import HOSTILE_MACHINE, PASSWORD
from served_site import ARTEFACTS, Site

from api.portal.pages import PATHS
from risk_reports.wording.catalogue import wording

pytestmark = pytest.mark.browser

SCREENS = {"desktop": {"width": 1200, "height": 900}, "phone": {"width": 360, "height": 780}}
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
SMALLEST_TARGET = 24


@contextmanager
def window(browser: Any, site: Site, **options: Any) -> Iterator[Any]:
    """A tab whose every request and complaint is noted; they are judged when it closes."""
    context = browser.new_context(**options)
    tab = context.new_page()
    hosts: set[str] = set()
    complaints: list[str] = []
    tab.on("request", lambda request: hosts.add(urlsplit(request.url).netloc or urlsplit(request.url).scheme))
    tab.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    yield tab
    assert hosts == {urlsplit(site.address).netloc}
    refused = [text for text in complaints if "403" not in text]
    assert refused == []
    context.close()


def enter(tab: Any, site: Site, language: str, name: str) -> None:
    tab.goto(f"{site.address}/portal/{language}/")
    assert tab.url.endswith(f"/portal/{language}/sign-in")
    tab.fill("#name", name)
    tab.fill("#password", PASSWORD)
    tab.press("#password", "Enter")
    tab.wait_for_url(f"**/portal/{language}/")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("language", sorted(PATHS))
def test_the_journey(browser: Any, site: Site, language: str, screen: str, scripts: bool) -> None:
    say = wording(PATHS[language]).say
    journey = f"{language}-{screen}-{'scripts' if scripts else 'no-scripts'}"
    name = site.sign_in_name(journey)
    with window(browser, site, viewport=SCREENS[screen], java_script_enabled=scripts) as tab:
        enter(tab, site, language, name)
        read_statement(tab, say, journey)
        tab.get_by_role("link", name=say("page.nav.data")).click()
        change_consents(tab, say, journey)
        tab.get_by_role("button", name=say("page.sign_out")).click()
        assert tab.get_by_role("status").inner_text() == say("page.sign_in.ended")
        tab.goto(f"{site.address}/portal/{language}/data")
        assert tab.url.endswith("/sign-in")


def read_statement(tab: Any, say: Any, journey: str) -> None:
    assert re.fullmatch(r"R\d+|D", tab.locator(".badge strong").inner_text())
    assert tab.locator(".ladder [aria-current]").count() == 1
    assert tab.get_by_role("heading", name=say("page.reasons.title")).is_visible()
    assert tab.locator("article.reason").count() > 0
    charts = tab.get_by_role("img", name=re.compile("."))
    assert [chart.get_attribute("aria-labelledby") for chart in charts.all()] == [
        f"chart-{name}" for name in ("power_on_rate", "operating_rate", "energy_kwh", "fault_starts")
    ]
    for chart in charts.all():
        box = chart.bounding_box()
        assert box["width"] > 200
        assert box["height"] > 100
    assert not tab.locator("#month-figures").is_visible()
    tab.get_by_text(say("page.months.table"), exact=True).click()
    assert tab.locator("#month-figures tbody tr").count() == 12
    assert tab.locator("#month-figures").is_visible()
    keep(tab, f"{journey}-statement")


def change_consents(tab: Any, say: Any, journey: str) -> None:
    choice = say("page.grant.choice", recipient="苏州农商银行", purpose=say("page.purpose.credit"))
    tab.select_option("#choice", label=choice)
    tab.select_option("#months", "6")
    tab.get_by_role("button", name=say("page.grant.submit")).click()
    assert tab.get_by_role("status").inner_text() == say("page.grant.done")
    card = tab.locator("article.consent", has_text="苏州农商银行")
    assert card.count() == 1
    card.get_by_text(say("page.withdraw.open")).click()
    assert card.get_by_text(say("page.withdraw.partner", recipient="苏州农商银行")).is_visible()
    keep(tab, f"{journey}-data")
    card.get_by_role("button", name=say("page.withdraw.submit")).click()
    assert tab.get_by_role("status").inner_text() == say("page.withdraw.done")
    assert tab.locator("article.consent", has_text="苏州农商银行").count() == 0


def keep(tab: Any, name: str) -> None:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("language", sorted(PATHS))
def test_axe_finds_nothing(browser: Any, site: Site, language: str, screen: str, scheme: str) -> None:
    name = site.sign_in_name(f"axe-{language}-{screen}-{scheme}")
    # The policy would keep axe's own script out; whether the page lives by it is seen in the journeys.
    with window(browser, site, viewport=SCREENS[screen], color_scheme=scheme, bypass_csp=True) as tab:
        tab.goto(f"{site.address}/portal/{language}/sign-in")
        check(tab)
        tab.fill("#name", name)
        tab.fill("#password", "not the password")
        tab.press("#password", "Enter")
        tab.get_by_role("alert").wait_for()
        check(tab)
        enter(tab, site, language, name)
        tab.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        check(tab)
        tab.goto(f"{site.address}/portal/{language}/data")
        tab.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        check(tab)


def check(tab: Any) -> None:
    results = Axe().run(tab, options=AXE)
    assert results.violations_count == 0, results.generate_report()
    small = tab.evaluate(
        """least => [...document.querySelectorAll('a, button, summary, select, input:not([type=hidden])')]
        .filter(part => !part.matches('.skip'))
        .map(part => [part.textContent.trim(), part.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0 && Math.min(box.width, box.height) < least).map(([text]) => text)""",
        SMALLEST_TARGET,
    )
    assert small == []
    assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("language", sorted(PATHS))
def test_everything_can_be_reached_by_keyboard_and_is_seen_to_be(browser: Any, site: Site, language: str) -> None:
    name = site.sign_in_name(f"keyboard-{language}")
    with window(browser, site, viewport=SCREENS["desktop"], bypass_csp=True) as tab:
        enter(tab, site, language, name)
        tab.goto(f"{site.address}/portal/{language}/data")
        reached = []
        for _ in range(60):
            tab.keyboard.press("Tab")
            focused = tab.evaluate(
                """() => { const part = document.activeElement; const style = getComputedStyle(part);
                return [part.tagName, part.textContent.trim().slice(0, 40), part.getBoundingClientRect().top,
                        style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2]; }"""
            )
            if focused[0] == "BODY":
                break
            reached.append(focused)
        say = wording(PATHS[language]).say
        assert reached[0][1] == say("page.skip")
        assert reached[0][2] >= 0
        assert all(is_seen for *_, is_seen in reached)
        texts = [text for _, text, *_ in reached]
        for code in ("page.brand", "page.nav.statement", "page.sign_out", "page.withdraw.open", "page.grant.submit"):
            assert say(code) in texts


@pytest.mark.parametrize("language", sorted(PATHS))
def test_hostile_names_are_shown_and_do_nothing(browser: Any, site: Site, language: str) -> None:
    name = site.sign_in_name(f"hostile-{language}", thin=True)
    with window(browser, site, viewport=SCREENS["desktop"], bypass_csp=True) as tab:
        enter(tab, site, language, name)
        title = tab.title()
        tab.get_by_text(wording(PATHS[language]).say("page.machines.title"), exact=True).click()
        assert tab.get_by_role("rowheader", name=HOSTILE_MACHINE).is_visible()
        keep(tab, f"{language}-thin")
        tab.goto(f"{site.address}/portal/{language}/data")
        assert "onload=alert(2)" in tab.locator("#choice").inner_text()
        assert tab.locator("svg[onload], img[onerror], script").count() == 0
        assert title.endswith("Millgrade")


def test_the_page_prints_with_its_tables_open(browser: Any, site: Site) -> None:
    name = site.sign_in_name("print")
    with window(browser, site, viewport={"width": 794, "height": 1123}) as tab:
        enter(tab, site, "zh", name)
        tab.emulate_media(media="print")
        assert tab.locator("#month-figures").is_visible()
        assert not tab.locator("nav.pages").is_visible()
        keep(tab, "zh-print")
        tab.pdf(path=ARTEFACTS / "zh-print.pdf", format="A4", print_background=True)
