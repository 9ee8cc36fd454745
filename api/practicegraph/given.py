"""What someone gives to be checked, read as a document that could stand in the catalogue.

Nothing is fetched: a context of JSON-LD is ours, or stands in the text.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pyoxigraph import NamedNode, Quad, RdfFormat, parse

from . import leaves, traces
from .catalogue import Catalogue
from .folder import Document, UnreadableError
from .leaves import Leaf, RefusedTextError
from .places import Span
from .store import RDF

RDF_FORMS = {
    "ttl": RdfFormat.TURTLE,
    "trig": RdfFormat.TRIG,
    "jsonld": RdfFormat.JSON_LD,
    "rdf": RdfFormat.RDF_XML,
    "nt": RdfFormat.N_TRIPLES,
    "nq": RdfFormat.N_QUADS,
}
"""The syntaxes by the extensions of files in them."""
_TYPE = NamedNode(RDF + "type")
_CONTEXT = re.compile(r"/?context(/[0-9a-f]+)?\.jsonld")
_FIXED = frozenset({"@language", "@direction", "@index", "@context"})
"""Keys of JSON-LD whose values mean something of their own."""
_LONGEST_NAME = 80


@dataclass(frozen=True)
class Given:
    """What is given: a name, the extension of its form, its bytes."""

    name: str
    form: str
    content: bytes

    @property
    def path(self) -> Path:
        """Give what a report calls it: the name without folders, the extension the form's."""
        last = re.split(r"[/\\]", self.name)[-1]
        stem = "".join(filter(str.isprintable, last)).rpartition(".")[0][:_LONGEST_NAME]
        return Path(f"{stem or 'data'}.{self.form}")


@dataclass(frozen=True)
class Intake:
    """Reads RDF. Relative IRIs begin at the catalogue's base; `root` is where it is served."""

    catalogue: Catalogue
    root: str = ""

    def document(self, given: Given) -> Document:
        """Read what is given; raises UnreadableError with line and column."""
        text = _text(given)
        try:
            return self._by_topic(self._read(given, text))
        except RefusedTextError as error:
            line = text.count("\n", 0, error.offset) + 1
            column = error.offset - text.rfind("\n", 0, error.offset)
            raise UnreadableError(given.path, error.reason, line, column) from error
        except SyntaxError as error:
            place = error.lineno or 1, error.offset or 1
            raise UnreadableError(given.path, error.msg, *place) from error

    def _read(self, given: Given, text: str) -> Document:
        form = RDF_FORMS[given.form]
        if form == RdfFormat.JSON_LD:
            return self._json_ld(given, text)
        if form == RdfFormat.RDF_XML:
            return self._xml(given, text)
        leaves.refuse_depth(text)
        reader = parse(text, form, base_iri=self.catalogue.base, rename_blank_nodes=True)
        quads = tuple(reader)
        return Document(given.path, quads, (), reader.prefixes, "", text.encode())

    def _json_ld(self, given: Given, text: str) -> Document:
        listed = list(leaves.in_json(text))
        others = self._contexts(listed, text)
        marked = [leaf for leaf in listed if not _FIXED.intersection(_own_keys(leaf))]
        return self._traced(given, text, marked, others)

    def _xml(self, given: Given, text: str) -> Document:
        return self._traced(given, text, list(leaves.in_xml(text)), {})

    def _traced(
        self, given: Given, text: str, marked: Sequence[Leaf], others: Mapping[Span, str]
    ) -> Document:
        form = RDF_FORMS[given.form]
        quoted = '"{}"' if form == RdfFormat.JSON_LD else "{}"
        read = partial(self._parsed, form)
        quads = tuple(read(leaves.with_others(text, others)))
        placed = traces.placed(text, marked, quads, read, others, quoted)
        prefixes = self.catalogue.prefixes
        placed = tuple(replace(triple, prefixes=prefixes) for triple in placed)
        return Document(given.path, quads, (), prefixes, "", text.encode(), placed)

    def _parsed(self, form: RdfFormat, text: str) -> Iterator[Quad]:
        return parse(text, form, base_iri=self.catalogue.base, rename_blank_nodes=True)

    def _contexts(self, listed: Iterable[Leaf], text: str) -> dict[Span, str]:
        """Give our context for each of its addresses; raises RefusedTextError for another's."""
        found: dict[Span, str] = {}
        for leaf in listed:
            if leaf.keys[-1:] == ("@context",) and text[leaf.at.start] == '"':
                address = text[leaf.at.start + 1 : leaf.at.end - 1]
                if not self._is_ours(address):
                    reason = f"the context {address} is not fetched; put it into the text"
                    raise RefusedTextError(leaf.at.start, reason)
                found[leaf.at] = json.dumps(self.catalogue.context)
        return found

    def _is_ours(self, address: str) -> bool:
        bases = [base.rstrip("/") + "/" for base in (self.catalogue.base, self.root) if base]
        below = [address.removeprefix(base) for base in bases if address.startswith(base)]
        return any(_CONTEXT.fullmatch(path) for path in (*below, address))

    def _by_topic(self, document: Document) -> Document:
        """Give each thing of a kind that has files a graph of its own, else all to the first."""
        kinds = self.catalogue.shapes.kinds
        classes = {NamedNode(name) for kind in kinds if kind.topic for name in kind.classes}
        typed = [q for q in document.quads if q.predicate == _TYPE and q.object in classes]
        topics = _names(typed) or _names(document.quads)[:1]
        if not document.quads:
            raise UnreadableError(document.path, "it says nothing")
        if not topics:
            return document
        return replace(
            document, quads=tuple(_in_graphs(document.quads, topics)), topics=tuple(topics)
        )


def _text(given: Given) -> str:
    """Give the text, which is in UTF-8 whatever it says of itself; raises UnreadableError."""
    try:
        return given.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = given.content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        reason = f"no text in UTF-8: {error.reason}"
        raise UnreadableError(given.path, reason, line, column) from error


def _own_keys(leaf: Leaf) -> tuple[str, ...]:
    """Give the key of a value, and all others if one of them opens a context."""
    return leaf.keys if "@context" in leaf.keys else leaf.keys[-1:]


def _names(quads: Iterable[Quad]) -> list[str]:
    found = (quad.subject for quad in quads)
    return list(dict.fromkeys(node.value for node in found if isinstance(node, NamedNode)))


def _in_graphs(quads: Iterable[Quad], topics: Sequence[str]) -> Iterator[Quad]:
    """Put quads into the graphs of what they are parts of; what has no IRI, where the last went."""
    names = {topic: NamedNode(topic) for topic in topics}
    graph = names[topics[0]]
    for quad in quads:
        if isinstance(quad.subject, NamedNode):
            whole = quad.subject.value.partition("#")[0]
            graph = names.get(quad.subject.value) or names.get(whole) or names[topics[0]]
        yield Quad(quad.subject, quad.predicate, quad.object, graph)
