"""Files of a folder that are no documents of the catalogue, or not in their places."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from pyoxigraph import RdfFormat, serialize

from practicegraph.catalogue.documents import read_document, read_prefixes
from support.catalogues import ROOT

IGNORED = [
    "data/practices/9801.TTL",
    "data/practices/9802.turtle",
    "data/practices/9806.ttl.txt",
    "data/9808.rdf",
    "ontology/terms.jsonld",
    "queries/all.sparql",
    "9814.ttl",
]


def test_files_that_are_not_read_are_warnings_that_say_which_are(
    run: Callable[..., Result], copied: Path
) -> None:
    for name in IGNORED:
        (copied / name).write_bytes((ROOT / "data/practices/1788.ttl").read_bytes())
    result = run("check")
    assert result.exit_code == 0
    for name in IGNORED:
        (line,) = (line for line in result.output.splitlines() if line.startswith(name))
        assert line.startswith(f"{name}: warning: ")
        assert ".ttl, .trig, .nq, .rq" in line
    for folder in ("data/practices", "ontology"):
        output = run("check", folder).output
        within = [name for name in IGNORED if name.startswith(f"{folder}/")]
        assert [name for name in IGNORED if name in output] == within


def test_pages_and_hidden_files_are_passed_over(run: Callable[..., Result], copied: Path) -> None:
    names = ["data/README.md", "data/.9801.TTL", "data/.git/config", "x.txt"]
    for name in names:
        (copied / name).parent.mkdir(exist_ok=True)
        (copied / name).write_text("")
    output = run("check").output
    assert not [name for name in names if name in output]


MISPLACED = {
    "data/1788.ttl": "data/practices/1788.ttl",
    "data/practices/other.ttl": "data/practices/1789.ttl",
    "ontology/1791.ttl": "data/practices/1791.ttl",
    "data/practices/action.ttl": "ontology/action.ttl",
}


def test_a_file_with_another_name_or_in_another_folder_is_a_warning_with_its_place(
    run: Callable[..., Result], copied: Path
) -> None:
    for name, place in MISPLACED.items():
        (copied / place).rename(copied / name)
    (copied / "data/practices/1799.ttl").rename(copied / "data/1799.nq")
    quads = read_document(ROOT / "data/practices/1799.ttl").quads
    (copied / "data/1799.nq").write_bytes(serialize(quads, format=RdfFormat.N_QUADS) or b"")
    result = run("check")
    assert result.exit_code == 0, result.output
    warnings = [line for line in result.output.splitlines() if "[Misplaced]" in line]
    assert len(warnings) == len(MISPLACED)
    for name, place in MISPLACED.items():
        assert any(line.startswith(f"{name}:") and f"to {place} [" in line for line in warnings)


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\n@prefix a: <urn:a:> .\n@prefix : <urn:> .\na:b a:c a:d .\n",
        "@prefix a: <urn:a:> .\na:b a:c 'with a prefix b: <urn:none> in a text' .\n",
        "@prefix a: <urn:a:> .\na:b a:c a:d .\nPREFIX b: <urn:b:>\nb:b b:c b:d .\n",
        "PREFIX a: <urn:a:>\n@prefix b: # between\n<urn:b:> .\nb:b b:c b:d .\n",
    ],
)
def test_the_prefixes_of_a_file_are_those_that_it_declares_anywhere(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "file.ttl"
    path.write_text(text)
    assert read_prefixes(path) == read_document(path).prefixes
