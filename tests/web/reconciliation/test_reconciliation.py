"""The Reconciliation Service API 0.2: requests as OpenRefine sends them, and their answers.

No package brings the standard's JSON schemas, so its structures are written down here as types.
https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
"""

import json
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Annotated, Any, NotRequired
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, TypeAdapter
from typing_extensions import TypedDict

from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.rdf.terms import as_text
from practicegraph.web.app import application
from support import retirement as retired
from support.catalogues import ROOT, copy

PATH = "/reconcile"
OPENREFINE = {"Origin": "http://127.0.0.1:3333"}
HUNGARY = "http://publications.europa.eu/resource/authority/country/HUN"
Text = Annotated[str, Field(min_length=1)]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]


class Closed(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]


class Named(Closed):
    id: Text
    name: Text


class Type(Named):
    broader: NotRequired[list[Named]]


class Feature(Closed):
    id: Text
    value: StrictBool | StrictInt | StrictFloat


class Candidate(Named):
    type: list[Named]
    score: Annotated[float, Field(ge=0, le=100)]
    features: list[Feature]
    match: StrictBool


class Result(Closed):
    result: list[Candidate]


class Suggested(Named):
    description: NotRequired[Text]
    notable: NotRequired[list[Named]]
    broader: NotRequired[list[Named]]


class Suggestions(Closed):
    result: list[Suggested]


class Place(Closed):
    service_url: Text
    service_path: Text


class Suggest(Place):
    flyout_service_url: Text
    flyout_service_path: Annotated[str, Field(pattern=r"\$\{id\}")]


class View(Closed):
    url: Annotated[str, Field(pattern=r"\{\{id\}\}")]


class Preview(View):
    width: int
    height: int


class Choice(Closed):
    value: Text
    name: Text


class Setting(Closed):
    name: Text
    label: Text
    type: Annotated[str, Field(pattern=r"^(number|text|checkbox|select)$")]
    default: str | int
    choices: NotRequired[list[Choice]]


class Extend(Closed):
    propose_properties: Place
    property_settings: list[Setting]


class Manifest(Closed):
    versions: list[Text]
    name: Text
    identifierSpace: Text
    schemaSpace: Text
    documentation: Text
    serviceVersion: Text
    defaultTypes: list[Type]
    view: View
    preview: Preview
    suggest: dict[str, Suggest]
    extend: Extend
    batchSize: int


class Meta(Named):
    type: NotRequired[Named]


class Written(Closed):
    str: str


class Whole(Closed):
    int: StrictInt


class Broken(Closed):
    float: StrictFloat


class Truth(Closed):
    bool: StrictBool


class Dated(Closed):
    date: Moment


class Extension(Closed):
    meta: list[Meta]
    rows: dict[str, dict[str, list[Named | Written | Whole | Broken | Truth | Dated]]]


class Proposal(Closed):
    type: str
    properties: list[Named]
    limit: NotRequired[int]


def valid(form: Any, returned: Any) -> Any:
    """Return an answer after a check of its structure."""
    TypeAdapter(form).validate_python(returned)
    return returned


def batch(client: TestClient, queries: Mapping[str, Any], language: str = "") -> dict[str, Any]:
    """Send a batch as OpenRefine does; return the candidates of each query."""
    address = f"{PATH}?lang={language}" if language else PATH
    response = client.post(address, data={"queries": json.dumps(queries)}, headers=OPENREFINE)
    assert response.status_code == 200, response.text
    assert response.headers["access-control-allow-origin"] == "*"
    returned: dict[str, Any] = valid(dict[str, Result], response.json())
    assert list(returned) == list(queries)
    return {key: result["result"] for key, result in returned.items()}


def ask(client: TestClient, words: str = "", language: str = "", **more: Any) -> list[Any]:
    """Return the candidates of one query."""
    query = ({"query": words} if words else {}) | more
    returned: list[Any] = batch(client, {"q0": query}, language)["q0"]
    return returned


def matched(candidates: list[Any]) -> str | None:
    """Return the identifier of the match."""
    returned = [one["id"] for one in candidates if one["match"]]
    assert len(returned) < 2
    return returned[0] if returned else None


def features(candidate: Mapping[str, Any]) -> dict[str, Any]:
    return {one["id"]: one["value"] for one in candidate["features"]}


def extend(
    client: TestClient, ids: list[str], *properties: Any, language: str = ""
) -> dict[str, Any]:
    """Request values as OpenRefine does; return them by identifier and property."""
    listing = [setting if isinstance(setting, dict) else {"id": setting} for setting in properties]
    query = {"ids": ids, "properties": listing}
    address = f"{PATH}?lang={language}" if language else PATH
    response = client.post(address, data={"extend": json.dumps(query)}, headers=OPENREFINE)
    assert response.status_code == 200, response.text
    returned = valid(Extension, response.json())
    assert [meta["id"] for meta in returned["meta"]] == [setting["id"] for setting in listing]
    assert list(returned["rows"]) == ids
    rows: dict[str, Any] = returned["rows"]
    return rows


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A catalogue with merged and withdrawn entities."""
    root = copy(tmp_path_factory.mktemp("changed"))
    retired.move(root / "data/practices/1764.ttl", retired.OLD, retired.LAST)
    retired.write_tombstone(root / "data/practices/1701.ttl", retired.GONE)
    retired.move(root / "ontology/outcome.ttl", retired.REPLACED, retired.SUCCESSOR)
    retired.withdraw(root / "ontology/actor.ttl", retired.WITHDRAWN)
    with TestClient(
        application(startup.open_for_serving(root)), follow_redirects=False
    ) as returned:
        yield returned


def test_the_manifest_is_one_of_version_0_2(client: TestClient) -> None:
    response = client.get(PATH, headers=OPENREFINE)
    assert response.headers["access-control-allow-origin"] == "*"
    returned = valid(Manifest, response.json())
    assert "0.2" in returned["versions"]
    assert returned["identifierSpace"] == "https://w3id.org/practicegraph/"
    types = {one["id"]: one["name"] for one in returned["defaultTypes"]}
    assert types["practice"] == "Entry"
    assert {"country", "outcome", "language"} <= set(types)


def test_jsonp_is_not_supported(client: TestClient) -> None:
    response = client.get(PATH, params={"callback": "jQuery123"})
    assert response.headers["content-type"] == "application/json"
    assert response.json()["versions"]


def test_all_urls_of_the_manifest_answer_200(client: TestClient) -> None:
    returned = client.get(PATH, params={"lang": "de"}).json()
    for name, place in returned["suggest"].items():
        suggested = client.get(place["service_url"] + place["service_path"] + "&prefix=t").json()
        first = valid(Suggestions, suggested)["result"][0]
        flyout = place["flyout_service_url"] + place["flyout_service_path"]
        response = client.get(flyout.replace("${id}", quote(first["id"], safe="")))
        assert response.json()["id"] == first["id"], name
        assert first["name"] in response.json()["html"]
    for part, status in (("view", 303), ("preview", 200)):
        address = returned[part]["url"].replace("{{id}}", quote("country/HUN", safe=""))
        assert client.get(address).status_code == status
    assert client.get(returned["documentation"], headers={"Accept": "text/html"}).status_code == 200


def test_the_manifest_has_public_urls_behind_a_proxy(services: Services) -> None:
    app = application(services, proxies=[ip_network("10.0.0.0/8")])
    problem_details = {"X-Forwarded-Host": "data.example.org", "X-Forwarded-Prefix": "/catalogue"}
    inside = TestClient(app, follow_redirects=False, client=("10.1.2.3", 1))
    returned = inside.get(f"{PATH}?lang=nl", headers=problem_details).json()
    places = [*returned["suggest"].values(), returned["extend"]["propose_properties"]]
    addresses = [place["service_url"] + place["service_path"] for place in places]
    addresses += [returned["view"]["url"], returned["preview"]["url"], returned["documentation"]]
    outside = "http://data.example.org/catalogue/"
    assert all(address.startswith(outside) for address in addresses)
    assert all(address.count("/catalogue/") == 1 for address in addresses)
    moved = inside.get(f"{PATH}/view?id=country/HUN", headers=problem_details).headers["location"]
    assert moved == "/catalogue/country/HUN.html"


def test_openrefine_guesses_the_type_of_a_column(client: TestClient) -> None:
    sample = ["Hungary", "Germany", "Greece", "Spain", "Poland", "Malta"]
    queries = {f"q{n}": {"query": name, "limit": 3} for n, name in enumerate(sample)}
    for candidates in batch(client, queries).values():
        assert [kind["id"] for kind in candidates[0]["type"]] == ["country"]


@pytest.mark.parametrize(
    ("written", "code", "sure"),
    [
        ("Deutschland", "DEU", True),
        ("  ungarn ", "HUN", True),
        ("Ελλάδα", "GRC", True),
        ("ΟΥΓΓΑΡΙΑ", "HUN", True),
        ("Espana", "ESP", True),
        ("HUN", "HUN", True),
        ("Griechenlnd", "GRC", False),
        ("Deutchland", "DEU", False),
        ("Γερμανiα", "DEU", False),
        ("Ολανδία", "NLD", None),
        ("Tschechei Republik", "CZE", None),
        ("Bosnia", "BIH", True),
        ("Herzegovina", "BIH", False),
        ("Herzegovina and Bosnia", "BIH", False),
        ("Frankriech", "FRA", False),
    ],
)
def test_names_match_in_any_spelling_of_a_project(
    client: TestClient, written: str, code: str, sure: bool | None
) -> None:
    returned = ask(client, written, type="country", type_strict="should")
    if sure is None:
        assert matched(returned) is None
    else:
        assert returned[0]["id"] == f"country/{code}"
        assert returned[0]["match"] is sure
        assert (returned[0]["score"] == 100) is sure


def test_every_name_of_every_concept_finds_it_in_its_scheme(
    client: TestClient, real: Catalogue
) -> None:
    names = [
        (scheme.key, f"{scheme.key}/{concept.notation}", wording)
        for scheme in real.vocabularies.schemes.values()
        for concept in scheme.concepts.values()
        for _, wording in concept.all_labels
    ]
    assert len(names) > 1500
    for start in range(0, len(names), 1000):
        part = names[start : start + 1000]
        queries = {str(n): {"query": name, "type": key} for n, (key, _, name) in enumerate(part)}
        for number, candidates in batch(client, queries).items():
            _, identifier, name = part[int(number)]
            best = [one["id"] for one in candidates if one["score"] == 100]
            assert identifier in best, name


def test_every_entry_is_found_by_every_title(
    client: TestClient, real: Catalogue, services: Services
) -> None:
    record = real.shapes.entry_shape
    iris = services.search.search(
        services.request_parser.parse([("size", "1000")]), ("en",)
    ).entries
    titles = {
        f"{as_text(title)}": entry.iri.removeprefix(real.base)
        for entry in real.reader.read_records(record, iris)
        for field in record.fields_with_role("LabelRole")
        for title in entry.values.get(field.key, ())
    }
    assert len(titles) > 60
    returned = batch(client, {title: {"query": title} for title in titles})
    assert {title: matched(candidates) for title, candidates in returned.items()} == titles


def test_a_title_is_found_by_its_prefix_and_misspelt(client: TestClient) -> None:
    for words in (
        "Mentoring for Integration of third country national children",
        "MINT",
        "MINT - Mentorng for Integration of third county national childrn affected by migration",
    ):
        returned = ask(client, words, type="practice")
        assert returned[0]["id"] == "practice/1788"
        assert not returned[0]["match"]


def test_a_name_of_two_entities_matches_neither(client: TestClient) -> None:
    returned = ask(client, "Italien")
    assert {one["id"] for one in returned} == {"country/ITA", "language/ITA"}
    assert matched(returned) is None
    assert matched(ask(client, "Italien", type="country")) == "country/ITA"


@pytest.mark.parametrize(
    ("words", "identifier"),
    [
        (HUNGARY, "country/HUN"),
        (HUNGARY.replace("http:", "https:"), "country/HUN"),
        ("country/HUN", "country/HUN"),
        ("https://w3id.org/practicegraph/country/HUN", "country/HUN"),
        ("https://w3id.org/practicegraph/outcome/ACE", "outcome/ACE"),
        ("https://w3id.org/practicegraph/practice/1788", "practice/1788"),
        ("practice/1788", "practice/1788"),
        ("1788", "practice/1788"),
        ("ACE", "outcome/ACE"),
    ],
)
def test_an_identifier_finds_its_entity(client: TestClient, words: str, identifier: str) -> None:
    (returned,) = ask(client, words)
    assert (returned["id"], returned["match"], returned["score"]) == (identifier, True, 100)
    assert features(returned)["identifier"]


def test_a_merged_entity_is_found_as_its_successor(changed: TestClient) -> None:
    old = ["practice/1764", retired.OLD, "1764", "outcome/HAP", retired.REPLACED, "HAP"]
    returned = batch(changed, {words: {"query": words} for words in old})
    identifier_expected = ["practice/1788"] * 3 + ["outcome/BEL"] * 3
    assert [matched(candidates) for candidates in returned.values()] == identifier_expected


def test_a_withdrawn_entity_is_no_candidate(changed: TestClient, real: Catalogue) -> None:
    entry = real.reader.label(retired.GONE, ("en",))
    concept = real.vocabularies.concepts[retired.WITHDRAWN].labels["en"]
    words = [retired.GONE, "practice/1701", "1701", entry, retired.WITHDRAWN, concept]
    returned = batch(changed, {text: {"query": text} for text in words})
    offered = {one["id"] for candidates in returned.values() for one in candidates}
    for text in words:
        suggested = changed.get(f"{PATH}/suggest/entity", params={"prefix": text}).json()
        offered |= {one["id"] for one in suggested["result"]}
    assert not {"practice/1701", "actor/school"} & offered
    assert extend(changed, ["practice/1701"], "title")["practice/1701"]["title"] == []


def test_type_strict_limits_the_types_of_candidates(client: TestClient) -> None:
    for strict in ("any", "all"):
        assert ask(client, "Hungary", type="language", type_strict=strict) == [] or all(
            one["type"][0]["id"] == "language"
            for one in ask(client, "Hungary", type="language", type_strict=strict)
        )
    (other,) = ask(client, "practice/1788", type=["country"], type_strict="should")
    assert (other["id"], other["match"], other["score"]) == ("practice/1788", False, 50)
    assert ask(client, "practice/1788", type=["country"], type_strict="any") == []
    both = ["country", "language"]
    assert len(ask(client, "Italien", type=both, type_strict="any")) == 2
    assert ask(client, "Italien", type=both, type_strict="all") == []
    assert len(ask(client, "Italien", type=["country", "Concept"], type_strict="all")) == 1


def test_a_type_is_found_by_its_iri_and_by_its_name_in_any_language(client: TestClient) -> None:
    for name in ("practice", "https://w3id.org/practicegraph/ontology#Practice", "Eintrag"):
        assert matched(ask(client, "1788", type=name)) == "practice/1788"
    assert matched(ask(client, "Ungarn", type={"id": "country"})) == "country/HUN"


def test_property_values_that_do_not_match_halve_the_score_at_most(client: TestClient) -> None:
    title = (
        "MINT - Mentoring for Integration of third country national children affected by migration"
    )

    def scored(*values: tuple[str, Any]) -> tuple[float, bool]:
        listing = [{"pid": key, "v": value} for key, value in values]
        best = ask(client, title, type="practice", properties=listing)[0]
        assert best["id"] == "practice/1788"
        return best["score"], best["match"]

    assert scored(("country", "Hungary")) == (100, True)
    assert scored(("country", {"id": "country/HUN", "name": "whatever"})) == (100, True)
    assert scored(("Herkunftsland/Durchführungsort", ["Spanien", "Ungarn"])) == (100, True)
    assert scored(("start", 2019), ("identifier", 1788)) == (100, True)
    assert scored(("country", "Spain")) == (75, False)
    assert scored(("country", "Spain"), ("identifier", "1788")) == (83.3, False)


def test_the_score_follows_from_its_features(client: TestClient) -> None:
    values = [{"pid": "country", "v": "Spain"}, {"pid": "start", "v": "2019"}]
    returned = ask(client, "Mentoring for Integration", type="practice", properties=values)
    for one in returned:
        problem_details = features(one)
        sent = [
            problem_details["property.country"],
            problem_details["property.start"],
            100 * problem_details["type"],
        ]
        share = sum(sent) / len(sent) / 100
        assert one["score"] == pytest.approx(problem_details["name"] * (1 + share) / 2, abs=0.1)


def test_a_query_without_a_name_finds_entities_with_all_property_values(
    client: TestClient, real: Catalogue, services: Services
) -> None:
    values = [{"pid": "country", "v": "HUN"}, {"pid": "outcome", "v": "ACE"}]
    chosen = [("country", "HUN"), ("outcome", "ACE"), ("size", "100")]
    expected = services.search.search(services.request_parser.parse(chosen), ("en",)).entries
    returned = ask(client, properties=values, type="practice", limit=50)
    assert {real.base + one["id"] for one in returned} == set(expected)
    notation = [{"pid": "notation", "v": "HUN"}]
    assert matched(ask(client, properties=notation, type="country")) == "country/HUN"
    assert matched(ask(client, properties=notation)) is None
    assert ask(client, properties=[{"pid": "country", "v": "Atlantis"}]) == []


def test_the_limit_of_a_query_is_the_number_of_its_candidates(client: TestClient) -> None:
    values = [{"pid": "category", "v": "good-practice"}]
    assert len(ask(client, properties=values)) == 10
    assert len(ask(client, properties=values, limit=3)) == 3
    assert len(ask(client, properties=values, limit=500)) <= 50


def test_the_best_candidate_is_the_first_and_named_in_the_language(client: TestClient) -> None:
    returned = ask(client, "Oungaria", "de", type="country")
    scores = [one["score"] for one in returned]
    assert scores == sorted(scores, reverse=True)
    assert returned[0]["name"] == "Ungarn"
    response = client.get(
        PATH,
        params={"queries": '{"q0": {"query": "HUN"}}'},
        headers={"Accept-Language": "el"},
    )
    assert response.json()["q0"]["result"][0]["name"] == "Ουγγαρία"
    assert "Accept-Language" in response.headers["vary"]


def test_values_of_a_data_extension_keep_their_types(client: TestClient) -> None:
    keys = ("title", "country", "issued", "start", "page")
    returned = extend(client, ["practice/1788", "country/HUN"], *keys)
    assert returned["practice/1788"]["country"] == [{"id": "country/HUN", "name": "Hungary"}]
    assert returned["practice/1788"]["start"] == [{"str": "2019-01"}]
    assert returned["practice/1788"]["issued"][0]["date"].endswith("T00:00:00Z")
    assert returned["practice/1788"]["page"][0]["str"].startswith("https://")
    assert set(map(str, returned["country/HUN"].values())) == {"[]"}
    ongoing = extend(client, [f"practice/{n}" for n in range(1750, 1806)], "ongoing")
    assert {"bool": True} in [value for row in ongoing.values() for value in row["ongoing"]]


def test_a_data_extension_has_values_of_concepts(client: TestClient) -> None:
    returned = extend(client, ["outcome/ACE"], "prefLabel", "broader", "inScheme", language="nl")
    row = returned["outcome/ACE"]
    assert len(row["prefLabel"]) == 1
    assert all(value["id"].startswith("outcome/") for value in row["broader"])
    assert row["inScheme"] == [{"str": "https://w3id.org/practicegraph/outcome"}]


def test_a_property_s_settings_choose_language_and_number(client: TestClient) -> None:
    def names(**chosen: Any) -> list[str]:
        setting = {"id": "prefLabel", "settings": chosen}
        row = extend(client, ["country/HUN"], setting)["country/HUN"]
        return [value["str"] for value in row["prefLabel"]]

    assert names(language="el") == ["Ουγγαρία"]
    assert len(names(language="*")) == 7
    assert len(names(language="*", limit="2")) == 2
    assert names() == ["Hungary"]


def test_the_metadata_of_a_property_have_the_type_of_its_values(client: TestClient) -> None:
    query = {"ids": [], "properties": [{"id": "outcome"}, {"id": "title"}]}
    meta = client.post(PATH, data={"extend": json.dumps(query)}).json()["meta"]
    assert meta[0]["type"]["id"] == "outcome"
    assert "type" not in meta[1]


def test_a_replaced_identifier_keeps_its_row(changed: TestClient) -> None:
    returned = extend(changed, ["practice/1764", "practice/1788"], "title")
    assert returned["practice/1764"] == returned["practice/1788"]


def test_properties_are_proposed_by_type_as_openrefine_asks(client: TestClient) -> None:
    returned = client.get(PATH, params={"lang": "de"}).json()["extend"]["propose_properties"]
    address = (
        returned["service_url"] + returned["service_path"] + "?type=practice&limit=5&callback=x"
    )
    proposed = valid(Proposal, client.get(address).json())
    assert proposed["properties"][0] == {"id": "title", "name": "Titel"}
    assert (proposed["type"], len(proposed["properties"])) == ("practice", 5)
    of_concepts = client.get(f"{PATH}/properties?type=country").json()["properties"]
    assert "prefLabel" in {one["id"] for one in of_concepts}
    assert len(client.get(f"{PATH}/properties?type=").json()["properties"]) > len(of_concepts)


def test_entities_are_suggested_by_prefix(client: TestClient) -> None:
    def suggested(prefix: str, **more: Any) -> list[Any]:
        response = client.get(f"{PATH}/suggest/entity", params={"prefix": prefix, **more})
        result: list[Any] = valid(Suggestions, response.json())["result"]
        return result

    assert "country/HUN" in {one["id"] for one in suggested("Ungar")}
    assert "practice/1788" in {one["id"] for one in suggested("MINT")}
    assert suggested("Hungary", type="country")[0]["id"] == "country/HUN"
    assert suggested("practice/1788")[0]["id"] == "practice/1788"
    assert suggested("") == []
    both = suggested("s", limit=20)
    assert both[:10] == suggested("s")
    assert both[10:] == suggested("s", cursor=10)
    assert {one["notable"][0]["id"] for one in suggested("a", type="outcome")} <= {"outcome"}


@pytest.mark.parametrize(
    ("name", "prefix", "identifier"),
    [
        ("type", "Eintr", "practice"),
        ("type", "count", "country"),
        ("property", "Land", "country"),
        ("property", "titl", "title"),
        ("property", "preferr", "prefLabel"),
    ],
)
def test_types_and_properties_are_suggested(
    client: TestClient, name: str, prefix: str, identifier: str
) -> None:
    response = client.get(f"{PATH}/suggest/{name}", params={"prefix": prefix})
    assert identifier in {one["id"] for one in valid(Suggestions, response.json())["result"]}


def test_only_previews_may_be_framed(client: TestClient) -> None:
    response = client.get(f"{PATH}/preview", params={"id": "practice/1788", "lang": "nl"})
    policy = response.headers["content-security-policy"]
    assert "frame-ancestors *" in policy
    assert "default-src 'none'" in policy
    assert 'lang="nl"' in response.text
    assert "Hongarije" in response.text
    assert "<script" not in response.text
    page = client.get("/practice/1788.html").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page
    missing = client.get(f"{PATH}/preview", params={"id": "nothing"})
    assert missing.status_code == 404


def test_the_view_redirects_to_the_page_of_an_entity(
    client: TestClient, changed: TestClient
) -> None:
    def place(served: TestClient, identifier: str) -> str:
        response = served.get(f"{PATH}/view?id={quote(identifier, safe='')}")
        assert response.status_code == 303
        return response.headers["location"]

    assert place(client, "country/HUN") == "/country/HUN.html"
    assert place(changed, "practice/1764") == "/practice/1788.html"
    assert changed.get(place(changed, "practice/1701")).status_code == 410
    assert client.get(f"{PATH}/view?id=nothing").status_code == 404


@pytest.mark.parametrize(
    ("queries", "expected_text"),
    [
        ("{", "JSON"),
        ("[]", '{"q0": {"query": "…"}}'),
        ('{"q0": {}}', "queries.q0"),
        ('{"q0": "x"}', "queries.q0"),
        ('{"q0": {"query": []}}', "queries.q0.query"),
        ('{"q0": {"query": "x", "limit": -1}}', "queries.q0.limit"),
        ('{"q0": {"query": "x", "limit": 1.5}}', "queries.q0.limit"),
        ('{"q0": {"query": "x", "type": "contry"}}', "country"),
        ('{"q0": {"query": "x", "type": [7]}}', "queries.q0.type"),
        ('{"q0": {"query": "x", "type_strict": "maybe"}}', "should"),
        ('{"q0": {"query": "x", "properties": {}}}', "queries.q0.properties"),
        ('{"q0": {"query": "x", "properties": [{"pid": "cuntry", "v": 1}]}}', "country"),
        ('{"q0": {"query": "x", "properties": [{"v": 1}]}}', "queries.q0.properties[0].pid"),
        ('{"q0": {"query": "x", "properties": [{"pid": "title", "v": {}}]}}', "[0].v.id"),
        ('{"q0": {"query": "x", "propertys": []}}', "properties"),
        ('{"q0": {"query": "\\ud800"}}', "JSON"),
        ('{"q0": ' + "[" * 100_000, "100 deep"),
    ],
)
def test_a_malformed_query_answers_400_with_its_place_and_a_valid_form(
    client: TestClient, queries: str, expected_text: str
) -> None:
    response = client.post(PATH, data={"queries": queries})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert expected_text in problem["detail"] + problem.get("hint", "")


@pytest.mark.parametrize(
    ("sent", "expected_text"),
    [
        ('{"ids": [1], "properties": []}', "extend.ids[0]"),
        ('{"properties": []}', "extend.ids"),
        ('{"ids": []}', "extend.properties"),
        ('{"ids": [], "properties": [{"id": "titel-"}]}', "title"),
        ('{"ids": [], "properties": [{"id": "title", "settings": {"language": "xx"}}]}', "nl"),
        ('{"ids": [], "properties": [{"id": "title", "settings": {"lang": "nl"}}]}', "language"),
        ('{"ids": [], "properties": [{"id": "title", "settings": {"limit": "x"}}]}', "limit"),
    ],
)
def test_a_malformed_data_extension_answers_400_with_its_place(
    client: TestClient, sent: str, expected_text: str
) -> None:
    problem = client.post(PATH, data={"extend": sent})
    assert problem.status_code == 400
    assert expected_text in problem.text


def test_large_bodies_and_other_media_types_are_refused(client: TestClient) -> None:
    many = json.dumps({str(n): {"query": "x"} for n in range(1001)})
    assert client.post(PATH, data={"queries": many}).status_code == 413
    values = [{"pid": "title", "v": ["x"] * 50}] * 20
    costly = json.dumps({str(n): {"properties": values} for n in range(11)})
    assert client.post(PATH, data={"queries": costly}).status_code == 413
    assert client.post(PATH, data={"queries": "x" * (1 << 20)}).status_code == 413
    assert client.post(PATH, json={"queries": {}}).status_code == 415
    assert client.post(PATH, data={"query": "x"}).status_code == 400
    assert client.delete(PATH).headers["allow"] == "GET, HEAD, POST, OPTIONS"
    for address in (
        "suggest/entity?cursor=-1",
        "suggest/entity?prefix=a&type=x",
        "properties?type=x",
    ):
        assert client.get(f"{PATH}/{address}").status_code == 400
    for address in ("suggest/nothing", "flyout/nothing?id=x", "flyout/entity?id=x"):
        assert client.get(f"{PATH}/{address}").status_code == 404


def test_errors_are_in_the_language_of_the_request(client: TestClient) -> None:
    response = client.post(f"{PATH}?lang=de", data={"queries": "[]"})
    assert "muss" in response.json()["detail"]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["query", "type", "limit", "properties", "pid", "v", "id", "q0", "ids"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["queries", "extend"]),
    expected_text=JSON | st.dictionaries(st.text(), JSON),
)
def test_no_request_is_an_internal_error(client: TestClient, name: str, expected_text: Any) -> None:
    response = client.post(PATH, data={name: json.dumps(expected_text)})
    assert response.status_code in (200, 400, 413)


@settings(max_examples=60, deadline=None)
@given(words=st.text(min_size=1), key=st.sampled_from(["country", "start", "title", "page"]))
def test_any_name_and_value_gets_an_answer(client: TestClient, words: str, key: str) -> None:
    values = [{"pid": key, "v": words}]
    batch(client, {"q0": {"query": words, "properties": values}, "q1": {"properties": values}})


def test_the_service_is_in_the_descriptions_of_the_catalogue(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"get", "post"} <= set(paths[PATH])
    assert f"{PATH}/suggest/{{name}}" in paths
    listing = client.get("/.well-known/api-catalog").json()["linkset"]
    assert f"http://testserver{PATH}" in {one["anchor"] for one in listing}


def test_the_documentation_lists_every_feature(client: TestClient) -> None:
    text = (ROOT / "api" / "reconcile.md").read_text()
    values = [{"pid": "country", "v": "Spain"}]
    returned = ask(client, "MINT", type="practice", properties=values)[0]
    for name in features(returned):
        assert f"`{re.sub(r'[.].*', '.KEY', name)}`" in text
