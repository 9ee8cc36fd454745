"""What someone gives to be checked, read as a document that could stand in the catalogue.

Nothing is fetched: a context of JSON-LD is ours, or stands in the text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pyoxigraph import NamedNode, Quad, RdfFormat

from . import leaves, traces, untrusted
from .catalogue import Catalogue
from .folder import Document, UnreadableError
from .leaves import Leaf
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
    """Reads RDF, in which IRIs are relative to its own base alone; `root` is where it is served."""

    catalogue: Catalogue
    root: str = ""

    def document(self, given: Given) -> Document:
        """Read what is given; raises UnreadableError with line and column."""
        try:
            text = untrusted.decoded(given.content)
            with untrusted.told(text):
                document = self._read(given, text)
        except SyntaxError as error:
            place = error.lineno or 1, error.offset or 1
            raise UnreadableError(given.path, error.msg, *place) from error
        return self._by_topic(document)

    def _read(self, given: Given, text: str) -> Document:
        form = RDF_FORMS[given.form]
        listed = untrusted.values(text, form)
        if form == RdfFormat.JSON_LD:
            context = self.catalogue.context
            others = untrusted.contexts(listed, text, self._is_ours, context)
            marked = [leaf for leaf in listed if not _FIXED.intersection(_own_keys(leaf))]
            return self._traced(given, text, marked, others)
        if form == RdfFormat.RDF_XML:
            return self._traced(given, text, listed, {})
        reader = untrusted.parsed(text, form)
        quads = tuple(reader)
        return Document(given.path, quads, (), reader.prefixes, "", text.encode())

    def _traced(
        self, given: Given, text: str, marked: Sequence[Leaf], others: Mapping[Span, str]
    ) -> Document:
        form = RDF_FORMS[given.form]
        quoted = '"{}"' if form == RdfFormat.JSON_LD else "{}"
        read = partial(untrusted.parsed, form=form)
        quads = tuple(read(leaves.with_others(text, others)))
        placed = traces.placed(text, marked, quads, read, others, quoted)
        untrusted.refuse_relative(quads, placed)
        prefixes = self.catalogue.prefixes
        placed = tuple(replace(triple, prefixes=prefixes) for triple in placed)
        return Document(given.path, quads, (), prefixes, "", text.encode(), placed)

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
