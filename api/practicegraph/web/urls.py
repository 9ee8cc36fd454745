"""The paths of the service, and the way from paths to IRIs and back."""

from dataclasses import dataclass

from ..catalogue.catalogue import Catalogue
from ..rdf.terms import OWL, parse_iri
from ..schema.fields import NodeShape
from ..schema.vocabularies import Concept

ABOUT = "/about"
CHANGES = "/changes"
CHART = "/chart"
"""The last part of the path of the charts of a search, as of its map and its evidence map."""
COMPLETIONS = "/sparql/completions.json"
CONTEXT = "/context.jsonld"
CONTEXT_VERSION = "/context/{name}.jsonld"
COVERAGE = "/coverage"
"""The last part of the path of contingency tables; the whole path of those of the first kind."""
DATA = "/data"
DOCS = "/docs"
EDIT = "edit"
"""The last segment of the path of the form of an entry."""
DUMP = ("/dump.", "/dump/")
"""The prefixes of the paths of dumps: long files whose length is published."""
EVIDENCE = "/evidence"
GAPS = "/gaps"
MAP = "/map"
OPENAPI = "/openapi.json"
QUERIES = "/queries"
RECONCILE = "/reconcile"
SERVICES = "/.well-known/api-catalog"
"""The path of the links to all services (RFC 9727)."""
SITEMAP = "/sitemap.xml"
SITEMAP_PART = "/sitemap-{number}.xml"
SPARQL = "/sparql"
STATUS = "/status"
"""The path of the status of IRIs, which takes nothing but POST."""
VALIDATE = "/validate"
SOURCE_FILE = "/.well-known/ni/sha-256/{digest}"
"""The path of a file by its hash (RFC 6920, section 4)."""
VOCABULARIES = "/vocabularies"
VOID = "/.well-known/void"
_VERSION = OWL + "versionIRI"


@dataclass(frozen=True)
class Addresses:
    """The way from paths to IRIs and back, whatever host serves them."""

    catalogue: Catalogue
    start: str = "catalog"

    @property
    def search(self) -> str:
        """Return the path of searches."""
        return search_path(self.catalogue.shapes.entry_shape)

    @property
    def coverage(self) -> str:
        """Return the path of contingency tables."""
        return self._of_kind(COVERAGE)

    @property
    def map(self) -> str:
        """Return the path of maps of searches."""
        return self._of_kind(MAP)

    @property
    def chart(self) -> str:
        """Return the path of charts of searches."""
        return self._of_kind(CHART)

    @property
    def evidence(self) -> str:
        """Return the path of evidence maps."""
        return self._of_kind(EVIDENCE)

    def _of_kind(self, path: str) -> str:
        """Return a path for the first kind, or one below the search of another kind."""
        return path if self.catalogue.shapes.is_first else self.search + path

    def iri(self, path: str) -> str | None:
        """Return the IRI that a path without its extension identifies; None if it is unknown."""
        if not path or "#" in path:
            return None
        iri = self.expand(path)
        if path == self.start or iri in self.catalogue.vocabularies.concepts:
            return iri
        node = parse_iri(iri)
        if node is None:
            return None
        for ontology in self.catalogue.store.subjects(_VERSION, node):
            return ontology.value
        return iri if self.catalogue.is_subject(iri) else None

    def expand(self, path: str) -> str:
        """Return the IRI of a path, known or not; that of a concept may have another base."""
        if path == self.start:
            return self.catalogue.base
        key, _, notation = path.partition("/")
        scheme = self.catalogue.vocabularies.schemes_by_key.get(key)
        concept = scheme.get(notation) if scheme else None
        return concept.iri if concept else self.catalogue.base + path

    def path(self, iri: str) -> str | None:
        """Return the path, without an extension, of an IRI; None where it is not ours to serve."""
        concept = self.catalogue.vocabularies.concepts.get(iri)
        return self._path(iri, concept) if concept or self._is_described(iri) else None

    def path_of(self, iri: str) -> str:
        """Return the path, without an extension, of an IRI that is ours to serve."""
        return self._path(iri, self.catalogue.vocabularies.concepts.get(iri))

    def _path(self, iri: str, concept: Concept | None) -> str:
        if concept:
            key = self.catalogue.vocabularies.scheme(concept.scheme).key
            return f"{key}/{concept.notation}"
        document, _, _ = iri.partition("#")
        return document.removeprefix(self.catalogue.base) or self.start

    def _is_described(self, iri: str) -> bool:
        return iri.startswith(self.catalogue.base) and self.catalogue.is_subject(iri)


def search_path(entry_shape: NodeShape) -> str:
    """Return the path of searches for the entries of a shape."""
    return f"/{entry_shape.collection}"
