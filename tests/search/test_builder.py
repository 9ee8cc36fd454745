"""An index built from files equals the one built from the store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, serialize

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.catalogue.documents import UnreadableError
from practicegraph.rdf.terms import XSD, Term
from practicegraph.search import builder
from practicegraph.search.builder import GraphRun, SubjectTracker
from practicegraph.search.entries import EntryReader, IndexedEntry
from practicegraph.search.index import Index
from practicegraph.search.index_data import IndexFile
from practicegraph.search.request import SearchRequest
from practicegraph.storage.base import Store
from practicegraph.storage.oxigraph import OxigraphStore

DEPRECATED = NamedNode("http://www.w3.org/2002/07/owl#deprecated")
TRUE = Literal("true", datatype=NamedNode(XSD + "boolean"))
ELSEWHERE = NamedNode("https://w3id.org/practicegraph/elsewhere")
PROPERTIES = frozenset({"p:1", "p:2"})


def in_order(quads: list[Quad]) -> Sequence[Quad]:
    return quads


def split_and_repeated(quads: list[Quad]) -> Sequence[Quad]:
    return quads[::2] + quads[1::2][::-1] + quads[:1]


def interleaved(quads: list[Quad]) -> Sequence[Quad]:
    return quads[0::3] + quads[1::3] + quads[2::3]


def half_in_another_graph(quads: list[Quad]) -> Sequence[Quad]:
    return [
        Quad(q.subject, q.predicate, q.object, ELSEWHERE) if number % 2 else q
        for number, q in enumerate(quads)
    ]


def deprecated_in_another_graph(quads: list[Quad]) -> Sequence[Quad]:
    return [*quads, Quad(quads[0].subject, DEPRECATED, TRUE, ELSEWHERE)]


Arrange = Callable[[list[Quad]], Sequence[Quad]]
ARRANGEMENTS: tuple[Arrange, ...] = (
    in_order,
    split_and_repeated,
    interleaved,
    half_in_another_graph,
    deprecated_in_another_graph,
)


@pytest.fixture(params=ARRANGEMENTS, ids=lambda arrange: arrange.__name__)
def source(
    request: pytest.FixtureRequest, real: Catalogue, tmp_path: Path
) -> tuple[EntryReader, list[Path]]:
    """A store and the files that it was filled from."""
    iris = reader_of(real, real.store).iris()
    quads = request.param([quad for iri in iris for quad in real.store.graph_quads(iri)])
    store, files = OxigraphStore(), [tmp_path / "first.nq", tmp_path / "second.nq"]
    store.add(quads)
    half = len(quads) // 2
    for file, part in zip(files, (quads[:half], quads[half:]), strict=True):
        serialize(part, file, format=RdfFormat.N_QUADS)
    return reader_of(real, store), files


def test_files_have_the_entries_of_the_store_but_those_described_apart(
    source: tuple[EntryReader, list[Path]],
) -> None:
    reader, files = source
    entries, apart = read_files(reader, files)
    missing = [iri for iri in reader.iris() if iri not in entries]
    reread = {entry.row.iri: entry for entry in reader.read([*missing, *apart])}
    current = {iri: entry for iri, entry in entries.items() if iri not in apart}
    expected = {entry.row.iri: entry for entry in reader.read(reader.iris())}
    assert current | reread == expected


def test_entries_with_their_records_in_one_graph_are_not_read_twice(
    real: Catalogue, tmp_path: Path
) -> None:
    reader, file = reader_of(real, real.store), tmp_path / "all.nq"
    iris = reader.iris()
    quads = [quad for iri in iris for quad in real.store.graph_quads(iri)]
    subjects = {quad.subject.value for quad in quads if isinstance(quad.subject, NamedNode)}
    assert subjects > set(iris)
    serialize(quads, file, format=RdfFormat.N_QUADS)
    entries, apart = read_files(reader, [file])
    assert sorted(entries) == iris
    assert not apart


def test_chunks_of_any_size_have_the_statements_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "odd.nq"
    lines = [
        "<t:b> <p:1> <t:a> <t:b> .",
        '<t:a> <p:1> "a \\"quoted\\" word\\n\\u00e9"@en-GB <t:a> .',
        "<t:a> <p:1> _:b <t:a> .",
        "_:b <p:1> <t:a> <t:a> .",
        '<t:a><p:1>"no spaces"<t:a>.',
        "# <t:a> <p:1> <t:c> <t:a> .",
        '<t:a> <p:1> "in another graph" <t:c> . # <t:a> .',
        '<t:a> <p:1> "ends a line" <t:a> .\r<t:a> <p:1> "ended" <t:a> .\r',
        "<t:a> <p:3> <t:b> <t:a> .",
        "",
        '<t:b> <p:2> "τέλος 🎓" <t:b> . ',
    ]
    file.write_bytes("\n".join(lines).encode())
    expected = merge(builder.file_runs(file, PROPERTIES))
    assert expected["t:b"][0]["p:2"] == {Literal("τέλος 🎓")}
    for size in (1, 30, 64, 200, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(builder, "_CHUNK_SIZE", size)
            chunks = builder.chunks(file)
            assert chunks
            runs = [run for chunk in chunks for run in builder.chunk_runs(chunk, PROPERTIES)]
        assert merge(runs) == expected, size


def test_chunks_end_where_graphs_do(tmp_path: Path) -> None:
    file = tmp_path / "set.nq"
    lines = [f"<t:{n}> <p:{m}> <t:x> <t:{n}> .\n" for n in range(50) for m in range(n % 5 + 1)]
    file.write_text("".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "_CHUNK_SIZE", 500)
        chunks = list(builder.chunks(file) or ())
    assert len(chunks) > 5
    assert b"".join(chunk.content for chunk in chunks) == file.read_bytes()
    assert [chunk.line for chunk in chunks] == [
        b"".join(c.content for c in chunks[:n]).count(b"\n") + 1 for n in range(len(chunks))
    ]
    topics = [run.topic for chunk in chunks for run in builder.chunk_runs(chunk, PROPERTIES)]
    assert topics == [f"t:{n}" for n in range(50)]


@pytest.mark.parametrize(
    ("line", "column"),
    [(b'<t:a> <p:1> "two <t:a> .', None), (b'<t:a> <p:1> "\xff" <t:a> .', None), (b"<t:a> b", 7)],
)
def test_a_malformed_line_is_reported_with_its_number(
    tmp_path: Path, line: bytes, column: int | None
) -> None:
    file = tmp_path / "broken.nq"
    file.write_bytes(b'<t:a> <p:1> "one" <t:a> .\n' * 7 + line + b"\n")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(UnreadableError) as caught:
        patch.setattr(builder, "_CHUNK_SIZE", 60)
        for chunk in builder.chunks(file) or ():
            list(builder.chunk_runs(chunk, PROPERTIES))
    assert (caught.value.path, caught.value.line) == (file, 8)
    assert column in (None, caught.value.column)


def test_an_index_built_from_files_equals_the_one_built_from_the_store(
    source: tuple[EntryReader, list[Path]], real: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, files = source
    monkeypatch.setattr(builder, "_MIN_FILE_ENTRIES", 10)
    monkeypatch.setattr(builder, "_BATCH_SIZE", 8)
    from_files, from_store = (build(real, reader, paths) for paths in (files, []))
    assert from_files.search(SearchRequest(), real.languages).total > 50
    assert list(results(from_files, real)) == list(results(from_store, real))


def test_an_index_survives_a_build_from_a_malformed_file(real: Catalogue, tmp_path: Path) -> None:
    file = tmp_path / "broken.nq"
    file.write_text("<https://example.org/a> <b")
    reader = reader_of(real, real.store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "_MIN_FILE_ENTRIES", 10)
        index = build(real, reader, [])
        with pytest.raises(UnreadableError, match=r"broken\.nq:1"):
            index.build([file])
    assert index.search(SearchRequest(), real.languages).total == 56


def reader_of(real: Catalogue, store: Store) -> EntryReader:
    return EntryReader(store, real.shapes.entry_shape, real.languages)


def merge(runs: Iterable[GraphRun]) -> dict[str, tuple[dict[str, set[Term]], set[str]]]:
    """The statements and the other subjects of each graph."""
    graphs: dict[str, tuple[dict[str, set[Term]], set[str]]] = {}
    for run in runs:
        statements, others = graphs.setdefault(run.topic, ({}, set()))
        others |= run.other_subjects
        for name, terms in run.statements.items():
            statements.setdefault(name, set()).update(terms)
    return graphs


def read_files(
    reader: EntryReader, files: Sequence[Path]
) -> tuple[dict[str, IndexedEntry], list[str]]:
    """The entries as they first come in files, and those with statements elsewhere."""
    entries, tracker = dict[str, IndexedEntry](), SubjectTracker()
    extractor = reader.extractor
    needed = frozenset(extractor.properties), extractor.ways
    for file in files:
        for chunk in builder.chunks(file) or ():
            for run in builder.chunk_runs(chunk, *needed):
                entry = extractor.extract(run.topic, run.statements)
                iris = [run.topic] if entry else []
                if tracker.add(iris, [(run.topic, run.other_subjects)]) and entry:
                    entries[run.topic] = entry
    return entries, tracker.described_apart()


def build(real: Catalogue, reader: EntryReader, files: Sequence[Path]) -> Index:
    index = Index(reader, real.vocabularies, IndexFile())
    index.build(files)
    return index


def results(index: Index, real: Catalogue) -> Iterator[object]:
    for sort in ("title", "-title", "start", "outcome.count"):
        for language in ("en", "el"):
            request = SearchRequest(sort=sort, size=100)
            result = index.search(request, (language, *real.languages))
            yield result.entries, result.counts
    yield index.scores("school mentor*")
