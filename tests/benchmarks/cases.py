"""The cases of the benchmark of searches: kinds of requests with their right results.

No two requests of a case are the same in any round, so that no cache can answer them.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from pyoxigraph import Literal

from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.schema.fields import Field
from practicegraph.schema.records import Record
from practicegraph.search.engine import ContingencyTable, SearchEngine, SearchResult
from practicegraph.search.request import (
    COUNT,
    NOT,
    Cursor,
    RequestParser,
    SearchRequest,
    encode_cursor,
)
from practicegraph.search.text.tokenizer import FieldText, field_tier, split_words
from practicegraph.web.search.contingency import TABLE_AXES
from practicegraph.web.urls import COVERAGE

Parameters = tuple[tuple[str, str], ...]
MOST_FOUND = 1000
"""The entries matching a query that are listed in SPARQL."""
VARIANTS = 10
_SIZES = range(11, 31)
_READ, _CANDIDATES = 300, 3000
_LARGE = 3
_SEARCH = "/practices"


@dataclass(frozen=True)
class StoredQuery:
    """The parameters of a request, the right result, and the scores of its query if it has one."""

    parameters: Parameters
    right: SearchResult | ContingencyTable
    found: dict[str, int] | None = None

    @property
    def is_comparable(self) -> bool:
        """Return whether SPARQL can answer it: a query may not match too many entries."""
        return self.found is not None or "q" not in dict(self.parameters)

    def path(self, number: int) -> str:
        """Return the path of its request in a round."""
        route = COVERAGE if TABLE_AXES[0] in dict(self.parameters) else _SEARCH
        return f"{route}.json?{urlencode(sized(self.parameters, number))}"


@dataclass(frozen=True)
class Case:
    """Requests of one kind."""

    name: str
    questions: tuple[StoredQuery, ...]

    @property
    def is_comparable(self) -> bool:
        """Return whether SPARQL can answer any of them."""
        return any(question.is_comparable for question in self.questions)

    def paths(self, rounds: int) -> list[str]:
        """Return the paths of the requests of all rounds."""
        return [question.path(number) for number in range(rounds) for question in self.questions]


def of_folder(root: Path) -> list[Case]:
    """Return the cases for the catalogue in a folder."""
    return cases(startup.open_for_serving(root))


def cases(services: Services) -> list[Case]:
    """Return the cases for a catalogue."""
    asked = dict(_asked(services))
    return [
        Case(name, tuple(_question(services, parameters) for parameters in requests))
        for name, requests in asked.items()
    ]


def sized(parameters: Parameters, number: int) -> Parameters:
    """Return the parameters of a round, which has a page size of its own."""
    if "size" in dict(parameters):
        return parameters
    return (*parameters, ("size", str(_SIZES[number % len(_SIZES)])))


def ask(
    search: SearchEngine,
    choosing: RequestParser,
    choices: SearchRequest,
    parameters: Parameters,
    tags: Sequence[str],
) -> SearchResult | ContingencyTable:
    """Run a search, or count its entries by the two facets that the parameters name."""
    named = dict(parameters)
    if TABLE_AXES[0] not in named:
        return search.search(choices, tags)
    rows, columns = (choosing.kind.facets_by_key[named[axis]] for axis in TABLE_AXES)
    return search.cross_tabulate(rows, columns, choices)


def _question(services: Services, parameters: Parameters) -> StoredQuery:
    choices = services.request_parser.parse(parameters, TABLE_AXES)
    right = ask(
        services.search, services.request_parser, choices, parameters, services.catalogue.languages
    )
    if not choices.query:
        return StoredQuery(parameters, right)
    is_few = _total(services, choices.query) <= MOST_FOUND
    found = services.search.scores(choices.query) if is_few else None
    return StoredQuery(parameters, right, found)


def _asked(services: Services) -> Iterator[tuple[str, list[Parameters]]]:
    common, by_facet = _common(services), _by_facet(services)
    rare, frequent = _words(services)
    _large, *_ = facets = sorted(by_facet, key=lambda key: -len(by_facet[key]))
    yield "no choice", [()]
    sorts = [sort for sort in services.request_parser.sort_keys if not sort.endswith(COUNT)]
    yield "counts alone", [(("size", "0"), ("sort", sort)) for sort in sorts]
    yield "one common choice", [(pair,) for pair in common]
    yield "three mixed choices", [_mixed(by_facet, facets, n) for n in range(VARIANTS)]
    yield "rare word", [(("q", word),) for word in rare]
    yield "common word", [(("q", word),) for word in frequent]
    pairs = zip(frequent, common, strict=False)
    yield "a word and a choice", [(("q", word), pair) for word, pair in pairs]
    yield (
        "deep page",
        [(("sort", "title"), ("after", encode_cursor(cursor))) for cursor in _cursors(services)],
    )
    axes = [(a, b) for a in facets[:_LARGE] for b in facets[:_LARGE] if a != b]
    others = [pair for pair in common if pair[0] not in facets[:_LARGE]]
    yield (
        "coverage matrix",
        [
            (*zip(TABLE_AXES, pair, strict=True), *chosen)
            for pair in axes
            for chosen in ((), *((other,) for other in others[:2]))
        ],
    )


def _by_facet(services: Services) -> dict[str, list[str]]:
    """Return the codes of each facet with a list, the most frequent first."""
    found = {}
    for facet in services.request_parser.kind.facets_by_key.values():
        if facet.scheme in services.catalogue.vocabularies.records:
            continue  # most records are values of one entry
        if ranked := _ranked(services, facet):
            found[facet.key] = [value for _, value in ranked]
    return found


def _common(services: Services) -> list[tuple[str, str]]:
    """Return the most frequent values of all facets, each with its facet."""
    ranked = [
        (count, (facet.key, value))
        for facet in services.request_parser.kind.facets_by_key.values()
        for count, value in _ranked(services, facet)
    ]
    return [pair for _, pair in sorted(ranked, reverse=True)[:VARIANTS]]


def _ranked(services: Services, facet: Field) -> list[tuple[int, str]]:
    counts = services.search.counts(facet)
    options = services.request_parser.options[facet.key].items()
    counted = [(counts.get(term, 0), code) for code, term in options]
    return sorted([(count, code) for count, code in counted if count], reverse=True)


def _mixed(by_facet: dict[str, list[str]], facets: list[str], number: int) -> Parameters:
    """Return two values of a facet, one of another, and one of a third that is excluded."""
    first, second, third = facets[:3]

    def value(key: str, place: int) -> str:
        return by_facet[key][place % len(by_facet[key])]

    return (
        (first, value(first, number % 4)),
        (first, value(first, number % 4 + 1)),
        (second, value(second, number % 3)),
        (third + NOT, value(third, number + 1)),
    )


def _words(services: Services) -> tuple[list[str], list[str]]:
    """Return words of at most one entry in a thousand, and the most common ones."""
    words = {word.lower() for text in _texts(services) for word in split_words(text)}
    candidates = sorted(word for word in words if word.isalpha() and len(word) > 4)
    chosen = random.Random(1).sample(candidates, min(len(candidates), _CANDIDATES))
    whole = [f"{word} " for word in chosen]  # the blank says that a word is typed to its end
    totals = {word: total for word in whole if (total := _total(services, word))}
    every = _total(services)
    most = max(1, every // 1000)
    rare = sorted(totals, key=lambda word: (totals[word] > most, abs(totals[word] - most), word))
    common = sorted(
        (word for word in totals if totals[word] < every), key=lambda word: -totals[word]
    )
    return rare[:VARIANTS], common[:VARIANTS]


def record_texts(record: Record) -> list[FieldText]:
    """Return the texts of a record that are searched."""
    return [
        (field_tier(field), term.value, term.language)
        for field, terms in record.items()
        if field.is_searched and not field.scheme
        for term in terms
        if isinstance(term, Literal)
    ]


def _texts(services: Services) -> Iterator[str]:
    entries = services.search.file.iris(_spread(services, _READ, 0, 1))
    for record in services.catalogue.reader.read_records(
        services.catalogue.shapes.entry_shape, entries
    ):
        yield from (text for _, text, _ in record_texts(record))


def _cursors(services: Services) -> Iterator[Cursor]:
    """Yield cursors in the middle of the order by titles, of titles that Virtuoso can compare."""
    rows = map(services.search.file.row, _spread(services, 4 * VARIANTS, 0.4, 0.6))
    cursors = [Cursor(None, row.sort_texts[0][1], row.iri) for row in rows if row]
    ascii_cursors = [cursor for cursor in cursors if cursor.text.isascii()]
    yield from ascii_cursors[:: max(1, len(ascii_cursors) // VARIANTS)][:VARIANTS]


def _spread(services: Services, count: int, start: float, end: float) -> list[int]:
    """Return the numbers of entries at equal distances in a part of all."""
    total = _total(services)
    step = (end - start) * total / count
    return sorted({int(start * total + step * place) for place in range(count)})


def _total(services: Services, words: str = "") -> int:
    return services.search.search(
        SearchRequest(query=words, size=0), services.catalogue.languages
    ).total
