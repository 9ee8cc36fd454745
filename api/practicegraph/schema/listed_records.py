"""The records to which fields refer, as lists of values beside the concepts of schemes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pyoxigraph import Literal, NamedNode

from ..rdf.terms import SKOS, as_text
from ..storage.base import Store
from .fields import NodeShape
from .lifecycle import Lifecycle, read_lifecycle
from .vocabularies import Concept, Scheme, Vocabularies, last_part

_RECORDS = """
SELECT ?record ?property ?name
WHERE {{
    ?record a {kind} ;
        ?property ?name .
    VALUES ?property {{ {names} }}
    FILTER (isIRI(?record) && isLiteral(?name))
}}
ORDER BY ?record ?property ?name
"""


@dataclass
class CurrentVocabularies:
    """The vocabularies of a store at its present release, at which records are read again."""

    latest: Vocabularies
    release: str | None = None

    def read(self, store: Store, kinds: Iterable[NodeShape]) -> Vocabularies:
        """Return the vocabularies, the same object until a record of one of the kinds changes."""
        if (release := store.release()) != self.release:
            lifecycle = read_lifecycle(store)
            records = {kind.classes[0]: _read(store, kind, lifecycle) for kind in kinds}
            if records != self.latest.records:
                self.latest = replace(self.latest, records=records)
            self.release = release
        return self.latest

    def keep(self, release: str) -> None:
        """Keep the records for a release that differs from the one before in others alone."""
        self.release = release


def _read(store: Store, kind: NodeShape, lifecycle: Lifecycle) -> Scheme:
    """Return the records of a kind as a scheme; a name is one in every language."""
    labels = [field.predicate for field in kind.fields_with_role("LabelRole") if field.predicate]
    names = dict.fromkeys([*labels, SKOS + "altLabel", SKOS + "hiddenLabel"])
    query = _RECORDS.format(
        kind=NamedNode(kind.classes[0]), names=" ".join(f"<{n}>" for n in names)
    )
    literals: dict[str, dict[str, list[Literal]]] = {}
    for row in store.select(query):
        by_name = literals.setdefault(as_text(row["record"]), {name: [] for name in names})
        assert isinstance(row["name"], Literal)
        by_name[as_text(row["property"])].append(row["name"])
    concepts: dict[bool, dict[str, Concept]] = {True: {}, False: {}}
    for iri, by_name in sorted(literals.items()):
        every = [literal for name in names for literal in by_name[name]]
        preferred = [literal for name in reversed(labels) for literal in reversed(by_name[name])]
        deprecation = lifecycle.get(iri)
        concepts[deprecation is None][last_part(iri)] = Concept(
            iri=iri,
            scheme=kind.classes[0],
            notation=last_part(iri),
            labels={literal.language or "": literal.value for literal in preferred},
            all_labels=tuple((tag, t.value) for t in every for tag in {t.language or "", ""}),
            broader=(),
            deprecation=deprecation,
        )
    return Scheme(kind.classes[0], kind.segment or "", kind.labels, concepts[True], concepts[False])
