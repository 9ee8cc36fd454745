"""The diagnosis of syntax errors: the phrase, the position and the words."""

import pytest
from pyoxigraph import Literal, RdfFormat, Store

from practicegraph.rdf import untrusted
from practicegraph.rdf.syntax_errors import diagnose_query, known_prefix
from practicegraph.rdf.terms import RDF
from practicegraph.rdf.untrusted import MalformedError

BASE = "https://example.org/"
QUERIES = [
    ("SELECT ?l { ?c skos:prefLabel ?l }", "undeclaredPrefix", (1, 16), {"prefix": "skos"}),
    ("SELECT * {\n  ?c a dct:Agent ; }", "undeclaredPrefix", (2, 8), {"prefix": "dct"}),
    ("SELECT (ex:f(1) AS ?y) {}", "undeclaredPrefix", (1, 9), {"prefix": "ex"}),
    ("PREFIX ex <https://a.b/> ASK {}", "expectedToken", (1, 8), {"expected": "ex:"}),
    ("PREFIX ex: https://a.b/ ASK {}", "bareIri", (1, 12), {"token": "https://a.b/"}),
    ("ASK { ?s https://a.b/p. ?o }", "bareIri", (1, 10), {"token": "https://a.b/p"}),
    ("ASK { ?s ?p <https://a.b/c\n }", "unclosedBracket", (1, 13), {"expected": ">"}),
    ("ASK { <https://a b> ?p ?o }", "invalidIri", (1, 7), {"token": "<https://a b>"}),
    ("\ufeffASK {}", "byteOrderMark", (1, 1), {"token": "U+FEFF"}),
    ("ASK { ?s ?p 'é' .\r\n ?s\u00a0?p ?o }", "noBreakSpace", (2, 4), {"token": "U+00A0"}),
    ("ASK { ?s\u200b ?p ?o }", "invisibleCharacter", (1, 9), {"token": "U+200B"}),
    ("ASK { ?s ?p “a” }", "typographicQuote", (1, 13), {"token": "“"}),
    ("ASK { ?s ?p 'a }", "unclosedText", (1, 13), {"token": "'"}),
    ('ASK { ?s ?p "a\nb" }', "unclosedText", (1, 13), {"token": '"'}),
    ("ASK { ?s ?p '''a' }", "unclosedText", (1, 13), {"token": "'''"}),
    (r"ASK { ?s ?p 'a\q' }", "invalidEscape", (1, 15), {"token": r"\q"}),
    ("ASK { ?s ?p 'a'@pt_BR }", "invalidLanguage", (1, 16), {"token": "@pt_BR"}),
    ("ASK { ?s ?p ?o ?x ?y }", "missingSeparator", (1, 16), {"before": "?o"}),
    ("ASK { ?s ?p 1 ; ?q 'a'@en ?r 2 }", "missingSeparator", (1, 27), {"before": "'a'@en"}),
    ("ASK { ?s ?p ?o", "unclosedBracket", (1, 5), {"token": "{", "expected": "}"}),
    ("ASK { FILTER(?o > 3 }", "unclosedBracket", (1, 13), {"token": "(", "expected": ")"}),
    ("ASK { ?s ?p [ ?q ?z }", "unclosedBracket", (1, 13), {"token": "[", "expected": "]"}),
    ("ASK { ?s ?p ?o } }", "unopenedBracket", (1, 18), {"token": "}"}),
    ("SELECT (SIZE(?x) AS ?y) {}", "unknownFunction", (1, 9), {"token": "SIZE"}),
    ("SELECT (<https://a.b/f>(1) AS ?y) {}", "unknownFunction", (1, 9), {}),
    ("PREFIX : <https://a.b/> SELECT (:f(1) AS ?y) {}", "unknownFunction", (1, 33), {}),
    ("ASK { FILTER(COALESCE(1, 2) > 1) } }", "unopenedBracket", (1, 36), {"token": "}"}),
    ("ASK { FILTER(CONCAT('a', 'b') = SIZE(1)) }", "unknownFunction", (1, 33), {"token": "SIZE"}),
    ("SELECT COUNT(*) { ?s ?p ?o }", "bareExpression", (1, 8), {"token": "COUNT"}),
    ("SELECT ?a ?b { ?a ?p ?b } GROUP BY ?a", "ungroupedVariable", (1, 11), {"token": "?b"}),
    ("SELECT ?a (COUNT(?b) AS ?n) { ?a ?p ?b }", "ungroupedVariable", (1, 8), {"token": "?a"}),
    ("SELECT * { ?a ?p ?b } GROUP BY ?a", "groupedStar", (1, 8), {}),
    ("SELECT (1 AS ?x) (2 AS ?x) {}", "repeatedVariable", (1, 24), {"token": "?x"}),
    ("SELECT * { ?x ?p ?o BIND(2 AS ?x) }", "repeatedVariable", (1, 31), {"token": "?x"}),
    ("ASK { VALUES (?a ?b) { (1) } }", "valuesCount", (1, 28), {}),
    ("ASK { ?s ?p _:a OPTIONAL { ?s ?q _:a } }", "blankNodeScope", (1, 34), {"token": "_:a"}),
    ("ASK { FILTER ?o > 3 }", "expectedToken", (1, 14), {"expected": "("}),
    ("ASK { { ?s ?p ?o } UNION }", "expectedToken", (1, 26), {"expected": "{"}),
    ("SELECT ?a, ?b { ?a ?p ?b }", "unexpectedToken", (1, 10), {"token": ","}),
    ("SELECT * { } LIMIT ten", "unexpectedToken", (1, 20), {"token": "ten"}),
    ("SELECT ?a", "unexpectedEnd", (1, 10), {"before": "?a"}),
    ("", "notQuery", (1, 1), {}),
    ("# only a comment", "notQuery", (1, 17), {}),
    ("SELCT * {}", "notQuery", (1, 1), {}),
    ("PREFIX a: <https://a.b/> INSERT DATA { a:b a:c 1 }", "updateRefused", (1, 26), {}),
]
TEXTS = '{"t": {"@id": "https://a.b/t", "@container": "@language"}}'
U = {"token": "u"}
TURTLE = [
    ("a:b a:c 1 ; dct:title 'x' .", "undeclaredPrefix", 13, {"prefix": "dct"}),
    ("a:b a:c 'x'^^xs:date .", "undeclaredPrefix", 14, {"prefix": "xs"}),
    ("a:b a:c https://a.b/x .", "bareIri", 9, {"token": "https://a.b/x"}),
    ("a:b a:c <d> .", "relativeIri", 9, {"token": "<d>"}),
    ("a:b a:c <https://a b> .", "invalidIri", 9, {"token": "<https://a b>"}),
    ("a:b a:c 'é' ;\u00a0a:d 1 .", "noBreakSpace", 14, {"token": "U+00A0"}),
    ("a:b a:c „d“ .", "typographicQuote", 9, {"token": "„"}),
    ('a:b a:c "d .', "unclosedText", 9, {"token": '"'}),
    (r"a:b a:c 'd\e' .", "invalidEscape", 11, {"token": r"\e"}),
    (r"a:b a:c 'd\uD800' .", "invalidEscape", 11, {"token": r"\uD800"}),
    ("a:b a:c 'd'@en_GB .", "invalidLanguage", 12, {"token": "@en_GB"}),
    ("a:b a:c 'd'@ , 1 .", "invalidLanguage", 12, {"token": "@"}),
    ("a:b a:c 1 a:d 2 .", "missingSeparator", 11, {"before": "1"}),
    ("@prefix b: <https://b.c/> @prefix c: <https://c.d/> .", "missingSeparator", 27, {}),
    ("a:b a:c 'd'", "missingSeparator", 12, {"before": "'d'"}),
    ("a:b a:c ( 1 2 .", "unclosedBracket", 9, {"expected": ")"}),
    ("a:b a:c [ a:d 1 .", "unclosedBracket", 9, {"expected": "]"}),
    ("a:b a:c 1 ] .", "unopenedBracket", 11, {"token": "]"}),
    ("@prefix b <https://a.b/> .", "expectedToken", 9, {"expected": "b:"}),
    ("a:b a:c word .", "unexpectedToken", 9, {"token": "word"}),
    ("a:b a:c", "unexpectedEnd", 8, {"before": "a:c"}),
]


@pytest.mark.parametrize(("query", "hint", "place", "words"), QUERIES)
def test_a_query_that_is_refused_is_diagnosed_where_it_is_wrong(
    query: str, hint: str, place: tuple[int, int], words: dict[str, str]
) -> None:
    with pytest.raises((SyntaxError, RuntimeError)) as caught:
        list(Store().query(query, base_iri=BASE))  # type: ignore[arg-type]
    diagnosis = diagnose_query(query, str(caught.value), BASE)
    assert (diagnosis["hint"], diagnosis["line"], diagnosis["column"]) == (hint, *place)
    assert words.items() <= diagnosis.items()


@pytest.mark.parametrize("syntax", [RdfFormat.TURTLE, RdfFormat.TRIG])
@pytest.mark.parametrize(("text", "hint", "column", "words"), TURTLE)
def test_turtle_that_is_not_parsed_is_diagnosed_where_it_is_wrong(
    text: str, hint: str, column: int, words: dict[str, str], syntax: RdfFormat
) -> None:
    with pytest.raises(MalformedError) as caught:
        untrusted.parse_rdf(f"@prefix a: <{BASE}> .\n{text}", syntax)
    diagnosis = caught.value.diagnosis
    assert (diagnosis["hint"], caught.value.lineno, caught.value.offset) == (hint, 2, column)
    assert words.items() <= diagnosis.items()


def test_a_long_token_is_cut_in_a_message() -> None:
    with pytest.raises(MalformedError) as caught:
        untrusted.parse_rdf("w" * 1000, RdfFormat.TURTLE)
    assert caught.value.diagnosis["token"] == "w" * 60 + "…"


def test_a_declaration_of_a_known_prefix_has_its_iri() -> None:
    prefixes = {"skos": "http://www.w3.org/2004/02/skos/core#"}
    assert known_prefix({"prefix": "skos", "iri": "…"}, prefixes)["iri"] == prefixes["skos"]
    assert known_prefix({"prefix": "zz", "iri": "…"}, prefixes)["iri"] == "…"
    assert known_prefix({"token": "a"}, prefixes) == {"token": "a"}


XML, JSON = RdfFormat.RDF_XML, RdfFormat.JSON_LD
RDF_XML = f'<r:RDF xmlns:r="{RDF}" xmlns:a="https://a.b/" r:about="https://a.b/c">\n'
NODE = '<r:Description r:about="https://a.b/c">'
MALFORMED = [
    (XML, RDF_XML, "unclosedBracket", 1, 1, {"expected": "</r:RDF>"}),
    (XML, f"{RDF_XML}{NODE}\né</r:Descr>", "expectedToken", 3, 4, {"expected": "r:Description"}),
    (XML, f"{RDF_XML}<b:c/>", "undeclaredNamespace", 2, 1, {"prefix": "b"}),
    (XML, f'{RDF_XML}<a:c a:d="1" b:c="2"/>', "undeclaredNamespace", 2, 1, {"prefix": "b"}),
    (XML, f"{RDF_XML}é&nbsp;", "unexpectedToken", 2, 2, {"token": "&nbsp;"}),
    (XML, f"{RDF_XML}é & b", "unexpectedToken", 2, 3, {"token": "&"}),
    (XML, f"{RDF_XML}<a:c a:d=e/>", "unexpectedToken", 2, 10, {"token": "e"}),
    (XML, f"{RDF_XML}\x0b", "unexpectedToken", 2, 1, {"token": "U+000B"}),
    (XML, f"{RDF_XML}</r:RDF> a", "unexpectedToken", 2, 10, {"token": "a"}),
    (XML, "", "unexpectedEnd", 1, 1, {}),
    (XML, "<html/>", "unexpectedToken", 1, 1, {"token": "<html"}),
    (
        XML,
        f'{RDF_XML}{NODE}<a:d\nr:resource="https://a b"/></r:Description></r:RDF>',
        "invalidIri",
        3,
        13,
        {"token": "<https://a b>"},
    ),
    (
        XML,
        f'{RDF_XML}{NODE}\n<a:d xml:lang="e_n">x</a:d></r:Description></r:RDF>',
        "invalidLanguage",
        3,
        16,
        {"token": "e_n"},
    ),
    (XML, f'{RDF_XML}<r:Description r:ID="1"/></r:RDF>', "unexpectedToken", 2, 22, {"token": "1"}),
    (
        XML,
        f"{RDF_XML}{NODE}<r:Description/></r:Description></r:RDF>",
        "unexpectedToken",
        2,
        40,
        {"token": "<r:Description"},
    ),
    (
        XML,
        f"{RDF_XML}{NODE}<a:d><a:e/>é</a:d></r:Description></r:RDF>",
        "unexpectedToken",
        2,
        52,
        {"token": "é"},
    ),
    (JSON, '{"a":\n1,}', "unexpectedToken", 2, 3, {"token": "}"}),
    (JSON, '{"a" 1}', "expectedToken", 1, 6, {"expected": ":"}),
    (JSON, '{"a": 1\n "b": 2}', "expectedToken", 2, 2, {"expected": ","}),
    (JSON, '{"a": 1', "unexpectedEnd", 1, 8, {}),
    (JSON, '{"a": "b}', "unclosedText", 1, 7, {}),
    (JSON, '{"a": NaN, "b": "NaN"}', "unexpectedToken", 1, 7, {"token": "NaN"}),
    (JSON, '{"a": "\\ud800"}', "unexpectedToken", 1, 8, {"token": "\\ud800"}),
    (JSON, "a: 1", "unexpectedToken", 1, 1, {"token": "a:"}),
    (JSON, '{"https://a.b/p": {"@type": "a:b"},\n"@type": 3}', "invalidKeyword", 2, 1, {}),
    (JSON, '{\n"@context": {"a": 3}, "a": 1}', "invalidKeyword", 2, 1, {"token": "@context"}),
    (JSON, '{"https://a.b/p":\n{"@id": "https://a b"}}', "invalidIri", 2, 9, {}),
    (JSON, '{"https://a.b/p": {"@value": "a", "@language": "e_n"}}', "invalidLanguage", 1, 49, {}),
    (JSON, '{"@context":\n"https://a.b/"}', "remoteContext", 2, 1, {"address": "https://a.b/"}),
    (JSON, '{"@context": {"@import":\n"https://a.b/"}}', "remoteContext", 2, 1, {}),
    (JSON, f'{{"@context": {TEXTS},\n"t": {{"en": "a"}},\n"u": 1}}', "unmappedKey", 3, 1, U),
    (
        JSON,
        f'[{{"@context": {TEXTS}, "t": [\n{{"en": "a"}}, {{"t": "b"}}]}}]',
        "unmappedKey",
        2,
        2,
        {},
    ),
    (JSON, '{"https://a.b/p": {"@value": "a"}, "u":\n"b"}', "unmappedKey", 1, 36, U),
    (
        JSON,
        f'{{"@context": {TEXTS},\n"t": {{"@value": "a"}}}}',
        "languageKey",
        2,
        7,
        {"token": "@value"},
    ),
    (JSON, f'{{"@context": {TEXTS},\n"t": {{"en": "a", "en_GB": "b"}}}}', "languageKey", 2, 18, {}),
    (
        JSON,
        '{"https://a.b/p": 1,\n"https://a.b/a b": 2}',
        "invalidIri",
        2,
        1,
        {"token": "<https://a.b/a b>"},
    ),
    (
        JSON,
        '{"@context": {"a": "https://a.b/"}, "a:{": 2}',
        "invalidIri",
        1,
        37,
        {"token": "<a:{>"},
    ),
    (
        JSON,
        '{"@context": {"@vocab": "https://a.b/"},\n"a<b": 2}',
        "unmappedKey",
        2,
        1,
        {"token": "a<b"},
    ),
    (
        JSON,
        '[{"https://a.b/p": {"<": [{"@id": "https://a.b/c"}]}}]',
        "unmappedKey",
        1,
        21,
        {"token": "<"},
    ),
]


@pytest.mark.parametrize(("syntax", "text", "hint", "line", "column", "words"), MALFORMED)
def test_markup_that_is_not_parsed_is_diagnosed_where_it_is_wrong(
    syntax: RdfFormat, text: str, hint: str, line: int, column: int, words: dict[str, str]
) -> None:
    with pytest.raises(SyntaxError) as caught:
        untrusted.parse_rdf(text, syntax, "https://a.b/")
    found = untrusted.describe(caught.value)
    assert (found["hint"], found["line"], found["column"]) == (hint, line, column)
    assert words.items() <= found.items()


@pytest.mark.parametrize(
    "text",
    [
        f'{{"@context": {TEXTS}, "t": {{"en": ["a", null], "pt-BR": "b", "@none": "c"}}}}',
        '{"@context": {"u": null}, "https://a.b/p": 1, "u": {"v": 2}}',
        '{"@context": {"@vocab": "https://a.b/"}, "u": {"v": 2}}',
        '{"@context": {"p": {"@id": "https://a.b/p", "@type": "@json"}}, "p": {"t": {"u": 1}}}',
        '{"@context": {"p": {"@id": "https://a.b/p", "@container": "@index"}}, "p": {"u": "a"}}',
        '{"@context": {"a b": "https://a.b/p"}, "a b": 2}',
        '{"@context": {"p": {"@id": "https://a.b/p", "@context": {"a b": "https://a.b/p"}}}, '
        '"p": {"a b": 2}}',
        '{"@context": {"p": {"@id": "https://a.b/p", "@type": "@json"}}, "p": {"a b": {"<": 1}}}',
        '{"@context": {"p": {"@id": "https://a.b/p", "@container": "@index"}}, "p": {"a b": "a"}}',
        '{"https://a.b/p": 1, "a b": null}',
        '{"@graph": [{"@id": "https://a.b/c", "https://a.b/p": {"@list": ["a"]}}]}',
    ],
)
def test_keys_of_json_ld_with_a_meaning_are_accepted(text: str) -> None:
    assert untrusted.parse_rdf(text, RdfFormat.JSON_LD, "https://a.b/").quads


def test_an_address_in_a_text_of_json_ld_need_not_be_an_iri() -> None:
    text = '{"@id": "https://a.b/c", "https://a.b/p": "https://a b/"}'
    (quad,) = untrusted.parse_rdf(text, RdfFormat.JSON_LD, "https://a.b/").quads
    assert quad.object == Literal("https://a b/")
