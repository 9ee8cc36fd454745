"""Every triple has its place, in every file and in texts as odd as the grammar lets them be."""

import gzip
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    Quad,
    RdfFormat,
    Triple,
    parse,
    serialize,
)

from practicegraph.catalogue import documents
from practicegraph.catalogue.documents import UnreadableError
from practicegraph.rdf.positions import (
    LocatedTriple,
    UnknownTokenError,
    locate_n_quads,
    locate_triples,
)
from practicegraph.rdf.terms import RDF
from support.catalogues import CASES, ROOT

PARTS = [ROOT / part for part in ("ontology", "shapes", "queries", "data")] + [CASES]
NO_RDF = {"file-without-a-dot.ttl"}
FILES = [
    path for part in PARTS for path in documents.list_rdf_files(part) if path.name not in NO_RDF
]
FORMS = {".ttl": RdfFormat.TURTLE, ".trig": RdfFormat.TRIG, ".rq": RdfFormat.TURTLE}


def canonical(triples: Iterable[Triple]) -> list[str]:
    """The triples with names for blank nodes that do not hang on who read them; repeats count."""
    listed = list(triples)
    dataset = Dataset(Quad(t.subject, t.predicate, t.object) for t in listed)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return [*sorted(map(str, dataset)), str(len(listed))]


def triples(found: Iterable[LocatedTriple]) -> list[Triple]:
    return [Triple(one.subject, one.predicate, one.object) for one in found]


def parsed(text: str, form: RdfFormat = RdfFormat.TURTLE) -> list[Triple]:
    return [quad.triple for quad in parse(text.encode(), form)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_located_triples_of_a_file_are_its_triples(path: Path) -> None:
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    content = (
        documents.split_query_file(content)[0] if path.suffix == documents.QUERY_SUFFIX else content
    )
    form = FORMS[path.suffixes[-2] if path.suffix == ".gz" else path.suffix]
    text = content.decode()
    assert canonical(triples(locate_triples(text))) == canonical(parsed(text, form))


def test_triples_of_n_quads_are_located_line_by_line() -> None:
    quads = [*documents.read_document(ROOT / "data/practices/1788.ttl").quads]
    written = serialize(quads, format=RdfFormat.N_QUADS)
    assert isinstance(written, bytes)
    text = written.decode()
    found = list(locate_n_quads(text))
    assert triples(found) == [quad.triple for quad in quads]
    for line, one in zip(text.splitlines(), found, strict=True):
        subject, predicate, value = (text[span.start : span.end] for span in one.spans)
        assert line.startswith(f"{subject} {predicate} {value} <")


HEAD = """@prefix : <http://example.org/> .
PREFIX e: <http://example.org/e#>
@prefix é.é: <http://example.org/é/> .
@base <http://example.org/a/b> .
"""
IRIS = st.sampled_from(
    [
        "<http://example.org/é\\u00e9>",
        "<#part>",
        "<../up>",
        "<>",
        "<urn:x:\\U0001F600>",
        ":",
        ":x",
        "e:",
        "e:a.b",
        "e:1-a",
        "é.é:%41\\~:c",
        ":a:b",
        "e:_9",
        ":é·",
    ]
)
BLANKS = st.sampled_from(["_:b", "_:b.1", "_:9-é", "_:_"])
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
QUOTES = st.sampled_from(['"', "'", '"""', "'''"])
PLAIN = st.sampled_from(
    ["1", "-0", "+1.5", ".5", "1e3", "1.E-3", ".5e+1", "true", "false", '"a^^e:b"', "'#'"]
)
GAPS = st.sampled_from(
    [" ", "\n", "\t", "\r\n", "  # a comment; with <marks> \"and ' quotes .\n", "#\n", " # é\n "]
)
SUFFIXES = st.sampled_from(
    [[], ["@en"], ["@zh-Hant-x-9"], ["^^", "e:type"], ["^^", "<#type>"], ["^^", ":a.b"]]
)
Parts = list[str]


def string(words: str, quote: str) -> str:
    """A text as a string of Turtle; what has to be escaped in that form is escaped."""
    escaped = words.replace("\\", "\\\\").replace(quote[0], f"\\{quote[0]}")
    if len(quote) == 1:
        escaped = escaped.replace("\n", "\\n").replace("\r", "\\u000D")
    elif not words.endswith(quote[0]):
        escaped = escaped.replace(f"\\{quote[0]}", quote[0], 1)
    return quote + escaped + quote


STRINGS = st.builds(lambda *parts: [string(*parts[:2]), *parts[2]], WORDS, QUOTES, SUFFIXES)
SIMPLE = st.one_of(IRIS.map(lambda t: [t]), BLANKS.map(lambda t: [t]), PLAIN.map(lambda t: [t]))


def between(lists: list[Parts], mark: str) -> Parts:
    """The lists with a mark between each two."""
    return [part for each in lists for part in (mark, *each)][1:]


def properties(values: st.SearchStrategy[Parts]) -> st.SearchStrategy[Parts]:
    verbs = st.one_of(IRIS, st.just("a"))
    objects = st.lists(values, min_size=1, max_size=3).map(lambda found: between(found, ","))
    said = st.builds(lambda verb, found: [verb, *found], verbs, objects)
    several = st.lists(said, min_size=1, max_size=3).map(lambda found: between(found, ";"))
    return st.builds(
        lambda found, more: [*found, *more], several, st.sampled_from([[], [";"], [";", ";"]])
    )


VALUES = st.recursive(
    st.one_of(SIMPLE, STRINGS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda found: ["(", *chain(*found), ")"]),
        st.one_of(st.just([]), properties(inner)).map(lambda found: ["[", *found, "]"]),
    ),
    max_leaves=6,
)
SUBJECTS = st.one_of(IRIS.map(lambda t: [t]), BLANKS.map(lambda t: [t]))
STATEMENTS = st.one_of(
    st.builds(lambda subject, said: [*subject, *said, "."], SUBJECTS, properties(VALUES)),
    st.builds(lambda said: ["[", *said, "]", "."], properties(VALUES)),
    st.builds(lambda said: ["(", "1", ")", *said, "."], properties(VALUES)),
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text in Turtle; nothing stands between a mark and its neighbour, or much does."""
    parts = [*chain(*draw(st.lists(STATEMENTS, max_size=3)))]
    text = HEAD
    for part, after in zip(parts, [*parts, "."][1:], strict=True):
        close = part in "([,;" or after in ")],;" or after[0] in "@^" or part == "^^"
        text += part + ("" if close and draw(st.booleans()) else draw(GAPS))
    return text


@settings(max_examples=200, deadline=None)
@given(texts())
def test_triples_of_unusual_turtle_are_located(text: str) -> None:
    found = locate_triples(text)
    assert canonical(triples(found)) == canonical(parsed(text))
    for one in found:
        if not isinstance(one.object, BlankNode) and not one.predicate.value.startswith(
            RDF + "rest"
        ):
            value = text[one.spans.object.start : one.spans.object.end]
            assert parsed(f"{HEAD}<x:s> <x:p> {value} .")[0].object == one.object


def test_triples_of_deeply_nested_turtle_are_located() -> None:
    deep = 5000
    assert (
        len(locate_triples("<x:s> <x:p> " + "[ <x:p> " * deep + "1" + " ]" * deep + " ."))
        == deep + 1
    )
    assert (
        len(locate_triples("<x:s> <x:p> " + "( " * deep + "1" + " )" * deep + " .")) == 2 * deep + 1
    )


def test_triples_of_trig_are_located() -> None:
    text = (
        "{ <x:a> <x:b> 1 } <x:g> { <x:a> <x:b> 2 . <x:a> <x:b> 3 }\n"
        "GRAPH _:g { [] a <x:d> } <x:a> <x:b> 4 . [] { <x:a> <x:b> [ <x:b> 5 ] }"
    )
    assert canonical(triples(locate_triples(text))) == canonical(parsed(text, RdfFormat.TRIG))


def test_a_text_with_triple_terms_is_unreadable() -> None:
    text = "<x:s> <x:p> <<( <x:a> <x:b> <x:c> )>> ."
    with pytest.raises(UnknownTokenError):
        locate_triples(text)
    with pytest.raises(UnreadableError, match=r"new.ttl:1:1: a triple term"):
        documents.parse_document(Path("new.ttl"), text.encode())
