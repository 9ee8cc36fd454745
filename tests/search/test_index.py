"""The index gives what the definition gives, whatever the catalogue and the search."""

from collections.abc import Iterator
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
from practicegraph.catalogue.change_log import Log
from practicegraph.rdf.terms import RDF, XSD, Term, plain
from practicegraph.schema import lifecycle, vocabularies
from practicegraph.schema.fields import Kind
from practicegraph.search.engine import Defined
from practicegraph.search.entries import FactReader
from practicegraph.search.index import Index
from practicegraph.search.index_file import Shelf
from practicegraph.search.request import UNSTATED, Choices, Choosing, cursor
from practicegraph.storage.oxigraph import Embedded

BASE = "https://w3id.org/practicegraph/"
LANGUAGES = ("en", "nl", "es", "de", "it", "fr", "el")
WORDS = ("School", "scholen", "école", "Σχολείο", "mentoring", "mentor", "of", "Sprache")
DEPRECATED = NamedNode("http://www.w3.org/2002/07/owl#deprecated")
REPLACED = NamedNode("http://purl.org/dc/terms/isReplacedBy")
TRUE = Literal("true", datatype=NamedNode(XSD + "boolean"))
FACETS = ("category", "country", "outcome", "action", "addressee")
SORTS = ("", "title", "-title", "start", "-start", "outcome.count", "-outcome.count", "relevance")
DATES = ("2015", "2015-12", "2016-01-31", "2016", "2017-06", "2018-01", "2019")
_TYPES = {4: "gYear", 7: "gYearMonth", 10: "date"}


@dataclass(frozen=True)
class Entry:
    """An entry as it is drawn."""

    values: dict[str, list[Term]]
    titles: dict[str, str]
    dates: list[str]
    ongoing: bool
    withdrawn: bool


@dataclass(repr=False)
class World:
    """A store with the real vocabularies, some of whose concepts are retired, and no entries."""

    store: Embedded
    kind: Kind
    known: vocabularies.Vocabularies
    options: dict[str, list[Term]]

    @property
    def defined(self) -> Defined:
        return Defined(self.store, self.kind, self.known)

    @property
    def reader(self) -> FactReader:
        return FactReader(self.store, self.kind)

    def index(self, shelf: Shelf) -> Index:
        return Index(self.reader, self.known, LANGUAGES, shelf)

    def put(self, number: int, entry: Entry | None) -> str:
        iri = f"{BASE}practice/{number}"
        self.store.remove([iri])
        self.store.add(self._quads(iri, entry) if entry else ())
        return iri

    def clear(self) -> None:
        names = [name for name in self.store.graphs() if name.startswith(BASE + "practice/")]
        self.store.remove(names)

    def _quads(self, iri: str, entry: Entry) -> Iterator[Quad]:
        node = NamedNode(iri)

        def said(name: str, value: Term) -> Quad:
            return Quad(node, NamedNode(name), value, node)

        yield said(RDF + "type", NamedNode(self.kind.classes[0]))
        for key, terms in entry.values.items():
            for term in terms:
                yield said(self.kind.by_key[key].predicate or "", term)
        for tag, title in entry.titles.items():
            yield said(self.kind.by_key["title"].predicate or "", Literal(title, language=tag))
        for key, date in zip(("start", "end"), sorted(entry.dates), strict=False):
            datatype = NamedNode(XSD + _TYPES[len(date)])
            yield said(self.kind.by_key[key].predicate or "", Literal(date, datatype=datatype))
        if entry.ongoing:
            yield said(self.kind.by_key["ongoing"].predicate or "", TRUE)
        if entry.withdrawn:
            yield said(DEPRECATED.value, TRUE)


@pytest.fixture(scope="module")
def world(real: Catalogue) -> World:
    store = Embedded()
    entry = f"{BASE}practice/"
    for name in real.store.graphs():
        if not name.startswith(entry):
            store.add(real.store.graph(name))
    place = NamedNode(BASE + "outcome")
    for old, new in (("HAP", "BEL"), ("BEL", "ACE"), ("COM", "language-and-culture"), ("ACQ", "")):
        concept = NamedNode(f"{BASE}outcome/{old}")
        store.add([Quad(concept, DEPRECATED, TRUE, place)])
        if new:
            store.add([Quad(concept, REPLACED, NamedNode(f"{BASE}outcome/{new}"), place)])
    known = vocabularies.read(store, lifecycle.read(store))
    kind = real.shapes.record
    options: dict[str, list[Term]] = {}
    for key in FACETS:
        scheme = known.schemes[kind.by_key[key].scheme or ""]
        concepts = [*scheme.retired.values(), *list(scheme.concepts.values())[:9]]
        options[key] = [NamedNode(concept.iri) for concept in concepts]
    return World(store, kind, known, options)


def entries(world: World) -> st.SearchStrategy[Entry]:
    values = {
        key: st.lists(st.sampled_from(found), max_size=4, unique=True)
        for key, found in world.options.items()
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


def searches(world: World) -> st.SearchStrategy[list[tuple[str, str]]]:
    choosing = Choosing(world.kind, world.known)
    pairs = [
        st.tuples(
            st.sampled_from([key, key, f"{key}.not"]),
            st.sampled_from([*map(plain, _current(choosing, key, found)), UNSTATED]),
        )
        for key, found in world.options.items()
    ]
    names = st.sampled_from(["period", "period.not", "period.from", "period.to"])
    pairs.append(st.tuples(names, st.sampled_from(DATES)))
    words = st.sampled_from(["", "school", "mentor", '"of school"', "sch", "Sprache*", "nothing"])
    return st.builds(
        lambda chosen, words, sort, size: [
            *chosen,
            *[(name, value) for name, value in (("q", words), ("sort", sort)) if value],
            ("size", str(size)),
        ],
        st.lists(st.one_of(pairs), max_size=4).filter(_is_a_range),
        words,
        st.sampled_from(SORTS),
        st.integers(1, 4),
    )


def _current(choosing: Choosing, key: str, found: list[Term]) -> list[Term]:
    return [term for term in found if term in choosing.options[key].values()]


def _is_a_range(chosen: list[tuple[str, str]]) -> bool:
    given = dict(chosen)
    least, most = given.get("period.from", ""), given.get("period.to", "~")
    return least <= most + "~"


def assert_same(index: Index, world: World, parameters: list[tuple[str, str]]) -> None:
    """Compare the whole list, page by page and back again, with every number."""
    choosing, defined = Choosing(world.kind, world.known), world.defined
    seen: list[str] = []
    turned: list[tuple[str, str]] = []
    for step in range(5):
        choices = choosing.read([*parameters, *turned])
        answer = index.answer(choices, LANGUAGES)
        assert answer == defined.answer(with_found(index, choices), LANGUAGES), (parameters, turned)
        seen += answer.entries
        if not answer.more_after or step == 4:
            break
        turned = [("after", cursor(answer.places[-1]))]
    if answer.more_before and answer.places:
        back = choosing.read([*parameters, ("before", cursor(answer.places[0]))])
        answer = index.answer(back, LANGUAGES)
        assert answer == defined.answer(with_found(index, back), LANGUAGES), (parameters, "back")
        assert set(answer.entries) <= set(seen)
    choices = choosing.read(parameters)
    facets = choosing.facets
    for rows, columns in (("outcome", "country"), ("period", "category")):
        found = index.coverage(facets[rows], facets[columns], choices)
        assert found == defined.coverage(
            facets[rows], facets[columns], with_found(index, choices)
        ), (parameters, rows, columns)


def with_found(index: Index, choices: Choices) -> Choices:
    return replace(choices, found=index.found(choices.words)) if choices.words else choices


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_the_index_gives_what_the_definition_gives(
    world: World, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world.clear()
    kept = tmp_path_factory.mktemp("index") / "index.db"
    for number, entry in enumerate(data.draw(st.lists(entries(world), max_size=8))):
        world.put(number, entry)
    index = world.index(Shelf(kept))
    index.build()
    assert_same(index, world, data.draw(searches(world)))
    for _ in range(data.draw(st.integers(0, 4))):
        changed = [
            world.put(data.draw(st.integers(0, 9)), data.draw(st.none() | entries(world)))
            for _ in range(data.draw(st.integers(1, 2)))
        ]
        index.update(changed)
        assert_same(index, world, data.draw(searches(world)))
    index.shelf.close()
    again = world.index(Shelf(kept))
    assert_same(again, world, data.draw(searches(world)))
    for number in range(10):
        iri = f"{BASE}practice/{number}"
        assert again.similar(iri, 4) == world.defined.similar(iri, 4), iri
    again.shelf.close()


def serve(root: Path) -> Services:
    served = startup.serve(root)
    assert served.index
    return served


def total(served: Services, *parameters: tuple[str, str]) -> int:
    choices = served.choosing.read(parameters)
    assert (
        served.search.answer(choices, LANGUAGES).total
        == served.defined.answer(replace(choices, words=""), LANGUAGES).total
    )
    return served.search.answer(choices, LANGUAGES).total


def close(served: Services) -> None:
    assert served.index
    served.index.shelf.close()


def test_an_index_that_is_in_step_is_not_built_again(copied: Path) -> None:
    served = serve(copied)
    rowid = _first_number(served)
    close(served)
    del served
    again = serve(copied)
    assert _first_number(again) == rowid
    assert again.index and again.index.release == again.catalogue.release
    assert total(again) == 53


def test_only_entries_that_changed_are_read_anew(copied: Path) -> None:
    served = serve(copied)
    before = {iri: served.index.shelf.number(iri) for iri in _all(served)} if served.index else {}
    close(served)
    del served
    path = copied / "data" / "practices" / "1788.ttl"
    path.write_text(path.read_text().replace("outcome:HAP ,\n        outcome:LAN", "outcome:LAN"))
    (copied / "data" / "practices" / "1699.ttl").unlink()
    again = serve(copied)
    assert again.index
    assert again.index.shelf.changed()
    assert {iri: again.index.shelf.number(iri) for iri in _all(again)}.items() <= before.items()
    assert total(again) == 52
    happy = again.choosing.read([("outcome", "HAP"), ("size", "100")])
    assert f"{BASE}practice/1788" not in again.search.answer(happy, LANGUAGES).entries
    assert total(again, ("outcome", "HAP")) > 0


def test_an_index_that_a_crash_left_behind_follows_the_store(copied: Path) -> None:
    close(serve(copied))
    path = copied / "data" / "practices" / "1788.ttl"
    path.write_text(path.read_text().replace("country:HUN", "country:IRL"))
    kept = copied / catalogue.KEPT
    loading.synchronise(
        copied, Embedded(kept / "store"), kept / "files.json", log=Log(kept / "changes")
    )
    again = serve(copied)
    assert total(again, ("country", "HUN")) == 0
    assert again.index and again.index.release == again.catalogue.release


def test_a_change_of_the_shapes_has_the_index_built_anew(copied: Path) -> None:
    close(serve(copied))
    path = copied / "shapes" / "practice.ttl"
    text = path.read_text()
    start = text.index("shape:Practice-issued\n")
    place = text.index("sh:maxCount 1 ;", start)
    path.write_text(text[:place] + "pg:facet true ; " + text[place:])
    again = serve(copied)
    found = again.search.counts(again.choosing.facets["issued"])
    assert sum(found.values()) == 53


def test_an_index_in_another_form_is_built_anew(copied: Path) -> None:
    served = serve(copied)
    assert served.index
    with served.index.shelf:
        served.index.shelf.connection.execute("UPDATE said SET value = '0' WHERE name = 'form'")
        served.index.shelf.connection.execute("UPDATE saved SET content = 'of another form'")
    close(served)
    del served
    assert total(serve(copied)) == 53


def test_an_index_answers_while_it_is_built_anew(real: Catalogue) -> None:
    index = index_of(real, Shelf())
    index.build(release="first")
    reader = index.reader
    answers: list[int] = []

    class Watching(FactReader):
        def entries(self) -> list[str]:
            answers.append(index.answer(Choices(), LANGUAGES).total)
            return reader.entries()

    index.reader = Watching(reader.store, reader.kind)
    index.build(release="second")
    assert answers == [53]
    assert index.release == "second"


def test_what_is_no_index_is_replaced(copied: Path) -> None:
    kept = copied / catalogue.KEPT
    kept.mkdir()
    (kept / "index.db").write_text("no database at all, but long enough to be taken for one" * 100)
    assert total(serve(copied)) == 53


def _first_number(served: Services) -> int | None:
    assert served.index
    return served.index.shelf.number(f"{BASE}practice/1788")


def _all(served: Services) -> tuple[str, ...]:
    return served.search.answer(Choices(size=100), LANGUAGES).entries
