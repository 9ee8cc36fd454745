"""The services of a catalogue: what searches it, validates edits and answers about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path

from ..catalogue.catalogue import Catalogue
from ..catalogue.change_log import ChangeLog
from ..rdf.terms import SKOS
from ..reconciliation.candidates import PropertyMatcher, Reconciler
from ..reconciliation.entities import Entities, Types
from ..reconciliation.extension import DataExtender, Suggester
from ..reporting.dataset import Dataset
from ..schema.vocabularies import Vocabularies
from ..search.engine import Explainer, SimilarityFinder
from ..search.entries import EntryReader
from ..search.index import Index, try_synchronise
from ..search.index_data import IndexFile
from ..search.request import RequestParser
from ..search.text.tokenizer import parse_stop_words
from ..storage.oxigraph import Snapshots
from ..storage.remote import Endpoint
from ..validation.incremental import IncrementalValidator


@dataclass(frozen=True)
class Services:
    """The services of a catalogue, each made when it is first needed.

    `source` is where processes beside this one read the store, `log` its change log, `indexes` the
    search indexes that are kept on disk, by the segment of their kind of records.
    """

    catalogue: Catalogue
    source: Path | Endpoint | Snapshots | None = None
    log: ChangeLog | None = None
    indexes: Mapping[str, Index] = field(default_factory=dict)
    _of_kinds: dict[str, "Services"] = field(default_factory=dict, init=False, repr=False)

    def of_kind(self, segment: str) -> "Services":
        """Return the services whose entries are the records of a kind."""
        if segment == self._segment:
            return self
        if segment not in self._of_kinds:
            self._of_kinds[segment] = replace(self, catalogue=self.catalogue.of_kind(segment))
        return self._of_kinds[segment]

    @property
    def of_kinds(self) -> list["Services"]:
        """Return the services of each kind of records, in their order."""
        return [self.of_kind(segment) for segment in self.catalogue.shapes.kinds]

    @property
    def index(self) -> Index | None:
        """Return the search index that is kept on disk, if there is one."""
        return self.indexes.get(self._segment)

    @property
    def _segment(self) -> str:
        return self.catalogue.shapes.entry_shape.segment or ""

    @property
    def search(self) -> Index:
        """Return the search index, in step with the release if the store holds a whole one."""
        release, index = self.catalogue.release, self._index
        index.use(self.catalogue.vocabularies)
        if release != index.release:
            try_synchronise(index, release, self.log)
        return index

    def modified(self, release: str) -> datetime | None:
        """Return the first second after the change that led to a release, or to the program.

        None where the log does not have that change, and in the same second, in which another one
        may follow (RFC 9110, section 8.8.2.2).
        """
        moment = self.log.moment_of(release) if self.log and release else None
        if moment is None:
            return None
        second = max(moment, _program_date()).replace(microsecond=0) + timedelta(seconds=1)
        return second if second <= datetime.now(UTC) else None

    @cached_property
    def _index(self) -> Index:
        index = self.index or index_of(self.catalogue, IndexFile())
        try_synchronise(index, self.catalogue.release, self.log)
        return index

    @property
    def request_parser(self) -> RequestParser:
        """Return the parser of search requests."""
        return self._request_parser(self.catalogue.vocabularies)

    @cached_property
    def _request_parser(self) -> Callable[[Vocabularies], RequestParser]:
        return lru_cache(maxsize=1)(partial(RequestParser, self.catalogue.shapes.entry_shape))

    @property
    def explainer(self) -> Explainer:
        """Return what explains the numbers of an answer by their SPARQL."""
        return Explainer(
            self.search, self.catalogue.shapes.entry_shape, self.catalogue.vocabularies
        )

    @property
    def similarity(self) -> SimilarityFinder:
        """Return what finds entries similar to one."""
        return SimilarityFinder(self.search, self.catalogue.reader)

    @cached_property
    def validator(self) -> IncrementalValidator:
        """Return the validator of one changed document beside the store."""
        return IncrementalValidator.build(self.catalogue)

    @property
    def types(self) -> Types:
        """Return the types and properties of reconciliation."""
        return self._types(self.catalogue.vocabularies)

    @cached_property
    def _types(self) -> Callable[[Vocabularies], Types]:
        return lru_cache(maxsize=1)(partial(Types, self.catalogue.shapes))

    @property
    def entities(self) -> Entities:
        """Return the entities of reconciliation."""
        catalogue = self.catalogue
        return Entities(catalogue.base, self.types, catalogue.lifecycle, self.search)

    @property
    def reconciler(self) -> Reconciler:
        """Return what finds reconciliation candidates."""
        entities, reader = self.entities, self.catalogue.reader
        matcher = PropertyMatcher(entities, reader, self.catalogue.languages)
        return Reconciler(matcher, entities, reader)

    @property
    def suggester(self) -> Suggester:
        """Return what suggests entities, types and properties by a prefix of their names."""
        return Suggester(self.entities, self.catalogue.reader)

    @property
    def data_extender(self) -> DataExtender:
        """Return the data extension of reconciliation."""
        return DataExtender(self.entities, self.catalogue.reader)

    @property
    def dataset(self) -> Dataset:
        """Return the dataset description of the present release."""
        return self._dataset(self.catalogue.release)

    @cached_property
    def _dataset(self) -> Callable[[str], Dataset]:
        catalogue = self.catalogue
        concepts = catalogue.shapes.find_node_shape([SKOS + "Concept"])
        records = catalogue.shapes.kinds.values()
        kinds = (*records, concepts) if concepts else (*records,)
        targets = catalogue.vocabularies.targets
        described = partial(
            Dataset, catalogue.store, catalogue.base, kinds, targets, catalogue.languages
        )
        return lru_cache(maxsize=1)(described)


@cache
def _program_date() -> datetime:
    files = Path(__file__).parents[1].rglob("*.*")
    return datetime.fromtimestamp(max(path.stat().st_mtime for path in files), UTC)


def index_of(catalogue: Catalogue, file: IndexFile) -> Index:
    """Return the search index that a file holds, at the release at which it was last written."""
    reader = EntryReader(catalogue.store, catalogue.shapes.entry_shape, catalogue.languages)
    stop_words = parse_stop_words(catalogue.phrases.labels["stopWords"])
    compounding = catalogue.shapes.compounding_languages
    return Index(reader, catalogue.vocabularies, file, stop_words, compounding)
