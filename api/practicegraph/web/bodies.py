"""What a writer sends as an entry: RDF in any syntax, or the JSON of the API, as triples.

What a document says beside its topic's own graph, such as how what it mentions is called, may come
back as it was given and is left out. Nothing is fetched, nothing is nested without end.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pyoxigraph import DefaultGraph, NamedNode, Quad, Triple, parse

from ..inputs import Inputs, UnfitInputError
from . import nesting
from .negotiation import DOCUMENTS, HTML, JSON_LD, RDF_XML, Form
from .refusals import RefusalError
from .service import UnsupportedError
from .statements import Statements

FORMS = tuple(form for form in DOCUMENTS if form != HTML)
"""The forms of a body."""


@dataclass(frozen=True)
class Body:
    """A body: its form and its content."""

    form: Form
    content: bytes

    @property
    def text(self) -> str:
        """Give the content as text; raises RefusalError."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _unreadable(f"UTF-8, byte {error.start}") from error

    @property
    def object(self) -> Any:
        """Give what the JSON is; raises RefusalError where it is none, or too deep."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise RefusalError(HTTPStatus.BAD_REQUEST, "notJson", reason=error) from error
        if nesting.of_json(found) > nesting.MOST:
            raise RefusalError(HTTPStatus.BAD_REQUEST, "tooDeep", most=nesting.MOST)
        return found


def form_of(content_type: str) -> Form:
    """Give the form that a header names; raises UnsupportedError with those that are read."""
    name, _, parameters = content_type.partition(";")
    form = next((f for f in FORMS if name.strip().lower() in f.media_types), None)
    charset = parameters.lower().partition("charset=")[2].split(";")[0].strip(' "')
    if form is None or charset not in ("", "utf-8", "utf8", "us-ascii"):
        known = ", ".join(other.plain for other in FORMS)
        raise UnsupportedError(f"{content_type or '–'} ({known})")
    return form


def graph(
    body: Body, entry: NamedNode, statements: Statements, known: Collection[str]
) -> list[Triple]:
    """Give the triples about an entry that a body in RDF says; raises RefusalError.

    Of contexts in JSON-LD, those at the known addresses are ours.
    """
    quads = _parsed(body, entry, statements, known)
    document = NamedNode(statements.document(entry.value))
    for quad in quads:
        if quad.graph_name not in (DefaultGraph(), entry, document):
            raise _wrong("otherGraph", entry, quad.graph_name)
        if isinstance(quad.object, Triple):
            raise _wrong("tripleTerm", entry, quad.object)
    triples = [quad.triple for quad in quads if quad.graph_name != document]
    beside = set(statements.labels(triples))
    own = [t for t in triples if t not in beside and t.subject != document]
    for triple in own:
        if not _belongs(triple.subject, entry, statements):
            raise _wrong("otherSubject", entry, triple.subject)
    if not any(triple.subject == entry for triple in own):
        raise _wrong("noTopic", entry, entry)
    if nesting.of_nodes(own) > nesting.MOST:
        raise RefusalError(HTTPStatus.BAD_REQUEST, "tooDeep", most=nesting.MOST)
    return own


def fields(
    body: Body, inputs: Inputs, shown: Mapping[str, Any], before: Sequence[Triple]
) -> list[Triple]:
    """Give the triples about an entry that a body in JSON says; raises RefusalError."""
    found = body.object
    if not isinstance(found, dict):
        raise RefusalError(HTTPStatus.BAD_REQUEST, "notObject")
    try:
        return inputs.read(found, shown, before)
    except UnfitInputError as error:
        refusal = RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "unfitInput", problems=error)
        refusal.more = {"problems": error.problems}
        raise refusal from error


def _parsed(
    body: Body, entry: NamedNode, statements: Statements, known: Collection[str]
) -> list[Quad]:
    content = body.text
    if body.form == JSON_LD:
        ours = dict.fromkeys(known, statements.catalogue.context)
        content = json.dumps(_with_contexts(body.object, ours))
    if body.form == RDF_XML and "<!ENTITY" in content:
        raise RefusalError(HTTPStatus.BAD_REQUEST, "noEntities")
    assert body.form.rdf
    reader = parse(content, body.form.rdf, base_iri=entry.value, rename_blank_nodes=True)
    try:
        return list(reader)
    except SyntaxError as error:
        refusal = _unreadable(error.msg)
        if error.lineno:
            refusal.more = {"line": error.lineno, "column": error.offset}
        raise refusal from error
    except ValueError as error:
        raise _unreadable(str(error)) from error


def _with_contexts(found: Any, known: Mapping[str, Any]) -> Any:
    """Give JSON-LD with our context in the place of its address; or RefusalError for others."""
    if isinstance(found, list):
        return [_with_contexts(one, known) for one in found]
    if not isinstance(found, dict):
        return found
    return {key: _with_contexts(_context(key, value, known), known) for key, value in found.items()}


def _context(key: str, value: Any, known: Mapping[str, Any]) -> Any:
    if key not in ("@context", "@import"):
        return value
    listed = value if isinstance(value, list) else [value]
    for one in listed:
        if isinstance(one, str) and one not in known:
            raise RefusalError(HTTPStatus.BAD_REQUEST, "remoteContext", address=one)
    return [known[one] if isinstance(one, str) else one for one in listed]


def _belongs(subject: object, entry: NamedNode, statements: Statements) -> bool:
    """Tell whether an entry may describe a thing: itself, its parts, and what is not ours."""
    if not isinstance(subject, NamedNode) or subject == entry:
        return True
    iri, catalogue = subject.value, statements.catalogue
    if iri.startswith(f"{entry.value}#"):
        return True
    return not iri.startswith(catalogue.base) and iri not in catalogue.vocabularies.concepts


def _wrong(phrase: str, entry: NamedNode, node: object) -> RefusalError:
    return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, phrase, topic=entry.value, node=node)


def _unreadable(reason: str) -> RefusalError:
    return RefusalError(HTTPStatus.BAD_REQUEST, "unreadableBody", reason=reason)
