"""The body of a write as triples: RDF in any syntax, or an entry in the JSON of the API.

What a document has beside its topic's own graph, such as labels, may be sent back and is left out.
RDF is parsed in a process of its own (`editing.parser_process`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from anyio import from_thread
from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, Triple, parse

from ...catalogue.catalogue import Catalogue
from ...editing.entry_json import EntryJsonParser
from ...editing.parser_process import MODULE, UNREADABLE
from ...errors import RequestError
from ...rdf import untrusted
from ...sparql.pool import LazyWorkerPool, QueryLimits, QueryMemoryError, QueryResult, WorkerPool
from ...sparql.process import DeadlineExceededError
from ..document import DocumentMetadata
from ..http.bodies import parse_json
from ..http.negotiation import DOCUMENTS, HTML, TURTLE, MediaType

MEDIA_TYPES = tuple(media_type for media_type in DOCUMENTS if media_type != HTML)
"""The media types of a body."""
FINDINGS = "findings"
"""The key of the findings in the response to a write; in a body it is ignored."""
_LIMITS = QueryLimits(10, 10, max_bytes=1 << 26, memory=2 << 30, processes=1)


def parser_pool(catalogue: Catalogue) -> WorkerPool:
    """Return the pool of processes that parse; they have no access to the catalogue."""
    return LazyWorkerPool(catalogue.folder, _LIMITS, MODULE)


@dataclass(frozen=True)
class Body:
    """A body: its media type and its content."""

    media_type: MediaType
    content: bytes

    @property
    def text(self) -> str:
        """Return the content as text; raise RequestError."""
        try:
            return untrusted.decode(self.content)
        except SyntaxError as error:
            raise _unreadable(untrusted.describe(error)) from error

    @property
    def turtle(self) -> str:
        """Return the text if it is Turtle, else ""."""
        return self.text if self.media_type == TURTLE else ""


@dataclass(frozen=True)
class RdfParser:
    """Parses bodies in RDF, for threads that the event loop has started."""

    pool: WorkerPool
    catalogue: Catalogue

    def parse(self, body: Body, base: NamedNode, root: str) -> list[Quad]:
        """Return the quads of a body; raise RequestError, or what the pool raises.

        The JSON-LD context that is known is the one of the service at a root.
        """
        request = {
            "text": body.text,
            "form": body.media_type.name,
            "base": base.value,
            "bases": [root, self.catalogue.base],
            "context": self.catalogue.context,
        }
        try:
            result, content = from_thread.run(self._run, request)
        except (QueryMemoryError, DeadlineExceededError) as error:
            raise RequestError("bodyLimitExceeded") from error
        if result.kind == UNREADABLE:
            raise _unreadable(json.loads(content))
        return list(parse(content, RdfFormat.N_QUADS))

    async def _run(self, request: Mapping[str, Any]) -> tuple[QueryResult, bytes]:
        result = await self.pool.run(request, self.pool.limits.seconds)
        return result, await result.read()


def find_media_type(name: str) -> MediaType:
    """Return the media type with a name; raise RequestError with those supported."""
    media_type = next((other for other in MEDIA_TYPES if name in other.names), None)
    if media_type is None:
        supported = ", ".join(other.name for other in MEDIA_TYPES)
        raise RequestError("unsupportedMediaType", form=f"{name or '–'} ({supported})")
    return media_type


def entry_triples(
    quads: Sequence[Quad], entry: NamedNode, metadata: DocumentMetadata
) -> Sequence[Triple]:
    """Return the triples about an entry that a body in RDF has; raise RequestError."""
    document = NamedNode(metadata.document_iri(entry.value))
    for quad in quads:
        if quad.graph_name not in (DefaultGraph(), entry, document):
            raise _unprocessable("unexpectedGraph", entry, quad.graph_name)
    triples = [quad.triple for quad in quads if quad.graph_name != document]
    labels = set(chain.from_iterable(metadata.labels(triples)))
    own = [t for t in triples if t not in labels and t.subject != document]
    for triple in own:
        if not _may_describe(entry, triple.subject, metadata.catalogue):
            raise _unprocessable("unexpectedSubject", entry, triple.subject)
    if not any(triple.subject == entry for triple in own):
        raise _unprocessable("missingTopic", entry, entry)
    return own


def entry_from_json(
    body: Body, parser: EntryJsonParser, shown: Mapping[str, Any], before: Sequence[Triple]
) -> list[Triple]:
    """Return the triples about an entry that a body in JSON has; raise RequestError."""
    sent = parse_json(body.content)
    if not isinstance(sent, dict):
        raise RequestError("notObject")
    return parser.parse({k: v for k, v in sent.items() if k != FINDINGS}, shown, before)


def _may_describe(entry: NamedNode, subject: object, catalogue: Catalogue) -> bool:
    """Return whether a body may describe a resource: the entry, its parts, and what is not ours."""
    if not isinstance(subject, NamedNode) or subject == entry:
        return True
    iri = subject.value
    if iri.startswith(f"{entry.value}#"):
        return True
    return not iri.startswith(catalogue.base) and iri not in catalogue.vocabularies.concepts


def _unreadable(error: Mapping[str, Any]) -> RequestError:
    """Return the response to a syntax error, as `untrusted.describe` describes it."""
    words = dict(error)
    return RequestError("unreadableBody", words.pop("hint", ""), **words)


def _unprocessable(kind: str, entry: NamedNode, node: object) -> RequestError:
    return RequestError(kind, topic=entry.value, node=node)
