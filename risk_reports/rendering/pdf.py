"""A document as PDF: typeset by typst from data alone, the same bytes for the same document."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from importlib.resources import as_file, files

import typst

from data_contracts.errors import MillgradeError
from risk_reports.document import Document
from risk_reports.wording.catalogue import Language

CHINESE_FONTS = ("Noto Sans CJK SC", "Noto Serif CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei")
LANGUAGES = {Language.ZH: ("zh", "cn"), Language.EN: ("en", "us")}


class ChineseFontMissing(MillgradeError):
    """No font with Chinese characters is installed: boxes are not printed in their place."""

    code = "chinese_font_missing"


@cache
def chinese_font() -> str | None:
    """The first installed font that draws Chinese, or None."""
    installed = set(typst.Fonts().families())
    return next((font for font in CHINESE_FONTS if font in installed), None)


def pdf(document: Document) -> bytes:
    """The document as tagged PDF (PDF/UA-1), on A4.

    Raises ChineseFontMissing where the document is Chinese and no font draws it.
    """
    font = chinese_font()
    if document.language is Language.ZH and font is None:
        raise ChineseFontMissing(
            "No font with Chinese characters is installed.",
            hint="Install fonts-noto-cjk, or print the document in English.",
        )
    language, region = LANGUAGES[document.language]
    body = {**asdict(document), "dated": document.dated.isoformat(), "year": document.dated.year}
    fonts = [font] if font else []
    data = {"document": body, "language": language, "region": region, "fonts": ["Libertinus Serif", *fonts]}
    with as_file(files("risk_reports.rendering") / "document.typ") as template:
        return bytes(
            typst.compile(
                template,
                format="pdf",
                sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
                pdf_standards=["ua-1"],
            )
        )
