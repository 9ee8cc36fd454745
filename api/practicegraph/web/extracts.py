"""What shows a reader why words found an entry, and which words may have been meant."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ..choices import Choices
from ..records import Record
from ..search import Answer
from ..snippets import Snippet, Snippets
from . import facets
from .views import View


class Part(NamedTuple):
    """A part of a text, marked where it is what was looked for."""

    text: str
    is_marked: bool


@dataclass(frozen=True)
class Extract:
    """A piece of a field's text in parts; the language where it is not the page's."""

    label: str
    role: str
    language: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Extracts:
    """Gives the pieces of entries in which a search found its words; without words, none."""

    view: View
    choices: Choices

    def of(self, record: Record) -> list[Extract]:
        """Give the pieces of an entry for a page, without titles, which stand there anyway."""
        return [
            Extract(
                facets.label(self.view, found.field),
                found.field.role,
                found.language if found.language and found.language != self.view.language else "",
                tuple(_parts(found)),
            )
            for found in self._found(record)
            if found.field.role != "LabelRole"
        ]

    def as_json(self, record: Record) -> dict[str, Any]:
        """Give the pieces of an entry as JSON; marks are where they begin and end, in letters."""
        shown = [
            {"field": found.field.key, "text": found.text, "marks": [*map(list, found.marks)]}
            | ({"language": found.language} if found.language else {})
            for found in self._found(record)
        ]
        return {"snippets": shown} if shown else {}

    def _found(self, record: Record) -> list[Snippet]:
        return self._snippets.of(record) if self._snippets else []

    @cached_property
    def _snippets(self) -> Snippets | None:
        words, languages = self.choices.words, self.view.languages
        return self.view.catalogue.search.snippets(words, languages) if words.strip() else None


def meant(view: View, choices: Choices, answer: Answer) -> str | None:
    """Give the words that may have been meant where those of a search find nothing."""
    if answer.total or not choices.words.strip():
        return None
    return view.catalogue.search.meant(choices.words)


def _parts(found: Snippet) -> Iterator[Part]:
    end = 0
    for start, stop in found.marks:
        yield Part(found.text[end:start], False)
        yield Part(found.text[start:stop], True)
        end = stop
    yield Part(found.text[end:], False)
