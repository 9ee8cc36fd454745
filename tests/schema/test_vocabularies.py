from typing import Any

import pytest
from babel import Locale
from babel.core import get_cldr_version
from fastapi.testclient import TestClient
from pyoxigraph import Literal, NamedNode, Quad

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.rdf.terms import DCT, FOAF, PG, RDF, SKOS, TYPE, as_text, local_name
from practicegraph.schema.text import fold
from practicegraph.schema.value_parser import NO_LOCATION
from practicegraph.schema.vocabularies import (
    Concept,
    Scheme,
    TargetVocabulary,
    Vocabularies,
    read_vocabularies,
)
from practicegraph.storage.oxigraph import OxigraphStore

KEYS = {
    "category": "category",
    "country": "country",
    "language": "language",
    "outcome": "outcome",
    "addressed_to": "addressee",
    "funding": "funding",
    "action_type": "action",
    "target": "target",
    "professional": "profession",
    "actor": "actor",
}


def concept_with(scheme: Scheme, language: str, wording: str) -> Concept:
    found = scheme.by_label.get((language, fold(wording)), [])
    assert len(found) == 1, f"{scheme.key}: {wording}@{language} fits {len(found)} concepts"
    return found[0]


@pytest.mark.parametrize("key", KEYS)
def test_every_label_that_the_source_prints_finds_one_concept(
    key: str, real: Catalogue, vocabulary: dict[str, Any]
) -> None:
    scheme = real.vocabularies.schemes_by_key[KEYS[key]]
    for item in vocabulary["schemes"][key]:
        printed = item["labels"].items()
        found = {concept_with(scheme, language, wording).iri for language, wording in printed}
        assert len(found) == 1, item


@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("country", "language")])
def test_a_label_is_that_of_the_source_or_is_marked_as_ours(
    key: str, real: Catalogue, vocabulary: dict[str, Any]
) -> None:
    scheme = real.vocabularies.schemes_by_key[KEYS[key]]
    for item in vocabulary["schemes"][key]:
        concept = concept_with(scheme, "en", item["labels"]["en"])
        marked = real.store.values(NamedNode(concept.iri), PG + "translatedLabel")
        ours = {term.value for term in marked if isinstance(term, Literal)}
        for language in real.languages:
            printed = language in item["labels"] and language not in item.get("translated", [])
            same = printed and fold(concept.labels[language]) == fold(item["labels"][language])
            assert same != (language in ours), f"{concept.iri} in {language}"


def test_a_concept_has_a_definition_in_every_language_unless_the_cldr_names_it(
    real: Catalogue,
) -> None:
    for scheme in real.vocabularies.schemes.values():
        for concept in scheme.concepts.values():
            subject = NamedNode(concept.iri)
            if not real.store.value(subject, PG + "localeCode"):
                definitions = real.store.labels(subject, SKOS + "definition")
                assert set(definitions) == set(real.languages), concept.iri
                assert all(len(text.split()) <= 40 for text in definitions.values()), concept.iri
                own = real.store.values(subject, PG + "ownText")
                assert NamedNode(SKOS + "definition") in own, concept.iri


def test_the_broader_concept_of_an_outcome_is_its_dimension(
    real: Catalogue, vocabulary: dict[str, Any]
) -> None:
    scheme = real.vocabularies.schemes_by_key["outcome"]
    for item in vocabulary["schemes"]["outcome"]:
        parents = scheme.concepts[item["code"]].broader
        assert parents == (concept_with(scheme, "en", item["dimension"]).iri,)


def test_clusters_have_no_members_and_a_note_says_so(
    real: Catalogue, vocabulary: dict[str, Any]
) -> None:
    scheme = real.vocabularies.schemes_by_key["outcome"]
    assert len(vocabulary["dashboard"]["clusters"]) == 6
    for item in vocabulary["dashboard"]["clusters"]:
        cluster = concept_with(scheme, "en", item["labels"]["en"])
        assert cluster.iri not in scheme.narrower
        notes = real.store.values(NamedNode(cluster.iri), SKOS + "scopeNote")
        assert any("without members" in str(note) for note in notes)


@pytest.mark.parametrize(("key", "names"), [("country", "territories"), ("language", "languages")])
def test_countries_and_languages_are_labelled_as_the_cldr_has_them(
    key: str, names: str, real: Catalogue
) -> None:
    scheme = real.vocabularies.schemes_by_key[key]
    version = real.store.value(NamedNode(scheme.iri), PG + "localeVersion")
    assert version == Literal(get_cldr_version())
    for concept in scheme.concepts.values():
        code = real.store.value(NamedNode(concept.iri), PG + "localeCode")
        if isinstance(code, Literal):
            for language in real.languages:
                name = getattr(Locale.parse(language), names)[code.value]
                assert concept.labels[language] == name, f"{concept.notation} in {language}"


def test_international_bodies_are_not_locations(real: Catalogue) -> None:
    scheme = real.vocabularies.schemes_by_key["country"]
    places = real.store.subjects(RDF + "type", NamedNode("http://purl.org/dc/terms/Location"))
    bodies = {n for n, concept in scheme.concepts.items() if NamedNode(concept.iri) not in places}
    assert bodies == {"european-union", "iom", "unhcr", "unicef"}


def test_all_languages_of_the_european_union_are_there(real: Catalogue) -> None:
    official = "BUL CES DAN DEU ELL ENG EST FIN FRA GLE HRV HUN ITA LAV LIT MLT NLD POL POR RON SLK SLV SPA SWE"
    assert set(official.split()) <= set(real.vocabularies.schemes_by_key["language"].concepts)


def test_mappings_lead_to_vocabularies_whose_licence_lets_their_labels_be_repeated(
    real: Catalogue,
) -> None:
    vocabularies = real.vocabularies
    assert len(vocabularies.mappings) > 200
    for iri in vocabularies.mappings:
        vocabulary = vocabularies.find_target_vocabulary(iri)
        assert vocabulary is not None, iri
        licence = real.store.value(NamedNode(vocabulary.iri), DCT + "license")
        is_free = isinstance(licence, NamedNode) and "/by-sa/" not in licence.value
        assert is_free or not real.store.labels(NamedNode(iri), SKOS + "prefLabel"), iri


def test_the_longest_uri_space_tells_the_vocabulary_of_an_iri() -> None:
    targets = [TargetVocabulary(space, space, {}) for space in ("https://a/b/", "https://a/")]
    vocabularies = Vocabularies({}, {}, targets)
    spaces = {
        iri: (target := vocabularies.find_target_vocabulary(iri)) and target.uri_space
        for iri in ("https://a/b/c", "https://a/c", "https://b/c")
    }
    assert list(spaces.values()) == ["https://a/b/", "https://a/", None]


def test_countries_and_languages_have_the_codes_of_their_standards(real: Catalogue) -> None:
    for key, standards in (("country", {"ISO3166"}), ("language", {"ISO639-2", "RFC5646"})):
        for concept in real.vocabularies.schemes_by_key[key].concepts.values():
            terms = real.store.values(NamedNode(concept.iri), SKOS + "notation")
            datatypes = {local_name(t.datatype.value) for t in terms if isinstance(t, Literal)}
            is_ours = concept.iri.startswith(real.base) or concept.notation in ("XKX", "PRS", "CKB")
            assert is_ours or standards <= datatypes, concept.iri


def test_a_retired_code_of_a_country_stands_for_its_successor(real: Catalogue) -> None:
    scheme = real.vocabularies.schemes_by_key["country"]
    assert scheme.current["1A0"].notation == "XKX"
    assert "1A0" not in scheme.concepts


@pytest.mark.parametrize(
    ("key", "text", "notation"),
    [
        ("country", "EL", "GRC"),
        ("country", "GR", "GRC"),
        ("country", "uk", "GBR"),
        ("country", "AT", "AUT"),
        ("country", "BEL", "BEL"),
        ("language", "es", "SPA"),
        ("language", "PT", "POR"),
        ("language", "fa-AF", "PRS"),
        ("language", "prs", "PRS"),
        ("language", "cze", "CES"),
        ("country", "XK", "XKX"),
        ("country", "Holland", "NLD"),
        ("country", "Islamic Republic of Iran", "IRN"),
        ("country", "Iran, Islamic Republic of", "IRN"),
        ("language", "Farsi", "FAS"),
    ],
)
def test_a_code_or_another_name_stands_for_a_concept(
    real: Catalogue, key: str, text: str, notation: str
) -> None:
    field = next(f for f in real.shapes.entry_shape.facets if f.key == key)
    term = real.value_parser.parse(NO_LOCATION, field, text, ["en"])
    assert term == NamedNode(real.vocabularies.schemes_by_key[key].concepts[notation].iri)


def test_the_key_of_a_scheme_without_identifier_is_the_last_part_of_its_iri() -> None:
    store, scheme = OxigraphStore(), NamedNode("https://example.org/setting")
    store.add([Quad(scheme, TYPE, NamedNode(SKOS + "ConceptScheme"), scheme)])
    assert list(read_vocabularies(store).schemes_by_key) == ["setting"]


def test_agents_have_one_iri_and_their_labels_are_names_in_the_description_of_the_dataset(
    real: Catalogue, client: TestClient
) -> None:
    nodes = real.store.subjects(FOAF + "name")
    names = [as_text(name) for node in nodes for name in real.store.values(node, FOAF + "name")]
    organisations = real.store.subjects(RDF + "type", NamedNode(PG + "Organisation"))
    labels = {
        as_text(name)
        for node in organisations
        for name in real.store.values(node, SKOS + "prefLabel")
    }
    assert len(names) == len(set(names))
    assert not labels.intersection(names)
    organisation = f"{real.base}organisation/european-commission"
    described = client.get("/catalog.nt").text
    assert f'<{organisation}> <{FOAF}name> "European Commission"@en .' in described


def test_a_value_that_is_a_property_is_labelled_by_its_field_in_json(client: TestClient) -> None:
    (written,) = client.get("/practice/1788.json?lang=nl").json()["ownText"]
    assert written["label"] == "Samenvatting"
