"""Stored queries that are checks, and their links, which are requested on demand."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import sleep

import pytest
from click.testing import Result

from practicegraph.catalogue import catalogue, documents
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.schema.shapes import constraints
from practicegraph.schema.shapes.reader import ShapesError
from practicegraph.validation import checks, triples
from practicegraph.validation.findings import Finding, FindingBuilder
from practicegraph.validation.rules import StoredChecks
from practicegraph.validation.triples import LinkChecker
from support.catalogues import CASES, ROOT

NAMES = {
    "unreachable-concepts",
    "shared-labels",
    "one-sided-relations",
    "half-translated-texts",
    "definitions-that-say-nothing",
    "conflicting-matches",
    "redundant-broader-concepts",
    "linked-addresses",
}
SECONDS = 0.5


class Pages(BaseHTTPRequestHandler):
    """Pages that are there, gone, moved, refused, for GET alone, and slow; counts what is asked."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        status = {"/gone": 404, "/moved": 301, "/refused": 403, "/get": 501}.get(self.path, 200)
        if self.path == "/slow":
            sleep(3 * SECONDS)
        if self.command == "GET" and self.path == "/get":
            status = 200
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "/gone")
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    Pages.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_every_check_is_a_question_with_a_case(real: Catalogue) -> None:
    found = {audit.iri.rpartition("/")[2] for audit in constraints.read_stored_checks(real.store)}
    assert found == NAMES <= set(real.stored_queries)
    cases = "\n".join(path.read_text() for path in CASES.glob("*.ttl"))
    assert {name for name in NAMES if f"# finds: {name} " in cases} == NAMES - {"linked-addresses"}


@pytest.mark.parametrize("language", ["nl", "el"])
def test_a_check_names_field_and_other_things_in_the_language(language: str) -> None:
    path = CASES / "concept-with-redundant-broader.ttl"
    (found,) = checks.check(ROOT, catalogue.read_folder(ROOT, [path]), [path], language).findings
    said = {
        "nl": ("Tweede voorbeeld", "Breder begrip"),
        "el": ("Δεύτερο παράδειγμα", "Ευρύτερη έννοια"),
    }
    assert said[language][0] in found.detail
    assert found.path_label == said[language][1]
    assert (found.severity_name, found.is_violation) == ("Info", False)


def audited(root: Path, wanted: Path, fetch: LinkChecker | None = None) -> list[Finding]:
    """What the checks find in one file of a catalogue."""
    opened = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
    builder = FindingBuilder(opened.phrases, opened.reader, opened.languages)
    homes = {quad.subject.value: wanted for quad in documents.read_document(wanted).quads}  # type: ignore[union-attr]
    auditor = StoredChecks(opened.store, builder, homes, lambda _, predicate: predicate)
    return list(auditor.check({wanted}, fetch))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("HAVING (COUNT(DISTINCT ?concept) > 1)", "HAVING", "shared-labels"),
        ("?this", "?thing", "shared-labels: a check selects"),
        ("SELECT DISTINCT ?this", "SELECT DISTINCT", "shared-labels: a check selects"),
        ("WHERE {\n", "WHERE {\n    SERVICE <http://127.0.0.1:9/> { ?a ?b ?c }\n", "SERVICE"),
    ],
)
def test_a_check_that_cannot_be_asked_is_a_mistake_of_the_shapes(
    copied: Path, before: str, after: str, said: str
) -> None:
    question, scheme = copied / "queries/shared-labels.rq", copied / "ontology/actor.ttl"
    question.write_text(question.read_text().replace(before, after))
    label = '    skos:altLabel "Example"@en ;\n    skos:notation '
    scheme.write_text(scheme.read_text().replace("    skos:notation ", label))
    with pytest.raises(ShapesError, match=said):
        audited(copied, scheme)


@pytest.mark.parametrize(
    ("literal", "kept"),
    [
        ('"007"^^xsd:integer', "7"),
        ('"5"^^xsd:nonNegativeInteger', "5"),
        ('"-1"^^xsd:byte', "-1"),
        ('"1.50"^^xsd:decimal', '"1.5"^^xsd:decimal'),
        ('"1"^^xsd:boolean', "true"),
        ('"2026-11-24T24:00:00Z"^^xsd:dateTimeStamp', '"2026-11-25T00:00:00Z"^^xsd:dateTime'),
        ('"P12M"^^xsd:duration', '"P1Y"^^xsd:duration'),
        ('"5"^^xsd:integer', ""),
        ('"five"^^xsd:integer', ""),
        ('"007"', ""),
        ('"007"^^<http://example.org/number>', ""),
        ('"cafe\u0301\\r\\n"@fr', ""),
    ],
)
@pytest.mark.parametrize("subject", ["<http://example.org/a>", "[]"])
def test_a_literal_that_the_store_rewrites_is_found_with_the_one_that_it_keeps(
    real: Catalogue, subject: str, literal: str, kept: str
) -> None:
    turtle = f"""@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<http://example.org/a> <http://example.org/p> <http://example.org/b> .
{subject} <http://example.org/q> {literal} ."""
    document = documents.parse_document(Path("a.ttl"), turtle.encode())
    report = checks.build_checker(real).check([document], (), [document.path])
    rewritten = [f for f in report.findings if f.component_name == "Rewritten"]
    assert [finding.fix.text for finding in rewritten if finding.fix] == ([kept] if kept else [])
    assert all(f.region and f.region.start == (3, len(subject) + 25) for f in rewritten)


def test_a_link_is_dead_that_is_gone_leads_to_what_is_gone_or_does_not_answer_in_time(
    site: str,
) -> None:
    pages = [f"{site}/{name}" for name in ("here", "gone", "moved", "refused", "get", "slow")]
    found = triples.find_dead_links([*pages, "urn:isbn:1", "ftp://127.0.0.1/x"], seconds=SECONDS)
    assert set(found) == {f"{site}/{name}" for name in ("gone", "moved", "slow")}
    assert found[f"{site}/gone"] == "404 Not Found"
    assert "HEAD /here" in Pages.asked
    assert "GET /here" not in Pages.asked


def test_a_host_to_which_nothing_connects_is_asked_once() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    address = f"http://127.0.0.1:{server.server_port}"
    server.server_close()
    pages = [f"{address}/{number}" for number in range(100)]
    assert set(triples.find_dead_links(pages, seconds=SECONDS)) == set(pages)


def test_links_are_asked_on_request_and_of_the_wanted_files_alone(
    run: Callable[..., Result], copied: Path, site: str
) -> None:
    path = copied / "data/practices/1709.ttl"
    text = path.read_text()
    path.write_text(
        text.replace(
            "    dct:identifier",
            f"    foaf:page <{site}/gone> , <{site}/here> ;\n    dct:identifier",
            1,
        ).replace(
            "@prefix language", "@prefix foaf: <http://xmlns.com/foaf/0.1/> .\n@prefix language", 1
        )
    )
    assert not audited(copied, path)
    assert not Pages.asked
    result = run("check", str(path), "--links")
    assert result.exit_code == 0
    assert f"Links: “{site}/gone”: does not respond: 404 Not Found" in result.output
    assert "violations: 0; warnings: 1" in result.output
    assert {line.partition(" ")[2] for line in Pages.asked} == {"/gone", "/here"}
