import json
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rdflib import Namespace

from practicegraph.catalogue import catalogue, revisions
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.catalogue.documents import Document
from practicegraph.validation import rules
from practicegraph.validation.findings import FindingBuilder
from support.catalogues import ROOT, copy
from support.retirement import (
    BASE,
    GONE,
    LAST,
    NEXT,
    OLD,
    REASON,
    move,
    remove_paragraph,
    write_tombstone,
)

AS = Namespace("https://www.w3.org/ns/activitystreams#")
Run = Callable[..., Result]


@cache
def earlier() -> Sequence[Document]:
    """The real catalogue, as a revision."""
    return revisions.read_revision(str(ROOT), ROOT)


def git(folder: Path, *arguments: str) -> None:
    names = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "-C", str(folder), *names, *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogue in every form: folders, archives, and a repository that holds it in a folder."""
    kept = tmp_path_factory.mktemp("kept")
    inner = copy(kept / "repository" / "inner")
    with zipfile.ZipFile(kept / "zipped.zip", "w") as archive:
        for path in sorted(inner.rglob("*")):
            archive.write(path, Path("catalogue-1.0") / path.relative_to(inner))
    with tarfile.open(kept / "packed.tar.gz", "w:gz") as packed:
        for part in inner.iterdir():
            packed.add(part, part.name)
    git(kept / "repository", "init", "--quiet")
    git(kept / "repository", "add", ".")
    git(kept / "repository", "commit", "--quiet", "--message", "First")
    git(kept / "repository", "tag", "v1")
    return kept


@pytest.mark.parametrize("reference", ["repository/inner", "zipped.zip", "packed.tar.gz", "v1"])
def test_a_folder_an_archive_and_a_revision_hold_the_same(
    kept: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    monkeypatch.chdir(kept)
    found = revisions.read_revision(reference, kept / "repository" / "inner")
    assert {d.path: (d.topics, len(d.quads)) for d in found} == {
        d.path: (d.topics, len(d.quads)) for d in earlier()
    }


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("nothing", "no revision"),
        ("-x", "no revision"),
        ("v1..v2", "no revision"),
        ("broken.zip", "cannot be read"),
        ("empty", "no catalogue"),
    ],
)
def test_a_reference_to_no_catalogue_is_an_error(
    run: Run, copied: Path, reference: str, said: str
) -> None:
    (copied / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    (copied / "empty").mkdir()
    git(copied, "init", "--quiet")
    result = run("diff", "--", reference, ".")
    assert result.exit_code == 2
    assert said in result.output
    assert isinstance(result.exception, SystemExit)


def test_a_revision_needs_git_and_a_repository(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("check", "--against", "HEAD")
    assert result.exit_code == 1
    assert "not a git repository" in result.output
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("check", "--against", "HEAD")
    assert result.exit_code == 1
    assert "takes git" in result.output


def test_an_unreadable_file_of_a_revision_is_an_error_with_its_place(
    run: Run, copied: Path
) -> None:
    earlier = copied / "earlier"
    copy(earlier)
    (earlier / "data/practices/1788.ttl").write_text("<a> .")
    result = run("check", "--against", "earlier")
    assert result.exit_code == 1
    assert "data/practices/1788.ttl:1:" in result.output


def test_an_unchanged_catalogue_has_no_vanished_iris(run: Run) -> None:
    assert run("check", "--against", str(ROOT)).exit_code == 0
    assert run("diff", str(ROOT), "--exit-code").exit_code == 0


def test_a_vanished_entry_is_a_finding_with_its_file_and_title(run: Run, copied: Path) -> None:
    (copied / "data/practices/1701.ttl").unlink()
    result = run("check", "--against", str(ROOT), "--format", "json")
    assert result.exit_code == 1
    (found,) = json.loads(result.output)["findings"]
    assert (found["focusNode"], found["value"]) == (GONE, GONE)
    assert found["sourceShape"].endswith("#phrase-Vanished")
    assert found["location"]["file"] == "data/practices/1701.ttl"
    assert found["message"].startswith("UNHCR: Reinforcing")
    assert "tombstone" in found["hint"]


def find_vanished_iris(real: Catalogue, root: Path) -> dict[str, Path]:
    """What the rule finds in a copy, by IRI, with the file in which it stood."""
    builder = FindingBuilder(real.phrases, real.reader, real.languages)
    published = rules.find_published_iris(earlier(), real.base, real.shapes)
    after = catalogue.read_folder(root).documents
    return {
        f.focus_node: f.file for f in rules.find_vanished_iris(builder, published, earlier(), after)
    }


def test_a_vanished_concept_outside_the_base_is_a_finding(real: Catalogue, copied: Path) -> None:
    iri = "http://publications.europa.eu/resource/authority/country/HUN"
    remove_paragraph(copied / "ontology/country.ttl", iri)
    assert find_vanished_iris(real, copied) == {iri: Path("ontology/country.ttl")}


@pytest.mark.parametrize(
    "path", ["ontology/addressee.ttl", "queries/imports.rq", "shapes/groups.ttl"]
)
def test_vanished_schemes_queries_and_shapes_are_findings(
    real: Catalogue, copied: Path, path: str
) -> None:
    (copied / path).unlink()
    assert set(find_vanished_iris(real, copied).values()) == {Path(path)}


def test_vanished_terms_are_findings_but_vanished_phrases_are_not(
    real: Catalogue, copied: Path
) -> None:
    ontology, phrases = copied / "ontology/practice.ttl", copied / "shapes/phrases.ttl"
    remove_paragraph(ontology, f"{BASE}ontology/retrieved")
    remove_paragraph(phrases, f"{BASE}shapes/phrase-skipToContent")
    assert list(find_vanished_iris(real, copied)) == [f"{BASE}ontology#retrieved"]


def test_merged_and_withdrawn_resources_have_not_vanished(real: Catalogue, copied: Path) -> None:
    move(copied / "data/practices/1764.ttl", OLD, NEXT)
    write_tombstone(copied / "data/practices/1701.ttl", GONE)
    assert find_vanished_iris(real, copied) == {}


@pytest.fixture
def changed(copied: Path) -> Path:
    """One entry of each: changed, merged, withdrawn, taken out, added."""
    practices = copied / "data/practices"
    entry = practices / "1788.ttl"
    text = entry.read_text()
    assert "country:AUT" not in text
    entry.write_text(
        text.replace("    pg:funding funding:eu-funds ;\n", "    pg:country country:AUT ;\n")
    )
    move(practices / "1764.ttl", OLD, NEXT)
    write_tombstone(practices / "1701.ttl", GONE)
    shutil.move(practices / "1803.ttl", practices / "new.ttl")
    text = (practices / "new.ttl").read_text()
    (practices / "new.ttl").write_text(text.replace("practice/1803", "practice/new"))
    return copied


def differences(run: Run, *options: str) -> dict[str, dict[str, Any]]:
    result = run("diff", str(ROOT), ".", "--format", "json", *options)
    assert result.exit_code == 0
    return {found["id"]: found for found in json.loads(result.output)["differences"]}


def test_a_diff_lists_each_entry_that_differs(run: Run, changed: Path) -> None:
    found = differences(run)
    assert {iri: difference["change"] for iri, difference in found.items()} == {
        LAST: "changed",
        OLD: "moved",
        GONE: "withdrawn",
        f"{BASE}practice/1803": "removed",
        f"{BASE}practice/new": "added",
    }
    assert found[OLD]["to"] == NEXT
    assert found[GONE]["reason"] == REASON
    assert {difference["kind"] for difference in found.values()} == {"Entry"}


def test_a_change_is_listed_by_labels_with_old_and_new_values(run: Run, changed: Path) -> None:
    fields = differences(run, "--lang", "nl")[LAST]["fields"]
    told = {field["label"]: (field["removed"], field["added"]) for field in fields}
    austria = {
        "id": "http://publications.europa.eu/resource/authority/country/AUT",
        "label": "Oostenrijk",
    }
    funds = {"id": f"{BASE}funding/eu-funds", "label": "EU-fondsen"}
    assert told == {
        "Land van herkomst / uitvoering": ([], [austria]),
        "Fondsen": ([funds], []),
    }


def test_a_diff_is_written_as_text(run: Run, changed: Path) -> None:
    result = run("diff", str(ROOT), "--lang", "en", "--exit-code")
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert any(line.startswith("Changed: Entry “") and line.endswith(LAST) for line in lines)
    assert "  Funds: - EU funds" in lines
    assert f"  2026-11-24: {REASON}" in lines
    assert lines[-1] == "Differences: 5."


def test_the_order_of_triples_makes_no_difference(run: Run, copied: Path) -> None:
    path = copied / "shapes/groups.ttl"
    head, *paragraphs = path.read_text().split("\n\n")
    path.write_text("\n\n".join([head, paragraphs[0], *reversed(paragraphs[1:])]) + "\n")
    meta = copied / "shapes/meta.ttl"
    meta.write_text(meta.read_text().replace("sh:languageIn (", "sh:languageIn\n  ("))
    assert differences(run) == {}


def test_a_change_of_a_concept_and_of_a_list_is_listed(run: Run, copied: Path) -> None:
    scheme, meta = copied / "ontology/funding.ttl", copied / "shapes/meta.ttl"
    scheme.write_text(scheme.read_text().replace('"EU funds"@en', '"Money of the EU"@en'))
    meta.write_text(meta.read_text().replace('"fr" "el" )', '"el" "fr" )'))
    found = differences(run)
    assert list(found) == [f"{BASE}funding/eu-funds", f"{BASE}shapes#Text"]
    assert [found[iri]["change"] for iri in found] == ["changed", "changed"]
    (field,) = found[f"{BASE}funding/eu-funds"]["fields"]
    assert (field["label"], field["language"]) == ("Preferred label", "en")
    (field,) = found[f"{BASE}shapes#Text"]["fields"]
    assert '"el" "fr"' in field["added"][0]["value"]
