"""What a writer sends as an entry: RDF in any syntax, or the JSON of the API, as triples.

What a document says beside its topic's own graph, such as how what it mentions is called, may come
back as it was given and is left out. Nothing is nested without end.

How deep what somebody sends is nested: found level by level, so that no depth is too much.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Quad, Triple

from ...editing.entry import EntryJsonParser, InvalidEntryError
from ...rdf import nesting, untrusted
from ...rdf.nesting import TooDeepError
from ..document import Statements
from ..http.errors import RefusalError, UnsupportedError
from ..http.negotiation import DOCUMENTS, HTML, Form

MOST = 32
"""The levels that are read; counting ends beyond them."""


def refuse_json(text: str) -> None:
    """Raise TooDeepError where objects and lists are nested too deep in JSON."""
    for _ in untrusted.in_json(text, MOST):
        pass


def of_nodes(triples: Iterable[Triple]) -> int:
    """Give how many blank nodes stand in one another; a ring of them has no end."""
    inside: dict[Any, list[Any]] = {}
    for triple in triples:
        if isinstance(triple.object, BlankNode):
            inside.setdefault(triple.subject, []).append(triple.object)
    level, depth = [node for node in inside if not isinstance(node, BlankNode)], 0
    while level and depth <= MOST:
        level, depth = list({n for node in level for n in inside.get(node, ())}), depth + 1
    return depth


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
            return untrusted.decoded(self.content)
        except SyntaxError as error:
            more = {"line": error.lineno, "column": error.offset}
            raise unreadable(error.msg, more) from error

    @property
    def object(self) -> Any:
        """Give what the JSON is; raises RefusalError where it is none, or too deep."""
        try:
            refuse_json(self.text)
            return untrusted.json_value(self.text)
        except TooDeepError as error:
            line, column = nesting.place(self.text, error.offset)
            refusal = RefusalError(HTTPStatus.BAD_REQUEST, "tooDeep", most=MOST)
            refusal.more = {"line": line, "column": column}
            raise refusal from error
        except ValueError as error:
            raise RefusalError(HTTPStatus.BAD_REQUEST, "notJson", reason=error) from error


def form_of(content_type: str) -> Form:
    """Give the form that a header names; raises UnsupportedError with those that are read."""
    name, _, parameters = content_type.partition(";")
    form = next((f for f in FORMS if name.strip().lower() in f.media_types), None)
    charset = parameters.lower().partition("charset=")[2].split(";")[0].strip(' "')
    if form is None or charset not in ("", "utf-8", "utf8", "us-ascii"):
        known = ", ".join(other.plain for other in FORMS)
        raise UnsupportedError(f"{content_type or '–'} ({known})")
    return form


def graph(quads: Iterable[Quad], entry: NamedNode, statements: Statements) -> list[Triple]:
    """Give the triples about an entry that a body in RDF says; raises RefusalError."""
    quads = list(quads)
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
    if of_nodes(own) > MOST:
        raise RefusalError(HTTPStatus.BAD_REQUEST, "tooDeep", most=MOST)
    return own


def fields(
    body: Body, inputs: EntryJsonParser, shown: Mapping[str, Any], before: Sequence[Triple]
) -> list[Triple]:
    """Give the triples about an entry that a body in JSON says; raises RefusalError."""
    found = body.object
    if not isinstance(found, dict):
        raise RefusalError(HTTPStatus.BAD_REQUEST, "notObject")
    try:
        return inputs.read(found, shown, before)
    except InvalidEntryError as error:
        refusal = RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "unfitInput", problems=error)
        refusal.more = {"problems": error.problems}
        raise refusal from error


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


def unreadable(reason: str, more: Mapping[str, Any]) -> RefusalError:
    """Return the refusal of a body that cannot be read, with its place in `more`."""
    refusal = RefusalError(HTTPStatus.BAD_REQUEST, "unreadableBody", reason=reason)
    refusal.more = more
    return refusal
