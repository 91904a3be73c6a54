"""The manufacturer's page as a browser shows it, after a sign-in by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.portal.pages import PATHS
from benchmarks.chromium import launched
from benchmarks.three_doors.doors import Doors

WIDTH = 1000
MARGIN = 30
LARGEST_BYTES = 400_000
"""Of a page with as many reasons as there can be: four against, two in favour."""


def take_pictures(url: str, doors: Doors, folder: Path) -> None:
    """Write `page-<language>.png`: the page from its top to the end of its reasons."""
    folder.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        for language in PATHS:
            context = browser.new_context(viewport={"width": WIDTH, "height": WIDTH}, device_scale_factor=1)
            _photograph(context.new_page(), f"{url}/portal/{language}", doors, folder / f"page-{language}.png")
            context.close()


def _photograph(tab: Any, address: str, doors: Doors, target: Path) -> None:
    tab.goto(f"{address}/sign-in")
    tab.fill("#name", doors.sign_in_name)
    tab.fill("#password", doors.password)
    tab.press("#password", "Enter")
    tab.wait_for_url(f"{address}/")
    end = tab.locator("section[aria-labelledby=reasons]").bounding_box()
    height = end["y"] + end["height"] + MARGIN
    tab.screenshot(path=target, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
    assert target.stat().st_size < LARGEST_BYTES, f"{target} is too large for the repository"
