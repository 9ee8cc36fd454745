"""A catalogue as an object: its folder, its store, its shapes and vocabularies."""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Triple

from ..errors import CatalogueError
from ..rdf import terms
from ..rdf.jsonld import Compactor
from ..rdf.terms import DCAT, DCT, RDF, VOID
from ..rdf.turtle import Block, TurtleWriter
from ..schema import ontology, vocabularies
from ..schema.catalog_records import CatalogRecords
from ..schema.fields import Shapes
from ..schema.lifecycle import Lifecycle, read_lifecycle
from ..schema.listed_records import CurrentVocabularies
from ..schema.ontology import Ontology
from ..schema.records import RecordReader
from ..schema.shapes.reader import read_shapes
from ..schema.text import Phrases, put_first, read_phrases
from ..schema.value_parser import ValueParser
from ..schema.vocabularies import Vocabularies
from ..storage.base import NodeCache, Store, cache_by_release
from ..storage.oxigraph import OxigraphStore
from . import documents as catalogue_documents
from .documents import Document, DocumentSet, UnreadableError
from .stored_queries import StoredQuery, read_stored_queries

HASH_SCHEME = "ni:///sha-256;"
"""The beginning of the IRIs of files by their hash (RFC 6920)."""
SOURCES_FOLDER = "sources"
"""The folder, in a catalogue's, of the tables that were imported, by their hash."""
WORK_FOLDER = ".practicegraph"
"""The folder, in a catalogue's, of what is derived from its files."""
_DIGEST_LENGTH = 16
_MAX_CACHED = 4096  # digests, labels, subjects
_DATASET = NamedNode(DCAT + "Catalog")
_URI_SPACE = VOID + "uriSpace"
_LICENCE = DCT + "license"


class NoCatalogueError(CatalogueError):
    """A folder that holds no catalogue."""


@dataclass(frozen=True)
class Catalogue:
    """A catalogue at the release of its store."""

    folder: Path
    store: Store
    base: str
    shapes: Shapes
    phrases: Phrases
    current: CurrentVocabularies
    prefixes: Mapping[str, str]
    stored_queries: Mapping[str, StoredQuery]
    unreadable: tuple[UnreadableError, ...] = ()
    """The errors of files that are not in the store as they are on disk."""

    @property
    def release(self) -> str:
        """Return the release of the data, or "" while the store holds no whole one."""
        return self.store.release()

    @property
    def name(self) -> str:
        """Return the last part of the base IRI, with which names of files begin."""
        return self.base.rstrip("/").rpartition("/")[2]

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the languages, the fallback first."""
        return self.shapes.languages

    @property
    def vocabularies(self) -> Vocabularies:
        """Return the vocabularies at the present release."""
        return self.current.read(self.store, self.shapes.listed_kinds)

    @property
    def reader(self) -> RecordReader:
        """Return the reader of records."""
        return self._reader(self.vocabularies)

    @cached_property
    def _reader(self) -> Callable[[Vocabularies], RecordReader]:
        labels = self.shapes.label_properties
        return lru_cache(maxsize=1)(lambda known: RecordReader(self.store, known, labels))

    @cached_property
    def ontology(self) -> Ontology:
        """Return what the ontology says of its terms."""
        return ontology.read_ontology(self.store)

    @cached_property
    def schema_classes(self) -> Callable[[str], Sequence[str]]:
        """Return a function of an IRI: the classes of schema.org that it has."""
        read = self.store.union
        types = self.ontology.types
        return cache_by_release(self.store, lambda i: types([*read(NamedNode(i))]), _MAX_CACHED)

    @property
    def lifecycle(self) -> Lifecycle:
        """Return what is merged or withdrawn at the present release."""
        return self._permanence(self.release)

    @cached_property
    def _permanence(self) -> Callable[[str], Lifecycle]:
        return lru_cache(maxsize=1)(lambda _release: read_lifecycle(self.store))

    @property
    def value_parser(self) -> ValueParser:
        """Return the parser of values in texts."""
        return self._value_parser(self.vocabularies)

    @cached_property
    def _value_parser(self) -> Callable[[Vocabularies], ValueParser]:
        return lru_cache(maxsize=1)(lambda known: ValueParser(self.shapes, known, self.phrases))

    @cached_property
    def writer(self) -> TurtleWriter:
        """Return the writer of Turtle, with properties in the order of the shapes."""
        kinds = [next(iter(self.shapes.kinds.values())), *self.shapes.node_shapes]
        fields = [field for kind in kinds for field in kind.fields]
        properties = dict.fromkeys(field.value_predicate for field in fields)
        return TurtleWriter(self.prefixes, self.languages, [name for name in properties if name])

    @cached_property
    def context(self) -> dict[str, object]:
        """Return the JSON-LD context of all documents; entries' keys come first."""
        kinds = (*self.shapes.kinds.values(), *self.shapes.node_shapes)
        return ontology.build_context(kinds, self.prefixes, self.ontology.labels)

    @cached_property
    def records(self) -> CatalogRecords:
        """Return the catalogue records of the entries, which have the licence of the catalogue."""
        values = self.store.values(NamedNode(self.base), _LICENCE)
        licence = next((value.value for value in values if isinstance(value, NamedNode)), None)
        return CatalogRecords(self.shapes.entry_shape, licence)

    @cached_property
    def compactor(self) -> Compactor:
        """Return the writer of JSON-LD."""
        return Compactor(self.context)

    @cached_property
    def label_triples(self) -> Callable[[str], Block]:
        """Return a function of an IRI: the labels of the concept, scheme or term, if it is one."""
        return cache_by_release(self.store, lambda iri: tuple(self._labels(iri)), _MAX_CACHED)

    def _labels(self, iri: str) -> Iterator[Triple]:
        labels = []
        if concept := self.vocabularies.concepts.get(iri):
            labels.append((terms.SKOS + "prefLabel", concept.labels))
        if scheme := self.vocabularies.schemes.get(iri):
            labels.append((terms.DCT + "title", scheme.titles))
        if texts := self.ontology.labels.get(iri):
            labels.append((ontology.LABEL, texts))
        for name, by_language in labels:
            for language, text in by_language.items():
                yield Triple(NamedNode(iri), NamedNode(name), Literal(text, language=language))

    @cached_property
    def is_subject(self) -> Callable[[str], bool]:
        """Return a function of an IRI: whether it is the subject of a triple."""
        return cache_by_release(self.store, self.store.is_subject, _MAX_CACHED)

    @cached_property
    def graph_digest(self) -> Callable[[str], str]:
        """Return a function of a named graph: its digest, or "" where there is no such graph.

        Entity tags begin with those of entries.
        """
        return cache_by_release(self.store, self._digest, _MAX_CACHED)

    def _digest(self, graph: str) -> str:
        triples = [quad.triple for quad in self.store.graph_quads(graph)]
        content = terms.canonical_n_triples(terms.write_n_triples(triples))
        return terms.content_hash(content)[:_DIGEST_LENGTH] if triples else ""

    def preferred_languages(self, language: str | None) -> tuple[str, ...]:
        """Return the languages, a requested one first; raise CatalogueError."""
        if language and language not in self.languages:
            raise CatalogueError(f"{language}: not one of {', '.join(self.languages)}")
        return put_first(language or self.languages[0], self.languages)

    def phrase(self, name: str, /, **words: object) -> str:
        """Return a phrase in the first language."""
        return self.phrases.format(name, self.languages, **words)

    def entry_iri(self, identifier: str) -> str:
        """Return the IRI of an entry."""
        return f"{self.base}{self.shapes.entry_shape.segment}/{identifier}"

    def path_of_iri(self, iri: str) -> Path:
        """Return the file in which the record of an IRI, of any kind, is or would be."""
        segment, _, identifier = iri.removeprefix(self.base).rpartition("/")
        kind = self.shapes.kinds.get(segment, self.shapes.entry_shape)
        return self.folder / "data" / kind.collection / f"{identifier}.ttl"

    def entry_path(self, identifier: str) -> Path:
        """Return the file in which an entry is or would be."""
        return self.path_of_iri(self.entry_iri(identifier))

    def source_file(self, digest: str) -> Path | None:
        """Return the table that an import read, by its SHA-256 in base64url; None if not kept."""
        with suppress(ValueError, OSError):  # OSError of a name that is too long
            name = base64.urlsafe_b64decode(digest + "=").hex()
            path = self.folder / SOURCES_FOLDER / f"{name}.csv"
            return path if path.is_file() else None
        return None

    def of_kind(self, segment: str) -> "Catalogue":
        """Return the catalogue with the records of a kind as its entries."""
        return replace(self, shapes=replace(self.shapes, segment=segment))


def open_store(root: Path, store: Store) -> Catalogue:
    """Open a catalogue whose store is in step with the folder, but for unreadable files."""
    queries = catalogue_documents.read_documents(
        catalogue_documents.list_files(root, catalogue_documents.FOLDERS[2:3])
    ).documents
    return replace(_catalogue(root, store, queries), prefixes=read_prefixes(root, queries))


def open_snapshot(root: Path, snapshot: Path, prefixes: Mapping[str, str]) -> Catalogue:
    """Open a snapshot of a release for reading; raise OSError."""
    catalogue = _catalogue(root, OxigraphStore.open_snapshot(snapshot), ())
    return replace(catalogue, prefixes=prefixes)


def read_prefixes(root: Path, documents: Iterable[Document] = ()) -> dict[str, str]:
    """Return the prefixes of the ontology and the shapes, then those of documents."""
    prefixes = dict[str, str]()
    for path in catalogue_documents.list_files(root, catalogue_documents.FOLDERS[:2]):
        with suppress(UnreadableError):
            prefixes = {**catalogue_documents.read_prefixes(path), **prefixes}
    return {**_prefixes(documents), **prefixes}


def open_in_memory(documents: Iterable[Document], root: Path) -> Catalogue:
    """Open documents as a catalogue in memory."""
    documents, store = list(documents), OxigraphStore()
    store.add(quad for document in documents for quad in document.quads)
    return _catalogue(root, store, documents)


def read_folder(root: Path, instead: Sequence[Path] = ()) -> DocumentSet:
    """Read the files of a folder; those of `instead` replace the ones on the same topics."""
    require_catalogue(root)
    replaced = {path.resolve() for path in instead}
    inside = catalogue_documents.read_documents(
        path for path in catalogue_documents.list_files(root) if path.resolve() not in replaced
    )
    others = catalogue_documents.read_documents(instead)
    joined = inside.with_others(others.documents)
    unreadable = (*inside.unreadable, *others.unreadable)
    ignored = catalogue_documents.list_ignored_files(root)
    return DocumentSet(joined.documents, unreadable, tuple(ignored))


def require_catalogue(root: Path) -> None:
    """Raise NoCatalogueError for a folder that holds no catalogue."""
    if not catalogue_documents.is_catalogue(root):
        raise NoCatalogueError(f"{root}: no catalogue; it has no folders ontology/ and shapes/")


def _catalogue(root: Path, store: Store, documents: Sequence[Document]) -> Catalogue:
    """Return a catalogue of a store, with the prefixes and the SPARQL of documents."""
    texts = {document.topics[0]: document.sparql for document in documents if document.sparql}
    nodes = NodeCache(store)
    return Catalogue(
        folder=root,
        store=store,
        base=_base(root, store),
        shapes=read_shapes(nodes),
        phrases=read_phrases(nodes),
        current=CurrentVocabularies(vocabularies.read_vocabularies(store)),
        prefixes=_prefixes(documents),
        stored_queries=read_stored_queries(nodes, texts),
    )


def _base(root: Path, store: Store) -> str:
    """Return the base IRI of a catalogue: its own IRI, which is its void:uriSpace."""
    spaces, datasets = store.subjects(_URI_SPACE), store.subjects(RDF + "type", _DATASET)
    nodes = [*([node for node in datasets if node in spaces] or spaces), *datasets]
    base = next((node.value for node in nodes if isinstance(node, NamedNode)), None)
    if base is None:
        raise NoCatalogueError(f"{root}: no dcat:Catalog says its void:uriSpace")
    return base


def _prefixes(documents: Iterable[Document]) -> dict[str, str]:
    prefixes: dict[str, str] = {}
    for document in documents:
        prefixes = {**document.prefixes, **prefixes}
    return prefixes
