"""The dataset description in VoID and DCAT-AP 3, and the dumps as a page shows them.

https://semiceu.github.io/DCAT-AP/releases/3.0.0/

The description has what the files of the catalogue cannot state: URLs follow from the server, and
numbers, sizes and checksums from the data. The catalogue is its own dataset, with one IRI.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from babel.units import format_unit
from pyoxigraph import Literal, NamedNode, Quad, Triple

from ...application.services import Services
from ...catalogue.catalogue import Catalogue
from ...exchange.export import Dump, ReleaseDumps
from ...rdf.terms import DCAT, DCT, FOAF, PG, RDFS, SKOS, SPDX, TYPE, VOID, XSD
from ..document import triple
from ..http.negotiation import TURTLE
from ..urls import OPENAPI, RECONCILE, SPARQL, search_path
from . import dumps

_CANONICAL_HASH = PG + "canonicalHash"
"""The property of the hash that is the same in every syntax."""
_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
_PROTOCOL = "https://www.w3.org/TR/sparql11-protocol/"
_RECONCILIATION = "https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/"
_FILE_TYPES = "http://publications.europa.eu/resource/authority/file-type/"
_FORMATS = {
    "nq": "RDF_N_QUADS",
    "trig": "RDF_TRIG",
    "ttl": "RDF_TURTLE",
    "nt": "RDF_N_TRIPLES",
    "jsonld": "JSON_LD",
    "csv": "CSV",
}
_UNITS = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")
_RANGES = {
    DCAT + "accessURL": RDFS + "Resource",
    DCAT + "compressFormat": DCT + "MediaType",
    DCAT + "downloadURL": RDFS + "Resource",
    DCAT + "endpointDescription": RDFS + "Resource",
    DCAT + "endpointURL": RDFS + "Resource",
    DCAT + "mediaType": DCT + "MediaType",
    DCAT + "theme": SKOS + "Concept",
    DCAT + "themeTaxonomy": SKOS + "ConceptScheme",
    DCT + "accessRights": DCT + "RightsStatement",
    DCT + "conformsTo": DCT + "Standard",
    DCT + "creator": FOAF + "Agent",
    DCT + "format": DCT + "MediaTypeOrExtent",
    DCT + "language": DCT + "LinguisticSystem",
    DCT + "license": DCT + "LicenseDocument",
    DCT + "publisher": FOAF + "Agent",
    DCT + "source": DCAT + "Dataset",
    DCT + "spatial": DCT + "Location",
    DCT + "temporal": DCT + "PeriodOfTime",
    FOAF + "homepage": FOAF + "Document",
    SPDX + "algorithm": SPDX + "ChecksumAlgorithm",
}
"""The classes that DCAT-AP requires of the values of properties, by property."""
_AGENTS = {name for name, kind in _RANGES.items() if kind == FOAF + "Agent"}


@dataclass(frozen=True)
class DataService:
    """A service: its path, the URL and media type of its description, the phrase of its name.

    The standard is an IRI, or "".
    """

    path: str
    description: str
    media_type: str
    phrase: str
    standard: str = ""


def data_services(catalogue: Catalogue) -> tuple[DataService, ...]:
    """Return the services that give access to the data."""
    json, kinds = "application/json", catalogue.shapes.kinds.values()
    return (
        DataService(SPARQL, f"{SPARQL}?format=ttl", TURTLE.name, "sparqlService", _PROTOCOL),
        *(DataService(search_path(kind), OPENAPI, json, "searchService") for kind in kinds),
        DataService(RECONCILE, RECONCILE, json, "reconcileService", _RECONCILIATION),
    )


@dataclass(frozen=True)
class DatasetDescription:
    """The description of the dataset as served at a root, with the dumps that are served."""

    services: Services
    root: str
    made: ReleaseDumps | None
    quads: Sequence[Quad]

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.services.catalogue

    def triples(self) -> list[Triple]:
        """Return the triples that the quads of the catalogue do not have."""
        base = self.catalogue.base
        triples = [*self._dataset(base)]
        for service in data_services(self.catalogue):
            triples += self._service(base, service)
        if self.made:
            triples += self._dumps(base, self.made)
        triples += self._sources(base)
        triples += self.services.dataset.statistics.triples(NamedNode(base))
        stated = [*(quad.triple for quad in self.quads), *triples]
        return [*triples, *_types(stated), *self._names(stated)]

    def _dataset(self, base: str) -> Iterator[Triple]:
        dataset = self.services.dataset
        yield triple(base, DCAT + "dataset", NamedNode(base))
        yield triple(base, DCT + "identifier", Literal(base))
        yield triple(base, FOAF + "homepage", NamedNode(f"{self.root}/"))
        yield triple(base, VOID + "sparqlEndpoint", NamedNode(self.root + SPARQL))
        for language in dataset.language_terms:
            yield triple(base, DCT + "language", language)
        schemes = self.catalogue.vocabularies.schemes.values()
        concepts = (concept.iri for scheme in schemes for concept in scheme.concepts.values())
        for iri in filter(None, (dataset.example, next(concepts, None))):
            yield triple(base, VOID + "exampleResource", NamedNode(iri))

    def _service(self, base: str, service: DataService) -> Iterator[Triple]:
        site = f"{base}#{service.phrase}"
        yield triple(base, DCAT + "service", NamedNode(site))
        yield Triple(NamedNode(site), TYPE, NamedNode(DCAT + "DataService"))
        for language, label in self.catalogue.phrases.translations(service.phrase).items():
            yield triple(site, DCT + "title", Literal(label, language=language))
        yield triple(site, DCAT + "servesDataset", NamedNode(base))
        yield triple(site, DCAT + "endpointURL", NamedNode(self.root + service.path))
        yield triple(site, DCAT + "endpointDescription", NamedNode(self.root + service.description))
        if service.standard:
            yield triple(site, DCT + "conformsTo", NamedNode(service.standard))
        for predicate in (DCT + "license", DCT + "publisher", DCT + "accessRights"):
            for value in self._values(base, predicate):
                yield triple(site, predicate, value)

    def _dumps(self, base: str, made: ReleaseDumps) -> Iterator[Triple]:
        """Yield the triples about the dumps: URL, release, size and checksums of each."""
        if made.release == self.catalogue.release:
            yield triple(base, _CANONICAL_HASH, _digits(made.dumps["nq"].checksum))
        notes = self.catalogue.phrases.translations("downloadsNote")
        for dump in made.dumps.values():
            subject, url = f"{base}#dump.{dump.name}", NamedNode(f"{self.root}/dump.{dump.name}")
            yield triple(base, DCAT + "distribution", NamedNode(subject))
            if dump.form != "csv":
                yield triple(base, VOID + "dataDump", url)
            yield from _distribution(subject, url, dump)
            if canonical := made.canonical_hash(dump):
                yield triple(subject, _CANONICAL_HASH, _digits(canonical))
            yield triple(subject, DCAT + "version", Literal(made.release))
            for licence in self._values(base, DCT + "license"):
                yield triple(subject, DCT + "license", licence)
            for language, text in notes.items():
                note = Literal(text.format(release=made.release), language=language)
                yield triple(subject, DCT + "description", note)

    def _sources(self, base: str) -> Iterator[Triple]:
        """Yield the titles and descriptions of the source datasets."""
        for source in self._values(base, DCT + "source"):
            for predicate in (DCT + "title", DCT + "description"):
                for value in self.catalogue.store.values(source, predicate):
                    yield triple(source.value, predicate, value)

    def _names(self, triples: Iterable[Triple]) -> Iterator[Triple]:
        """Yield the labels of agents that are records as their names, as DCAT-AP requires."""
        agents = {t.object for t in triples if t.predicate.value in _AGENTS}
        for agent in (term for term in agents if isinstance(term, NamedNode)):
            for label in self.catalogue.store.values(agent, SKOS + "prefLabel"):
                yield Triple(agent, NamedNode(FOAF + "name"), label)

    def _values(self, subject: str, predicate: str) -> list[NamedNode]:
        pair = NamedNode(subject), NamedNode(predicate)
        values = (q.object for q in self.quads if (q.subject, q.predicate) == pair)
        return [term for term in values if isinstance(term, NamedNode)]


def _distribution(subject: str, url: NamedNode, dump: Dump) -> Iterator[Triple]:
    size = Literal(str(dump.size), datatype=NamedNode(XSD + "nonNegativeInteger"))
    media_type = dumps.MEDIA_TYPES[dump.form].name
    checksum = f"{subject}.sha256"
    yield Triple(NamedNode(subject), TYPE, NamedNode(DCAT + "Distribution"))
    yield triple(subject, DCAT + "accessURL", url)
    yield triple(subject, DCAT + "downloadURL", url)
    yield triple(subject, DCAT + "byteSize", size)
    yield triple(subject, DCAT + "mediaType", NamedNode(_MEDIA_TYPES + media_type))
    yield triple(subject, DCT + "format", NamedNode(_FILE_TYPES + _FORMATS[dump.form]))
    if dump.name != dump.form:
        yield triple(subject, DCAT + "compressFormat", NamedNode(_MEDIA_TYPES + dumps.GZIP))
    yield triple(subject, SPDX + "checksum", NamedNode(checksum))
    yield Triple(NamedNode(checksum), TYPE, NamedNode(SPDX + "Checksum"))
    yield triple(checksum, SPDX + "algorithm", NamedNode(SPDX + "checksumAlgorithm_sha256"))
    yield triple(checksum, SPDX + "checksumValue", _digits(dump.checksum))


def _digits(value: str) -> Literal:
    return Literal(value, datatype=NamedNode(XSD + "hexBinary"))


def _types(triples: Sequence[Triple]) -> Iterator[Triple]:
    """Yield the classes of the values, as DCAT-AP requires."""
    for statement in triples:
        name = _RANGES.get(statement.predicate.value)
        if name and isinstance(statement.object, NamedNode):
            yield Triple(statement.object, TYPE, NamedNode(name))


@dataclass(frozen=True)
class Downloads:
    """The dumps of a release for a page, their sizes as texts, the property of their hash."""

    made: ReleaseDumps
    sizes: Mapping[str, str]
    property: str = _CANONICAL_HASH


def downloads(made: ReleaseDumps, language: str) -> Downloads:
    """Return the dumps of a release for a page in a language."""
    return Downloads(made, {d.name: format_size(d.size, language) for d in made.dumps.values()})


def format_size(size: int, language: str) -> str:
    """Return a number of bytes as a text in a language."""
    amount, place = float(size), 0
    while amount >= 1000 and place < len(_UNITS) - 1:
        amount, place = amount / 1000, place + 1
    unit = f"digital-{_UNITS[place]}"
    return format_unit(amount, unit, "short", format="#,##0.#", locale=language)
