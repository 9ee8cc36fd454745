"""The index gives the results that SPARQL defines, whatever the catalogue and the request."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, Quad

from practicegraph.application import startup
from practicegraph.application.services import Services, index_of
from practicegraph.catalogue import catalogue, loading
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.catalogue.change_log import StateFile
from practicegraph.rdf.terms import RDF, XSD, Term, as_text
from practicegraph.schema.fields import NodeShape
from practicegraph.schema.text import put_first
from practicegraph.schema.vocabularies import Vocabularies, read_vocabularies
from practicegraph.search.engine import SparqlEngine
from practicegraph.search.entries import EntryReader, IndexedEntry
from practicegraph.search.index import Index
from practicegraph.search.index_data import IndexFile
from practicegraph.search.request import NOT_STATED, RequestParser, SearchRequest, encode_cursor
from practicegraph.storage.oxigraph import OxigraphStore
from support.catalogues import loaded, sparql_engine
from support.collation import collated_search

BASE = "https://w3id.org/practicegraph/"
LANGUAGES = ("en", "nl", "es", "de", "it", "fr", "el")
WORDS: tuple[str, ...] = (
    "School",
    "school",
    "école",
    "ecran",
    "Σχολείο",
    "mentoring",
    "mentor",
    "of",
    "Sprache",
)
WORDS += ("ñandú", "nz", "Ärzte", "«Oase»")
readers = st.sampled_from(("en", "es", "el"))
DEPRECATED = NamedNode("http://www.w3.org/2002/07/owl#deprecated")
REPLACED = NamedNode("http://purl.org/dc/terms/isReplacedBy")
TRUE = Literal("true", datatype=NamedNode(XSD + "boolean"))
FACETS = ("category", "country", "outcome", "action", "addressee")
SORTS = ("", "title", "-title", "start", "-start", "outcome.count", "-outcome.count", "relevance")
DATES = ("2015", "2015-12", "2016-01-31", "2016", "2017-06", "2018-01", "2019")
_TYPES = {4: "gYear", 7: "gYearMonth", 10: "date"}


@dataclass(frozen=True)
class Entry:
    """An entry as it is generated."""

    values: dict[str, list[Term]]
    titles: dict[str, str]
    dates: list[str]
    ongoing: bool
    withdrawn: bool


@dataclass(repr=False)
class World:
    """A store with the real vocabularies, some of whose concepts are deprecated, and no entries."""

    store: OxigraphStore
    kind: NodeShape
    vocabularies: Vocabularies
    options: dict[str, list[Term]]

    @property
    def engine(self) -> SparqlEngine:
        return SparqlEngine(self.store, self.kind, self.vocabularies)

    @property
    def reader(self) -> EntryReader:
        return EntryReader(self.store, self.kind, LANGUAGES)

    def index(self, file: IndexFile) -> Index:
        return Index(self.reader, self.vocabularies, file)

    def put(self, number: int, entry: Entry | None) -> str:
        iri = f"{BASE}practice/{number}"
        self.store.remove_graphs([iri])
        self.store.add(self._quads(iri, entry) if entry else ())
        return iri

    def clear(self) -> None:
        names = [name for name in self.store.graph_names() if name.startswith(BASE + "practice/")]
        self.store.remove_graphs(names)

    def _quads(self, iri: str, entry: Entry) -> Iterator[Quad]:
        node = NamedNode(iri)

        def quad(name: str, value: Term) -> Quad:
            return Quad(node, NamedNode(name), value, node)

        yield quad(RDF + "type", NamedNode(self.kind.classes[0]))
        for key, terms in entry.values.items():
            for term in terms:
                yield quad(self.kind.fields_by_key[key].predicate or "", term)
        for tag, title in entry.titles.items():
            yield quad(
                self.kind.fields_by_key["title"].predicate or "", Literal(title, language=tag)
            )
        for key, date in zip(("start", "end"), sorted(entry.dates), strict=False):
            datatype = NamedNode(XSD + _TYPES[len(date)])
            yield quad(
                self.kind.fields_by_key[key].predicate or "", Literal(date, datatype=datatype)
            )
        if entry.ongoing:
            yield quad(self.kind.fields_by_key["ongoing"].predicate or "", TRUE)
        if entry.withdrawn:
            yield quad(DEPRECATED.value, TRUE)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy with its store and index."""
    return loaded(tmp_path / "catalogue")


@pytest.fixture(scope="module")
def world(real: Catalogue) -> World:
    store = OxigraphStore()
    entry = f"{BASE}practice/"
    for name in real.store.graph_names():
        if not name.startswith(entry):
            store.add(real.store.graph_quads(name))
    place = NamedNode(BASE + "outcome")
    for old, new in (("HAP", "BEL"), ("BEL", "ACE"), ("COM", "language-and-culture"), ("ACQ", "")):
        concept = NamedNode(f"{BASE}outcome/{old}")
        store.add([Quad(concept, DEPRECATED, TRUE, place)])
        if new:
            store.add([Quad(concept, REPLACED, NamedNode(f"{BASE}outcome/{new}"), place)])
    vocabularies = read_vocabularies(store)
    kind = real.shapes.entry_shape
    options: dict[str, list[Term]] = {}
    for key in FACETS:
        scheme = vocabularies.schemes[kind.fields_by_key[key].scheme or ""]
        concepts = [*scheme.deprecated.values(), *list(scheme.concepts.values())[:9]]
        options[key] = [NamedNode(concept.iri) for concept in concepts]
    return World(store, kind, vocabularies, options)


def entries(world: World) -> st.SearchStrategy[Entry]:
    values = {
        key: st.lists(st.sampled_from(terms), max_size=4, unique=True)
        for key, terms in world.options.items()
    }
    titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
    return st.builds(
        Entry,
        values=st.fixed_dictionaries(values),
        titles=st.dictionaries(st.sampled_from(LANGUAGES[:4]), titles, max_size=3),
        dates=st.lists(st.sampled_from(DATES), max_size=2),
        ongoing=st.booleans(),
        withdrawn=st.integers(0, 7).map(lambda n: n == 0),
    )


def requests(world: World) -> st.SearchStrategy[list[tuple[str, str]]]:
    parser = RequestParser(world.kind, world.vocabularies)
    pairs = [
        st.tuples(
            st.sampled_from([key, key, f"{key}.not"]),
            st.sampled_from([*map(as_text, current(parser, key, terms)), NOT_STATED]),
        )
        for key, terms in world.options.items()
    ]
    names = st.sampled_from(["period", "period.not", "period.from", "period.to"])
    pairs.append(st.tuples(names, st.sampled_from(DATES)))
    queries = st.sampled_from(["", "school", "mentor", '"of school"', "sch", "Sprache*", "nothing"])
    return st.builds(
        lambda filters, query, sort, size: [
            *filters,
            *[(name, value) for name, value in (("q", query), ("sort", sort)) if value],
            ("size", str(size)),
        ],
        st.lists(st.one_of(pairs), max_size=4).filter(has_valid_range),
        queries,
        st.sampled_from(SORTS),
        st.integers(1, 4),
    )


def current(parser: RequestParser, key: str, terms: list[Term]) -> list[Term]:
    return [term for term in terms if term in parser.options[key].values()]


def has_valid_range(filters: list[tuple[str, str]]) -> bool:
    values = dict(filters)
    start, end = values.get("period.from", ""), values.get("period.to", "~")
    return start <= end + "~"


def assert_same_results(
    index: Index, world: World, parameters: list[tuple[str, str]], language: str
) -> None:
    """Compare the pages forwards and backwards, and all counts, with those of SPARQL."""
    parser, engine = RequestParser(world.kind, world.vocabularies), world.engine
    languages = put_first(language, LANGUAGES)
    seen: list[str] = []
    paging: list[tuple[str, str]] = []
    for step in range(5):
        request = parser.parse([*parameters, *paging])
        result = index.search(request, languages)
        expected = collated_search(engine, index, with_scores(index, request), languages)
        assert result == expected, (parameters, paging, languages[0])
        seen += result.entries
        if not result.has_next or step == 4:
            break
        paging = [("after", encode_cursor(result.cursors[-1]))]
    if result.has_previous and result.cursors:
        before = ("before", encode_cursor(result.cursors[0]))
        request = parser.parse([*parameters, before])
        result = index.search(request, languages)
        expected = collated_search(engine, index, with_scores(index, request), languages)
        assert result == expected, (parameters, before, languages[0])
        assert set(result.entries) <= set(seen)
    request = parser.parse(parameters)
    for row_key, column_key in (("outcome", "country"), ("period", "category")):
        axes = parser.kind.facets_by_key[row_key], parser.kind.facets_by_key[column_key]
        table = index.cross_tabulate(*axes, request)
        expected_table = engine.cross_tabulate(*axes, with_scores(index, request))
        assert table == expected_table, (parameters, row_key, column_key)


def with_scores(index: Index, request: SearchRequest) -> SearchRequest:
    return replace(request, scores=index.scores(request.query)) if request.query else request


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_the_index_gives_the_results_that_sparql_defines(
    world: World, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world.clear()
    path = tmp_path_factory.mktemp("index") / "index.db"
    for number, entry in enumerate(data.draw(st.lists(entries(world), max_size=8))):
        world.put(number, entry)
    index = world.index(IndexFile(path))
    index.build()
    assert_same_results(index, world, data.draw(requests(world)), data.draw(readers))
    for _ in range(data.draw(st.integers(0, 4))):
        changed = [
            world.put(data.draw(st.integers(0, 9)), data.draw(st.none() | entries(world)))
            for _ in range(data.draw(st.integers(1, 2)))
        ]
        index.update(changed)
        assert_same_results(index, world, data.draw(requests(world)), data.draw(readers))
    index.file.close()
    reopened = world.index(IndexFile(path))
    assert_same_results(reopened, world, data.draw(requests(world)), data.draw(readers))
    for number in range(10):
        iri = f"{BASE}practice/{number}"
        assert reopened.similar(iri, 4) == world.engine.similar(iri, 4), iri
    reopened.file.close()


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("de", ["Ähre", "Bär", "Baum", "öde", "Ofen", "Zoo"]),
        ("es", ["nube", "nutria", "ñame", "Ñora", "oca"]),
        ("el", ["άλφα", "Βήτα", "έξι", "Ώρα", "apple"]),
    ],
)
@pytest.mark.parametrize("sort", ["title", "-title"])
def test_pages_of_titles_follow_the_order_of_the_reader_s_language(
    world: World, language: str, titles: list[str], sort: str
) -> None:
    world.clear()
    iris = [
        world.put(9 - number, Entry({}, {language: title}, [], ongoing=False, withdrawn=False))
        for number, title in enumerate(sorted(titles))
    ]
    index, languages = world.index(IndexFile()), put_first(language, LANGUAGES)
    index.build(release="first")
    by_title = dict(zip(sorted(titles), iris, strict=True))
    expected = [by_title[title] for title in (reversed(titles) if sort == "-title" else titles)]
    request, seen = SearchRequest(sort=sort, size=2), list[str]()
    while True:
        page = index.search(request, languages)
        seen += page.entries
        if not page.has_next:
            break
        request = replace(request, after=page.cursors[-1])
    assert seen == expected
    back = index.search(SearchRequest(sort=sort, size=9, before=page.cursors[0]), languages)
    assert [*back.entries, *page.entries] == expected
    assert index.find_titles(titles[0].upper(), 1) == [by_title[titles[0]]]


def serve(root: Path) -> Services:
    services = startup.open_for_serving(root)
    assert services.index
    return services


def total(services: Services, *parameters: tuple[str, str]) -> int:
    request = services.request_parser.parse(parameters)
    result = services.search.search(request, LANGUAGES)
    assert result.total == sparql_engine(services.catalogue).search(request, LANGUAGES).total
    return result.total


def close(services: Services) -> None:
    assert services.index
    services.index.file.close()


def test_an_index_of_the_present_release_is_not_built_again(copied: Path) -> None:
    services = serve(copied)
    number = first_number(services)
    close(services)
    del services
    again = serve(copied)
    assert first_number(again) == number
    assert again.index and again.index.release == again.catalogue.release
    assert total(again) == 56


def test_only_changed_entries_are_read_again(copied: Path) -> None:
    services = serve(copied)
    assert services.index
    before = {iri: services.index.file.number(iri) for iri in all_entries(services)}
    close(services)
    del services
    path = copied / "data" / "practices" / "1788.ttl"
    path.write_text(path.read_text().replace("outcome:HAP ,\n        outcome:LAN", "outcome:LAN"))
    (copied / "data" / "practices" / "1699.ttl").unlink()
    again = serve(copied)
    assert again.index
    assert again.index.file.changed_numbers()
    after = {iri: again.index.file.number(iri) for iri in all_entries(again)}
    assert after.items() <= before.items()
    assert total(again) == 55
    with_outcome = again.request_parser.parse([("outcome", "HAP"), ("size", "100")])
    assert f"{BASE}practice/1788" not in again.search.search(with_outcome, LANGUAGES).entries
    assert total(again, ("outcome", "HAP")) > 0


def test_an_index_left_behind_by_a_crash_is_brought_up_to_date(copied: Path) -> None:
    close(serve(copied))
    path = copied / "data" / "practices" / "1788.ttl"
    path.write_text(path.read_text().replace("country:HUN", "country:IRL"))
    folder = copied / catalogue.WORK_FOLDER
    loading.synchronise(copied, OxigraphStore(folder / "store"), StateFile(folder / "state.db"))
    again = serve(copied)
    assert total(again, ("country", "HUN")) == 0
    assert again.index and again.index.release == again.catalogue.release


def test_a_change_of_the_shapes_builds_the_index_again(copied: Path) -> None:
    close(serve(copied))
    path = copied / "shapes" / "practice.ttl"
    text = path.read_text()
    start = text.index("shape:Record-issued\n")
    place = text.index("sh:maxCount 1 ;", start)
    path.write_text(text[:place] + "pg:facet true ; " + text[place:])
    again = serve(copied)
    counts = again.search.counts(again.request_parser.kind.facets_by_key["issued"])
    assert sum(counts.values()) == 56


def test_a_new_key_of_a_field_builds_the_index_again(copied: Path) -> None:
    close(serve(copied))
    path = copied / "shapes" / "practice.ttl"
    before, field, after = path.read_text().partition("shape:Practice-published\n")
    path.write_text(
        before
        + field
        + after.replace("sh:maxCount", 'sh:codeIdentifier "printed" ; sh:maxCount', 1)
    )
    again = serve(copied)
    assert "printed" in {field.key for field in again.request_parser.kind.sortable_fields}
    assert total(again) == len(list((copied / "data" / "practices").iterdir()))


def test_an_index_in_another_format_is_built_again(copied: Path) -> None:
    services = serve(copied)
    assert services.index
    connection = services.index.file.connection
    with services.index.file:
        connection.execute("UPDATE metadata SET value = '0' WHERE name = 'format'")
        connection.execute("UPDATE saved SET content = 'in another format'")
    close(services)
    del services
    assert total(serve(copied)) == 56


def test_an_index_answers_while_it_is_built_again(real: Catalogue) -> None:
    index = index_of(real, IndexFile())
    index.build(release="first")
    reader = index.reader
    totals: list[int] = []

    class SearchingReader(EntryReader):
        def iris(self) -> list[str]:
            totals.append(index.search(SearchRequest(), LANGUAGES).total)
            return reader.iris()

    index.reader = SearchingReader(reader.store, reader.kind, reader.languages)
    index.build(release="second")
    assert totals == [56]
    assert index.release == "second"


def test_a_failed_update_changes_nothing(real: Catalogue) -> None:
    index = index_of(real, IndexFile())
    index.build(release="first")
    before = index.search(SearchRequest(size=100), LANGUAGES), index.scores('"social exclusion"')

    class FailingReader(EntryReader):
        def read(self, iris: Sequence[str]) -> Iterator[IndexedEntry]:
            if iris == [real.entry_iri("1699")]:
                raise OSError("the store is gone")
            return (entry._replace(texts=()) for entry in super().read(iris))

    reader = index.reader
    index._data.reader = FailingReader(reader.store, reader.kind, reader.languages)
    with pytest.raises(OSError, match="gone"):
        index.update([real.entry_iri("1788"), real.entry_iri("1699")], release="second")
    after = index.search(SearchRequest(size=100), LANGUAGES), index.scores('"social exclusion"')
    assert after == before
    assert index.release == "first"


def test_a_file_that_is_no_index_is_replaced(copied: Path) -> None:
    folder = copied / catalogue.WORK_FOLDER
    (folder / "index-practice.db").write_text(
        "no database at all, but long enough to be taken for one" * 100
    )
    assert total(serve(copied)) == 56


def first_number(services: Services) -> int | None:
    assert services.index
    return services.index.file.number(f"{BASE}practice/1788")


def all_entries(services: Services) -> tuple[str, ...]:
    return services.search.search(SearchRequest(size=100), LANGUAGES).entries
