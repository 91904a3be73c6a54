"""Documents as answers: PDF or HTML, in Chinese or English."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Literal

from fastapi import Query
from starlette.responses import Response

from risk_reports.document import Document
from risk_reports.rendering.html import html
from risk_reports.rendering.pdf import pdf
from risk_reports.wording.catalogue import Language


class PaperFormat(StrEnum):
    """How a document is rendered."""

    PDF = "pdf"
    HTML = "html"


Spoken = Annotated[Literal["zh", "en"], Query(description="Chinese or English.")]
Rendered = Annotated[PaperFormat, Query(alias="format", description="PDF (PDF/UA) or one HTML page.")]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
}
LANGUAGES = {"zh": Language.ZH, "en": Language.EN}
RENDERINGS: dict[PaperFormat, tuple[Callable[[Document], bytes], str]] = {
    PaperFormat.PDF: (pdf, "application/pdf"),
    PaperFormat.HTML: (html, "text/html; charset=utf-8"),
}


def paper(document: Document, rendered: PaperFormat) -> Response:
    """The document as it goes out, to be looked at and not run."""
    render, media_type = RENDERINGS[rendered]
    return Response(render(document), media_type=media_type, headers=HEADERS)
