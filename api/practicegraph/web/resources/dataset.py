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
from ...exchange.dumps import DUMP_NAMES, Dump, ReleaseDumps
from ...rdf.namespaces import DCAT, DCT, FOAF, PG, RDF, RDFS, SKOS, SPDX, VOID, XSD
from ...rdf.terms import TYPE, Term
from ..context import View
from ..http.negotiation import TURTLE
from ..urls import OPENAPI, RECONCILE, SPARQL, search_path
from . import dumps

_DUMP = VOID + "dataDump"
_MEDIA = "https://www.iana.org/assignments/media-types/"
HASH = PG + "canonicalHash"
"""The property of the hash that is the same in every syntax."""
_LICENCE = NamedNode(DCT + "license")


def canonical_hash(dataset: str, made: ReleaseDumps) -> Triple:
    """Return the triple with the canonical hash of the dataset, from its dump in N-Quads."""
    return Triple(NamedNode(dataset), NamedNode(HASH), _digits(made.dumps["nq"].checksum))


def distributions(
    dataset: str, root: str, served: Mapping[str, ReleaseDumps], quads: Iterable[Quad]
) -> Iterator[Triple]:
    """Yield the triples about the dumps, by name, each with all dumps of its release.

    They state the URL of each below the root, its release, its size and its checksums.
    """
    about = NamedNode(dataset)
    licences = [q.object for q in quads if q.subject == about and q.predicate == _LICENCE]
    for dump_name, made in served.items():
        dump = made.dumps[dump_name]
        place = NamedNode(f"{root.rstrip('/')}/dump.{dump.name}")
        subject = NamedNode(f"{dataset}#dump.{dump.name}")
        yield Triple(about, NamedNode(DCAT + "distribution"), subject)
        if dumps.media_type(dump).rdf or dump.form == "jsonld":
            yield Triple(about, NamedNode(_DUMP), place)
        for name, value in _distribution(dump, place, made.canonical_hash(dump)):
            yield Triple(subject, NamedNode(name), value)
        yield Triple(subject, NamedNode(DCAT + "version"), Literal(made.release))
        for licence in licences:
            yield Triple(subject, _LICENCE, licence)
        checksum = NamedNode(f"{subject.value}.sha256")
        yield Triple(subject, NamedNode(SPDX + "checksum"), checksum)
        for name, value in _checksum(dump):
            yield Triple(checksum, NamedNode(name), value)


def _distribution(
    dump: Dump, place: NamedNode, canonical: str | None
) -> Iterator[tuple[str, Term]]:
    size = NamedNode(XSD + "nonNegativeInteger")
    yield RDF + "type", NamedNode(DCAT + "Distribution")
    yield DCAT + "accessURL", place
    yield DCAT + "downloadURL", place
    yield DCAT + "byteSize", Literal(str(dump.size), datatype=size)
    yield DCAT + "mediaType", NamedNode(_MEDIA + dumps.media_type(dump).names[0])
    if dump.name != dump.form:
        yield DCAT + "compressFormat", NamedNode(_MEDIA + dumps.GZIP)
    if canonical:
        yield HASH, _digits(canonical)


def _checksum(dump: Dump) -> Iterator[tuple[str, Term]]:
    yield RDF + "type", NamedNode(SPDX + "Checksum")
    yield SPDX + "algorithm", NamedNode(SPDX + "checksumAlgorithm_sha256")
    yield SPDX + "checksumValue", _digits(dump.checksum)


def _digits(value: str) -> Literal:
    return Literal(value, datatype=NamedNode(XSD + "hexBinary"))


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


@dataclass(frozen=True)
class DataService:
    """A service: its path, the URL and media type of its description, the phrase of its name.

    The standard is an IRI, or "".
    """

    path: str
    description: str
    described_as: str
    phrase: str
    standard: str = ""


def data_services(catalogue: Catalogue) -> tuple[DataService, ...]:
    """Return the services that give access to the data."""
    json, search = "application/json", search_path(catalogue.shapes.entry_shape)
    return (
        DataService(SPARQL, f"{SPARQL}?format=ttl", TURTLE.name, "sparqlService", _PROTOCOL),
        DataService(search, OPENAPI, json, "searchService"),
        DataService(RECONCILE, RECONCILE, json, "reconcileService", _RECONCILIATION),
    )


@dataclass(frozen=True)
class DatasetDescription:
    """The description of the dataset as served at a root, with its dumps by name."""

    services: Services
    root: str
    served: Mapping[str, ReleaseDumps]
    quads: Sequence[Quad]

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.services.catalogue

    def triples(self) -> list[Triple]:
        """Return the triples that the quads of the catalogue do not have."""
        about = NamedNode(self.catalogue.base)
        found = [
            *self._whole(about),
            *(
                triple
                for service in data_services(self.catalogue)
                for triple in self._service(about, service)
            ),
            *self._dumps(),
            *self._sources(about),
            *self.services.dataset.statistics.triples(about),
        ]
        return [*found, *_typed([*(quad.triple for quad in self.quads), *found])]

    def _whole(self, about: NamedNode) -> Iterator[Triple]:
        dataset = self.services.dataset
        yield Triple(about, NamedNode(DCAT + "dataset"), about)
        yield Triple(about, NamedNode(DCT + "identifier"), Literal(about.value))
        yield Triple(about, NamedNode(FOAF + "homepage"), NamedNode(f"{self.root}/"))
        yield Triple(about, NamedNode(VOID + "sparqlEndpoint"), NamedNode(self.root + SPARQL))
        for language in dataset.language_terms:
            yield Triple(about, NamedNode(DCT + "language"), language)
        vocabularies = self.catalogue.vocabularies.schemes.values()
        concepts = (concept.iri for scheme in vocabularies for concept in scheme.concepts.values())
        for iri in filter(None, (dataset.example, next(concepts, None))):
            yield Triple(about, NamedNode(VOID + "exampleResource"), NamedNode(iri))

    def _service(self, about: NamedNode, service: DataService) -> Iterator[Triple]:
        site = NamedNode(f"{about.value}#{service.phrase}")
        yield Triple(about, NamedNode(DCAT + "service"), site)
        yield Triple(site, TYPE, NamedNode(DCAT + "DataService"))
        for language, label in self.catalogue.phrases.translations(service.phrase).items():
            yield Triple(site, NamedNode(DCT + "title"), Literal(label, language=language))
        yield Triple(site, NamedNode(DCAT + "servesDataset"), about)
        for name, path in (
            ("endpointURL", service.path),
            ("endpointDescription", service.description),
        ):
            yield Triple(site, NamedNode(DCAT + name), NamedNode(self.root + path))
        if service.standard:
            yield Triple(site, NamedNode(DCT + "conformsTo"), NamedNode(service.standard))
        for name in ("license", "publisher", "accessRights"):
            for value in self._values(about, DCT + name):
                yield Triple(site, NamedNode(DCT + name), value)

    def _dumps(self) -> Iterator[Triple]:
        base, release = self.catalogue.base, self.catalogue.release
        if (nq := self.served.get("nq")) and nq.release == release:
            yield canonical_hash(base, nq)
        yield from distributions(base, self.root, self.served, self.quads)
        words = self.catalogue.phrases.translations("downloadsNote")
        for name, made in self.served.items():
            subject = NamedNode(f"{base}#dump.{name}")
            file_type = NamedNode(_FILE_TYPES + _FORMATS[made.dumps[name].form])
            yield Triple(subject, NamedNode(DCT + "format"), file_type)
            for language, text in words.items():
                note = Literal(text.format(release=made.release), language=language)
                yield Triple(subject, NamedNode(DCT + "description"), note)

    def _sources(self, about: NamedNode) -> Iterator[Triple]:
        """Yield the titles and descriptions of the source datasets."""
        for source in self._values(about, DCT + "source"):
            for name in ("title", "description"):
                for value in self.catalogue.store.values(source, DCT + name):
                    yield Triple(source, NamedNode(DCT + name), value)

    def _values(self, about: NamedNode, name: str) -> list[NamedNode]:
        found = (q.object for q in self.quads if q.subject == about and q.predicate.value == name)
        return [term for term in found if isinstance(term, NamedNode)]


def _typed(triples: Sequence[Triple]) -> Iterator[Triple]:
    for triple in triples:
        name = _RANGES.get(triple.predicate.value)
        if name and isinstance(triple.object, NamedNode):
            yield Triple(triple.object, TYPE, NamedNode(name))


_UNITS = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")


@dataclass(frozen=True)
class DumpFile:
    """A dump to download; its size is in the reader's language."""

    name: str
    href: str
    size: str
    checksum: str


@dataclass(frozen=True)
class Downloads:
    """The dumps of a release, and the property and value of its canonical hash.

    Where the release is not the present one, newer dumps are still being made.
    """

    release: str
    files: Sequence[DumpFile]
    property: str
    canonical_hash: str
    is_present: bool


def downloads(view: View, served: Mapping[str, ReleaseDumps]) -> list[Downloads]:
    """Return the dumps as a page shows them, by release, the present one first."""
    present = view.catalogue.release
    found = {made.release: made for made in served.values()}
    releases = sorted(found, key=lambda release: release != present)
    return [_release_downloads(view, found[release], served) for release in releases]


def _release_downloads(
    view: View, made: ReleaseDumps, served: Mapping[str, ReleaseDumps]
) -> Downloads:
    names = [name for name in DUMP_NAMES if name in served and served[name].release == made.release]
    files = [_file(made.dumps[name], view) for name in names]
    whole = made.dumps["nq"].checksum if "nq" in names else ""
    return Downloads(made.release, files, HASH, whole, made.release == view.catalogue.release)


def _file(dump: Dump, view: View) -> DumpFile:
    href = f"{view.root}/dump.{dump.name}"
    return DumpFile(dump.name, href, _size_text(dump.size, view.language), dump.checksum)


def _size_text(size: int, language: str) -> str:
    amount, place = float(size), 0
    while amount >= 1000 and place < len(_UNITS) - 1:
        amount, place = amount / 1000, place + 1
    return format_unit(
        amount, f"digital-{_UNITS[place]}", "short", format="#,##0.#", locale=language
    )
