"""PUT, POST and DELETE of an entry: a request becomes an edit, and its result a response.

Clients are known by their bearer tokens (RFC 6750).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus

from fastapi import Request, Response
from pyoxigraph import Literal, NamedNode, Triple

from ...editing import revision
from ...editing.editor import (
    EditRequest,
    EntryBody,
    EntryEditor,
    MissingPermissionError,
)
from ...editing.entry_json import EntryJsonParser
from ...editing.revision import Revision
from ...editing.tokens import TokenFile, TokenHolder
from ...errors import RequestError
from ...schema.value_parser import ValueParser
from ..context import Site
from ..http import conditional, negotiation, responses
from ..http.negotiation import DOCUMENTS, JSON
from ..resources.resource import ResourceEndpoint
from . import bodies
from .bodies import Body, RdfParser

_MAX_REASON = 1000  # characters
_CHALLENGE = 'Bearer realm="{name}"'
_CONDITIONS = (b"if-match", b"if-none-match", b"if-modified-since")


def authenticate(request: Request, tokens: TokenFile, name: str) -> TokenHolder:
    """Return who sends a request to a catalogue of a name; raise RequestError (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    challenge = _CHALLENGE.format(name=name)
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorised("missingToken", challenge)
    holder = tokens.find_holder(token.strip())
    if holder is None:
        raise _unauthorised("unknownToken", f'{challenge}, error="invalid_token"')
    return holder


@dataclass(frozen=True)
class Entries:
    """Responds to writes of entries; all methods raise RequestError or its like."""

    site: Site
    editor: EntryEditor
    parser: RdfParser

    def put(self, request: Request, identifier: str, body: Body, holder: TokenHolder) -> Response:
        """Update an entry or create it, and return it."""
        with self._errors():
            edit = self._edit(request, holder)
            is_new = self.editor.put(identifier, self._body(request, body), edit)
        return self._entry(request, identifier, 201 if is_new else 200)

    def post(self, request: Request, body: Body, holder: TokenHolder) -> Response:
        """Create an entry, and return it."""
        with self._errors():
            edit = self._edit(request, holder)
            identifier = self.editor.create(self._body(request, body), edit)
        return self._entry(request, identifier, 201)

    def delete(self, request: Request, identifier: str, holder: TokenHolder) -> Response:
        """Withdraw an entry."""
        with self._errors():
            self.editor.withdraw(identifier, self._edit(request, holder))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def _edit(self, request: Request, holder: TokenHolder) -> EditRequest:
        text = " ".join(request.query_params.get("reason", "").split())
        if len(text) > _MAX_REASON:
            raise RequestError("reasonTooLong", limit=_MAX_REASON)
        reasons = (Literal(text, language=self._language(request)),) if text else ()
        edit = Revision(holder.name, datetime.now(tz=UTC), reasons)
        languages = self.site.view(request).languages
        return EditRequest(
            holder, edit, languages, partial(conditional.check_preconditions, request)
        )

    def _body(self, request: Request, body: Body) -> EntryBody:
        parse = self._parse_json if body.form == JSON else self._parse_rdf
        return EntryBody(partial(parse, request, body), lambda: body.turtle)

    def _parse_rdf(
        self, request: Request, body: Body, entry: NamedNode, _before: Sequence[Triple]
    ) -> Sequence[Triple]:
        quads = self.parser.parse(body, entry, responses.root(request))
        return bodies.entry_triples(quads, entry, ResourceEndpoint(self.site).metadata)

    def _parse_json(
        self, request: Request, body: Body, entry: NamedNode, before: Sequence[Triple]
    ) -> Sequence[Triple]:
        """Return the triples of a body in JSON, which is compared with what GET returns."""
        catalogue, languages = self.site.catalogue, self.site.view(request).languages
        shapes = replace(catalogue.shapes, languages=languages)
        values = ValueParser(shapes, catalogue.vocabularies, catalogue.phrases)
        parser = EntryJsonParser(values, entry, self._language(request))
        if not before or revision.is_tombstone(entry, before):
            return bodies.entry_from_json(body, parser, {}, [])
        shown = ResourceEndpoint(self.site).as_json(request, entry.value)
        return bodies.entry_from_json(body, parser, shown, before)

    def _language(self, request: Request) -> str:
        """Return the language of a body's texts: that of the content, else as for a reader."""
        language = request.headers.get("content-language", "").strip().lower()
        is_known = language in self.site.catalogue.languages
        return language if is_known else self.site.view(request).language

    def _entry(self, request: Request, identifier: str, status: int) -> Response:
        """Return the entry as it is now, in the media type that is accepted."""
        path = f"{self.site.catalogue.shapes.entry_shape.segment}/{identifier}"
        form = negotiation.form_of_document(request, DOCUMENTS)
        location = f"/{path}.{form.extension}"
        iri = self.site.catalogue.entry_iri(identifier)
        response = ResourceEndpoint(self.site).document(_get(request, location), iri, path, form)
        response.status_code = status
        response.headers["Content-Location"] = responses.prefix(request) + location
        if status == HTTPStatus.CREATED:
            response.headers["Location"] = f"{responses.root(request)}/{path}"
        return response

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise the HTTP error for an error of the editor."""
        try:
            yield
        except MissingPermissionError as error:
            name = self.site.catalogue.name
            raise _insufficient_scope(error.holder, error.permission, name) from error


def _get(request: Request, path: str) -> Request:
    """Return the request by which a client would get a document, without conditions."""
    headers = [each for each in request.scope["headers"] if each[0] not in _CONDITIONS]
    full_path = responses.prefix(request) + path
    get = {"method": "GET", "path": full_path, "headers": headers, "query_string": b""}
    return Request({**request.scope, **get})


def _insufficient_scope(holder: TokenHolder, permission: str, name: str) -> RequestError:
    """Return the error of a token without a permission (403; section 3.1)."""
    challenge = f'{_CHALLENGE.format(name=name)}, error="insufficient_scope", scope="{permission}"'
    headers = {"WWW-Authenticate": challenge}
    return RequestError(
        "missingPermission", headers=headers, name=holder.name, permission=permission
    )


def _unauthorised(kind: str, challenge: str) -> RequestError:
    return RequestError(kind, headers={"WWW-Authenticate": challenge})
