"""Words in texts and labels, found whatever is typed, shown where they stand, and put right."""

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
from practicegraph.search.text import postings
from practicegraph.search.text.analysis import Analyst, Match, Tier, Written, ranked
from practicegraph.search.text.highlighting import LENGTH, MOST, Snippets
from practicegraph.search.text.index import Texts
from practicegraph.search.text.labels import Labels, meant
from practicegraph.search.text.postings import BLOCK
from practicegraph.search.text.tokenizer import Wanted, Words, comparable, read, small_words
from support.catalogues import ROOT

JUDGED = tomllib.loads((ROOT / "tests" / "queries.toml").read_text())
LANGUAGES = ("en", "nl", "es", "de", "it", "fr", "el")
WORDS = Words(LANGUAGES)
PLACES = (Tier.TITLE, Tier.SUMMARY, Tier.OTHER)

typed = st.text(st.sampled_from("ab é*\"“”„«»'’-:()[]{}^~+\\/\x00\n\u0301_ΣςßœAND OR"), max_size=30)
words_of_few_letters = st.lists(st.sampled_from(["aba", "abb", "bab", "cab"]), max_size=6)
texts = st.lists(
    st.tuples(
        st.sampled_from(PLACES), words_of_few_letters.map(" ".join), st.sampled_from([None, "nl"])
    ),
    max_size=4,
)
writes = st.lists(st.tuples(st.integers(0, 5), st.none() | texts), max_size=12)


@dataclass
class Small:
    """An index of texts in memory."""

    texts: Texts
    connection: sqlite3.Connection

    def numbers(self, query: str) -> set[int]:
        matches = self.texts.matching(read(query, ()))
        return set(BitMap.intersection(*(match.entries for match in matches)))


def indexed(entries: Iterable[tuple[int, Sequence[Written]]] = ()) -> Small:
    connection = sqlite3.connect(":memory:")
    found, analyst = Texts(connection, WORDS), Analyst(WORDS)
    found.fill((number, analyst.analyse([written])) for number, written in entries)
    return Small(found, connection)


def of(*texts: str, language: str | None = "en") -> Small:
    return indexed((n, [(Tier.OTHER, text, language)]) for n, text in enumerate(texts))


def searched(services: Services, query: str) -> list[str]:
    choices = services.choosing.read([("q", query), ("size", "100")])
    found = services.search.answer(choices, services.catalogue.languages).entries
    return [iri.rpartition("/")[2] for iri in found]


def test_every_language_has_its_queries(real: Catalogue) -> None:
    asked = {query["language"] for query in JUDGED["query"]}
    assert asked == set(real.languages) == set(JUDGED["recall"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_queries_of_a_language_find_what_is_right(services: Services, language: str) -> None:
    recalls, missed = [], {}
    for query in JUDGED["query"]:
        if query["language"] == language:
            right, found = set(query["right"]), set(searched(services, query["text"]))
            recalls.append(len(right & found) / len(right))
            missed[query["text"]] = right - found
    recall = sum(recalls) / len(recalls)
    assert round(recall, 2) == JUDGED["recall"][language], {q: m for q, m in missed.items() if m}


def test_an_entry_that_is_right_comes_first(services: Services) -> None:
    firsts = {q["text"]: searched(services, q["text"])[:1] for q in JUDGED["query"]}
    wrong = [q["text"] for q in JUDGED["query"] if not set(firsts[q["text"]]) & set(q["right"])]
    assert wrong == ["LINGUA STRANIERA", "médiatrices interculturelles"]


@pytest.mark.parametrize(
    ("written", "asked", "language"),
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
def test_accents_case_and_endings_do_not_matter(
    written: str, asked: str, language: str | None
) -> None:
    assert of(written, language=language).numbers(asked) == {0}


def test_a_word_is_found_whatever_the_language_of_its_text() -> None:
    for language in (*LANGUAGES, "pt", "xx-yy", "", None):
        assert of("Mentoring Kurse", language=language).numbers("mentoring kurse ") == {0}, language


def test_the_last_word_may_be_unfinished_from_three_letters_on() -> None:
    index = of("mentoring", "mental", "men")
    assert index.numbers("men") == {0, 1, 2}
    assert index.numbers("men ") == {2}
    assert index.numbers("me") == set()
    assert index.numbers("me*") == {0, 1, 2}
    assert index.numbers("men* ment* ") == {0, 1}


def test_a_beginning_finds_words_whose_stem_is_shorter() -> None:
    assert of("policies", language="en").numbers("policie") == {0}
    assert of("organisations", language="en").numbers("organisati") == {0}


def test_a_phrase_stands_in_one_text_in_its_order() -> None:
    parts: list[Written] = [(Tier.OTHER, "good", "en"), (Tier.OTHER, "practice", "en")]
    whole: list[Written] = [(Tier.OTHER, "a good practice", "en")]
    index = indexed([(0, parts), (1, whole), (2, [(Tier.OTHER, "practice good", "en")])])
    for query in ('"good practice"', "“good practices”", "„GOOD practice“", '"good pract'):
        assert index.numbers(query) == {1}, query
    assert index.numbers("good practice ") == {0, 1, 2}


@given(typed)
@settings(deadline=None, max_examples=200)
def test_nothing_that_is_typed_is_an_error(services: Services, text: str) -> None:
    for wanted in read(text, ()):
        assert wanted.words
        assert 0 <= wanted.start < wanted.end <= len(text)
    assert len(searched(services, text)) <= 53
    meant(text, (), len, [few_words])


def few_words(beginning: str) -> list[tuple[str, str]]:
    return [(word, word) for word in ("aa", "bb") if word.startswith(beginning)]


@given(st.lists(texts, max_size=5), words_of_few_letters.filter(lambda words: len(words) > 1))
@settings(deadline=None)
def test_a_phrase_that_is_found_is_in_a_text(
    entries: list[list[Written]], phrase: list[str]
) -> None:
    said = f" {' '.join(phrase)} "
    right = {n for n, e in enumerate(entries) if any(said in f" {text} " for _, text, _ in e)}
    assert indexed(enumerate(entries)).numbers(f'"{said}"') == right


def test_phrases_are_found_on_both_sides_of_a_block_s_end() -> None:
    index, analyst = indexed(), Analyst(WORDS)
    batches = [range((1 << BLOCK) - 5, (1 << BLOCK) - 2), range((1 << BLOCK) - 2, (1 << BLOCK) + 4)]
    said = {n: "aba cab bab" if n % 2 else "cab aba bab" for batch in batches for n in batch}
    index.texts.fill(
        (batch[0], analyst.analyse([[(Tier.OTHER, said[n], None)] for n in batch]))
        for batch in batches
    )
    assert index.numbers('"cab bab"') == {n for n in said if n % 2}
    assert index.numbers('"aba bab"') == {n for n in said if not n % 2}
    assert index.numbers('"cab aba') == {n for n in said if not n % 2}


def test_phrases_are_found_in_texts_however_long() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "LONGEST", 4)
        index = of("aba bab cab aba bab", "aba bab", "cab cab cab aba", "cab cab cab aba bab cab")
    assert index.numbers('"aba bab"') == {0, 1, 3}
    assert index.numbers('"bab cab"') == {0, 3}
    assert index.numbers('"cab aba"') == {0, 2, 3}


@given(writes, st.integers(0, 12))
@settings(deadline=None)
def test_an_index_brought_up_to_date_is_as_one_built_at_once(
    changes: list[tuple[int, list[Written] | None]], merged: int
) -> None:
    index, kept = indexed(), dict[int, list[Written]]()
    for count, (number, written) in enumerate(changes):
        if written is None:
            index.texts.remove(number)
            kept.pop(number, None)
        else:
            index.texts.put(number, written)
            kept[number] = written
        if count == merged:
            index.texts.merge()
    _alike(index, indexed(sorted(kept.items())))
    index.texts.merge()
    _alike(index, indexed(sorted(kept.items())))


def _alike(index: Small, other: Small) -> None:
    for query in ("aba ", "ab", "bab abb", '"aba bab"', '"cab ab', "c* "):
        assert index.texts.matching(read(query, ())) == other.texts.matching(read(query, ())), query
    assert _sequences(index) == _sequences(other)


def _sequences(index: Small) -> dict[int, list[list[str]]]:
    """The tokens of entries, each text of a place after the other."""
    names = dict(index.connection.execute("SELECT number, token FROM text_tokens"))
    rows = index.connection.execute("SELECT * FROM text_sequences")
    return {
        number: [[names.get(n, "") for n in memoryview(place).cast("I")] for place in places]
        for number, *places in rows
    }


@pytest.mark.parametrize("piece", ["good ", "*", '"', "a'", "x", "é’", "ab* ", "ο", '"a b'])
@pytest.mark.parametrize("opening", ["", '"'])
def test_however_much_is_typed_is_read_in_a_moment(piece: str, opening: str) -> None:
    index = of(*(f"good {number}ies ab{number}" for number in range(300)))
    start = perf_counter()
    for match in index.texts.matching(read(opening + piece * 50_000, ())):
        assert len(match.entries) <= 300
    assert perf_counter() - start < 2


def test_what_was_written_in_a_transaction_goes_with_it() -> None:
    index = of("mentoring")
    index.connection.commit()
    index.texts.put(1, [(Tier.TITLE, "mentoring", "en")])
    assert index.numbers("mentoring") == {0, 1}
    index.connection.rollback()
    assert index.numbers("mentoring") == {0}


sets = st.sets(st.integers(0, 9)).map(BitMap)
places = st.dictionaries(st.sampled_from(Tier), sets)
matches = st.lists(st.builds(Match, places, places), min_size=1, max_size=3)


@given(matches, sets)
def test_an_entry_has_the_points_of_its_best_places(found: list[Match], universe: BitMap) -> None:
    def points(match: Match, number: int) -> int:
        whole = [tier + 4 for tier, entries in match.whole.items() if number in entries]
        begun = [int(tier) for tier, entries in match.begun.items() if number in entries]
        return max([*whole, *begun], default=0)

    right: dict[int, set[int]] = {}
    for number in universe:
        each = [points(match, number) for match in found]
        if all(each):
            right.setdefault(sum(each), set()).add(number)
    listed = [(total, set(entries)) for total, entries in ranked(found, universe)]
    assert listed == sorted(right.items(), reverse=True)


def test_a_title_comes_before_a_summary_and_a_whole_word_before_a_beginning() -> None:
    said = [(Tier.OTHER, "mentor"), (Tier.TITLE, "mentorship"), (Tier.SUMMARY, "mentor")]
    index = indexed((n, [(place, text, None)]) for n, (place, text) in enumerate(said))
    listed = ranked(index.texts.matching(read("mentor", ())), BitMap(range(3)))
    assert [(points, list(entries)) for points, entries in listed] == [(7, [2]), (5, [0]), (4, [1])]


@pytest.fixture(scope="module")
def labels(real: Catalogue) -> Labels:
    return Labels(real.vocabularies, WORDS)


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
def test_concepts_are_found_by_their_labels_in_any_language(
    labels: Labels, typed: str, notations: list[str]
) -> None:
    (wanted,) = read(typed, ())
    named = labels.named(wanted)
    assert sorted({c.notation for c in (*named.whole, *named.begun)}) == notations


@pytest.mark.parametrize(
    ("typed", "right"),
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
def test_words_that_nothing_has_are_put_right(
    labels: Labels, typed: str, right: str | None
) -> None:
    said = ("training of teachers", "integratie van vluchtelingen en kinderen", "mentoring")
    index = of(*said)

    def count(wanted: Sequence[Wanted]) -> int:
        matches = zip(index.texts.matching(wanted), map(labels.named, wanted), strict=True)
        labelled = BitMap([len(said)])  # an entry with every concept, but without texts
        sets = [m.entries | (labelled if n.whole or n.begun else BitMap()) for m, n in matches]
        return len(BitMap.intersection(*sets))

    assert meant(typed, (), count, [index.texts.words, labels.words]) == right


@pytest.fixture(scope="module")
def mint(real: Catalogue) -> Record:
    return real.reader.records(real.shapes.record, [real.entry("1788")])[0]


def shown(mint: Record, labels: Labels, query: str, *languages: str) -> list[tuple[str, str]]:
    snippets = Snippets(read(query, ()), WORDS, labels, languages).of(mint)
    return [(s.field.key, _marked(s.text, s.marks)) for s in snippets]


def _marked(text: str, marks: Iterable[tuple[int, int]]) -> str:
    for start, end in reversed(list(marks)):
        text = f"{text[:start]}[{text[start:end]}]{text[end:]}"
    return text


def test_a_snippet_shows_what_was_found_in_the_reader_s_language(
    mint: Record, labels: Labels
) -> None:
    assert shown(mint, labels, "children mentored ", "en", "nl")[0] == (
        "title",
        "MINT - [Mentoring] for Integration of third country national [children] affected by migration",
    )
    (title, *_) = shown(mint, labels, "mentorschap integratie", "nl", "en")
    assert title[1].startswith("MINT - [Mentorschap] voor de [integratie] van")


def test_a_snippet_of_a_long_text_is_cut_between_words(mint: Record, labels: Labels) -> None:
    ((key, text),) = shown(mint, labels, '"sociale uitsluiting"', "nl", "en")
    assert key == "description"
    assert text == (
        "…Migrantenkinderen en -jongeren zijn bijzonder kwetsbaar voor [sociale uitsluiting]. "
        "Door een innovatief en repliceerbaar model te testen, wil het MINT…"
    )


def test_a_concept_is_shown_that_was_found_by_a_label_in_another_language(
    mint: Record, labels: Labels
) -> None:
    found = shown(mint, labels, "Mentorschapsprogramma ", "en", "nl")
    assert found[-1] == ("action", "Mentoring programme")
    assert ("country", "[Hungary]") in shown(mint, labels, "hungary ", "en")


@given(text=typed | st.sampled_from(["mentoring kinder", '"derde landen" integ', "a* e*"]))
@settings(deadline=None)
def test_snippets_are_pieces_of_the_record_with_marks_inside(
    mint: Record, labels: Labels, text: str
) -> None:
    snippets = Snippets(read(text, ()), WORDS, labels, LANGUAGES).of(mint)
    assert len({snippet.field.key for snippet in snippets}) == len(snippets) <= MOST
    for snippet in snippets:
        assert len(snippet.text) <= LENGTH + 2
        assert snippet.field.searched
        assert all(0 <= start < end <= len(snippet.text) for start, end in snippet.marks)
        assert all(comparable(snippet.text[start:end].split()[0]) for start, end in snippet.marks)


def test_small_words_are_wanted_only_in_phrases(real: Catalogue, services: Services) -> None:
    found = searched(services, "educación para los niños de España")
    assert found
    assert found == searched(services, "educación niños España")
    small = small_words(real.phrases.wordings["smallWords"])
    assert [w.words for w in read("the of", small)] == [("the",), ("of",)]
    assert [w.words for w in read('"the of" school', small)] == [("the", "of"), ("school",)]
    assert [w.words for w in read("la* school", small)] == [("la",), ("school",)]
