"""A catalogue as the program knows it: its folder, its store, and what the shapes make of them.

What tells the state of an entry from others: a hash of its own graph, and of nothing else.

A folder opened as a catalogue: served, loaded into a store elsewhere, gathered, checked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from pyoxigraph import NamedNode

from ..rdf import terms
from ..rdf.namespaces import DCAT, RDF, VOID
from ..rdf.turtle import TurtleWriter
from ..schema import lifecycle, messages, ontology, shapes, vocabularies
from ..schema.fields import Shapes
from ..schema.lifecycle import Lifecycle
from ..schema.messages import Phrases
from ..schema.ontology import Ontology
from ..schema.records import RecordReader
from ..schema.text import put_first
from ..schema.value_parser import ValueParser
from ..schema.vocabularies import Vocabularies
from ..storage.base import ReleaseCache, Store
from ..storage.oxigraph import OxigraphStore
from . import documents as catalogue_documents
from .documents import Document, DocumentSet, UnreadableError
from .stored_queries import StoredQuery, read_stored_queries

_LENGTH = 16
_KEPT = 4096


@dataclass(frozen=True)
class GraphDigests:
    """The digests of named graphs in a store; entity tags begin with those of entries."""

    store: Store

    def digest(self, graph: str) -> str:
        """Return the digest of a graph, or "" where there is no such graph."""
        return self._recent.get_many(self.store.release(), [graph], self._read)[0]

    @cached_property
    def _recent(self) -> ReleaseCache[str, str]:
        return ReleaseCache(_KEPT)

    def _read(self, iris: Sequence[str]) -> list[str]:
        return [self._state(iri) for iri in iris]

    def _state(self, iri: str) -> str:
        triples = [quad.triple for quad in self.store.graph_quads(iri)]
        content = terms.canonical_n_triples(terms.write_n_triples(triples))
        return terms.content_hash(content)[:_LENGTH] if triples else ""


class UnknownLanguageError(ValueError):
    """A language that the catalogue does not have."""


@dataclass(frozen=True)
class Catalogue:
    """Everything that the program knows of a catalogue at one release."""

    folder: Path
    store: Store
    base: str
    shapes: Shapes
    phrases: Phrases
    vocabularies: Vocabularies
    prefixes: Mapping[str, str]
    stored_queries: Mapping[str, StoredQuery]
    unreadable: tuple[UnreadableError, ...] = ()
    """Why files are not in the store as they are on disk."""

    @property
    def release(self) -> str:
        """Give the release of the data, or "" while the store holds no whole one."""
        return self.store.release()

    @property
    def name(self) -> str:
        """Give the last part of its address, such as names of files begin with."""
        return self.base.rstrip("/").rpartition("/")[2]

    @property
    def languages(self) -> tuple[str, ...]:
        """Give the languages, the fallback first."""
        return self.shapes.languages

    @cached_property
    def reader(self) -> RecordReader:
        """Give what reads records."""
        return RecordReader(self.store, self.vocabularies, self.shapes.label_properties)

    @cached_property
    def ontology(self) -> Ontology:
        """Give what the ontology says of its terms."""
        return ontology.read_ontology(self.store)

    @property
    def lifecycle(self) -> Lifecycle:
        """Give what is no longer current at its release."""
        return self._permanence(self.release)

    @cached_property
    def _permanence(self) -> Callable[[str], Lifecycle]:
        return lru_cache(maxsize=1)(lambda _release: lifecycle.read_lifecycle(self.store))

    @cached_property
    def value_parser(self) -> ValueParser:
        """Give what reads values out of a source's words."""
        return ValueParser(self.shapes, self.vocabularies, self.phrases)

    @cached_property
    def writer(self) -> TurtleWriter:
        """Give what writes Turtle: the fields of all kinds in their order, entries' first."""
        kinds = [self.shapes.entry_shape, *self.shapes.node_shapes]
        properties = dict.fromkeys(field.predicate for kind in kinds for field in kind.fields)
        return TurtleWriter(self.prefixes, self.languages, [name for name in properties if name])

    @cached_property
    def context(self) -> dict[str, object]:
        """Give the JSON-LD context of all documents; entries' keys come first."""
        kinds = (self.shapes.entry_shape, *self.shapes.node_shapes)
        return ontology.build_context(kinds, self.prefixes, self.ontology.labels)

    def preferred_languages(self, language: str | None) -> tuple[str, ...]:
        """Give the languages, a wished one first; raises UnknownLanguageError."""
        if language and language not in self.languages:
            raise UnknownLanguageError(f"{language}: not one of {', '.join(self.languages)}")
        return put_first(language or self.languages[0], self.languages)

    def say(self, name: str, /, **words: object) -> str:
        """Give a phrase in the first language."""
        return self.phrases.format(name, self.languages, **words)

    def entry_iri(self, identifier: str) -> str:
        """Give the IRI of an entry."""
        return f"{self.base}{self.shapes.entry_shape.segment}/{identifier}"

    def path_of_iri(self, entry_iri: str) -> Path:
        """Give the file in which the entry of an IRI stands or would stand."""
        return self.entry_path(entry_iri.rpartition("/")[2])

    def entry_path(self, identifier: str) -> Path:
        """Give the file in which an entry stands or would stand."""
        return self.folder / "data" / f"{self.shapes.entry_shape.segment}s" / f"{identifier}.ttl"


WORK_FOLDER = ".practicegraph"
"""The folder, in a catalogue's, of all that is made of its files."""
_DATASET = NamedNode(DCAT + "Catalog")
_SPACE = VOID + "uriSpace"


class NoCatalogueError(ValueError):
    """A folder that holds no catalogue."""


def open_store(root: Path, store: Store) -> Catalogue:
    """Open a catalogue whose store is in step with the folder, but for what cannot be read."""
    documents = catalogue_documents.read_documents(
        catalogue_documents.list_files(root, catalogue_documents.FOLDERS[:3])
    ).documents
    return _catalogue(root, store, documents)


def open_snapshot(root: Path, snapshot: Path, prefixes: Mapping[str, str]) -> Catalogue:
    """Open a release to be read only, beside the service that has it; raises OSError."""
    opened = _catalogue(root, OxigraphStore.open_snapshot(snapshot), ())
    return replace(opened, prefixes=prefixes)


def read_prefixes(root: Path) -> dict[str, str]:
    """Give the prefixes of the ontology and the shapes; raises UnreadableError."""
    return _prefixes(
        catalogue_documents.read_document(path)
        for path in catalogue_documents.list_files(root, catalogue_documents.FOLDERS[:2])
    )


def open_in_memory(documents: Iterable[Document], root: Path) -> Catalogue:
    """Open the documents as a catalogue in memory."""
    listed = list(documents)
    store = OxigraphStore()
    store.add(quad for document in listed for quad in document.quads)
    return _catalogue(root, store, listed)


def read_folder(root: Path, instead: Sequence[Path] = ()) -> DocumentSet:
    """Read a folder's files; others given stand in the place of those on the same topic."""
    require_catalogue(root)
    given = {path.resolve() for path in instead}
    inside = catalogue_documents.read_documents(
        path for path in catalogue_documents.list_files(root) if path.resolve() not in given
    )
    others = catalogue_documents.read_documents(instead)
    joined = inside.with_others(others.documents)
    return DocumentSet(joined.documents, (*inside.unreadable, *others.unreadable))


def _catalogue(root: Path, store: Store, documents: Sequence[Document]) -> Catalogue:
    """Give a catalogue: what the store says, with prefixes and questions as the files have them."""
    return Catalogue(
        folder=root,
        store=store,
        base=_base(root, store),
        shapes=shapes.read_shapes(store),
        phrases=messages.read_phrases(store),
        vocabularies=vocabularies.read_vocabularies(store, lifecycle.read_lifecycle(store)),
        prefixes=_prefixes(documents),
        stored_queries=read_stored_queries(store, _texts(documents)),
    )


def _base(root: Path, store: Store) -> str:
    """Give what the addresses of a catalogue begin with: its own IRI, which it says to be that."""
    spaces = store.subjects(_SPACE)
    found = [node for node in store.subjects(RDF + "type", _DATASET) if node in spaces] or spaces
    found += store.subjects(RDF + "type", _DATASET)
    base = next((node.value for node in found if isinstance(node, NamedNode)), None)
    if base is None:
        raise NoCatalogueError(f"{root}: no dcat:Catalog says its void:uriSpace")
    return base


def _texts(documents: Iterable[Document]) -> dict[str, str]:
    return {document.topics[0]: document.sparql for document in documents if document.sparql}


def _prefixes(documents: Iterable[Document]) -> dict[str, str]:
    found: dict[str, str] = {}
    for document in documents:
        for prefix, namespace in document.prefixes.items():
            found.setdefault(prefix, namespace)
    return found


def require_catalogue(root: Path) -> None:
    """Raise NoCatalogueError for a folder that holds no catalogue."""
    if not catalogue_documents.is_catalogue(root):
        raise NoCatalogueError(f"{root}: no catalogue; it has no folders ontology/ and shapes/")
