"""HEAD and OPTIONS on everything that answers GET (RFC 9110, sections 9.3.2 and 9.3.7)."""

from dataclasses import dataclass

from ..catalogue.catalogue import Catalogue
from ..rdf.namespaces import OWL
from ..rdf.terms import parse_iri
from ..schema.fields import NodeShape

SPARQL = "/sparql"
"""The path of the SPARQL endpoint, which also takes queries by POST."""
STATUS = "/status"
"""The path that tells what became of addresses, which takes nothing but POST."""
RECONCILE = "/reconcile"
"""The path of the reconciliation service, which takes queries by POST too."""
VALIDATE = "/validate"
"""The path of checks of what readers give."""
SERVICES = "/.well-known/api-catalog"
"""The path that leads programs to the services (RFC 9727)."""


DUMP = ("/dump.", "/dump/")
"""The prefixes of the paths of dumps: long files whose length is published."""


_VERSION = OWL + "versionIRI"


@dataclass(frozen=True)
class Addresses:
    """The way from paths to IRIs and back, whatever host serves them."""

    catalogue: Catalogue
    start: str = "catalog"

    def iri(self, path: str) -> str | None:
        """Return the IRI that a path without its extension identifies; None if it is unknown."""
        if path == self.start:
            return self.catalogue.base
        if not path or "#" in path:
            return None
        scheme, _, notation = path.partition("/")
        found = self.catalogue.vocabularies.schemes_by_key.get(scheme)
        if found and (concept := found.get(notation)):
            return concept.iri
        iri = self.catalogue.base + path
        versions = self.catalogue.store.subjects(_VERSION, parse_iri(iri)) if parse_iri(iri) else []
        if versions:
            return versions[0].value
        return iri if parse_iri(iri) and self.catalogue.store.is_subject(iri) else None

    @property
    def search(self) -> str:
        """Return the path of searches."""
        return search_path(self.catalogue.shapes.entry_shape)

    def path(self, iri: str) -> str | None:
        """Return the path, without an extension, of an IRI; None where it is not ours to serve."""
        known = iri in self.catalogue.vocabularies.concepts
        return self.path_of(iri) if known or self._ours(iri) else None

    def path_of(self, iri: str) -> str:
        """Return the path, without an extension, of an IRI that is ours to serve."""
        if concept := self.catalogue.vocabularies.concepts.get(iri):
            key = self.catalogue.vocabularies.scheme(concept.scheme).key
            return f"{key}/{concept.notation}"
        document, _, _ = iri.partition("#")
        return document.removeprefix(self.catalogue.base) or self.start

    def _ours(self, iri: str) -> bool:
        return iri.startswith(self.catalogue.base) and self.catalogue.store.is_subject(iri)


def search_path(entry_shape: NodeShape) -> str:
    """Return the path of searches for the entries of a shape."""
    return f"/{entry_shape.collection}"


CHANGES = "/changes"


CONTEXT = "/context.jsonld"
CONTEXT_VERSION = "/context/{name}.jsonld"


OPENAPI = "/openapi.json"


QUERIES = "/queries"


COVERAGE = "/coverage"
"""The path of the tables of two facets."""


GAPS = "/gaps"


SITEMAP = "/sitemap.xml"
SITEMAP_PART = "/sitemap-{number}.xml"


VOID = "/.well-known/void"
