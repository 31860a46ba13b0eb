# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTML page as a test reads it: every element with its attributes and text, and every tag that is not closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "col", "meta", "rect"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for one in self.children:
            if isinstance(one, str):
                yield one
            else:
                yield " "
                yield from one._texts()
                yield " "

    def all(self, *tags: str, **attributes: str) -> list[Element]:
        """The elements below with one of the tags (none: any) and these attributes; class_ has the class among others."""
        return [one for one in self.walk() if (not tags or one.tag in tags) and one.has(attributes)]

    def one(self, *tags: str, **attributes: str) -> Element:
        found = self.all(*tags, **attributes)
        assert len(found) == 1, f"{len(found)} elements {tags} {attributes}"
        return found[0]

    def has(self, attributes: dict[str, str]) -> bool:
        classes = self.attributes.get("class", "").split()
        return all(
            value in classes if name == "class_" else self.attributes.get(name) == value
            for name, value in attributes.items()
        )

    def walk(self) -> Iterator[Element]:
        for one in self.children:
            if isinstance(one, Element):
                yield one
                yield from one.walk()


class Page(HTMLParser):
    """The root of a page. Raises an AssertionError where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]
        self.feed(text)
        self.close()
        assert len(self.open) == 1, f"not closed: {[one.tag for one in self.open[1:]]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), f"an attribute twice on {tag}: {attrs}"
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}> at {self.getpos()}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def table(section: Element) -> list[list[str]]:
    """The cells of the bodies of a section's tables."""
    return [
        [cell.text for cell in row.children if isinstance(cell, Element)]
        for body in section.all("tbody")
        for row in body.all("tr")
    ]
