"""What writers send as RDF, parsed in a process that may die of it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from anyio import from_thread
from pyoxigraph import NamedNode, Quad, RdfFormat, parse

from ...catalogue.catalogue import Catalogue
from ...editing.parser import MODULE, UNREADABLE
from ...rdf import nesting
from ...rdf.nesting import TooDeepError
from ...rdf.untrusted import ContextError
from ...sparql.pool import Answer, DeadlineError, Limits, OnDemand, TooMuchMemoryError, Workers
from ..http import responses
from ..http.errors import RefusalError
from . import bodies
from .bodies import Body

_LIMITS = Limits(10, 10, most_bytes=1 << 26, memory=2 << 30, processes=1)
_PHRASES = {
    TooDeepError.__name__: "tooDeep",
    ContextError.__name__: "remoteContext",
}


def parsers(catalogue: Catalogue) -> Workers:
    """Return the pool of processes that parse; they see nothing of the catalogue."""
    return OnDemand(catalogue.folder, _LIMITS, MODULE)


@dataclass(frozen=True)
class Parsing:
    """Parses bodies in a pool of processes."""

    parsers: Workers

    def quads(
        self, body: Body, base: NamedNode, known: Collection[str], context: Mapping[str, Any]
    ) -> list[Quad]:
        """Return what a body says, for a thread that the event loop has started.

        Of contexts in JSON-LD, those at the known addresses are ours. Raises RefusalError, or what
        the pool raises.
        """
        wanted = {
            "text": body.text,
            "form": body.form.plain,
            "base": base.value,
            "known": [*known],
            "context": context,
        }
        try:
            answer, content = from_thread.run(self._answered, wanted)
        except (TooMuchMemoryError, DeadlineError) as error:
            raise RefusalError(HTTPStatus.BAD_REQUEST, "bodyTooHeavy") from error
        if answer.kind == UNREADABLE:
            raise _refusal(json.loads(content))
        return list(parse(content, RdfFormat.N_QUADS))

    async def _answered(self, wanted: Mapping[str, Any]) -> tuple[Answer, bytes]:
        answer = await self.parsers.run(wanted, self.parsers.limits.seconds)
        return answer, await responses.whole(answer.parts)


def _refusal(said: Mapping[str, Any]) -> RefusalError:
    """Return the refusal of a body that the process cannot read."""
    place = {"line": said["line"], "column": said["column"]}
    phrase = _PHRASES.get(said["kind"])
    if phrase is None:
        return bodies.unreadable(said["reason"], place)
    words = {"most": nesting.MAX_DEPTH, "address": said["address"]}
    refusal = RefusalError(HTTPStatus.BAD_REQUEST, phrase, **words)
    refusal.more = place
    return refusal
