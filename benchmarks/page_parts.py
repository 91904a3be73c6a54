"""A page taken apart: its elements, the figures it shows, the words that stand in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

EMPTY = frozenset({"meta", "link", "input", "img", "br"})


@dataclass
class Element:
    """An element with its attributes and everything written in it, blanks that do not break as plain ones."""

    tag: str
    attributes: dict[str, str | None]
    within: tuple[str | None, ...]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Every element of a page in order; ids of the elements around each one."""

    html: str
    elements: list[Element] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self, convert_charrefs=True)
        self.feed(self.html)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), tuple(around.attributes.get("id") for around in self._open))
        self.elements.append(element)
        if tag not in EMPTY:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs), tuple(around.attributes.get("id") for around in self._open)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data.replace("\N{NO-BREAK SPACE}", " ")

    def all(self, tag: str, *, within: str | None = None) -> list[Element]:
        """Elements of a tag, those inside the element of an id."""
        return [item for item in self.elements if item.tag == tag and (within is None or within in item.within)]

    def figures(self, within: str | None = None) -> list[tuple[str | None, str]]:
        """Exact value and text of each figure."""
        return [(item.attributes["value"], item.text) for item in self.all("data", within=within)]
