"""The benchmark of searches asks what has an answer, and measures only right ones."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import chart, definitions, times
from benchmarks.cases import Case, cases
from benchmarks.definitions import WrongError
from benchmarks.figures import Results, tables
from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.search.engine import SearchResult
from practicegraph.storage.oxigraph import Snapshots
from support.catalogues import loaded


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    found = startup.open_for_serving(loaded(tmp_path_factory.mktemp("measured")))
    assert isinstance(found.source, Snapshots)
    found.source.latest()
    yield found
    found.search.file.close()


@pytest.fixture(scope="module")
def asked(served: Services) -> list[Case]:
    return cases(served)


def test_every_case_finds_entries_on_the_first_try(asked: list[Case]) -> None:
    empty = [case.name for case in asked if not case.questions[0].right.total]
    assert len(asked) == 9
    assert not empty


def test_no_request_of_a_case_is_made_twice(asked: list[Case]) -> None:
    for case in asked:
        if case.name not in ("counts alone", "no choice"):
            paths = case.paths(3)
            assert len(set(paths)) == len(paths), case.name


def test_the_results_of_several_runs_make_one_table_and_one_chart(
    served: Services, asked: list[Case], tmp_path: Path
) -> None:
    for count in (1000, 10_000):
        kept = Results(tmp_path / "results.json")
        for name, found in times.in_process(served, asked, 1).items():
            kept.keep(count, "process", name, found)
            kept.keep(count, "oxigraph", name, {"over": 60})
    text = "\n".join(tables(kept))
    assert all(f"| {case.name} |" in text for case in asked)
    assert "| over 60 s |" in text
    assert "| entries | 1,000 | 10,000 |" in text
    drawn = [tmp_path / name for name in ("one.svg", "two.svg")]
    for path in drawn:
        chart.draw(kept, path)
    assert drawn[0].read_bytes() == drawn[1].read_bytes()
    assert b"10,000" in drawn[0].read_bytes()


def test_a_wrong_response_is_not_measured(served: Services, asked: list[Case]) -> None:
    case = next(case for case in asked if case.name == "three mixed choices")
    question = case.questions[0]
    with definitions.asked(served.catalogue.folder) as process:
        assert process.measure(Case(case.name, (question,)))["p50"] > 0
        assert isinstance(question.right, SearchResult)
        wrong = replace(question, right=replace(question.right, total=0))
        with pytest.raises(WrongError, match="total"):
            process.measure(Case(case.name, (wrong,)))
