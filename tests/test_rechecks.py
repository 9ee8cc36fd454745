"""A check of a folder looks again only at what has changed, and finds what a whole check finds."""

import gc
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import CASES
from practicegraph import opening, rechecks
from practicegraph.admission import Admission
from practicegraph.findings import Checked, Finding
from practicegraph.folder import Document
from practicegraph.opening import KEPT
from practicegraph.store import Store
from retired import BASE, bury, move, take_out, withdraw


def without_examples(findings: Iterable[Finding]) -> list[Finding]:
    """Examples in mends depend on the order of a store."""
    return [replace(finding, mend=None) for finding in findings]


def checked(root: Path) -> Checked:
    gc.collect()  # stores of former checks
    return rechecks.check(root)


def whole(root: Path) -> Checked:
    contents = opening.read(root)
    return opening.check(root, contents, contents.paths)


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The names of the files that each check has looked at again."""
    seen: list[list[str]] = []
    admitted = Admission.checked

    def noted(
        self: Admission,
        documents: list[Document],
        languages: tuple[str, ...],
        wanted: Iterable[Path] = (),
        audited: Store | None = None,
    ) -> Checked:
        seen.append([document.path.name for document in documents])
        return admitted(self, documents, languages, wanted, audited)

    monkeypatch.setattr(Admission, "checked", noted)
    yield seen


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_without_a_change_nothing_is_looked_at_again(
    copied: Path, looked_at: list[list[str]]
) -> None:
    first = checked(copied)
    assert looked_at == []
    assert checked(copied) == first
    assert looked_at == [[]]


def test_a_changed_entry_is_looked_at_alone_and_again_as_long_as_it_is_faulty(
    copied: Path, looked_at: list[list[str]]
) -> None:
    checked(copied)
    path = copied / "data/practices/1788.ttl"
    text = path.read_text()
    append(path, f"<{BASE}practice/1788> <{BASE}ontology#country> <{BASE}nowhere> .\n")
    assert checked(copied).violations
    assert checked(copied).violations
    path.write_text(text)
    assert not checked(copied).violations
    assert looked_at == [["1788.ttl"]] * 3
    checked(copied)
    assert looked_at[-1] == []


def test_a_label_of_a_concept_touches_no_entry_but_its_withdrawal_those_that_have_it(
    copied: Path, looked_at: list[list[str]]
) -> None:
    checked(copied)
    scheme = copied / "ontology/actor.ttl"
    concept = f"{BASE}actor/school"
    append(
        scheme, f'<{concept}> <http://www.w3.org/2004/02/skos/core#altLabel> "An example"@en .\n'
    )
    assert not checked(copied).findings
    assert looked_at == [["actor.ttl"]]
    withdraw(scheme, concept)
    found = checked(copied)
    assert without_examples(found.findings) == without_examples(whole(copied).findings)
    have = [
        p.name for p in (copied / "data/practices").iterdir() if "actor:school" in p.read_text()
    ]
    assert 0 < len(have) < 40
    assert set(have) <= set(looked_at[-1])
    assert len(looked_at[-1]) < 50


def test_changed_shapes_have_everything_looked_at(copied: Path, looked_at: list[list[str]]) -> None:
    checked(copied)
    shape = copied / "shapes/practice.ttl"
    shape.write_text(
        shape.read_text().replace(
            "sh:maxCount 1 ;\n    sh:node shape:In-category",
            "sh:minCount 2 ;\n    sh:node shape:In-category",
        )
    )
    assert checked(copied).violations > 50
    assert looked_at == []


PRACTICES, ALTERNATIVE = "data/practices", "http://www.w3.org/2004/02/skos/core#altLabel"
LABEL = f'<{BASE}actor/school> <{ALTERNATIVE}> "Example"@en .'
TWIN = f'<{BASE}actor/family> <{ALTERNATIVE}> "Example"@en .'


def renamed(root: Path) -> None:
    path = root / PRACTICES / "1701.ttl"
    path.rename(path.with_name("renamed.ttl"))


CHANGES: dict[str, Callable[[Path], object]] = {
    "an entry is taken away": lambda root: (root / PRACTICES / "1764.ttl").unlink(),
    "an entry leads to another": lambda root: move(
        root / PRACTICES / "1699.ttl", f"{BASE}practice/1699", f"{BASE}practice/1788"
    ),
    "the other is withdrawn": lambda root: bury(
        root / PRACTICES / "1788.ttl", f"{BASE}practice/1788"
    ),
    "a concept is merged": lambda root: move(
        root / "ontology/outcome.ttl", f"{BASE}outcome/HAP", f"{BASE}outcome/BEL"
    ),
    "a concept is taken away": lambda root: take_out(
        root / "ontology/target.ttl", f"{BASE}target/newly-arrived"
    ),
    "a file has another name": renamed,
    "a fault is added": lambda root: (root / PRACTICES / "fault.ttl").write_text(
        (CASES / "entry-that-speaks-of-another.ttl").read_text()
    ),
    "two concepts have one label": lambda root: append(
        root / "ontology/actor.ttl", f"{LABEL}\n{TWIN}\n"
    ),
    "two files are on one topic": lambda root: (root / PRACTICES / "twin.ttl").write_text(
        (root / PRACTICES / "1803.ttl").read_text()
    ),
    "a file is no RDF": lambda root: append(root / PRACTICES / "1802.ttl", "?"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_found_as_in_a_check_of_everything(
    change: Callable[[Path], object], copied: Path
) -> None:
    checked(copied)
    change(copied)
    again, everything = checked(copied), whole(copied)
    assert without_examples(again.findings) == without_examples(everything.findings)
    assert (again.files, again.summary) == (everything.files, everything.summary)


@pytest.mark.parametrize("seed", [1])
def test_changes_one_after_another_are_found_as_in_a_check_of_everything(
    seed: int, copied: Path
) -> None:
    checked(copied)
    changes = list(CHANGES.values())[:-2]
    for change in random.Random(seed).sample(changes, len(changes)):
        change(copied)
        found = without_examples(checked(copied).findings)
        assert found == without_examples(whole(copied).findings)


def test_a_folder_that_cannot_be_written_to_is_checked_all_the_same(copied: Path) -> None:
    (copied / KEPT).write_text("in the way")
    assert checked(copied) == whole(copied)
