"""The search as readers and programs meet it."""

import json
import re
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pyoxigraph import RdfFormat, parse
from rdflib import RDF, Graph, Literal, Namespace, URIRef
from werkzeug.http import parse_options_header

from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.web.search import explanation
from support.catalogues import ROOT, rows

HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
PG = "https://w3id.org/practicegraph/ontology#"
BASE = "https://w3id.org/practicegraph/"
SYNTAXES = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml", "nt": "nt"}


def get(client: TestClient, path: str, accept: str = "application/json") -> Response:
    return client.get(path, headers={"Accept": accept})


def search_json(client: TestClient, query: str) -> dict[str, Any]:
    response = get(client, f"/practices?{query}")
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def values(facet: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {value["value"]: value for value in facet["values"]}


def ids(response: dict[str, Any]) -> list[str]:
    return [item["id"] for item in response["items"]]


def links(response: Response) -> dict[str, str]:
    listing = re.findall(r"<([^>]*)>((?:;[^,]*)*)", response.headers.get("link", ""))
    return {parse_options_header(f"x{rest}")[1]["rel"]: href for href, rest in listing}


def sparql_rows(client: TestClient, query: str) -> list[dict[str, str]]:
    """The rows that a query gives at the SPARQL endpoint, as plain texts."""
    headers = {"Accept": "application/sparql-results+json"}
    response = client.post("/sparql", data={"query": query}, headers=headers)
    assert response.status_code == 200, response.text
    bindings = response.json()["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in bindings]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("uk", "GBR"),
        ("esp", "ESP"),
        ("El", "GRC"),
        ("Czech Republic", "CZE"),
        ("Ουγγαρία", "HUN"),
        ("España", "ESP"),
        ("Holland", "NLD"),
    ],
)
def test_a_name_or_a_code_in_any_letters_is_a_value(
    client: TestClient, written: str, code: str
) -> None:
    found, meant = (
        search_json(client, urlencode({"country": text, "size": 100})) for text in (written, code)
    )
    assert found["items"] == meant["items"]
    assert found["total"] == meant["total"]


def test_an_excluded_value_is_marked_and_its_entries_are_absent(client: TestClient) -> None:
    everything, left = (
        search_json(client, "size=100"),
        search_json(client, "size=100&country.not=IRL"),
    )
    ireland = values(left["facets"]["country"])["IRL"]
    assert ireland["excluded"] is True
    assert ireland["selected"] is False
    assert left["total"] == everything["total"] - ireland["count"]
    assert not any(c["value"] == "IRL" for item in left["items"] for c in item.get("country", []))


def test_only_excluded_values_have_the_key_excluded(client: TestClient) -> None:
    facet = search_json(client, "country.not=IRL")["facets"]["country"]
    assert [v["value"] for v in facet["values"] if "excluded" in v] == ["IRL"]


def test_entries_without_a_value_can_be_counted_chosen_and_excluded(client: TestClient) -> None:
    everything = search_json(client, "")
    free = everything["facets"]["funding"]["notStated"]
    assert free == {"count": free["count"], "selected": False, "excluded": False}
    chosen = search_json(client, "funding=not-stated")
    assert chosen["total"] == free["count"] > 0
    assert chosen["facets"]["funding"]["notStated"]["selected"] is True
    refused = search_json(client, "funding.not=not-stated")
    assert refused["total"] == everything["total"] - free["count"] > 0
    assert refused["facets"]["funding"]["notStated"]["excluded"] is True


def test_a_facet_that_every_entry_has_has_no_not_stated(client: TestClient) -> None:
    assert "notStated" not in search_json(client, "")["facets"]["category"]


def test_years_stand_in_their_order_and_each_count_is_a_search(client: TestClient) -> None:
    facet = search_json(client, "")["facets"]["period"]
    years = [value["value"] for value in facet["values"]]
    assert years == sorted(years)
    for year in years[::5]:
        assert search_json(client, f"period={year}")["total"] == values(facet)[year]["count"], year


def test_a_range_has_the_keys_from_and_to(client: TestClient) -> None:
    facet = search_json(client, "period.from=2015&period.to=2018-06")["facets"]["period"]
    assert (facet["from"], facet["to"]) == ("2015", "2018-06")
    assert "to" not in search_json(client, "period.from=2015")["facets"]["period"]
    assert (
        not {"from", "to"}
        & search_json(client, "period.from=&period.to=")["facets"]["period"].keys()
    )


@pytest.mark.parametrize("value", ["2019-06", "2040"])
def test_a_chosen_date_that_is_no_listed_year_is_counted_exactly(
    client: TestClient, value: str
) -> None:
    response = search_json(client, f"period={value}")
    assert values(response["facets"]["period"])[value] == {
        "value": value,
        "id": value,
        "label": value,
        "count": response["total"],
        "selected": True,
    }


def test_zeros_are_counted_on_request(client: TestClient, services: Services) -> None:
    few, all_values = (
        search_json(client, f"outcome=ACE{more}")["facets"] for more in ("", "&zeros=true")
    )
    assert 0 not in [value["count"] for value in few["outcome"]["values"]]
    for key, options in services.request_parser.options.items():
        if key != "period":
            assert set(values(all_values[key])) == set(options), key
    years = [int(year) for year in values(all_values["period"])]
    assert all(later - earlier == 1 for earlier, later in pairwise(years))


def test_counts_alone_come_without_entries_and_pages(client: TestClient) -> None:
    alone, whole = search_json(client, "size=0&outcome=ACE"), search_json(client, "outcome=ACE")
    assert alone["items"] == []
    assert {"next", "prev", "first"}.isdisjoint(alone)
    assert (alone["total"], alone["facets"]) == (whole["total"], whole["facets"])


@pytest.mark.parametrize("query", ["", "explain=true&zeros=true&q=school&country.not=IRL"])
def test_nothing_in_json_is_null(client: TestClient, query: str) -> None:
    def nulls(value: object) -> bool:
        if isinstance(value, dict):
            return any(map(nulls, value.values()))
        return any(map(nulls, value)) if isinstance(value, list) else value is None

    assert not nulls(search_json(client, query))


def test_pages_link_to_the_next_previous_and_first_page(client: TestClient) -> None:
    first = get(client, "/practices?size=20&sort=-outcome.count")
    second = get(client, first.json()["next"])
    third = get(client, second.json()["next"])
    assert ids(get(client, third.json()["prev"]).json()) == ids(second.json())
    assert ids(get(client, second.json()["prev"]).json()) == ids(first.json())
    assert ids(get(client, third.json()["first"]).json()) == ids(first.json())
    assert "first" not in first.json()
    for response in (first, second, third):
        pages = {n: response.json()[n] for n in ("next", "prev", "first") if n in response.json()}
        assert links(response) == pages


def test_representations_other_than_json_link_to_the_explanation(client: TestClient) -> None:
    for form in ("csv", "ttl", "html"):
        place = links(client.get(f"/practices.{form}?outcome=ACE"))["describedby"]
        explained = client.get(place).json()
        assert "explanation" in explained, form
        assert explained["total"] == search_json(client, "outcome=ACE")["total"]


@pytest.mark.parametrize(
    ("query", "first", "most"),
    [
        ("outcom=ACE", "outcome", 30),
        ("outcome.nto=ACE", "outcome.not", 30),
        ("explian=true", "explain", 30),
        ("country=Hungaria", "HUN", 32),
        ("period=soon", "2019", 3),
        ("sort=titel", "title", 32),
    ],
)
def test_a_hint_lists_the_nearest_values_first_and_few(
    client: TestClient, query: str, first: str, most: int
) -> None:
    hint = get(client, f"/practices?{query}").json()["hint"].partition(": ")[2].split(", ")
    assert first in hint[:3]
    assert len(hint) <= most
    assert len(hint) == len(set(hint))


def test_a_parameter_without_a_value_answers_400(client: TestClient) -> None:
    assert "no value" in get(client, "/practices?outcome=").json()["detail"]


@pytest.mark.parametrize("extension", ["ttl", "jsonld", "rdf", "nt", "trig", "nq", "csv", "json"])
def test_every_representation_has_the_same_entries_in_the_same_order(
    client: TestClient, extension: str
) -> None:
    query = "outcome=ACE&size=7&sort=-title"
    expected = [item["identifier"] for item in search_json(client, query)["items"]]
    text = client.get(f"/practices.{extension}?{query}").text
    if extension == "csv":
        listing = [row["identifier"] for row in rows(text)]
    elif extension == "json":
        listing = [item["identifier"] for item in json.loads(text)["items"]]
    elif extension == "jsonld":
        things = json.loads(text)["@graph"]
        listing = [thing["identifier"] for thing in things if "identifier" in thing]
    elif extension == "ttl":
        listing = re.findall(r'dct:identifier "(\d+)"', text)
    elif extension == "rdf":
        listing = re.findall(r"<identifier [^>]*>(\d+)<", text)
    else:
        listing = re.findall(r'terms/identifier> "(\d+)"', text) or re.findall(
            r'dct:identifier "(\d+)"', text
        )
    assert listing == expected


@pytest.mark.parametrize("extension", list(SYNTAXES))
def test_a_page_in_rdf_is_a_hydra_collection(client: TestClient, extension: str) -> None:
    asked_for = f"/practices.{extension}?outcome=ACE&size=5"
    graph = Graph().parse(data=client.get(asked_for).text, format=SYNTAXES[extension])
    collection = URIRef(f"{BASE}practices?outcome=ACE")
    response = search_json(client, "outcome=ACE&size=5")
    assert graph.value(collection, RDF.type) == HYDRA.Collection
    assert graph.value(collection, HYDRA.totalItems) == Literal(response["total"])
    assert {str(e) for e in graph.objects(collection, HYDRA.member)} == set(ids(response))
    view = graph.value(collection, HYDRA.view)
    assert view == URIRef(f"http://testserver{asked_for}")
    assert graph.value(view, RDF.type) == HYDRA.PartialCollectionView
    assert graph.value(view, HYDRA.first) == view
    following = str(graph.value(view, HYDRA.next))
    second = Graph().parse(data=client.get(following).text, format=SYNTAXES[extension])
    assert second.value(URIRef(following), HYDRA.previous)
    members = {str(e) for e in second.objects(collection, HYDRA.member)}
    assert len(members) == 5
    assert members.isdisjoint(ids(response))


def test_the_template_of_a_search_has_a_variable_for_every_parameter(
    client: TestClient, real: Catalogue, services: Services
) -> None:
    graph = Graph().parse(data=client.get("/practices.ttl?size=1").text, format="turtle")
    (template,) = graph.subjects(RDF.type, HYDRA.IriTemplate)
    written = str(graph.value(template, HYDRA.template))
    mappings = list(graph.objects(template, HYDRA.mapping))
    variables = {str(graph.value(mapping, HYDRA.variable)): mapping for mapping in mappings}
    listing = re.findall(r"[\w.]+(?=\*?[,}])", written.partition("{?")[2])
    assert sorted(variables) == sorted(listing)
    assert set(services.request_parser.parameters) - set(variables) == {"zeros", "explain"}
    outcome = real.shapes.entry_shape.fields_by_key["outcome"]
    assert graph.value(variables["outcome"], HYDRA.property) == URIRef(outcome.predicate or "")
    properties = {name: {*graph.objects(m, HYDRA.property)} for name, m in variables.items()}
    assert all(properties.values())
    assert [str(iri) for iri in properties["outcome.not"]] == [f"{PG}searchParameter"]
    assert properties["country"] == {URIRef(f"{PG}country"), URIRef(f"{PG}implementedIn")}


def test_the_graphs_of_entries_are_those_of_the_store(client: TestClient) -> None:
    text = client.get("/practices.nq?q=MINT&size=1").text
    quads = list(parse(text, RdfFormat.N_QUADS))
    entry = f"{BASE}practice/1788"
    own = {str(quad) for quad in quads if getattr(quad.graph_name, "value", "") == entry}
    alone = list(parse(client.get("/practice/1788.nq").text, RdfFormat.N_QUADS))
    same = {str(quad) for quad in alone if getattr(quad.graph_name, "value", "") == entry}
    assert len(own) == len(same) > 20


EXPLAINED = [
    "size=100",
    "outcome=access-to-rights&outcome=LAN&category=good-practice&size=100",
    "country.not=IRL&funding=not-stated&sort=-outcome.count&size=100",
    "period.from=2015&period.to=2018&sort=-start&lang=nl",
    "q=school&size=100",
    "sort=start&size=5",
    "q=school+integration&language=ENG&sort=title",
    "q=nosuchwordanywhere",
    "size=0&outcome=ACE",
]


@pytest.mark.parametrize("query", EXPLAINED)
def test_every_number_is_given_by_its_sparql(client: TestClient, query: str) -> None:
    response = search_json(client, f"{query}&explain=true")
    explained = response["explanation"]
    assert explained["release"] == response["release"]
    assert explained["milliseconds"] > 0
    listing = [row["entry"] for row in sparql_rows(client, explained["list"])]
    assert len(listing) == len(response["items"])
    # SPARQL compares titles by code points.
    assert listing == ids(response) if "start" in query else set(listing) == set(ids(response))
    assert sparql_rows(client, explained["total"]) == [{"count": str(response["total"])}]
    for key, facet in response["facets"].items():
        counted = {
            r["value"]: int(r["count"])
            for r in sparql_rows(client, explained["facets"][key]["values"])
        }
        result = {value["id"]: value["count"] for value in facet["values"] if value["count"]}
        assert counted == result, key
        (unstated,) = sparql_rows(client, explained["facets"][key]["notStated"])
        assert int(unstated["count"]) == facet.get("notStated", {"count": 0})["count"], key


def test_the_explanation_of_a_previous_page_lists_it_in_order(
    client: TestClient,
) -> None:
    second = search_json(client, search_json(client, "size=8&sort=start")["next"].partition("?")[2])
    back = search_json(client, second["prev"].partition("?")[2] + "&explain=true")
    listing = sparql_rows(client, back["explanation"]["list"])
    assert [row["entry"] for row in listing] == ids(back)


def test_words_with_too_many_hits_have_a_note_instead_of_queries(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("practicegraph.search.engine.MAX_HITS", 3)
    monkeypatch.setattr("practicegraph.web.search.explanation.MAX_HITS", 3)
    explained = search_json(client, "q=school&explain=true")["explanation"]
    assert "3" in explained["note"]
    assert explained.keys() == {"note", "release", "milliseconds"}


def test_an_explained_result_has_no_entity_tag(client: TestClient) -> None:
    plain, explained = (get(client, f"/practices?outcome=ACE{m}") for m in ("", "&explain=true"))
    assert "etag" in plain.headers
    assert {"etag", "last-modified"}.isdisjoint(explained.headers)
    assert explained.json()["facets"] == plain.json()["facets"]


def test_a_result_that_the_client_has_answers_304(client: TestClient) -> None:
    for path in ("/practices.json?outcome=ACE", "/coverage?rows=outcome&columns=country"):
        response = client.get(path)
        again = client.get(path, headers={"If-None-Match": response.headers["etag"]})
        assert again.status_code == 304
        assert "Accept-Language" in again.headers["vary"]
        assert client.head(path).headers["etag"] == response.headers["etag"]


def test_snippets_highlight_the_words_of_a_query(client: TestClient) -> None:
    (first, *_) = search_json(client, "q=mentoring")["items"]
    for snippet in first["snippets"]:
        words = [snippet["text"][start:end].lower() for start, end in snippet["highlights"]]
        assert any("mentor" in word for word in words)
    assert "snippets" not in search_json(client, "")["items"][0]
    assert "<mark>" in get(client, "/practices?q=children", "text/html").text


@pytest.mark.parametrize("language", ["en", "nl", "es", "de", "it", "fr", "el"])
def test_readers_are_told_of_words_that_were_set_aside(client: TestClient, language: str) -> None:
    response = search_json(client, "q=xyzzy+mentoring+plugh")
    assert response["ignored"] == ["xyzzy", "plugh"]
    assert response["total"] == search_json(client, "q=mentoring+")["total"] > 0
    assert "xyzzy, plugh</p>" in page(client, f"q=xyzzy+mentoring+plugh&lang={language}")
    assert "ignored" not in search_json(client, "q=mentoring")


def test_misspelt_words_get_a_suggestion(client: TestClient) -> None:
    response = search_json(client, "q=mentorring+unacompanied")
    (words,) = response["suggestions"]
    assert search_json(client, f"q={words}")["total"] > 0
    page = get(client, "/practices?q=mentorring+unacompanied", "text/html").text
    assert f">{words}</a>" in page


def page(client: TestClient, query: str) -> str:
    response = get(client, f"/practices?{query}", "text/html")
    assert response.status_code == 200
    return response.text


def hrefs(text: str, part: str = "") -> list[str]:
    search_json = re.findall(rf'<a [^>]*href="([^"]*)"[^>]*>{part}', text)
    return [href.replace("&amp;", "&") for href in search_json]


def test_each_active_filter_links_to_the_search_without_it(client: TestClient) -> None:
    query = "outcome=ACE&country.not=IRL&period.from=2015&q=school&funding=not-stated"
    chips = page(client, query).partition('class="chips"')[2].partition("</ul>")[0]
    for label in ("Access to compulsory", "not Ireland", "from 2015", "school", "Not stated"):
        (href,) = hrefs(chips, rf"[^<]*{label}")
        left = parse_qsl(urlsplit(href).query)
        assert len(left) == 4, label
        assert set(left) < set(parse_qsl(query))


def test_every_link_of_a_facet_answers_200(client: TestClient) -> None:
    text = page(client, "outcome=ACE&country.not=IRL&lang=de&period=2019")
    facets = text.partition("<aside>")[2].partition("</aside>")[0]
    for href in hrefs(facets)[::7]:
        assert client.get(href).status_code == 200, href
        assert "lang=de" in href


def test_the_form_of_a_range_keeps_the_other_filters(client: TestClient) -> None:
    text = page(client, "outcome=ACE&period.from=2015&lang=fr")
    form = text.partition('class="range"')[2].partition("</form>")[0]
    assert '<input type="hidden" name="outcome" value="ACE">' in form
    assert '<input type="hidden" name="lang" value="fr">' in form
    assert form.count('name="period.from"') == 1
    assert 'name="period.from" value="2015"' in form


def test_a_page_explains_each_number_in_the_editor(client: TestClient, real: Catalogue) -> None:
    text = page(client, "outcome=ACE&explain=true")
    editors = [href for href in hrefs(text) if href.startswith("/sparql?")]
    assert len(editors) == 2 + 2 * len(real.shapes.entry_shape.facets)
    response = client.get(editors[1], headers={"Accept": "text/html"})
    assert "<textarea" in response.text
    assert f"<span>{search_json(client, 'outcome=ACE')['total']}</span>" in response.text.replace(
        "\n", ""
    )


def test_a_query_too_long_for_a_url_has_no_editor_link(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explanation, "_MAX_URL_QUERY", 10)
    text = page(client, "explain=true")
    assert not [href for href in hrefs(text) if href.startswith("/sparql?")]
    assert "SELECT" in text


def test_pages_are_sorted_by_a_menu(client: TestClient) -> None:
    text = page(client, "sort=-start")
    assert '<option value="-start" selected>' in text
    assert "relevance" not in text
    assert '<option value="relevance" selected>' in page(client, "q=school")


@pytest.mark.parametrize("language", ["en", "nl", "es", "de", "it", "fr", "el"])
def test_pages_are_in_every_language(client: TestClient, language: str, real: Catalogue) -> None:
    text = page(client, f"lang={language}&outcome.not=ACE&explain=true")
    for phrase in ("showQueries", "notStated", "evidencePage", "sortBy", "openEditor"):
        assert real.phrases.format(phrase, (language,)) in text.replace("&#39;", "'"), phrase


def test_a_facet_over_two_fields_has_the_key_of_one_and_a_name_of_its_own(
    client: TestClient,
) -> None:
    found = search_json(client, "country=CZE&lang=nl")
    (entry,) = found["items"]
    assert [value["value"] for value in entry["country"]] == ["HUN"]
    assert "CZE" in [value["value"] for value in entry["implementedIn"]]
    assert found["facets"]["country"]["label"] == "Land van herkomst of uitvoering"
    assert values(found["facets"]["country"])["CZE"]["selected"]


def test_facets_are_called_by_the_names_of_their_shapes(
    client: TestClient, real: Catalogue
) -> None:
    labels = {
        key: facet["label"] for key, facet in search_json(client, "lang=el")["facets"].items()
    }
    shapes = real.shapes.entry_shape.facets
    assert labels == {facet.key: facet.names["el"] for facet in shapes}


def test_the_documented_result_is_the_result(client: TestClient) -> None:
    text = (ROOT / "api" / "search.md").read_text().partition("## Over HTTP")[2]
    (query,) = re.findall(r"`/practices\?([^`]*explain=true)`", text)
    (example,) = re.findall(r"```json\n(.*?)```", text, re.S)
    holds(search_json(client, query), json.loads(example), "")


def holds(response: Any, example: Any, path: str) -> None:
    """Hold an answer against a shortened example: what stands in it must be so, but for dots."""
    if isinstance(example, dict):
        for key, value in example.items():
            assert key in response, f"{path}/{key}"
            if key not in ("release", "milliseconds"):
                holds(response[key], value, f"{path}/{key}")
    elif isinstance(example, list):
        for item in example:
            (like,) = (other for other in response if other["id"] == item["id"])
            holds(like, item, f"{path}/{item['id']}")
    elif isinstance(example, str):
        parts = [part.split()[0] for part in example.split("…") if part.strip(" }")]
        assert all(part in response for part in parts), path
    else:
        assert response == example, path


@pytest.mark.parametrize(
    ("facet", "iri", "codes"),
    [
        ("actor", "http://eurovoc.europa.eu/5501", ["local-authority"]),  # exact
        ("action", "http://eurovoc.europa.eu/783", ["language-course"]),  # close
        ("outcome", "http://eurovoc.europa.eu/280", ["ACE", "REM"]),  # broad, of two concepts
    ],
)
def test_a_mapped_iri_finds_the_entries_of_the_concepts_of_a_facet(
    facet: str, iri: str, codes: list[str], client: TestClient
) -> None:
    for name in (facet, f"{facet}.not"):
        result = search_json(client, urlencode({name: iri}))
        expected = search_json(client, urlencode([(name, code) for code in codes]))
        assert result["total"] == expected["total"] > 0
        assert result["items"] == expected["items"]
        assert result["facets"] == expected["facets"]
    page = client.get(f"/practices?{urlencode({facet: iri})}", headers={"Accept": "text/html"})
    removing = "&amp;".join(f"{facet}={code}" for code in codes[1:])
    assert f'href="/practices{"?" * bool(removing)}{removing}"' in page.text


@pytest.mark.parametrize(
    ("facet", "iri"),
    [
        ("outcome", "http://eurovoc.europa.eu/3912"),  # narrow
        ("outcome", "http://eurovoc.europa.eu/3606"),  # related
        ("outcome", "http://eurovoc.europa.eu/5501"),  # mapped in another scheme
        ("outcome", "http://eurovoc.europa.eu/0"),
    ],
)
def test_an_iri_that_no_mapping_lets_a_facet_find_is_an_unknown_value(
    facet: str, iri: str, client: TestClient
) -> None:
    response = get(client, f"/practices?{urlencode({facet: iri})}")
    assert response.status_code == 400
    assert iri in response.json()["detail"]


def test_a_page_states_its_place_in_the_result(client: TestClient) -> None:
    total = search_json(client, "size=0")["total"]
    for sort in ("", "&sort=-title", "&sort=-outcome.count", "&sort=outcome.count", "&sort=start"):
        place, seen = f"/practices?size=20&lang=en{sort}", []
        while place:
            text = get(client, place, "text/html").text
            seen += re.findall(r"<strong>(\d+)–(\d+) of (\d+)</strong>", text)
            place = next(iter(hrefs(text, "Next page")), "")
        whole = [(n + 1, min(n + 20, total), total) for n in range(0, total, 20)]
        assert seen == [tuple(map(str, numbers)) for numbers in whole], sort


def test_a_page_before_another_one_states_its_place_too(client: TestClient) -> None:
    text = page(client, "size=20&q=school&lang=en")
    (following,) = hrefs(text, "Next page")
    (back,) = hrefs(get(client, following, "text/html").text, "Previous page")
    assert "<strong>1–20 of" in get(client, back, "text/html").text


def test_an_entry_has_badges_of_the_fields_that_the_shapes_mark(client: TestClient) -> None:
    text = page(client, "q=bookcase&lang=en")
    badges = text.partition('class="badges"')[2].partition("</ul>")[0]
    assert re.findall(r"</span>([^<]*)</li>", badges) == [
        *("Good practices", "Germany", "German", "2017–"),
    ]
    assert re.findall(r'title="([^"]*)"', badges)[-1] == "Period"


def test_without_entries_a_page_says_what_each_filter_costs(client: TestClient) -> None:
    query = "q=zzzz&outcome=ACE&country=SWE&lang=en"
    text = page(client, query)
    drops = text.partition('class="drops"')[2].partition("</ul>")[0]
    (href,) = hrefs(drops, "Without “zzzz”: 1<")
    assert search_json(client, urlsplit(href).query)["total"] == 1
    assert 'class="drops"' not in page(client, "outcome=ACE")


def test_the_first_representations_stand_above_the_entries(client: TestClient) -> None:
    above = page(client, "outcome=ACE&lang=en").partition('class="forms"')[2].partition("</p>")[0]
    assert "/practices.xlsx?outcome=ACE&lang=en" in hrefs(above, "Spreadsheet")
    assert "/practices.json?outcome=ACE&lang=en" in hrefs(above, "JSON")
