"""Files that a store was filled from say the same of entries as the store."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, serialize

from practicegraph import indexing
from practicegraph.catalogue import Catalogue
from practicegraph.choices import Choices
from practicegraph.embedded import Embedded
from practicegraph.facts import FactReader, Facts
from practicegraph.folder import UnreadableError
from practicegraph.index import Index
from practicegraph.passing import Passing
from practicegraph.shelf import Shelf
from practicegraph.turtle import XSD

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


def test_files_give_the_facts_or_tell_whom_the_store_knows_better(
    given: tuple[FactReader, list[Path]],
) -> None:
    reader, files = given
    passing = Passing(reader.finder, files)
    found = {facts.iri: facts for facts in passing.read()}
    better = {facts.iri: facts for facts in reader.read(sorted(passing.others))}
    kept = {iri: facts for iri, facts in found.items() if iri not in passing.others}
    assert as_read(kept | better) == as_read({f.iri: f for f in reader.read(reader.entries())})


def test_an_index_made_of_files_is_the_one_made_of_the_store(
    given: tuple[FactReader, list[Path]], real: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, files = given
    monkeypatch.setattr(indexing, "_MANY", 10)
    monkeypatch.setattr(indexing, "_BATCH", 8)
    ours, theirs = (made(real, reader, some) for some in (files, []))
    assert ours.answer(Choices(), real.languages).total > 50
    assert list(answers(ours, real)) == list(answers(theirs, real))


def test_a_file_that_is_no_rdf_any_more_is_told(real: Catalogue, tmp_path: Path) -> None:
    file = tmp_path / "broken.nq"
    file.write_text("<https://example.org/a> <b")
    reader = FactReader(real.store, real.shapes.record)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexing, "_MANY", 10)
        index = made(real, reader, [])
        with pytest.raises(UnreadableError, match=r"broken\.nq:1"):
            index.build([file])
    assert index.answer(Choices(), real.languages).total == 53


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
