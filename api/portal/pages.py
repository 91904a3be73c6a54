"""Pages from templates: every word from the catalogues, every value escaped."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from risk_reports.rendering.html import unbroken
from risk_reports.wording.catalogue import Language, wording

ROOT = "/portal"
PATHS = {"zh": Language.ZH, "en": Language.EN}
"""Languages by their part of a page's path."""

HTML_LANGUAGES = {Language.ZH: "zh-Hans", Language.EN: "en"}
ASSETS = {"portal.css": "text/css", "mark.svg": "image/svg+xml"}
"""Files beside the pages, with their types; there are no others."""


def render(template: str, language: Language, **values: Any) -> str:
    """The page of `template` in `language`; its address in both languages ends with `path`."""
    path = path_of(language)
    return (
        _environment()
        .get_template(template)
        .render(
            say=wording(language).say,
            language=path,
            html_language=HTML_LANGUAGES[language],
            html_languages={name: HTML_LANGUAGES[other] for name, other in PATHS.items()},
            here=f"{ROOT}/{path}",
            root=ROOT,
            asset=asset_address,
            **values,
        )
    )


def path_of(language: Language) -> str:
    """The language as part of a page's path."""
    return next(path for path, known in PATHS.items() if known is language)


def asset(name: str) -> bytes:
    """A file beside the pages."""
    return (files("api.portal") / "static" / name).read_bytes()


@cache
def asset_address(name: str) -> str:
    """Where a browser finds a file; another content has another address."""
    return f"{ROOT}/static/{name}?v={hashlib.sha256(asset(name)).hexdigest()[:12]}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("api.portal"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=unbroken,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Drawn by risk_reports.sme_charts from figures and catalogue words alone.
    environment.filters["drawing"] = Markup
    return environment
