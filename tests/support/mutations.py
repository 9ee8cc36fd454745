"""Things of a catalogue with something wrong in them, drawn from the catalogue itself.

Nothing here knows the domain: values, properties, classes, datatypes and languages are those that
stand in the data or in the shapes, in places where they do not belong.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from practicegraph.rdf.terms import RDF, XSD, Term

_TYPE = NamedNode(RDF + "type")
_LANGUAGES = ("en", "en-gb", "pt", "el", "de")
_TEXTS = ("", " ", "x", "true", "1", "0", "-1", "1.0", "1e3", "2019", "2019-02", "2019-02-29")
_STRANGE = (
    "2020-02-30",
    "2019-13",
    "19-1-1",
    "2019Z",
    "2019-01-01+02:00",
    "0000",
    "-0044",
    "12019",
)
_MORE = (
    'a "quoted" word',
    "two\nlines",
    "a\\b",
    "ελληνικά",
    "e\u0301",
    "😀",
    "https://x",
    "a b",
    "é",
)
_IRIS = (
    "urn:x:nothing",
    "http://example.org/%C3%A9",
    "https://example.org/é",
    "mailto:a@example.org",
)

Said = list[Triple]
Change = Callable[[Said], Said]


@dataclass(frozen=True)
class Mutants:
    """Draws mutants of things, each given by its triples; `seed` makes them the same ones."""

    things: Sequence[Sequence[Quad]]
    context: Sequence[Quad]
    seed: int = 1

    def __iter__(self) -> Iterator[Said]:
        """Yield mutants without end, each with an address of its own."""
        number = 0
        while True:
            number += 1
            said = self._renamed(self._random.choice(self.things), number)
            for _ in range(self._random.choice((1, 1, 1, 2, 3))):
                said = self._random.choice(self._changes)(said)
            yield said

    @cached_property
    def _random(self) -> random.Random:
        return random.Random(self.seed)

    @cached_property
    def _changes(self) -> Sequence[Change]:
        return (
            self._dropped,
            self._emptied,
            self._doubled,
            self._with_value(self._any_value),
            self._with_value(self._other_text),
            self._with_value(self._other_datatype),
            self._with_value(self._other_language),
            self._with_value(lambda _: NamedNode(self._random.choice(_IRIS))),
            self._with_value(lambda _: BlankNode()),
            self._with_value(lambda value: Literal(str(value).strip("<>"))),
            self._with_foreign,
            self._reclassed,
            self._given,
        )

    @cached_property
    def _values(self) -> list[Term]:
        return list(dict.fromkeys(quad.object for quad in (*self._quads, *self.context)))

    @cached_property
    def _quads(self) -> list[Quad]:
        return [quad for thing in self.things for quad in thing]

    @cached_property
    def _properties(self) -> list[NamedNode]:
        return list(dict.fromkeys(quad.predicate for quad in (*self._quads, *self.context)))

    @cached_property
    def _classes(self) -> list[Term]:
        typed = (quad for quad in (*self._quads, *self.context) if quad.predicate == _TYPE)
        return list(dict.fromkeys(quad.object for quad in typed))

    @cached_property
    def _datatypes(self) -> list[NamedNode]:
        found = {value.datatype for value in self._values if isinstance(value, Literal)}
        names = ("integer", "decimal", "dateTime", "gYear", "gYearMonth", "date", "boolean", "time")
        return sorted(found | {NamedNode(XSD + name) for name in names}, key=str)

    def _renamed(self, thing: Sequence[Quad], number: int) -> Said:
        """Replace the IRI of an entry, and the identifier in its last part."""
        name = thing[0].subject
        assert isinstance(name, NamedNode)
        last, new = name.value.rpartition("/")[2], f"mutant-{number}"
        base = name.value.removesuffix(last)

        def renamed(term: Term) -> Term:
            if isinstance(term, NamedNode) and term.value.partition("#")[0] == name.value:
                return NamedNode(base + new + term.value.removeprefix(name.value))
            if isinstance(term, Literal) and term.value == last and not term.language:
                return Literal(new, datatype=term.datatype)
            return term

        return [_triple(renamed(q.subject), q.predicate, renamed(q.object)) for q in thing]

    def _dropped(self, said: Said) -> Said:
        chosen = self._random.choice(said)
        return [triple for triple in said if triple != chosen] or said

    def _emptied(self, said: Said) -> Said:
        chosen = self._random.choice(said).predicate
        return [triple for triple in said if triple.predicate != chosen] or said

    def _doubled(self, said: Said) -> Said:
        """Add to a property a value that another thing has there."""
        chosen = self._random.choice(said)
        values = [quad.object for quad in self._quads if quad.predicate == chosen.predicate]
        return [*said, _triple(chosen.subject, chosen.predicate, self._random.choice(values))]

    def _with_value(self, other: Callable[[Term], Term]) -> Change:
        def changed(said: Said) -> Said:
            chosen = self._random.choice(said)
            value = other(chosen.object)
            new = _triple(chosen.subject, chosen.predicate, value)
            return [new if triple == chosen else triple for triple in said]

        return changed

    def _any_value(self, _: Term) -> Term:
        return self._random.choice(self._values)

    def _other_text(self, value: Term) -> Term:
        text = self._random.choice((*_TEXTS, *_STRANGE, *_MORE))
        if not isinstance(value, Literal):
            return Literal(text)
        if value.language:
            return Literal(text, language=value.language)
        return Literal(text, datatype=value.datatype)

    def _other_datatype(self, value: Term) -> Term:
        datatypes = [name for name in self._datatypes if "lang" not in name.value.lower()]
        text = value.value if isinstance(value, Literal) else "1"
        return Literal(text, datatype=self._random.choice(datatypes))

    def _other_language(self, value: Term) -> Term:
        text = value.value if isinstance(value, Literal) else "x"
        language = self._random.choice((*_LANGUAGES, None))
        return Literal(text, language=language) if language else Literal(text)

    def _with_foreign(self, said: Said) -> Said:
        chosen, value = self._random.choice(said), self._random.choice(self._values)
        return [*said, _triple(chosen.subject, self._random.choice(self._properties), value)]

    def _reclassed(self, said: Said) -> Said:
        """Make it of another class, or of one more."""
        kept = said if self._random.random() < 0.5 else [t for t in said if t.predicate != _TYPE]
        return [*kept, _triple(said[0].subject, _TYPE, self._random.choice(self._classes))]

    def _given(self, said: Said) -> Said:
        """Add what another entry in the context has of some property."""
        chosen = self._random.choice(self.context or self._quads)
        return [*said, _triple(said[0].subject, chosen.predicate, chosen.object)]


def _triple(subject: object, predicate: NamedNode, value: Term) -> Triple:
    assert isinstance(subject, NamedNode | BlankNode)
    return Triple(subject, predicate, value)
