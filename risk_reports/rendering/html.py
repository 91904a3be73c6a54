"""A document as one HTML page without scripts or outside files, that reads and prints as it is."""

from __future__ import annotations

from base64 import b64encode
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from risk_reports.document import Document
from risk_reports.wording.catalogue import Language

LANGUAGES = {Language.ZH: "zh-CN", Language.EN: "en"}


def html(document: Document) -> bytes:
    """The page in UTF-8. Texts are escaped."""
    return _template().render(paper=document, language=LANGUAGES[document.language]).encode()


def unbroken(value: object) -> object:
    """A text in which a percent sign stays on the line of its figure; other values as they are."""
    return value.replace(" %", "\N{NO-BREAK SPACE}%") if isinstance(value, str) else value


@cache
def _template() -> Template:
    loader = PackageLoader("risk_reports", "rendering")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, finalize=unbroken)
    environment.filters["encoded"] = lambda text: b64encode(text.encode()).decode()
    return environment.get_template("document.html")
