"""Connections of the server: their end is told to every request on them, and they can be cut.

uvicorn tells the last request alone, and reads no further behind one that is pipelined (RFC 9112,
section 9.3.2), so that it never learns that the reader of an earlier one has gone.
"""

from collections.abc import Callable
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_ABORT = "practicegraph.abort"
_PIPELINED = 16


class Connection(HttpToolsProtocol):
    """A connection and the requests on it that are not answered yet."""

    _unanswered: "tuple[RequestResponseCycle, ...]" = ()

    def on_message_begin(self) -> None:
        """Let the application cut the connection on which a request comes."""
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[_ABORT] = self.transport.abort

    def on_headers_complete(self) -> None:
        """Start a request or keep it for later; read on, unless many wait."""
        super().on_headers_complete()
        known = (*self._unanswered, self.cycle)
        self._unanswered = tuple(each for each in known if each and not each.response_complete)
        if 0 < len(self.pipeline) < _PIPELINED:
            self.flow.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all requests that their reader has gone."""
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)


def abort(scope: Scope) -> None:
    """Close the connection of a request, without what its reader has not taken yet."""
    cut: Callable[[], None] | None = scope.get(_ABORT)
    if cut:
        cut()
