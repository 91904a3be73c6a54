"""A document as a value: what is on paper, before anything is drawn. Every figure in it is a text that was made
once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from risk_reports.wording.catalogue import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of texts under a header; `figures` counts the columns at the right that hold figures."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    figures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A drawing as SVG, shown as an image (a script in it never runs), and what it shows in words for those who do not
    see it."""

    svg: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with paragraphs, points, pictures and a table, any of which may be missing."""

    heading: str
    paragraphs: Sequence[str] = ()
    points: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document of one language: title, a line below it, what must be read first, and sections.

    `dated` is the time that it speaks of; a rendering bears no other.
    """

    language: Language
    title: str
    subtitle: str
    notices: Sequence[str]
    sections: Sequence[Section]
    dated: datetime
    footer: str
