"""Addresses as URIs (RFC 3986): octets that none has are percent-encoded, as browsers do it.

What servers of HTTP let through would else be no UTF-8 here, and no IRI in RDF.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_IN_NONE = re.compile(rb"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~!$&'()*+,;=:@/?%-]")


class Escapes:
    """Percent-encodes what no query of a URI has (section 3.4); what it says stays the same."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a query that is one."""
        if scope["type"] == "http":
            query = _IN_NONE.sub(lambda found: b"%%%02X" % found[0][0], scope["query_string"])
            scope = {**scope, "query_string": query}
        await self._app(scope, receive, send)
