"""Every IRI leads to documents that say what they are, can be kept, and link to each other."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pyoxigraph import CanonicalizationAlgorithm, Dataset, Quad, RdfFormat, parse
from rdflib import DCTERMS, FOAF, RDF, RDFS, SKOS, VOID, Graph, Literal, URIRef

from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.rdf.terms import in_graph
from practicegraph.schema.records import RecordReader
from practicegraph.schema.text import put_first
from practicegraph.storage.oxigraph import OxigraphStore
from practicegraph.web.app import application
from practicegraph.web.document import DocumentGraph
from practicegraph.web.http.negotiation import DOCUMENTS, MediaType
from support.catalogues import PARTS, json_ld_with_context, opened

BASE = "https://w3id.org/practicegraph/"
ENTRY = URIRef(f"{BASE}practice/1788")
CONCEPT = URIRef(f"{BASE}outcome/ACE")
HUNGARY = "http://publications.europa.eu/resource/authority/country/HUN"
THINGS = {
    "/practice/1788": str(ENTRY),
    "/outcome": f"{BASE}outcome",
    "/outcome/ACE": str(CONCEPT),
    "/country/HUN": HUNGARY,
    "/country/unicef": f"{BASE}country/unicef",
    "/language/CES": "http://publications.europa.eu/resource/authority/language/CES",
    "/ontology": f"{BASE}ontology",
    "/shapes": f"{BASE}shapes",
    "/shapes/practice": f"{BASE}shapes/practice",
    "/queries/imports": f"{BASE}queries/imports",
    "/catalog": BASE,
}
KINDS = ("exact", "close", "broad", "narrow", "related")
LANGUAGES = {"en", "nl", "es", "de", "it", "fr", "el"}
EXPANDED = 'application/ld+json;profile="http://www.w3.org/ns/json-ld#expanded"'


def get(client: TestClient, path: str, accept: str = "*/*", **headers: str) -> Response:
    return client.get(path, headers={"Accept": accept, **headers})


def graph(client: TestClient, path: str) -> Graph:
    return Graph().parse(data=client.get(f"{path}.ttl").text, format="turtle")


def links(response: Response) -> list[tuple[str, str]]:
    """The links of an answer's header: relation and target."""
    result = re.findall(r'<([^>]*)>; rel="([^"]*)"', response.headers.get("link", ""))
    return [(relation, href) for href, names in result for relation in names.split()]


def canonical(content: bytes | str, form: RdfFormat) -> Dataset:
    graphs = Dataset(Quad(q.subject, q.predicate, q.object) for q in parse(content, form))
    graphs.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return graphs


@pytest.mark.parametrize(("path", "iri"), THINGS.items(), ids=lambda text: text)
def test_a_document_describes_itself(client: TestClient, path: str, iri: str) -> None:
    result = graph(client, path)
    document = URIRef(f"{BASE}{path[1:]}#document")
    assert result.value(document, FOAF.primaryTopic) == URIRef(iri)
    assert result.value(document, RDF.type) == FOAF.Document
    assert result.value(document, VOID.inDataset) == URIRef(BASE)
    assert str(result.value(document, DCTERMS.license)).startswith("https://creativecommons.org/")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(result.value(document, DCTERMS.modified)))


@pytest.mark.parametrize("path", THINGS)
def test_a_document_labels_every_concept_class_and_property_of_ours(
    client: TestClient, real: Catalogue, path: str
) -> None:
    result = graph(client, path)
    mentioned = {str(term) for triple in result for term in triple if isinstance(term, URIRef)}
    schemes = real.vocabularies.schemes
    concepts = [iri for iri, c in real.vocabularies.concepts.items() if c.scheme in schemes]
    for known, name in (
        (concepts, SKOS.prefLabel),
        (real.ontology.labels, RDFS.label),
        (schemes, DCTERMS.title),
    ):
        for iri in mentioned & set(known):
            labels = {getattr(label, "language", "") for label in result.objects(URIRef(iri), name)}
            assert labels >= LANGUAGES, iri


@pytest.mark.parametrize("path", THINGS)
def test_all_parsers_read_the_same_graph_in_every_syntax(client: TestClient, path: str) -> None:
    lines = canonical(client.get(f"{path}.nt").text, RdfFormat.N_TRIPLES)
    for extension, form in (("ttl", RdfFormat.TURTLE), ("rdf", RdfFormat.RDF_XML)):
        assert canonical(client.get(f"{path}.{extension}").text, form) == lines, extension
    assert canonical(json_ld_with_context(client, f"{path}.jsonld"), RdfFormat.JSON_LD) == lines
    expanded = get(client, f"{path}.jsonld", EXPANDED)
    assert "@context" not in expanded.text
    assert canonical(expanded.text, RdfFormat.JSON_LD) == lines
    for extension, form in (("trig", RdfFormat.TRIG), ("nq", RdfFormat.N_QUADS)):
        assert canonical(client.get(f"{path}.{extension}").text, form) == lines, extension


@pytest.mark.parametrize(
    "turtle",
    [
        '_:a <x:q> _:b . _:b <x:q> _:a ; <x:r> "b" . <x:s> <x:p> _:a , ( _:b 1 ) .',
        '<x:s> <x:p> "cafe\u0301"@fr , "caf\u00e9"@fr , """a\rb\r\nc\\rd\n""" , "\\u2028\t" .',
    ],
)
@pytest.mark.parametrize("media_type", [*filter(lambda m: m.rdf, DOCUMENTS)], ids=str)
def test_a_document_has_the_terms_and_blank_nodes_of_its_file(
    real: Catalogue, media_type: MediaType, turtle: str
) -> None:
    triples = [quad.triple for quad in parse(turtle, RdfFormat.TURTLE)]
    store = OxigraphStore()
    for name in ("x:s", "x:t"):  # whose graphs share the blank nodes
        store.add(in_graph(triples, name))
    catalogue = replace(real, store=store)
    document = DocumentGraph("x:d", store.graph_quads("x:s"))
    content = document.serialize(catalogue, media_type, "x:s")
    assert media_type.rdf
    assert canonical(content, media_type.rdf) == canonical(turtle, RdfFormat.TURTLE)


def test_the_graph_of_a_topic_is_that_of_the_store(client: TestClient, real: Catalogue) -> None:
    quads = list(parse(client.get("/practice/1788.trig").text, RdfFormat.TRIG))
    named = {getattr(quad.graph_name, "value", "") for quad in quads}
    assert named == {str(ENTRY), f"{ENTRY}#document"}
    own = {quad for quad in quads if getattr(quad.graph_name, "value", "") == str(ENTRY)}
    assert own == set(real.store.graph_quads(str(ENTRY)))


def test_the_document_of_a_concept_has_incoming_triples(client: TestClient) -> None:
    result = graph(client, "/outcome/ACE")
    outcome = URIRef(f"{BASE}ontology#outcome")
    total = get(client, "/practices?outcome=ACE", "application/json").json()["total"]
    assert (ENTRY, outcome, CONCEPT) in result
    assert len(set(result.subjects(outcome, CONCEPT))) == total
    search = URIRef(f"{BASE}practices?outcome=ACE")
    assert (CONCEPT, RDFS.seeAlso, search) in result
    assert int(str(result.value(search, VOID.entities))) == total
    above = graph(client, "/outcome/access-to-rights")
    assert (CONCEPT, SKOS.broader, URIRef(f"{BASE}outcome/access-to-rights")) in above


def test_a_title_in_another_language_comes_before_a_description(real: Catalogue) -> None:
    store = OxigraphStore()
    reader = RecordReader(store, real.vocabularies, real.shapes.label_properties)
    thing = f"{BASE}practice/new"
    turtle = f"""
        @prefix dct: <http://purl.org/dc/terms/> .
        <{thing}> dct:title "Mentoren"@de , "Maatjes"@nl ; dct:description "Older ones help."@en .
        <{thing}#part> dct:description "Older ones help."@en .
    """
    triples = (quad.triple for quad in parse(turtle, RdfFormat.TURTLE))
    store.add(in_graph(triples, thing))
    assert reader.label(thing, real.languages) == "Maatjes"
    assert reader.label(thing, put_first("de", real.languages)) == "Mentoren"
    assert reader.label(f"{thing}#part", real.languages) == "Older ones help."


def test_the_page_of_a_concept_lists_and_counts_its_entries(client: TestClient) -> None:
    page = client.get("/outcome/access-to-rights.html").text
    counts = get(client, "/practices", "application/json").json()["facets"]["outcome"]["values"]
    count = next(value["count"] for value in counts if value["value"] == "ACE")
    assert re.search(rf'href="/outcome/ACE.html">[^<]*</a> <span class="count">{count}<', page)
    scheme = client.get("/outcome.html").text
    assert f'<code>ACE</code> <span class="count">{count}</span>' in scheme
    assert 'href="/practice/1788.html"' in client.get("/country/HUN.html").text
    romania = client.get("/country/ROU.html").text
    assert 'href="/practice/1788.html"' in romania, "where it ran, too, which is no facet"


def test_link_sets_count_what_sparql_counts(client: TestClient) -> None:
    result = graph(client, "/catalog")
    sets = list(result.subjects(RDF.type, VOID.Linkset))
    assert len(sets) > 10
    spaces = set(map(str, result.objects(None, VOID.uriSpace)))
    hosts = set()
    for links in sets:
        assert (URIRef(BASE), VOID.subset, links) in result
        target = result.value(links, VOID.objectsTarget)
        assert target is not None
        space = str(result.value(target, VOID.uriSpace))
        name = result.value(links, VOID.linkPredicate)
        others = [other for other in spaces if other.startswith(space) and other != space]
        tests = [f"STRSTARTS(STR(?o), '{space}')"]
        tests += [f"!STRSTARTS(STR(?o), '{other}')" for other in others]
        query = f"SELECT (COUNT(*) AS ?n) WHERE {{ ?s <{name}> ?o FILTER ({' && '.join(tests)}) }}"
        response = get(client, f"/sparql?{urlencode({'query': query})}", "text/csv").text
        assert response.split() == ["n", str(result.value(links, VOID.triples))], query
        hosts.add((str(name).rpartition("#")[2], space))
    assert ("https://schema.org/sameAs", "https://migrant-integration.ec.europa.eu") in hosts
    assert ("language", "http://publications.europa.eu/resource/authority/language/") in {
        (name.rpartition("/")[2], space) for name, space in hosts
    }


def test_a_link_set_leads_to_the_vocabulary_with_its_publisher_and_licence(
    client: TestClient,
) -> None:
    result = graph(client, "/catalog")
    vocabulary = URIRef(f"{BASE}#eurovoc")
    predicates = {
        result.value(links, VOID.linkPredicate)
        for links in result.subjects(VOID.objectsTarget, vocabulary)
    }
    assert predicates == {getattr(SKOS, f"{kind}Match") for kind in KINDS}
    assert (vocabulary, VOID.uriSpace, Literal("http://eurovoc.europa.eu/")) in result
    assert (vocabulary, DCTERMS.publisher, URIRef(f"{BASE}#publications-office")) in result
    licence = "https://creativecommons.org/licenses/by/4.0/"
    assert (vocabulary, DCTERMS.license, URIRef(licence)) in result


def test_of_texts_in_languages_that_the_catalogue_lacks_none_is_lost(copied: Path) -> None:
    notes = '"eins"@fa , "zwei"@ar , "drei"@fa'
    file = copied / "ontology/actor.ttl"
    file.write_text(f"{file.read_text()}\nactor:school skos:scopeNote {notes} .\n")
    page = TestClient(application(Services(opened(copied)))).get("/actor/school.html").text
    shown = [page.count(f">{note}</span>") for note in ("eins", "zwei", "drei")]
    assert shown == [1, 1, 1]


def test_texts_in_other_languages_are_folded_under_those_of_the_reader(client: TestClient) -> None:
    page = client.get("/outcome/ACE.html?lang=el").text
    shown = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
    tag = r'<span class="tag">(\w+)</span>'
    assert set(re.findall(tag, shown)) == {"en"}, "notes that are in English alone"
    assert set(re.findall(tag, page)) == {"en", "nl", "de", "fr", "es", "it"}


def test_the_page_of_a_concept_names_the_vocabularies_that_it_is_mapped_to(
    client: TestClient,
) -> None:
    page = client.get("/action/language-course.html?lang=de").text
    rows = page.split("<tr>")
    for vocabulary, link in [
        ("EuroVoc", '<a href="http://eurovoc.europa.eu/783">Sprachunterricht</a>'),
        ("UNESCO Thesaurus", '<a href="http://vocabularies.unesco.org/thesaurus/concept59">'),
    ]:
        assert any(vocabulary in row and link in row for row in rows), vocabulary
    assert "Fast dasselbe anderswo" in page


def test_the_links_of_a_concept_have_its_mappings(client: TestClient) -> None:
    contexts = get(client, "/country/unicef.linkset").json()["linkset"]
    (context,) = [c for c in contexts if c["anchor"] == f"{BASE}country/unicef"]
    assert set(context) == {"anchor", str(SKOS.exactMatch)}
    office = "http://publications.europa.eu/resource/authority/corporate-body/UNICEF"
    assert {"href": office} in context[str(SKOS.exactMatch)]
    others = get(client, "/practice/1788.linkset").json()["linkset"]
    assert str(ENTRY) not in {context["anchor"] for context in others}


@pytest.mark.parametrize(
    ("accept", "extension"),
    [
        ('application/ld+json;profile="http://www.w3.org/ns/json-ld#compacted"', "jsonld"),
        ('application/ld+json;profile="a,b;c";q=0.5, text/turtle;q=0.4', "jsonld"),
        ("text/turtle;q=0, application/ld+json;q=0.1", "jsonld"),
        ("text/turtle;q=0, */*;q=0.5", "html"),
        ("text/turtle;charset=utf-8", "ttl"),
        ("TEXT/TURTLE", "ttl"),
        ("text/*;q=0.3, application/n-quads;q=0.2", "ttl"),
        ("application/json, text/plain, */*", "json"),
        ("application/linkset+json", "linkset"),
        ("text/html, image/gif, *; q=.2, */*; q=.2", "html"),
        ("text/turtle;q=2", "ttl"),
        ("text/html;q=nan, application/trig;q=0.1", "trig"),
        (";;;,,,=", "ttl"),
        ("", "ttl"),
        ("a" * 9000, "ttl"),
        ("text/turtle" + ", text/x" * 2000, "ttl"),
    ],
)
def test_every_accept_header_is_negotiated(client: TestClient, accept: str, extension: str) -> None:
    response = get(client, "/practice/1788", accept)
    assert response.status_code == 303
    assert response.headers["location"] == f"/practice/1788.{extension}"


def test_an_unavailable_media_type_answers_406_with_the_available_ones(client: TestClient) -> None:
    for accept in ("image/png", "text/turtle;q=0", "*/*;q=0"):
        response = get(client, "/practice/1788", accept)
        assert response.status_code == 406
        assert {"text/turtle", "text/html", "application/n-quads"} <= set(
            response.json()["available"]
        )


def test_an_extension_beats_format_and_format_beats_accept(client: TestClient) -> None:
    response = get(client, "/practice/1788.nt?format=ttl", "text/html")
    assert response.headers["content-type"] == "application/n-triples"
    response = get(client, "/practice/1788?format=rdf&lang=nl", "text/html")
    assert response.headers["location"] == "/practice/1788.rdf"


def test_a_scheme_has_its_titles_as_preferred_labels_too(client: TestClient) -> None:
    graph = Graph().parse(data=client.get("/outcome.ttl").text, format="turtle")
    scheme = URIRef("https://w3id.org/practicegraph/outcome")
    titles = set(graph.objects(scheme, DCTERMS.title))
    assert len(titles) == 7
    assert set(graph.objects(scheme, SKOS.prefLabel)) == titles


@pytest.mark.parametrize(
    "path", ["/sparql", "/sparql?query=ASK+{}", "/queries", "/queries/thin-fields", "/openapi.json"]
)
def test_responses_that_can_change_are_revalidated(client: TestClient, path: str) -> None:
    for accept in ("text/html", "application/json, text/turtle;q=0.5"):
        assert get(client, path, accept).headers["cache-control"] == "no-cache"


def test_the_status_of_iris_is_revalidated(client: TestClient) -> None:
    assert client.post("/status", json={"iris": []}).headers["cache-control"] == "no-cache"


def test_no_redirect_leads_to_a_query_or_to_another_redirect(client: TestClient) -> None:
    for path in THINGS:
        place = get(client, f"{path}?lang=de&format=ttl").headers["location"]
        assert "?" not in place
        assert client.get(place).status_code == 200


def test_every_stored_question_leads_to_what_is_said_of_it(
    client: TestClient, real: Catalogue
) -> None:
    for question in real.stored_queries.values():
        path = f"/queries/{question.name}"
        assert client.get(f"{path}.ttl").status_code == 200
        if not question.returns_graph:
            response = get(client, path, "text/turtle, */*;q=0.1")
            assert response.headers["location"] == f"{path}.ttl"


ODD = [
    "/practice/1788'",
    "/practice/1788%3E%20%7D%20DROP%20ALL%20%23",
    "/practice/1788%22%3E%3Cscript%3E",
    "/practice/%7B%7B7*7%7D%7D",
    "/practice/1788%0d%0aX-Evil:%201",
    "/practice/%ff%fe",
    "/practice/..%2f..%2fetc%2fpasswd",
    "/outcome/ACE%23x",
    "/outcome/%3Fx",
    "/practice/" + "x" * 4000,
    "/practice/1788.ttl%00",
    "/practice/\\1788",
    "/practice/😀",
    "/.html",
    "/.ttl",
    "/practice/.ttl",
    "/context/nothing.jsonld",
    "/practice/1788%23import-nl",
]


@pytest.mark.parametrize("path", ODD, ids=lambda path: path[:40])
def test_an_odd_address_is_refused_and_changes_nothing(client: TestClient, path: str) -> None:
    for accept in ("text/html", "application/json", "text/turtle", "image/png"):
        response = get(client, quote(path, safe="/%#?:&=\\;'.*"), accept)
        assert response.status_code in (400, 404, 406), response.status_code
        assert response.status_code != 406 or accept == "image/png"
        assert "x-evil" not in response.headers
        assert "<script>" not in response.text


CACHED = [
    "/",
    "/practice/1788.html",
    "/practice/1788.ttl",
    "/practice/1788.jsonld",
    "/practice/1788.json",
    "/practice/1788.linkset",
    "/outcome.html",
    "/catalog.ttl",
    "/practices?outcome=ACE",
    "/practices.csv?size=3",
    "/queries",
    "/context.jsonld",
]


@pytest.mark.parametrize("path", CACHED)
def test_a_document_that_the_client_has_answers_304(client: TestClient, path: str) -> None:
    response = get(client, path, "text/html, */*;q=0.5")
    assert response.status_code == 200
    tag = response.headers["etag"]
    assert response.headers["cache-control"] == "no-cache"
    bare = tag.removesuffix('"').removesuffix("-gzip").removeprefix('"')
    for known in (tag, f'W/"{bare}"', f'"a", "{bare}", "b"', f'"{bare}-gzip"', "*"):
        again = get(client, path, "text/html, */*;q=0.5", **{"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b""), known
        for name in ("vary", "link", "cache-control", "last-modified", "content-location"):
            assert name not in response.headers or name in again.headers, name
            if name in ("link", "cache-control", "last-modified"):
                assert again.headers.get(name) == response.headers.get(name)
    for other in ('"a"', "", "nonsense", 'W/"x", "y'):
        assert get(client, path, **{"If-None-Match": other}).status_code in (200, 303)


def test_each_representation_has_a_tag_of_its_own(client: TestClient) -> None:
    tags = [
        get(client, path, "text/html", **{"Accept-Language": language}).headers["etag"]
        for path in ("/practice/1788.html", "/practice/1788.ttl", "/practices", "/outcome.html")
        for language in ("en", "nl")
    ]
    assert len(set(tags)) == 7, "Turtle is the same for readers of all languages"
    compacted, expanded = (
        get(client, "/practice/1788.jsonld", accept).headers["etag"] for accept in ("*/*", EXPANDED)
    )
    assert compacted != expanded


def test_tags_and_bytes_are_the_same_wherever_the_release_is_served(
    client: TestClient, copied: Path
) -> None:
    paths = ("/practice/1788.html", "/shapes.nt", "/shapes/practice.jsonld", "/practices.csv")
    first = [client.get(path) for path in paths]
    again = TestClient(application(startup.open_for_serving(copied)))
    second = [again.get(path) for path in paths]
    for one, two in zip(first, second, strict=True):
        assert one.headers["etag"] == two.headers["etag"]
        assert one.content == two.content
    entry = copied / "data/practices/1788.ttl"
    entry.write_text(entry.read_text().replace("MINT - ", "MINT: "))
    other = copied.with_name("changed")
    for part in PARTS:
        shutil.copytree(copied / part, other / part)
    changed = TestClient(application(startup.open_for_serving(other)))
    assert changed.get(paths[0]).headers["etag"] != first[0].headers["etag"]


@pytest.mark.parametrize("file", ["data/practices/1789.ttl", "shapes/meta.ttl"])
def test_a_comment_leaves_the_tags_of_all_documents_but_pages_alone(
    client: TestClient, copied: Path, file: str
) -> None:
    text = (copied / file).read_text()
    (copied / file).write_text(f"# A comment.\n{text}")
    commented = TestClient(application(startup.open_for_serving(copied)))
    for path_of_document, is_same in {
        "/practice/1788.ttl": True,
        "/practice/1788.json": True,
        "/practice/1789.jsonld": True,
        "/outcome/ACE.nt": True,
        "/outcome.linkset": True,
        "/shapes.rdf": True,
        "/catalog.ttl": False,
        "/practice/1788.html": False,
    }.items():
        before, after = client.get(path_of_document), commented.get(path_of_document)
        assert (before.headers["etag"] == after.headers["etag"]) is is_same, path_of_document
        assert (before.content == after.content) is is_same, path_of_document


def test_the_links_of_a_page_follow_signposting(client: TestClient) -> None:
    page = client.get("/practice/1788.html")
    result = dict(links(page))
    assert result["cite-as"] == str(ENTRY)
    assert result["collection"] == BASE
    assert result["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert ("type", "https://schema.org/AboutPage") in links(page)
    assert ("type", "https://schema.org/Project") in links(page)
    assert ("describedby", "http://testserver/practice/1788.ttl") in links(page)
    assert result["author"].startswith(BASE)
    assert ("describes", "http://testserver/practice/1788.html") in links(
        client.get("/practice/1788.ttl")
    )
    heads = re.findall(r'<link rel="([^"]*)" href="([^"]*)"', page.text)
    page_text = {(name, href) for names, href in heads for name in names.split()}
    assert set(links(page)) <= page_text


def test_a_concept_is_collected_in_its_scheme_and_a_scheme_has_its_concepts_as_items(
    client: TestClient,
) -> None:
    assert ("collection", f"{BASE}outcome") in links(client.get("/outcome/ACE.html"))
    assert ("item", f"{BASE}category/good-practice") in links(client.get("/category.html"))
    long = client.get("/country.html")
    assert "item" not in dict(links(long)), "long lists stand in the link set alone"
    assert len(long.headers["link"]) < 4000
    linkset = client.get("/country.linkset").json()["linkset"]
    (page,) = (result for result in linkset if result["anchor"].endswith(".html"))
    assert {"href": HUNGARY} in page["item"]


@pytest.mark.parametrize("path", THINGS)
def test_every_link_header_of_ours_answers(client: TestClient, path: str) -> None:
    seen = {href for _, href in links(get(client, path)) + links(client.get(f"{path}.html"))}
    response = client.get(f"{path}.linkset")
    assert response.headers["content-type"] == "application/linkset+json"
    for context in response.json()["linkset"]:
        for relation, targets in context.items():
            if relation != "anchor":
                seen |= {target["href"] for target in targets}
    for href in seen:
        place = href.replace("http://testserver", "").replace(BASE, "/")
        if place.startswith("/"):
            assert client.get(place, follow_redirects=True).status_code == 200, href


def test_the_context_is_versioned_and_open_to_scripts(client: TestClient) -> None:
    newest = client.get("/context.jsonld", headers={"Origin": "https://example.org"})
    assert newest.headers["content-type"] == "application/ld+json"
    assert newest.headers["access-control-allow-origin"] == "*"
    assert newest.headers["access-control-expose-headers"] == "*"
    version = client.get(newest.headers["content-location"])
    assert version.json() == newest.json()
    assert "immutable" in version.headers["cache-control"]
    terms = newest.json()["@context"]
    assert terms["outcome"] == {"@id": f"{BASE}ontology#outcome", "@type": "@id"}
    assert terms["prefLabel"]["@container"] == "@language"


def test_json_ld_is_compact_with_the_topic_first(client: TestClient) -> None:
    document: dict[str, Any] = client.get("/practice/1788.jsonld").json()
    entry = document["@graph"][0]
    assert entry["id"] == str(ENTRY)
    assert entry["type"] == "Practice"
    assert str(CONCEPT) in entry["outcome"]
    assert entry["title"]["nl"].startswith("MINT - Mentorschap")


@pytest.mark.parametrize(
    "turtle",
    [
        "_:a <x:p> _:b . _:b <x:p> _:a .",
        "_:a <x:p> _:a .",
        "<x:s> <x:p> ( 1 2 ( 3 ) ) , () .",
        "<x:s> <x:p> ( 1 2 ) ; <x:q> [ <x:r> ( _:a ) ] . _:a <x:t> 1 . <x:u> <x:v> _:a .",
        '<x:s> a [] ; <x:p> "x"@en-GB , "01"^^<x:d> , true , 1.5 , 01 , 1 , "\\u0001" .',
        '<x:s> <http://purl.org/dc/terms/title> "x" , "a"@en , "b"@en ; '
        '<http://xmlns.com/foaf/0.1/page> "text" , <x:y> , [ <x:z> 1 ] , () .',
        pytest.param("<x:s> <x:p> " + "[ <x:p> " * 90 + "1" + " ]" * 90 + " .", id="deep things"),
        pytest.param("<x:s> <x:p> " + "( " * 90 + "1" + " )" * 90 + " .", id="deep lists"),
    ],
)
def test_any_graph_can_be_written_as_json_ld(real: Catalogue, turtle: str) -> None:
    triples = [quad.triple for quad in parse(turtle, RdfFormat.TURTLE)]
    written = real.compactor.write_document(triples)
    assert canonical(written, RdfFormat.JSON_LD) == canonical(turtle, RdfFormat.TURTLE)
    assert json.loads(written)["@context"] == real.context
