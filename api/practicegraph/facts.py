"""What a search needs to know of entries: made of what is said of them, a batch at a time.

Statements come from the store, or from the files that it was filled from (`passing`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from sys import intern

from pyoxigraph import Literal, NamedNode

from .analysis import Written, written
from .kinds import Field, Kind
from .permanence import DEPRECATED
from .spans import scale
from .store import RDF, Store, Term, plain

Said = Mapping[str, set[Term]]
"""What is said of a thing: values by property, or by the IRI of a field of a longer path."""


_NONE: set[Term] = set()


@dataclass(frozen=True)
class Facts:
    """An entry: its values by facet or searched list, its texts, and what it is sorted by.

    `titles` are in lower case by language; `keys` are the least texts of fields with one value;
    `spans` are the ends of dates and numbers, the last one infinite where a span is open; `steps`
    the years, or whole numbers, at which a span begins and ends by its values. `texts` are those
    in which words are looked for.
    """

    iri: str
    values: Mapping[str, frozenset[str]]
    titles: Mapping[str, str]
    keys: Mapping[str, str]
    spans: Mapping[str, tuple[float, float]]
    steps: Mapping[str, tuple[int, int]]
    texts: tuple[Written, ...]


@dataclass(frozen=True)
class FactReader:
    """Reads facts of the entries of one kind out of the store."""

    store: Store
    kind: Kind

    @cached_property
    def finder(self) -> "FactFinder":
        """Give what makes facts of statements."""
        return FactFinder(self.kind)

    def has_more_than(self, count: int) -> bool:
        """Tell whether there are more entries, current or not."""
        return (
            next(islice(self._with(f"a {NamedNode(self.kind.classes[0])}"), count, None), None)
            is not None
        )

    def entries(self) -> list[str]:
        """Give the IRIs of all current entries in order."""
        found = set(self._with(f"a {NamedNode(self.kind.classes[0])}"))
        return sorted(found.difference(self._with(f"{NamedNode(DEPRECATED)} true")))

    def _with(self, said: str) -> Iterator[str]:
        """Give the IRIs of which something is said; a million take seconds, asked for so simply."""
        for row in self.store.select(f"SELECT ?entry WHERE {{ ?entry {said} }}"):
            if isinstance(row["entry"], NamedNode):
                yield row["entry"].value

    def read(self, iris: Sequence[str]) -> Iterator[Facts]:
        """Give the facts of those of the IRIs that are current entries, in their order."""
        found: list[dict[str, set[Term]]] = [{} for _ in iris]
        for number, name, term in self._statements(iris):
            found[number].setdefault(name, set()).add(term)
        for iri, said in zip(iris, found, strict=True):
            if facts := self.finder.facts(iri, said):
                yield facts

    def _statements(self, iris: Sequence[str]) -> Iterator[tuple[int, str, Term]]:
        """Give what is said of each of the IRIs: its place, a property or the IRI of a field."""
        things = " ".join(f"({NamedNode(iri)} {place})" for place, iri in enumerate(iris))
        listed = f"VALUES (?entry ?place) {{ {things} }}"
        properties = self.finder.properties
        names = " ".join(f"({NamedNode(name)} {n})" for n, name in enumerate(properties))
        said = f"SELECT ?place ?property ?value WHERE {{ {listed} ?entry ?property ?value }}"
        wished = f"VALUES (?property ?name) {{ {names} }}"
        query = f"SELECT ?place ?name ?value WHERE {{ {{ {said} }} {wished} }}"
        for row in self.store.select(query):
            yield int(plain(row["place"])), properties[int(plain(row["name"]))], row["value"]
        for field in self.finder.paths:
            query = f"SELECT ?place ?value WHERE {{ {listed} ?entry {field.path} ?value }}"
            for row in self.store.select(query):
                yield int(plain(row["place"])), field.iri, row["value"]


@dataclass(frozen=True)
class FactFinder:
    """Makes facts of what is said of entries of one kind."""

    kind: Kind

    def facts(self, iri: str, said: Said) -> Facts | None:
        """Give the facts of a thing, or None if it is no current entry."""
        return self._facts(iri, said) if self._is_current(said) else None

    @cached_property
    def properties(self) -> list[str]:
        """Give the properties of which anything is to be known.

        The store gives them as numbers, since it looks each IRI that it gives up in its files.
        """
        fields = [
            *self._listed,
            *self._ordered,
            *self.kind.single,
            *self.kind.with_role("LabelRole"),
        ]
        fields += self._searched
        marks = [field.open_where for field in fields if field.open_where]
        names = [name for field in fields for name in field.predicates]
        return list(dict.fromkeys([RDF + "type", DEPRECATED, *names, *marks]))

    @cached_property
    def paths(self) -> list[Field]:
        """Give the fields whose values stand further away than a property of the entry."""
        return [field for field in self._fields if not field.predicates]

    @cached_property
    def _fields(self) -> list[Field]:
        return [*self.kind.fields, *self.kind.spans]

    @cached_property
    def _listed(self) -> list[Field]:
        return [f for f in self._fields if f.chosen and (f.facet or f.searched)]

    @cached_property
    def _ordered(self) -> list[Field]:
        return [f for f in self.kind.facets if f.ordered]

    @cached_property
    def _searched(self) -> list[Field]:
        return [field for field in self.kind.fields if field.searched]

    def _is_current(self, said: Said) -> bool:
        classes = {term.value for term in said.get(RDF + "type", ()) if isinstance(term, NamedNode)}
        withdrawn = any(
            isinstance(t, Literal) and t.value == "true" for t in said.get(DEPRECATED, ())
        )
        return self.kind.classes[0] in classes and not withdrawn

    def _facts(self, iri: str, said: Said) -> Facts:
        single = {f.key: list(_texts(f, said)) for f in self.kind.single}
        ends = {f.key: (f, _ends(f, said)) for f in self._ordered}
        spans = {key: (field, found) for key, (field, found) in ends.items() if found}
        return Facts(
            iri=iri,
            values={
                f.key: found
                for f in self._listed
                if (found := frozenset(map(intern, _texts(f, said))))
            },
            titles=self._titles(said),
            keys={key: min(texts) for key, texts in single.items() if texts},
            spans={
                key: (found[0], _end(field, found[1], said))
                for key, (field, found) in spans.items()
            },
            steps={
                key: (scale(field).step(found[0]), scale(field).step(found[1]))
                for key, (field, found) in spans.items()
            },
            texts=tuple(written((f, _sorted(_terms(f, said))) for f in self._searched)),
        )

    def _titles(self, said: Said) -> dict[str, str]:
        found: dict[str, str] = {}
        for field in self.kind.with_role("LabelRole"):
            for term in _terms(field, said):
                if isinstance(term, Literal) and term.language:
                    text = term.value.lower()
                    found[term.language] = min(text, found.get(term.language, text))
        return found


def _terms(field: Field, said: Said) -> set[Term]:
    names = field.predicates or (field.iri,)
    if len(names) == 1:
        return said.get(names[0], _NONE)
    return set().union(*(said[name] for name in names if name in said))


def _sorted(terms: set[Term]) -> Iterable[Term]:
    return sorted(terms, key=str) if len(terms) > 1 else terms


def _texts(field: Field, said: Said) -> Iterator[str]:
    """Give the IRIs and texts that a field holds."""
    return (t.value for t in _terms(field, said) if isinstance(t, NamedNode | Literal))


def _ends(field: Field, said: Said) -> tuple[float, float] | None:
    order = scale(field)
    texts = [
        t.value for t in _terms(field, said) if isinstance(t, Literal) and order.reads(t.value[:10])
    ]
    if not texts:
        return None
    return min(map(order.low, texts)), max(map(order.high, texts))


def _end(field: Field, last: float, said: Said) -> float:
    marks = said.get(field.open_where or "", ())
    is_open = any(isinstance(t, Literal) and t.value == "true" for t in marks)
    return float("inf") if is_open else last
