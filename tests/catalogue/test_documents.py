"""Files of a folder that are no documents of the catalogue."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from support.catalogues import ROOT


@pytest.mark.parametrize(
    "name",
    [
        "data/practices/9801.TTL",
        "data/practices/9802.turtle",
        "data/practices/9806.ttl.txt",
        "data/9808.rdf",
        "ontology/terms.jsonld",
        "queries/all.sparql",
    ],
)
def test_a_file_that_is_not_read_is_a_warning_that_says_which_are(
    run: Callable[..., Result], copied: Path, name: str
) -> None:
    (copied / name).write_bytes((ROOT / "data/practices/1788.ttl").read_bytes())
    result = run("check")
    assert result.exit_code == 0
    (line,) = (line for line in result.output.splitlines() if line.startswith(name))
    assert line.startswith(f"{name}: warning: ")
    assert ".ttl, .trig, .nq, .rq" in line
    assert name in run("check", str(Path(name).parent)).output
    assert name not in run("check", "shapes").output


@pytest.mark.parametrize("name", ["data/README.md", "data/.9801.TTL", "data/.git/config", "x.txt"])
def test_pages_and_hidden_files_are_passed_over(
    run: Callable[..., Result], copied: Path, name: str
) -> None:
    (copied / name).parent.mkdir(exist_ok=True)
    (copied / name).write_text("")
    assert name not in run("check").output
