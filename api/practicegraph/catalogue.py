"""A catalogue as the program knows it: its folder, its store, and what the shapes make of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path

from . import jsonld, ontology, pages, permanence, sights
from . import shapes as terms
from .admission import Admission
from .changes import Log
from .choosing import Choosing
from .claims import Claims
from .dataset import Dataset
from .endpoint import Endpoint
from .explanations import Explaining
from .extending import Extending
from .folder import UnreadableError
from .following import follow
from .index import Index
from .kinds import Shapes
from .neighbours import Neighbours
from .ontology import Ontology
from .permanence import Permanence
from .phrases import Phrases
from .questions import Question
from .readings import FactReader
from .reconciling import NamesOf, Reconciling
from .records import Reader
from .search import Defined
from .shapes import SKOS
from .shelf import Shelf
from .snapshots import Snapshots
from .states import States
from .store import Store
from .suggesting import Suggesting
from .text import preferring
from .things import Things
from .turtle import Writer
from .typed import Types
from .validation import Rules, turtle
from .values import Understanding
from .vocabularies import Vocabularies
from .wanted import small_words


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
    questions: Mapping[str, Question]
    source: Path | Endpoint | Snapshots | None = None
    log: Log | None = None
    index: Index | None = None
    left: tuple[UnreadableError, ...] = ()
    """Why files are not in the store as they are on disk."""

    @property
    def release(self) -> str:
        """Give the release of the data, or "" while the store holds no whole one."""
        return self.store.version()

    @property
    def name(self) -> str:
        """Give the last part of its address, such as names of files begin with."""
        return self.base.rstrip("/").rpartition("/")[2]

    @property
    def languages(self) -> tuple[str, ...]:
        """Give the languages, the fallback first."""
        return self.shapes.languages

    @cached_property
    def reader(self) -> Reader:
        """Give what reads records."""
        return Reader(self.store, self.vocabularies, self.shapes.labels)

    @cached_property
    def choosing(self) -> Choosing:
        """Give what reads the choices of a search."""
        return Choosing(self.shapes.record, self.vocabularies)

    @cached_property
    def defined(self) -> Defined:
        """Give what answers searches as they are defined, in SPARQL."""
        return Defined(self.store, self.shapes.record, self.vocabularies)

    @property
    def search(self) -> Index:
        """Give what answers searches, in step with the release if the store holds a whole one."""
        release, index = self.release, self._index
        if release != index.release:
            follow(index, release, self.log)
        return index

    @cached_property
    def _index(self) -> Index:
        index = self.index or self.indexed(Shelf())
        follow(index, self.release, self.log)
        return index

    def indexed(self, shelf: Shelf) -> Index:
        """Give the index that stands on a shelf, as it was when it was last in step."""
        reader = FactReader(self.store, self.shapes.record)
        small = small_words(self.phrases.of("smallWords"))
        return Index(reader, self.vocabularies, self.languages, shelf, small)

    @property
    def explaining(self) -> Explaining:
        """Give what explains the answers of searches."""
        return Explaining(self.search, self.shapes.record, self.vocabularies)

    @property
    def neighbours(self) -> Neighbours:
        """Give what tells which entries are near to one, and why."""
        return Neighbours(self.search, self.reader)

    @cached_property
    def states(self) -> States:
        """Give what tells the states of entries."""
        return States(self.store)

    @cached_property
    def types(self) -> Types:
        """Give the types and properties by which its things can be asked for."""
        return Types(self.shapes, self.vocabularies)

    @property
    def things(self) -> Things:
        """Give what knows its concepts and entries by their identifiers."""
        return Things(self.base, self.types, self.permanence, self.search)

    @property
    def reconciling(self) -> Reconciling:
        """Give what finds the things that names in other data may mean."""
        claims = Claims(self.things, self.store, self.languages)
        return Reconciling(claims.things, self._names, claims, self.reader)

    @property
    def suggesting(self) -> Suggesting:
        """Give what suggests things, types and properties by how their names begin."""
        return Suggesting(self.things, self._names, self.reader)

    @property
    def extending(self) -> Extending:
        """Give what gives the values of things for other data."""
        return Extending(self.things, self.reader)

    @cached_property
    def _names(self) -> NamesOf:
        return NamesOf(self.types)

    @cached_property
    def ontology(self) -> Ontology:
        """Give what the ontology says of its terms."""
        return ontology.read(self.store)

    @property
    def permanence(self) -> Permanence:
        """Give what is no longer current at its release."""
        return self._permanence(self.release)

    @cached_property
    def _permanence(self) -> Callable[[str], Permanence]:
        return lru_cache(maxsize=1)(lambda _release: permanence.read(self.store))

    @property
    def dataset(self) -> Dataset:
        """Give what is known of the catalogue as a whole at its release."""
        return self._dataset(self.release)

    @cached_property
    def _dataset(self) -> Callable[[str], Dataset]:
        concepts = self.shapes.kind_of([SKOS + "Concept"])
        kinds = (self.shapes.record, concepts) if concepts else (self.shapes.record,)
        return lru_cache(maxsize=1)(partial(Dataset, self.store, self.base, kinds, self.languages))

    @cached_property
    def understanding(self) -> Understanding:
        """Give what reads values out of a source's words."""
        return Understanding(self.shapes, self.vocabularies, self.phrases)

    @cached_property
    def rules(self) -> Rules:
        """Give the shapes as rules against which graphs are held."""
        return Rules(turtle(terms.triples(self.store)))

    @cached_property
    def admission(self) -> Admission:
        """Give what checks one document beside all that the store holds."""
        aimed = Rules(turtle(sights.aimed(terms.triples(self.store))))
        return Admission(
            self.store,
            aimed,
            self.shapes,
            self.phrases,
            self.vocabularies,
            self.base,
            self.home,
        )

    @cached_property
    def site(self) -> pages.Site:
        """Give how the source prints its pages."""
        return pages.site(self.store)

    @cached_property
    def writer(self) -> Writer:
        """Give what writes Turtle: the fields of all kinds in their order, entries' first."""
        kinds = [self.shapes.record, *self.shapes.kinds]
        properties = dict.fromkeys(field.predicate for kind in kinds for field in kind.fields)
        return Writer(self.prefixes, self.languages, [name for name in properties if name])

    @cached_property
    def context(self) -> dict[str, object]:
        """Give the JSON-LD context of all documents; entries' keys come first."""
        kinds = (self.shapes.record, *self.shapes.kinds)
        return jsonld.context(kinds, self.prefixes, self.ontology.labels)

    def preferring(self, language: str | None) -> tuple[str, ...]:
        """Give the languages, a wished one first; raises UnknownLanguageError."""
        if language and language not in self.languages:
            raise UnknownLanguageError(f"{language}: not one of {', '.join(self.languages)}")
        return preferring(language or self.languages[0], self.languages)

    def say(self, name: str, /, **words: object) -> str:
        """Give a phrase in the first language."""
        return self.phrases.say(name, self.languages, **words)

    def entry(self, identifier: str) -> str:
        """Give the IRI of an entry."""
        return f"{self.base}{self.shapes.record.segment}/{identifier}"

    def home(self, entry: str) -> Path:
        """Give the file in which the entry of an IRI stands or would stand."""
        return self.path_of(entry.rpartition("/")[2])

    def path_of(self, identifier: str) -> Path:
        """Give the file in which an entry stands or would stand."""
        return self.folder / "data" / f"{self.shapes.record.segment}s" / f"{identifier}.ttl"
