"""The result of a search as an Atom feed, the newest entries first (RFC 4287)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pyoxigraph import NamedNode

from ...schema.catalog_records import ISSUED, MODIFIED
from ...schema.fields import NodeShape
from ...schema.records import Record
from ...schema.text import replace_non_xml
from ...search.request import SearchRequest
from ..context import View
from ..http.negotiation import ATOM
from ..http.responses import Link

SIZE = 50
"""The entries of a page of a feed, where the request states no number."""
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class FeedEntry:
    """An entry of a feed: its texts with their languages, and the moments of its record."""

    iri: str
    href: str
    title: str
    language: str
    summary: str
    summary_language: str
    updated: str
    published: str


def newest_first(
    kind: NodeShape, search_request: SearchRequest, names: Sequence[str]
) -> SearchRequest:
    """Return a search for a feed: by the day of change, unless its parameters state an order."""
    days = (
        f"-{field.key}"
        for predicate in (MODIFIED, ISSUED)
        for field in kind.sortable_fields
        if field.value_predicate == predicate.value
    )
    sort = search_request.sort if "sort" in names else next(days, search_request.sort)
    return replace(search_request, sort=sort, size=search_request.size if "size" in names else SIZE)


def write_feed(
    view: View, records: Sequence[Record], title: str, links: Mapping[str, str], origin: str
) -> bytes:
    """Return a feed of records; its links are by relation, `origin` is where paths begin."""
    entries = [_entry(view, record, origin) for record in records]
    creators = [view.name(iri) for iri in view.services.dataset.creators]
    text = view.page(
        "feed.xml",
        iri=links["self"],
        title=title,
        updated=max((entry.updated for entry in entries), default=_EPOCH),
        authors=creators or [view.name(view.catalogue.base)],
        licence=view.services.dataset.licence,
        links=[Link(url, name, ATOM.name) for name, url in links.items()],
        entries=entries,
    )
    return replace_non_xml(text).encode()


def _entry(view: View, record: Record, origin: str) -> FeedEntry:
    title, language = record.text_with_role("LabelRole", view.languages)
    summary, summary_language = record.text_with_role("DescriptionRole", view.languages)
    published, changed = _moment(record, ISSUED), _moment(record, MODIFIED)
    updated = changed or published or _EPOCH
    texts = (title or record.iri, language, summary, summary_language)
    return FeedEntry(record.iri, origin + view.href(record.iri), *texts, updated, published)


def _moment(record: Record, predicate: NamedNode) -> str:
    """Return the first day of a property as a moment, or ""."""
    return next((f"{day}T00:00:00Z" for day in record.days(predicate)), "")
