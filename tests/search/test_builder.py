"""Files that a store was filled from say the same of entries as the store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, serialize

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.catalogue.documents import UnreadableError
from practicegraph.rdf.terms import XSD
from practicegraph.search import builder
from practicegraph.search.builder import Piece, Told
from practicegraph.search.entries import FactReader, Facts, Value
from practicegraph.search.index import Index
from practicegraph.search.index_file import Shelf
from practicegraph.search.request import Choices
from practicegraph.storage.oxigraph import Embedded

Change = Callable[[list[Quad]], Sequence[Quad]]
DEPRECATED = NamedNode("http://www.w3.org/2002/07/owl#deprecated")
TRUE = Literal("true", datatype=NamedNode(XSD + "boolean"))
ELSEWHERE = NamedNode("https://w3id.org/practicegraph/elsewhere")


def as_it_is(quads: list[Quad]) -> Sequence[Quad]:
    return quads


def apart(quads: list[Quad]) -> Sequence[Quad]:
    return quads[::2] + quads[1::2][::-1] + quads[:1]


def interleaved(quads: list[Quad]) -> Sequence[Quad]:
    return quads[0::3] + quads[1::3] + quads[2::3]


def in_another_graph(quads: list[Quad]) -> Sequence[Quad]:
    """Half of what is said stands in graphs of another name, before and after their own."""
    return [
        Quad(q.subject, q.predicate, q.object, ELSEWHERE) if number % 2 else q
        for number, q in enumerate(quads)
    ]


def withdrawn_elsewhere(quads: list[Quad]) -> Sequence[Quad]:
    first = quads[0].subject
    return [*quads, Quad(first, DEPRECATED, TRUE, ELSEWHERE)]


@pytest.fixture(
    params=[as_it_is, apart, interleaved, in_another_graph, withdrawn_elsewhere],
    ids=lambda change: change.__name__,
)
def given(
    request: pytest.FixtureRequest, real: Catalogue, tmp_path: Path
) -> tuple[FactReader, list[Path]]:
    """A store and the files that it was filled from."""
    entries = FactReader(real.store, real.shapes.record).entries()
    quads = request.param([quad for iri in entries for quad in real.store.graph(iri)])
    store, files = Embedded(), [tmp_path / "first.nq", tmp_path / "second.nq"]
    store.add(quads)
    half = len(quads) // 2
    for file, some in zip(files, (quads[:half], quads[half:]), strict=True):
        serialize(some, file, format=RdfFormat.N_QUADS)
    return FactReader(store, real.shapes.record), files


def test_files_give_the_facts_or_leave_them_to_the_store(
    given: tuple[FactReader, list[Path]],
) -> None:
    reader, files = given
    found, again = passed(reader, files)
    left = [iri for iri in reader.entries() if iri not in found]
    better = {facts.iri: facts for facts in reader.read([*left, *again])}
    kept = {iri: facts for iri, facts in found.items() if iri not in again}
    assert as_read(kept | better) == as_read({f.iri: f for f in reader.read(reader.entries())})


def test_entries_whose_graphs_describe_other_things_too_are_read_of_the_files(
    real: Catalogue, tmp_path: Path
) -> None:
    reader, file = FactReader(real.store, real.shapes.record), tmp_path / "all.nq"
    entries = reader.entries()
    quads = [quad for iri in entries for quad in real.store.graph(iri)]
    assert {quad.subject.value for quad in quads if isinstance(quad.subject, NamedNode)} > set(
        entries
    )
    serialize(quads, file, format=RdfFormat.N_QUADS)
    found, again = passed(reader, [file])
    assert sorted(found) == entries
    assert not again


odd_lines = [
    '<t:a> <p:1> "one" <t:a> .',
    '<t:a> <p:1> "two words"@EN-gb <t:a> .',
    '<t:a> <p:1> "a \\"quoted\\" word\\n\\u00e9"@en <t:a> .',
    "<t:a> <p:1> <t:b> <t:a> .",
    "<t:a> <p:1> <t:caf\\u00e9> <t:a> .",
    '<t:a> <p:1> "7"^^<t:number> <t:a> .',
    "<t:a> <p:1> _:b <t:a> .",
    "_:b <p:1> <t:a> <t:a> .",
    '<t:a>\t<p:1>  "spaces" <t:a>.',
    '<t:a><p:1>"no spaces"<t:a>.',
    "# <t:a> <p:1> <t:c> <t:a> .",
    '<t:a> <p:1> "in another graph" <t:c> . # <t:a> .',
    '<t:a> <p:1> <t:d> <t:c> . # "x" <t:a> .',
    '<t:a> <p:1> "a graph in a text <t:a> ." <t:a> .',
    "<t:a> <p:unwanted> <t:b> <t:a> .",
    "<t:b> <p:1> <t:a> <t:a> .",
    '<t:b> <p:1> "its own" <t:b> .',
    '<t:a> <p:1> "ends a line" <t:a> .\r<t:a> <p:1> "ended" <t:a> .\r',
    "",
    '<t:a> <p:2> "τέλος 🎓" <t:a> . ',
]


@given_any(st.lists(st.sampled_from(odd_lines), max_size=12), st.integers(1, 200))
@settings(deadline=None)
def test_lines_in_any_form_say_what_an_rdf_parser_reads(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], size: int
) -> None:
    file = tmp_path_factory.mktemp("odd") / "odd.nq"
    file.write_bytes("\n".join(["<t:b> <p:1> <t:a> <t:b> .", *lines]).encode())
    wanted = {"p:1", "p:2"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "_AT_ONCE", size)
        parts = builder.parts_of(file)
        assert parts
        ours = [piece for part in parts for piece in builder.pieces(part, wanted)]
    assert joined(ours) == joined(builder.others(file, wanted))


def joined(pieces: Iterable[Piece]) -> dict[str, tuple[dict[str, set[Value]], set[str]]]:
    """What pieces of graphs say together; blank nodes are described in all of them."""
    found: dict[str, tuple[dict[str, set[Value]], set[str]]] = {}
    for piece in pieces:
        said, others = found.setdefault(piece.topic, ({}, set()))
        others |= piece.others
        for name, values in piece.said.items():
            said.setdefault(name, set()).update(values)
    return found


def test_a_set_is_cut_where_graphs_end(tmp_path: Path) -> None:
    file = tmp_path / "set.nq"
    lines = [f"<t:{n}> <p:{m}> <t:x> <t:{n}> .\n" for n in range(50) for m in range(n % 5 + 1)]
    file.write_text("".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "_AT_ONCE", 500)
        parts = list(builder.parts_of(file) or ())
    assert len(parts) > 5
    assert b"".join(part.content for part in parts) == file.read_bytes()
    assert [part.number for part in parts] == [
        b"".join(p.content for p in parts[:n]).count(b"\n") + 1 for n in range(len(parts))
    ]
    topics = [piece.topic for part in parts for piece in builder.pieces(part, set())]
    assert topics == [f"t:{n}" for n in range(50)]


def test_a_line_that_is_no_rdf_is_told_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "broken.nq"
    file.write_text('<t:a> <p:1> "one" <t:a> .\n' * 7 + '<t:a> <p:1> "two <t:a> .\n')
    with pytest.MonkeyPatch.context() as patch, pytest.raises(UnreadableError) as caught:
        patch.setattr(builder, "_AT_ONCE", 60)
        for part in builder.parts_of(file) or ():
            list(builder.pieces(part, {"p:1"}))
    assert (caught.value.path, caught.value.line) == (file, 8)
    file.write_bytes(b'<t:a> <p:1> "one" <t:a> .\n<t:a> <p:1> "\xff" <t:a> .\n')
    with pytest.raises(UnreadableError):
        [list(builder.pieces(part, {"p:1"})) for part in builder.parts_of(file) or ()]


def test_an_index_made_of_files_is_the_one_made_of_the_store(
    given: tuple[FactReader, list[Path]], real: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, files = given
    monkeypatch.setattr(builder, "_MANY", 10)
    monkeypatch.setattr(builder, "_BATCH", 8)
    ours, theirs = (made(real, reader, some) for some in (files, []))
    assert ours.answer(Choices(), real.languages).total > 50
    assert list(answers(ours, real)) == list(answers(theirs, real))


def test_a_file_that_is_no_rdf_any_more_is_told(real: Catalogue, tmp_path: Path) -> None:
    file = tmp_path / "broken.nq"
    file.write_text("<https://example.org/a> <b")
    reader = FactReader(real.store, real.shapes.record)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "_MANY", 10)
        index = made(real, reader, [])
        with pytest.raises(UnreadableError, match=r"broken\.nq:1"):
            index.build([file])
    assert index.answer(Choices(), real.languages).total == 53


def passed(reader: FactReader, files: Sequence[Path]) -> tuple[dict[str, Facts], list[str]]:
    """The facts of entries that files tell first, and those of which more is said."""
    found, told = dict[str, Facts](), Told()
    wanted = frozenset(reader.finder.properties)
    for file in files:
        for part in builder.parts_of(file) or ():
            for piece in builder.pieces(part, wanted):
                read = builder.pass_pieces(reader.finder, [piece])
                if told.take([facts.iri for facts in read.facts], read.topics, read.others):
                    found |= {facts.iri: facts for facts in read.facts}
    return found, told.again()


def made(real: Catalogue, reader: FactReader, files: Sequence[Path]) -> Index:
    index = Index(reader, real.vocabularies, real.languages, Shelf())
    index.build(files)
    return index


def answers(index: Index, real: Catalogue) -> Iterator[object]:
    for sort in ("title", "-title", "start", "outcome.count"):
        for language in ("en", "el"):
            answer = index.answer(Choices(sort=sort, size=100), (language, *real.languages))
            yield answer.entries, answer.counts
    yield index.found("school mentor*")


def as_read(found: dict[str, Facts]) -> dict[str, tuple[object, ...]]:
    """Facts with their texts in one order, since a set of statements has none."""
    return {
        iri: (f.values, f.titles, f.keys, f.spans, f.steps, sorted(f.texts, key=str))
        for iri, f in found.items()
    }
