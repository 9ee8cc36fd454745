"""Pages of the log as Atom (RFC 4287), as pages and archives of a feed (RFC 5005).

Written with the standard library: of the packages for feeds, none knows archives.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from .links import Link

_ATOM = "http://www.w3.org/2005/Atom"
_HISTORY = "http://purl.org/syndication/history/1.0"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# What a literal may hold and XML may not (XML 1.0, section 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ElementTree.register_namespace("", _ATOM)
ElementTree.register_namespace("fh", _HISTORY)


@dataclass(frozen=True)
class Entry:
    """A change as a feed tells it: its lasting IRI, the moment in UTC (RFC 3339), its links."""

    iri: str
    title: str
    language: str
    moment: str
    summary: str
    category: str
    links: Sequence[Link]


@dataclass(frozen=True)
class Feed:
    """A feed or an archived page of it; the newest entries first."""

    iri: str
    title: str
    language: str
    moment: str
    authors: Sequence[str]
    archived: bool
    links: Sequence[Link]
    entries: Sequence[Entry]


def written(feed: Feed) -> bytes:
    """Give a feed as XML."""
    root = Element(_atom("feed"), {_LANG: feed.language})
    _text(root, "id", feed.iri)
    _text(root, "title", feed.title)
    _text(root, "updated", feed.moment)
    for name in feed.authors:
        _text(SubElement(root, _atom("author")), "name", name)
    if feed.archived:
        SubElement(root, f"{{{_HISTORY}}}archive")
    _link(root, feed.links)
    for entry in feed.entries:
        _entry(SubElement(root, _atom("entry")), entry)
    ElementTree.indent(root, "")
    content: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return content


def _entry(element: Element, entry: Entry) -> None:
    _text(element, "id", entry.iri)
    title = _text(element, "title", entry.title)
    if entry.language:
        title.set(_LANG, entry.language)
    _text(element, "updated", entry.moment)
    SubElement(element, _atom("category"), {"term": entry.category})
    _link(element, entry.links)
    _text(element, "summary", entry.summary)


def _link(element: Element, links: Sequence[Link]) -> None:
    for link in links:
        kind = {"type": link.type} if link.type else {}
        SubElement(element, _atom("link"), {"rel": link.rel, **kind, "href": link.href})


def _text(element: Element, name: str, text: str) -> Element:
    found = SubElement(element, _atom(name))
    found.text = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
    return found


def _atom(name: str) -> str:
    return f"{{{_ATOM}}}{name}"
