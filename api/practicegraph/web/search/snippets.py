"""Snippets of the entries in which a text search found its words, with highlights."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ...schema.records import Record
from ...search.engine import SearchResult
from ...search.request import SearchRequest
from ...search.text.highlighting import Highlighter, Snippet
from ..context import View
from .facets import field_label


class TextRun(NamedTuple):
    """A part of a snippet, highlighted or not."""

    text: str
    is_highlighted: bool


@dataclass(frozen=True)
class PageSnippet:
    """A snippet as a page shows it; the language is "" where it is the page's."""

    label: str
    role: str
    language: str
    runs: tuple[TextRun, ...]


@dataclass(frozen=True)
class SearchSnippets:
    """Finds the snippets of entries; a search without words has none."""

    view: View
    search_request: SearchRequest

    def for_page(self, record: Record) -> list[PageSnippet]:
        """Return the snippets of an entry, without its title, which the page shows anyway."""
        return [
            PageSnippet(
                field_label(self.view, snippet.field),
                snippet.field.role,
                "" if snippet.language == self.view.language else snippet.language or "",
                tuple(_runs(snippet)),
            )
            for snippet in self._snippets(record)
            if snippet.field.role != "LabelRole"
        ]

    def for_json(self, record: Record) -> list[dict[str, Any]]:
        """Return the snippets of an entry; highlights are pairs of start and end, in characters."""
        return [
            {"field": snippet.field.key, "text": snippet.text, "highlights": snippet.highlights}
            | ({"language": snippet.language} if snippet.language else {})
            for snippet in self._snippets(record)
        ]

    def _snippets(self, record: Record) -> list[Snippet]:
        return self._highlighter.snippets(record) if self._highlighter else []

    @cached_property
    def _highlighter(self) -> Highlighter | None:
        words, languages = self.search_request.query, self.view.languages
        return self.view.services.search.highlighter(words, languages) if words.strip() else None


def suggest_words(view: View, search_request: SearchRequest, result: SearchResult) -> str | None:
    """Return words near to those of a search that found nothing, or None."""
    if result.total or not search_request.query.strip():
        return None
    return view.services.search.suggest(search_request.query)


def _runs(snippet: Snippet) -> Iterator[TextRun]:
    end = 0
    for start, stop in snippet.highlights:
        yield TextRun(snippet.text[end:start], False)
        yield TextRun(snippet.text[start:stop], True)
        end = stop
    yield TextRun(snippet.text[end:], False)
