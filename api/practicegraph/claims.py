"""What is said of the things that are sought beside their names: values of properties."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

from pyoxigraph import Literal, NamedNode

from .choices import Choices
from .kinds import Field
from .naming import EXACT, form, likeness
from .records import Record
from .store import Store, Term
from .things import Things
from .typed import Property, Type

_MOST = 1000


@dataclass(frozen=True)
class Claim:
    """A property, and the values of which a thing has at least one: texts and identifiers."""

    property: Property
    values: tuple[str, ...]


@dataclass(frozen=True)
class Claims:
    """Holds claims against things, and finds the things for which they hold."""

    things: Things
    store: Store
    languages: tuple[str, ...]

    def likeness(self, claim: Claim, record: Record) -> float:
        """Give how well a claim holds for a thing, from 0 to 100."""
        field = record.kind.by_key.get(claim.property.key)
        held = record.values.get(claim.property.key, ()) if field else ()
        if field is None or not held:
            return 0.0
        if field.scheme:
            meant = set().union(*(self._concepts(field, text) for text in claim.values))
            iris = (term.value for term in held if isinstance(term, NamedNode))
            return 0.0 if meant.isdisjoint(iris) else EXACT
        return max(self._likeness(field, term, text) for term in held for text in claim.values)

    def found(self, claims: Sequence[Claim], wanted: Type) -> set[str]:
        """Give things of a type, entries or all concepts, for which claims hold.

        Up to 1,000 are known for a claim. Dates and numbers narrow only where nothing else does.
        """
        fields = [(wanted.kind.by_key.get(claim.property.key), claim) for claim in claims]
        known = [(field, claim) for field, claim in fields if field]
        if not known or len(known) < len(claims):
            return set()
        telling = [(field, claim) for field, claim in known if not field.ordered] or known
        return set.intersection(*(self._subjects(field, claim) for field, claim in telling))

    def _subjects(self, field: Field, claim: Claim) -> set[str]:
        facets = self.things.types.entries.kind.facets
        if field in facets and field.scheme:
            return self._entries(field, claim)
        terms = [term for text in claim.values for term in self._terms(field, text)]
        predicate = NamedNode(field.predicate) if field.predicate else None
        quads = (q for t in terms if predicate for q in self.store.quads(None, predicate, t))
        subjects = (quad.subject for quad in islice(quads, _MOST))
        return {subject.value for subject in subjects if isinstance(subject, NamedNode)}

    def _entries(self, field: Field, claim: Claim) -> set[str]:
        iris = set().union(*(self._concepts(field, text) for text in claim.values))
        if not iris:
            return set()
        chosen = {field.key: tuple(map(NamedNode, sorted(iris)))}
        choices = Choices(chosen=chosen, size=_MOST)
        return set(self.things.index.answer(choices, self.languages).entries)

    def _concepts(self, field: Field, text: str) -> frozenset[str]:
        """Give the concepts that a text means for a field, with all that count for them."""
        return self._known(field.scheme or "", text)

    @cached_property
    def _known(self) -> Callable[[str, str], frozenset[str]]:
        """Give what looks concepts up; the same few values are sought again and again."""
        return lru_cache(_MOST)(self._looked_up)

    def _looked_up(self, iri: str, text: str) -> frozenset[str]:
        scheme = self.things.vocabularies.scheme(iri)
        found = scheme.meant.get(self.things.meant(text) or text)
        concepts = [found] if found else scheme.called(text, self.languages)
        return frozenset(lower for concept in concepts for lower in scheme.within(concept.iri))

    def _terms(self, field: Field, text: str) -> Iterator[Term]:
        if field.scheme:
            yield from map(NamedNode, self._concepts(field, text))
            return
        if meant := self.things.meant(text):
            yield NamedNode(meant)
        yield Literal(text)
        yield from (Literal(text, language=tag) for tag in self.languages)
        yield from (Literal(text, datatype=NamedNode(name)) for name in field.datatypes)

    def _likeness(self, field: Field, term: Term, text: str) -> float:
        if isinstance(term, Literal):
            if field.ordered and text and term.value.startswith(text):
                return EXACT
            names = [term.value]
        elif isinstance(term, NamedNode):
            if term.value in (text, self.things.meant(text)):
                return EXACT
            concept = self.things.vocabularies.concepts.get(term.value)
            names = [wording for _, wording in concept.wordings] if concept else []
        else:
            return 0.0
        found = likeness(form(text), map(form, names))
        return found.score if found else 0.0
