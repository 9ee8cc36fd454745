"""Full text: matching, ranking, suggestions and snippets, whatever is typed."""

import sqlite3
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.schema.records import Record
from practicegraph.search.text.highlighting import MAX_SNIPPETS, SNIPPET_LENGTH, Highlighter
from practicegraph.search.text.index import TermMatch, TextIndex, rank
from practicegraph.search.text.labels import LabelIndex, suggest
from practicegraph.search.text.tokenizer import (
    Analyser,
    FieldText,
    QueryTerm,
    Tier,
    Tokenizer,
    normalize,
    parse_query,
    parse_stop_words,
)
from support.catalogues import ROOT

JUDGED = tomllib.loads((ROOT / "tests" / "queries.toml").read_text())
LANGUAGES = ("en", "nl", "es", "de", "it", "fr", "el")
TOKENIZER = Tokenizer(LANGUAGES)
TIERS = (Tier.TITLE, Tier.SUMMARY, Tier.OTHER)
BLOCK = 1 << 16

typed = st.text(
    st.sampled_from("ab é*\"“”„«»'’-:()[]{}^~+\\/\x00\n\u0301_ΣςßœAND OR·"), max_size=30
)
words_of_few_letters = st.lists(st.sampled_from(["aba", "abb", "bab", "cab"]), max_size=6)
texts = st.lists(
    st.tuples(
        st.sampled_from(TIERS), words_of_few_letters.map(" ".join), st.sampled_from([None, "nl"])
    ),
    max_size=4,
)
writes = st.lists(st.tuples(st.integers(0, 5), st.none() | texts), max_size=12)


@dataclass
class MemoryIndex:
    """A text index in memory."""

    texts: TextIndex
    connection: sqlite3.Connection

    def match(self, query: str) -> list[TermMatch]:
        return self.texts.match(parse_query(query, ()))

    def numbers(self, query: str) -> set[int]:
        return set(BitMap.intersection(*(match.entries for match in self.match(query))))


def index_entries(entries: Iterable[tuple[int, Sequence[FieldText]]] = ()) -> MemoryIndex:
    connection = sqlite3.connect(":memory:")
    index, analyser = TextIndex(connection, TOKENIZER), Analyser(TOKENIZER)
    index.add((number, analyser.analyse([texts])) for number, texts in entries)
    return MemoryIndex(index, connection)


def index_texts(*texts: str, language: str | None = "en") -> MemoryIndex:
    return index_entries((n, [(Tier.OTHER, text, language)]) for n, text in enumerate(texts))


def search(services: Services, query: str) -> list[str]:
    request = services.request_parser.parse([("q", query), ("size", "100")])
    result = services.search.search(request, services.catalogue.languages)
    return [iri.rpartition("/")[2] for iri in result.entries]


def test_every_language_has_judged_queries(real: Catalogue) -> None:
    languages = {query["language"] for query in JUDGED["query"]}
    assert languages == set(real.languages) == set(JUDGED["recall"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_judged_queries_have_the_recorded_recall(services: Services, language: str) -> None:
    recalls, missed = [], {}
    for query in JUDGED["query"]:
        if query["language"] == language:
            right, results = set(query["right"]), set(search(services, query["text"]))
            recalls.append(len(right & results) / len(right))
            missed[query["text"]] = right - results
    recall = sum(recalls) / len(recalls)
    assert round(recall, 2) == JUDGED["recall"][language], {q: m for q, m in missed.items() if m}


def test_the_first_result_of_judged_queries_is_right(services: Services) -> None:
    firsts = {q["text"]: search(services, q["text"])[:1] for q in JUDGED["query"]}
    wrong = [q["text"] for q in JUDGED["query"] if not set(firsts[q["text"]]) & set(q["right"])]
    assert wrong == [
        "niño recién llegado",
        "LINGUA STRANIERA",
        "médiatrices interculturelles",
        "ασυνόδευτο παιδί",
    ]


@pytest.mark.parametrize(
    ("text", "query", "language"),
    [
        ("Réfugiés", "REFUGIE", "fr"),
        ("προσφύγων", "προσφυγες ", "el"),
        ("Σχολείο της πόλης", "ΤΗΣ", "el"),
        ("Straße", "strasse", "de"),
        ("Schüler", "schueler", "de"),
        ("cœur et œuvre", "coeur ", "fr"),
        ("København", "kobenhavn", "en"),
        ("re\u0301fugie\u0301", "réfugié ", "fr"),
        ("school\u00adplein", "schoolplein ", "nl"),
        ("snake_case", "case ", None),
        ("twenty-four", "four ", "en"),
    ],
)
def test_words_match_without_regard_to_accents_case_and_endings(
    text: str, query: str, language: str | None
) -> None:
    assert index_texts(text, language=language).numbers(query) == {0}


def test_a_word_matches_in_a_text_of_any_language() -> None:
    for language in (*LANGUAGES, "pt", "xx-yy", "", None):
        assert index_texts("Mentoring Kurse", language=language).numbers("mentoring kurse ") == {
            0
        }, language


def test_the_last_word_is_a_prefix_from_three_letters_on() -> None:
    index = index_texts("mentoring", "mental", "men")
    assert index.numbers("men") == {0, 1, 2}
    assert index.numbers("men ") == {2}
    assert index.numbers("me") == set()
    assert index.numbers("me*") == {0, 1, 2}
    assert index.numbers("men* ment* ") == {0, 1}


def test_a_prefix_matches_words_whose_stem_is_shorter() -> None:
    assert index_texts("policies", language="en").numbers("policie") == {0}
    assert index_texts("organisations", language="en").numbers("organisati") == {0}


def test_a_phrase_matches_consecutive_words_of_one_text() -> None:
    parts: list[FieldText] = [(Tier.OTHER, "good", "en"), (Tier.OTHER, "practice", "en")]
    whole: list[FieldText] = [(Tier.OTHER, "a good practice", "en")]
    index = index_entries([(0, parts), (1, whole), (2, [(Tier.OTHER, "practice good", "en")])])
    for query in ('"good practice"', "“good practices”", "„GOOD practice“", '"good pract'):
        assert index.numbers(query) == {1}, query
    assert index.numbers("good practice ") == {0, 1, 2}


@given(typed)
@settings(deadline=None, max_examples=200)
def test_no_query_is_an_error(services: Services, text: str) -> None:
    for term in parse_query(text, ()):
        assert term.words
        assert 0 <= term.start < term.end <= len(text)
    assert len(search(services, text)) <= 53
    suggest(text, (), len, [few_words])


def few_words(prefix: str) -> list[tuple[str, str]]:
    return [(word, word) for word in ("aa", "bb") if word.startswith(prefix)]


@given(st.lists(texts, max_size=5), words_of_few_letters.filter(lambda words: len(words) > 1))
@settings(deadline=None)
def test_a_phrase_matches_the_texts_that_have_it(
    entries: list[list[FieldText]], phrase: list[str]
) -> None:
    words = f" {' '.join(phrase)} "
    right = {n for n, e in enumerate(entries) if any(words in f" {text} " for _, text, _ in e)}
    assert index_entries(enumerate(entries)).numbers(f'"{words}"') == right


def test_words_and_phrases_match_on_both_sides_of_a_block_boundary() -> None:
    index, analyser = index_entries(), Analyser(TOKENIZER)
    batches = [range(BLOCK - 5, BLOCK - 2), range(BLOCK - 2, BLOCK + 4)]
    texts = {n: "aba cab bab" if n % 2 else "cab aba" for batch in batches for n in batch}
    index.texts.add(
        (batch[0], analyser.analyse([[(Tier.OTHER, texts[n], None)] for n in batch]))
        for batch in batches
    )
    odd, even = ({n for n in texts if n % 2 == rest} for rest in (1, 0))
    assert index.numbers("aba ") == odd | even
    assert index.numbers("bab ") == index.numbers('"cab bab"') == odd
    assert index.numbers('"cab aba"') == index.numbers('"cab aba') == even
    index.texts.replace(BLOCK, [(Tier.OTHER, "bab", None)])
    assert index.numbers("bab ") == odd | {BLOCK}
    assert index.numbers("cab ") == odd | even - {BLOCK}


def test_a_phrase_matches_with_an_unfinished_word_whose_stem_is_shorter() -> None:
    index = index_texts("new policies of schools", "policies of new schools")
    assert index.numbers('"new policie') == {0}
    assert index.numbers('"of new school*') == {1}


@given(writes)
@settings(deadline=None)
def test_an_updated_index_equals_one_built_at_once(
    changes: list[tuple[int, list[FieldText] | None]],
) -> None:
    index, expected = index_entries(), dict[int, list[FieldText]]()
    for number, texts in changes:
        if texts is None:
            index.texts.remove(number)
            expected.pop(number, None)
        else:
            index.texts.replace(number, texts)
            expected[number] = texts
    assert_equal(index, index_entries(sorted(expected.items())))


def assert_equal(index: MemoryIndex, other: MemoryIndex) -> None:
    for query in ("aba ", "ab", "bab abb", '"aba bab"', '"cab ab', "c* "):
        assert index.match(query) == other.match(query), query
    for query in (
        "SELECT rowid, tokens FROM text_phrases ORDER BY rowid",
        "SELECT * FROM text_postings ORDER BY token, tier",
    ):
        rows = index.connection.execute(query).fetchall()
        assert rows == other.connection.execute(query).fetchall()


@pytest.mark.parametrize("piece", ["good ", "*", '"', "a'", "x", "é’", "ab* ", "ο", '"a b'])
@pytest.mark.parametrize("opening", ["", '"'])
def test_a_long_query_takes_less_than_two_seconds(piece: str, opening: str) -> None:
    index = index_texts(*(f"good {number}ies ab{number}" for number in range(300)))
    start = perf_counter()
    for match in index.match(opening + piece * 50_000):
        assert len(match.entries) <= 300
    assert perf_counter() - start < 2


def test_a_rolled_back_change_is_undone() -> None:
    index = index_texts("mentoring")
    index.connection.commit()
    index.texts.replace(1, [(Tier.TITLE, "mentoring", "en")])
    assert index.numbers("mentoring") == {0, 1}
    index.connection.rollback()
    assert index.numbers("mentoring") == {0}


sets = st.sets(st.integers(0, 9)).map(BitMap)
tier_sets = st.dictionaries(st.sampled_from(Tier), sets)
term_matches = st.lists(st.builds(TermMatch, tier_sets, tier_sets), min_size=1, max_size=3)


@given(term_matches, sets)
def test_an_entry_has_the_sum_of_the_best_scores_of_the_terms(
    matches: list[TermMatch], entries: BitMap
) -> None:
    def score(match: TermMatch, number: int) -> int:
        whole = [tier + 4 for tier, those in match.whole.items() if number in those]
        prefix = [int(tier) for tier, those in match.prefix.items() if number in those]
        return max([*whole, *prefix], default=0)

    expected: dict[int, set[int]] = {}
    for number in entries:
        scores = [score(match, number) for match in matches]
        if all(scores):
            expected.setdefault(sum(scores), set()).add(number)
    ranked = [(total, set(those)) for total, those in rank(matches, entries)]
    assert ranked == sorted(expected.items(), reverse=True)


def test_a_title_ranks_above_a_summary_and_a_whole_word_above_a_prefix() -> None:
    texts = [(Tier.OTHER, "mentor"), (Tier.TITLE, "mentorship"), (Tier.SUMMARY, "mentor")]
    index = index_entries((n, [(tier, text, None)]) for n, (tier, text) in enumerate(texts))
    ranked = rank(index.match("mentor"), BitMap(range(3)))
    assert [(score, list(entries)) for score, entries in ranked] == [(7, [2]), (5, [0]), (4, [1])]


@pytest.fixture(scope="module")
def labels(real: Catalogue) -> LabelIndex:
    return LabelIndex(real.vocabularies, TOKENIZER)


@pytest.mark.parametrize(
    ("typed", "notations"),
    [
        ("Ungheria ", ["HUN"]),
        ("ουγγαρια", ["HUN"]),
        ('"access to rights"', ["access-to-rights"]),
        ('"rights access"', []),
        ("mentorprogram", ["mentoring-programme"]),
    ],
)
def test_concepts_match_by_their_labels_in_any_language(
    labels: LabelIndex, typed: str, notations: list[str]
) -> None:
    (term,) = parse_query(typed, ())
    match = labels.match(term)
    assert sorted({c.notation for c in (*match.whole, *match.prefix)}) == notations


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [
        ("tralning of techers", "training of teachers"),
        ("Trainign ", "training "),
        ('"integratie van vluchtelingn" kinderen', '"integratie van vluchtelingen" kinderen'),
        ("σχλείο", "Σχολεία"),
        ("hungery", "Hungary"),
        ("mentorng", "mentoring"),
        ("training", None),
        ("qqqqqqqq", None),
        ("training mentoring", None),
    ],
)
def test_near_words_are_suggested_for_words_that_match_nothing(
    labels: LabelIndex, typed: str, suggestion: str | None
) -> None:
    texts = ("training of teachers", "integratie van vluchtelingen en kinderen", "mentoring")
    index = index_texts(*texts)

    def count(terms: Sequence[QueryTerm]) -> int:
        matches = zip(index.texts.match(terms), map(labels.match, terms), strict=True)
        labelled = BitMap([len(texts)])  # an entry with every concept, but without texts
        sets = [m.entries | (labelled if n.whole or n.prefix else BitMap()) for m, n in matches]
        return len(BitMap.intersection(*sets))

    assert suggest(typed, (), count, [index.texts.words, labels.words]) == suggestion


@pytest.fixture(scope="module")
def mint(real: Catalogue) -> Record:
    return real.reader.read_records(real.shapes.entry_shape, [real.entry_iri("1788")])[0]


def show_snippets(
    mint: Record, labels: LabelIndex, query: str, *languages: str
) -> list[tuple[str, str]]:
    highlighter = Highlighter(parse_query(query, ()), TOKENIZER, labels, languages)
    return [(s.field.key, in_brackets(s.text, s.highlights)) for s in highlighter.snippets(mint)]


def in_brackets(text: str, highlights: Iterable[tuple[int, int]]) -> str:
    for start, end in reversed(list(highlights)):
        text = f"{text[:start]}[{text[start:end]}]{text[end:]}"
    return text


def test_a_snippet_is_in_the_reader_s_language(mint: Record, labels: LabelIndex) -> None:
    assert show_snippets(mint, labels, "children mentored ", "en", "nl")[0] == (
        "title",
        "MINT - [Mentoring] for Integration of third country national [children] affected by migration",
    )
    (title, *_) = show_snippets(mint, labels, "mentorschap integratie", "nl", "en")
    assert title[1].startswith("MINT - [Mentorschap] voor de [integratie] van")


def test_a_snippet_of_a_long_text_is_cut_between_words(mint: Record, labels: LabelIndex) -> None:
    ((key, text),) = show_snippets(mint, labels, '"sociale uitsluiting"', "nl", "en")
    assert key == "description"
    assert text == (
        "…Migrantenkinderen en -jongeren zijn bijzonder kwetsbaar voor [sociale uitsluiting]. "
        "Door een innovatief en repliceerbaar model te testen, wil het MINT…"
    )


def test_a_concept_that_matches_in_another_language_has_a_snippet(
    mint: Record, labels: LabelIndex
) -> None:
    found = show_snippets(mint, labels, "Mentorschapsprogramma ", "en", "nl")
    assert found[-1] == ("action", "Mentoring programme")
    assert ("country", "[Hungary]") in show_snippets(mint, labels, "hungary ", "en")


@given(text=typed | st.sampled_from(["mentoring kinder", '"derde landen" integ', "a* e*"]))
@settings(deadline=None)
def test_snippets_are_short_pieces_with_highlights_inside(
    mint: Record, labels: LabelIndex, text: str
) -> None:
    highlighter = Highlighter(parse_query(text, ()), TOKENIZER, labels, LANGUAGES)
    snippets = highlighter.snippets(mint)
    assert len({snippet.field.key for snippet in snippets}) == len(snippets) <= MAX_SNIPPETS
    for snippet in snippets:
        assert len(snippet.text) <= SNIPPET_LENGTH + 2
        assert snippet.field.is_searched
        assert all(0 <= start < end <= len(snippet.text) for start, end in snippet.highlights)
        assert all(
            normalize(snippet.text[start:end].split()[0]) for start, end in snippet.highlights
        )


def test_stop_words_count_in_phrases_alone(real: Catalogue, services: Services) -> None:
    results = search(services, "educación para los niños de España")
    assert results
    assert results == search(services, "educación niños España")
    stop_words = parse_stop_words(real.phrases.labels["stopWords"])

    def words(query: str) -> list[tuple[str, ...]]:
        return [term.words for term in parse_query(query, stop_words)]

    assert words("the of") == [("the",), ("of",)]
    assert words('"the of" school') == [("the", "of"), ("school",)]
    assert words("la* school") == [("la",), ("school",)]
