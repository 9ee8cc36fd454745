"""The redirects that w3id.org is asked for, applied as Apache's mod_rewrite would."""

import re
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from practicegraph.catalogue.catalogue import Catalogue
from support.catalogues import ROOT

TEXT = (ROOT / "w3id" / ".htaccess").read_text()
SERVICE = "https://practicegraph.example.org"


def redirect(path: str) -> tuple[int, str]:
    """The status and the address to which the rules lead a path below the folder."""
    variables: dict[str, str] = {}
    for pattern, target, flags in re.findall(r"^RewriteRule (\S+) (\S+) \[(\S+)\]$", TEXT, re.M):
        match = re.search(pattern, path)
        if not match:
            continue
        if setting := re.search(r"E=(\w+):([^,]+)", flags):
            variables[setting[1]] = setting[2]
        status = re.search(r"R=(\d+)", flags)
        if status:
            place = re.sub(r"%\{ENV:(\w+)\}", lambda name: variables[name[1]], target)
            return int(status[1]), place.replace("$1", path)
    raise AssertionError(f"no rule leads {path} anywhere")


@pytest.mark.parametrize(
    ("path", "status", "place"),
    [
        ("", 303, "/"),
        ("practice/1788", 303, "/practice/1788"),
        ("practice/1788.ttl", 303, "/practice/1788.ttl"),
        ("outcome/ACE", 303, "/outcome/ACE"),
        ("ontology/0.1.0", 303, "/ontology/0.1.0"),
        ("queries/imports", 303, "/queries/imports"),
        ("sparql", 307, "/sparql"),
        ("sparql/", 307, "/sparql"),
        ("sparqlx", 303, "/sparqlx"),
    ],
)
def test_a_path_redirects_to_the_same_path_of_the_service(
    path: str, status: int, place: str
) -> None:
    assert redirect(path) == (status, SERVICE + place)


def test_every_iri_of_ours_resolves_after_the_redirect(client: TestClient, real: Catalogue) -> None:
    graphs = [iri for iri in real.store.graph_sizes() if iri.startswith(real.base)]
    concepts = [iri for iri in real.vocabularies.concepts if iri.startswith(real.base)]
    assert len(graphs) > 60
    for iri in graphs + concepts:
        _, place = redirect(iri.removeprefix(real.base))
        answer = client.get(urlsplit(place).path, headers={"Accept": "text/turtle"})
        assert answer.status_code in (200, 303), iri


def test_the_url_of_the_service_is_in_one_line() -> None:
    assert TEXT.count(SERVICE) == 1
    assert "Access-Control-Allow-Origin" in TEXT
