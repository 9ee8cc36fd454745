"""The log of changes: what is logged, and what readers of the feed and of the stream get."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from fastapi.testclient import TestClient
from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    parse,
)

from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue, change_log, loading
from practicegraph.catalogue import documents as catalogue_documents
from practicegraph.catalogue.change_log import PAGE, ChangeLog, Event, StateFile
from practicegraph.storage.oxigraph import OxigraphStore
from practicegraph.web.app import application
from support import retirement as retired
from support.catalogues import copy
from support.retirement import BASE, GONE, LAST, OLD

ENTRIES = "data/practices"
ATOM = "{http://www.w3.org/2005/Atom}"
AS = "https://www.w3.org/ns/activitystreams#"
TREE = "https://w3id.org/tree#"
VERSION_OF = "http://purl.org/dc/terms/isVersionOf"
FORMS = ("atom", "trig", "nq", "jsonld", "ttl", "nt", "rdf")
MINT = "MINT - Mentoring"


@dataclass
class Site:
    """A catalogue that is changed, brought in step and served."""

    root: Path
    store: OxigraphStore = field(default_factory=OxigraphStore)

    @cached_property
    def log(self) -> ChangeLog:
        return ChangeLog(StateFile(self.state), self.store)

    @property
    def state(self) -> Path:
        return self.root / "state.db"

    def start(self) -> "Site":
        loading.synchronise(self.root, self.store, self.log.state)
        return self

    @cached_property
    def client(self) -> TestClient:
        opened = catalogue.open_in_memory(catalogue.read_folder(self.root).documents, self.root)
        app = application(Services(opened, log=self.log))
        return TestClient(app, follow_redirects=False)

    def events(self, after: int = 0) -> list[Event]:
        pages = range(1, self.log.open_page + 1)
        return [event for page in pages for event in self.log.page(page) if event.number > after]

    def entry(self, identifier: str) -> Path:
        return self.root / ENTRIES / f"{identifier}.ttl"

    def rewrite(self, identifier: str, before: str, after: str) -> None:
        text = self.entry(identifier).read_text()
        assert before in text
        self.entry(identifier).write_text(text.replace(before, after))

    def add(self, *identifiers: str) -> None:
        text = self.entry("1788").read_text()
        for identifier in identifiers:
            self.entry(identifier).write_text(
                text.replace("practice/1788", f"practice/{identifier}")
            )


@pytest.fixture
def site(copied: Path) -> Site:
    return Site(copied).start()


def change(site: Site) -> Site:
    """Fill the first page of the log, and have all kinds of changes after it."""
    site.start()
    site.add(*(f"new{number}" for number in range(10)))
    site.start()
    site.rewrite("1788", MINT, "MINT: Mentoring")
    retired.move(site.entry("1764"), OLD, LAST)
    retired.write_tombstone(site.entry("1701"), GONE)
    site.entry("new3").unlink()
    return site.start()


@pytest.fixture
def changing(copied: Path) -> Site:
    """A changed catalogue that a test changes further."""
    return change(Site(copied))


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A changed catalogue that stays as it is."""
    return change(Site(copy(tmp_path_factory.mktemp("changes"))))


def test_a_log_begins_with_every_graph_at_the_moment_that_it_says(site: Site) -> None:
    events = site.events()
    documents = [
        catalogue_documents.read_document(path)
        for path in catalogue_documents.list_files(site.root)
    ]
    assert {event.topic for event in events} == {topic for d in documents for topic in d.topics}
    assert {event.kind for event in events} == {"created"}
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    moments = [event.moment for event in events]
    assert moments == sorted(moments)
    stated = next(event for event in events if event.topic == LAST)
    day = re.search(r'modified> "([^"]+)"', stated.graph)
    assert day
    assert stated.moment == f"{day[1]}T00:00:00.000Z"


def test_a_log_takes_over_a_first_graph_when_it_changes(site: Site) -> None:
    query = "SELECT topic FROM events WHERE graph <> ''"
    assert site.log.state.select(query) == []
    before = {event.number: event.graph for event in site.events()}
    site.rewrite("1788", MINT, "MINT: Mentoring")
    site.start()
    assert site.log.state.select(query) == [(LAST,), (LAST,)]
    after = {event.number: event.graph for event in site.events()}
    assert after == before | {len(after): after[len(after)]}


def test_each_change_is_logged_as_what_it_is(changed: Site) -> None:
    result = {event.topic: event.kind for event in changed.events()[-4:]}
    deleted = f"{BASE}practice/new3"
    assert result == {LAST: "updated", OLD: "moved", GONE: "withdrawn", deleted: "deleted"}
    moments = {event.moment for event in changed.events()[-4:]}
    assert len(moments) == 1
    datetime.fromisoformat(moments.pop())


def test_what_was_deleted_leaves_what_it_was_and_what_it_was_called(changed: Site) -> None:
    stated = changed.events()[-1].graph
    assert f"<{AS}formerType> <{BASE}ontology#Practice>" in stated
    assert "purl.org/dc/terms/title" in stated
    assert "purl.org/dc/terms/description" not in stated


def test_a_file_that_says_the_same_in_other_words_is_no_change(site: Site) -> None:
    count = site.log.count
    site.rewrite("1788", "\n    a pg:Practice", " # no change\n    a pg:Practice")
    shape = site.root / "shapes/practice.ttl"
    shape.write_text("# A comment.\n" + shape.read_text())
    site.start()
    assert site.log.count == count
    assert site.log.release == loading.folder_release(site.root)


def test_what_comes_back_is_created_again(changing: Site) -> None:
    changing.add("new3")
    changing.start()
    assert [event.kind for event in changing.events()[-1:]] == ["created"]


def test_the_store_may_be_made_anew_and_nothing_is_logged_twice(changing: Site) -> None:
    count = changing.log.count
    Site(changing.root).start()
    changing.store.clear()
    changing.start()
    assert changing.log.count == count


class KilledError(Exception):
    """What breaks off a start."""


def break_off(*_: object) -> None:
    raise KilledError


def after_some(append: Callable[[ChangeLog, list[Event]], None]) -> Callable[..., None]:
    """Return a function that writes a few events and breaks off then."""
    written: list[Event] = []

    def appending(log: ChangeLog, events: Iterable[Event]) -> None:
        for event in events:
            if len(written) == 3:
                raise KilledError
            append(log, [event])
            written.append(event)

    return appending


STEPS = [
    (loading, "_change"),
    (loading, "_put_all"),
    (loading, "_enter_whole"),
    (OxigraphStore, "set_release"),
    (change_log, "record_changes"),
    (change_log, "begin_log"),
    (ChangeLog, "append"),
]


@pytest.mark.parametrize(
    ("place", "name", "is_begun"),
    [
        (place, name, is_begun)
        for place, name in STEPS
        for is_begun in (True, False)
        if name != ("begin_log" if is_begun else "record_changes")
    ],
)
def test_whatever_breaks_off_nothing_is_lost_and_nothing_logged_twice(
    copied: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: object,
    name: str,
    is_begun: bool,
) -> None:
    site = Site(copied)
    if is_begun:
        site.start()
        site.rewrite("1788", MINT, "MINT: Mentoring")
        retired.write_tombstone(site.entry("1701"), GONE)
        site.add(*(f"new{number}" for number in range(12)))
        site.entry("1699").unlink()
    before = [(event.topic, event.kind) for event in site.events()]
    with monkeypatch.context() as patch:
        patch.setattr(place, name, after_some(ChangeLog.append) if name == "append" else break_off)
        with pytest.raises(KilledError):
            site.start()
    site.start()
    events = site.events()
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [event.moment for event in events] == sorted(event.moment for event in events)
    result = [(event.topic, event.kind) for event in events]
    assert result[: len(before)] == before
    assert (
        len(result)
        == len(set(result))
        == len(before) + (15 if is_begun else len(graphs_of(site.root)))
    )
    assert copies(site.events()) == graphs_of(site.root)


def test_a_change_that_was_logged_and_taken_back_is_logged_as_taken_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, count = site.entry("1788").read_text(), site.log.count
    site.rewrite("1788", MINT, "MINT: Mentoring")
    with monkeypatch.context() as patch:
        patch.setattr(loading, "_put_all", break_off)
        with pytest.raises(KilledError):
            site.start()
    site.entry("1788").write_text(text)
    site.start()
    assert [event.topic for event in site.events(count)] == [LAST, LAST]
    assert copies(site.events()) == graphs_of(site.root)


def copies(events: list[Event]) -> dict[str, set[str]]:
    """What who reads the log from its beginning has at its end."""
    result: dict[str, set[str]] = {}
    for event in events:
        result[event.topic] = canonical(event.triples)
        if event.kind == "deleted":
            del result[event.topic]
    return result


def graphs_of(root: Path) -> dict[str, set[str]]:
    graphs: dict[str, list[Triple]] = {}
    for path in catalogue_documents.list_files(root):
        for quad in catalogue_documents.read_document(path).quads:
            assert isinstance(quad.graph_name, NamedNode)
            graphs.setdefault(quad.graph_name.value, []).append(quad.triple)
    return {name: canonical(triples) for name, triples in graphs.items()}


def canonical(triples: list[Triple]) -> set[str]:
    if not any(isinstance(node, BlankNode) for t in triples for node in (t.subject, t.object)):
        return set(map(str, triples))
    graph = Dataset(Quad(t.subject, t.predicate, t.object) for t in triples)
    graph.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return {str(quad.triple) for quad in graph}


def walked(client: TestClient, media_type: str) -> Iterator[tuple[str, list[Quad]]]:
    """The nodes of the stream, as a client follows the relations from where it opens."""
    form = RdfFormat.from_media_type(media_type)
    assert form
    waiting, seen = ["http://testserver/changes"], set[str]()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        response = client.get(address, headers={"Accept": media_type})
        assert response.status_code == 200
        quads = list(parse(response.content, form))
        yield address, quads
        graph = {(q.subject, q.predicate.value): q.object for q in quads}
        for quad in quads:
            if quad.predicate.value == TREE + "relation":
                assert quad.subject == NamedNode(address)
                node = graph[quad.object, TREE + "node"]
                assert isinstance(node, NamedNode)
                waiting += [node.value] if node.value not in seen else []


@pytest.mark.parametrize(
    "media_type", ["application/trig", "application/n-quads", "application/ld+json"]
)
def test_who_replays_the_stream_has_the_present_catalogue_graph_for_graph(
    changed: Site, media_type: str
) -> None:
    result: dict[str, set[str]] = {}
    members: list[str] = []
    for _, quads in walked(changed.client, media_type):
        stated: dict[object, list[Quad]] = {}
        for quad in quads:
            stated.setdefault(quad.graph_name, []).append(quad)
            stated.setdefault(quad.subject, []).append(quad)
        listing = [q.object for q in quads if q.predicate.value == TREE + "member"]
        for member in sorted(
            listing, key=lambda node: int(str(node).strip("<>").rpartition("#")[2])
        ):
            members.append(str(member))
            topic = next(q.object for q in stated[member] if q.predicate.value == VERSION_OF)
            assert isinstance(topic, NamedNode)
            if any(quad.object == NamedNode(AS + "Delete") for quad in stated[member]):
                del result[topic.value]
            else:
                graph = [quad.triple for quad in stated[member] if quad.graph_name == member]
                result[topic.value] = canonical(graph)
    assert result == graphs_of(changed.root)
    assert len(members) == len(set(members)) == changed.log.count


@pytest.mark.parametrize(
    "media_type", ["text/turtle", "application/n-triples", "application/rdf+xml"]
)
def test_without_graphs_members_are_versions_of_their_topics(
    changed: Site, media_type: str
) -> None:
    result = [quad for _, quads in walked(changed.client, media_type) for quad in quads]
    last = NamedNode(LAST)
    assert not any(quad.subject == last for quad in result)
    versions = [q.subject for q in result if (q.predicate.value, q.object) == (VERSION_OF, last)]
    stated = [{str(q.object) for q in result if q.subject == version} for version in versions]
    assert len(stated) == 2
    assert any(MINT in text for text in stated[0])
    assert any("MINT: Mentoring" in text for text in stated[1])


def test_the_stream_describes_its_paths(site: Site) -> None:
    address, quads = next(walked(site.client, "text/turtle"))
    stated = {(quad.predicate.value, str(quad.object)) for quad in quads}
    ldes = "https://w3id.org/ldes#"
    moment = "<http://www.w3.org/ns/prov#generatedAtTime>"
    assert (ldes + "timestampPath", moment) in stated
    assert (ldes + "versionOfPath", f"<{VERSION_OF}>") in stated
    assert (ldes + "versionDeleteObject", f"<{AS}Delete>") in stated
    assert (TREE + "view", f"<{address}>") in stated
    assert (TREE + "path", moment) in stated
    assert not any(name == ldes + "retentionPolicy" for name, _ in stated)


def test_a_full_page_never_changes(changing: Site) -> None:
    addresses = [f"/changes/1.{form}" for form in FORMS]
    before = {address: changing.client.get(address) for address in addresses}
    count = changing.log.count
    changing.rewrite("1789", "dct:title", 'dct:title "Another title"@fr ,')
    changing.entry("new4").unlink()
    restarted = Site(changing.root, changing.store).start()
    assert restarted.log.count == count + 2
    for address, first in before.items():
        again = restarted.client.get(address)
        assert again.content == first.content, address
        assert again.headers["etag"] == first.headers["etag"]
        assert "immutable" in again.headers["cache-control"]
        published = {"If-None-Match": first.headers["etag"]}
        unchanged = restarted.client.get(address, headers=published)
        assert unchanged.status_code == 304
        assert "immutable" in unchanged.headers["cache-control"]


def test_the_newest_page_is_cached_briefly_and_has_an_entity_tag(changing: Site) -> None:
    newest = f"/changes/{changing.log.open_page}"
    addresses = ("/changes", "/changes.trig", f"{newest}.trig", f"{newest}.atom")
    first = {address: changing.client.get(address) for address in addresses}
    for address, response in first.items():
        assert response.headers["cache-control"] == "public, max-age=60", address
        tag = response.headers["etag"]
        assert changing.client.get(address, headers={"If-None-Match": tag}).status_code == 304
    changing.entry("new4").unlink()
    changing.start()
    new = {address: changing.client.get(address).headers["etag"] for address in addresses}
    unchanging = [a for a in addresses if new[a] == first[a].headers["etag"]]
    assert unchanging == ["/changes.trig"]


def feed(client: TestClient, address: str) -> Element:
    response = client.get(address)
    assert response.headers["content-type"] == "application/atom+xml"
    return ElementTree.fromstring(response.content)


def linked(element: Element, rel: str) -> list[str]:
    links = element.findall(ATOM + "link")
    return [link.attrib["href"] for link in links if link.get("rel") == rel]


def test_the_feed_is_valid_by_its_structure(changed: Site) -> None:
    client = changed.client
    for address in ("/changes", "/changes/1", "/changes/2"):
        result = feed(client, address)
        assert [element.text for element in result.findall(ATOM + "id")] == [BASE + "changes"]
        assert len(result.findall(ATOM + "title")) == len(result.findall(ATOM + "updated")) == 1
        assert result.findall(f"{ATOM}author/{ATOM}name")
        assert linked(result, "self") == ["http://testserver" + address]
        entries = result.findall(ATOM + "entry")
        assert entries
        for entry in entries:
            for name in ("id", "title", "updated", "summary"):
                texts = [element.text for element in entry.findall(ATOM + name)]
                assert len(texts) == 1
                assert texts[0]
            moment = entry.findtext(ATOM + "updated") or ""
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
            assert linked(entry, "alternate")


def test_the_feed_and_its_archives_have_every_change(changed: Site) -> None:
    client, address = changed.client, "/changes"
    ids: list[str] = []
    archived: list[bool] = []
    while address:
        result = feed(client, address)
        ids += [entry.findtext(ATOM + "id") or "" for entry in result.findall(ATOM + "entry")]
        archived.append(result.find("{http://purl.org/syndication/history/1.0}archive") is not None)
        address = next(iter(linked(result, "prev-archive")), "")
    numbers = [int(name.rpartition("#")[2]) for name in ids]
    assert numbers == list(range(changed.log.count, 0, -1))
    assert archived == [False] + [True] * (changed.log.open_page - 1)


def test_a_feed_right_after_a_full_page_is_not_empty(site: Site) -> None:
    site.add(*(f"new{number}" for number in range(-site.log.count % PAGE)))
    site.start()
    page = site.log.open_page
    assert page == site.log.count // PAGE + 1
    assert len(feed(site.client, "/changes").findall(ATOM + "entry")) == PAGE
    assert site.client.get(f"/changes/{page}.trig").status_code == 200
    assert not feed(site.client, f"/changes/{page}").findall(ATOM + "entry")


def test_every_page_that_a_feed_mentions_is_there_unless_it_was_deleted_later(
    changed: Site,
) -> None:
    client = changed.client
    for address in ("/changes", "/changes/1"):
        for link in feed(client, address).iter(ATOM + "link"):
            ours = link.attrib["href"].startswith("http://testserver/")
            if ours and "practice/new3." not in link.attrib["href"]:
                response = client.get(link.attrib["href"], follow_redirects=True)
                assert response.status_code in (200, 410), link.attrib


def test_events_are_in_the_language_of_the_request(changed: Site) -> None:
    entries = feed(changed.client, "/changes?lang=nl").findall(ATOM + "entry")
    titles = [entry.findtext(ATOM + "title") or "" for entry in entries]
    assert any(title.startswith("MINT - Mentorschap") for title in titles)
    summaries = " ".join(entry.findtext(ATOM + "summary") or "" for entry in entries)
    assert "Gewijzigd: " in summaries
    assert "Samengevoegd: " in summaries
    assert retired.REASON in summaries
    assert "Verwijderd: " in summaries


def test_a_moved_topic_links_to_its_successor(changed: Site) -> None:
    entries = feed(changed.client, "/changes").findall(ATOM + "entry")
    moved = [e for e in entries if e.find(ATOM + "category[@term='moved']") is not None]
    assert [linked(entry, "successor-version") for entry in moved] == [[LAST]]
    assert LAST in (moved[0].findtext(ATOM + "summary") or "")


def test_characters_that_xml_forbids_are_replaced_in_titles(site: Site) -> None:
    site.rewrite("1788", MINT, "MINT \\u0001 <Mentoring>")
    site.start()
    titles = [title.text or "" for title in feed(site.client, "/changes").iter(ATOM + "title")]
    assert any("MINT \ufffd <Mentoring>" in title for title in titles)


def test_a_page_of_changes_links_to_topics_that_exist(changed: Site) -> None:
    client = changed.client
    page = client.get("/changes", headers={"Accept": "text/html,application/xml;q=0.9"})
    assert page.headers["content-type"].startswith("text/html")
    main = page.text.partition("<main")[2].partition("</main>")[0]
    leads = re.findall(r'href="(/[^"#]*)', main)
    assert "/practice/1788.html" in leads
    assert f"/changes/{changed.log.open_page - 1}.html" in leads
    for href in leads:
        assert client.get(href).status_code in (200, 410), href
    assert "practice/new3" not in page.text
    assert 'rel="alternate" type="application/atom+xml"' in client.get("/practice/1788.html").text


@pytest.mark.parametrize("path", ["0", "99", "01", "-1", "x", "1e3", "9" * 30, "1/2", "%2e%2e"])
def test_a_page_beyond_the_log_answers_404(changed: Site, path: str) -> None:
    response = changed.client.get(f"/changes/{path}", headers={"Accept": "application/json"})
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_an_unavailable_representation_answers_406_with_the_available_ones(site: Site) -> None:
    for address, accept in (("/changes", "image/png"), ("/changes.pdf", "*/*")):
        response = site.client.get(address, headers={"Accept": accept})
        assert response.status_code == 406
        assert "application/atom+xml" in response.text


def test_without_a_log_changes_answers_404_with_the_reason(services: Services) -> None:
    client = TestClient(application(services))
    response = client.get("/changes", headers={"Accept": "application/json"})
    assert response.status_code == 404
    assert "practicegraph load" in json.loads(response.content)["hint"]
    assert "/changes" not in client.get("/practice/1788.html").text


def test_a_feed_has_the_changes_of_one_kind_of_records(client: TestClient) -> None:
    for kind in ("practice", "organisation"):
        root = ElementTree.fromstring(client.get(f"/changes.atom?kind={kind}").text)
        links = root.findall(f"{ATOM}entry/{ATOM}link[@type='text/turtle']")
        assert len(links) > 10
        assert all(f"/{kind}/" in link.get("href", "") for link in links)
        assert (root.findtext(f"{ATOM}id") or "").endswith(f"?kind={kind}")
    page = client.get("/changes.html?kind=practice&lang=en").text
    assert 'aria-current="true">Entry</a>' in page


@pytest.mark.parametrize("query", ["kind=nothing", "kinds=practice"])
def test_changes_refuse_unknown_parameters(client: TestClient, query: str) -> None:
    assert client.get(f"/changes.atom?{query}").status_code == 400
    assert client.get(f"/changes/1.ttl?{query}").status_code == 400
