"""Forms: what is read comes back as it was; problems at their fields; who may save, and conflicts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from rdflib import Graph
from rdflib.compare import to_isomorphic
from rdflib.namespace import DCTERMS

from practicegraph.application import startup
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application
from practicegraph.web.http.bodies import MAX_BODY
from support.catalogues import copy

Pairs = list[tuple[str, str]]
ORIGIN = {"Origin": "http://testserver"}
ENTRY = "/practice/1788/edit?lang=en"
NEW = "/practice/new?lang=en"


class Form(HTMLParser):
    """The names and values that a browser sends of a form (HTML, 4.10.22.4)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pairs: Pairs = []
        self._area = self._select = ""
        self._text, self._options = "", [("", False)]
        self._is_inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = found.get("class") == "edit"
        elif not self._is_inside:
            return
        elif tag == "input" and (found.get("type") != "checkbox" or "checked" in found):
            self.pairs.append((found["name"], found.get("value", "")))
        elif tag == "textarea":
            self._area, self._text = found["name"], ""
        elif tag == "select":
            self._select, self._options = found["name"], []
        elif tag == "option" and self._select:
            self._options.append((found["value"], "selected" in found))

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            text = self._text.removeprefix("\n").replace("\n", "\r\n")
            self.pairs.append((self._area, text))
        elif tag == "select" and self._select:
            chosen = [value for value, is_chosen in self._options if is_chosen]
            self.pairs.append((self._select, (chosen or [self._options[0][0]])[0]))
            self._select = ""


@dataclass
class Desk:
    """A catalogue with forms, and the token of somebody who may do everything in it."""

    root: Path
    client: TestClient
    token: str

    def form(self, path: str, **values: str) -> Pairs:
        """A form as it is shown, with some values changed; `__` in their names is `@`."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        changed = {name.replace("__", "@"): value for name, value in values.items()}
        return [(n, changed.get(n, v)) for n, v in Form(answer.text).pairs if n != ".token"]

    def send(self, path: str, pairs: Pairs, action: str, **headers: str) -> Response:
        data: dict[str, list[str]] = {}
        for name, value in [*pairs, (".action", action)]:
            data.setdefault(name, []).append(value)
        self.client.cookies.clear()
        return self.client.post(path, data=data, headers=ORIGIN | headers)

    def save(self, path: str, pairs: Pairs, **headers: str) -> Response:
        return self.send(path, [*pairs, (".token", self.token)], "save", **headers)

    def file(self, number: str) -> Path:
        return self.root / f"data/practices/{number}.ttl"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = copy(tmp_path_factory.mktemp("forms"))
    token = TokenFile(root).add("anna", PERMISSIONS)
    TokenFile(root).add("reader", ["create"])
    services = startup.open_for_serving(root)
    assert services.source
    workers = WorkerPool(services.source, QueryLimits(processes=1))
    app = application(services, workers, editor=startup.entry_editor(services))
    with TestClient(app, follow_redirects=False) as client:
        yield Desk(root, client, token)


def graph(text: str) -> Graph:
    """A graph without the day of the last change."""
    found = Graph().parse(data=text, format="turtle")
    found.remove((None, DCTERMS.modified, None))
    return found


def problems(text: str, key: str) -> str:
    """The messages at a field."""
    found = re.search(rf'<ul class="problems" id="problems-{key}">(.*?)</ul>', text, re.S)
    return found[1] if found else ""


def alert(text: str) -> str:
    found = re.search(r'role="alert">\s*<p>(.*?)</p>', text, re.S)
    return found[1] if found else ""


def test_every_record_comes_back_from_its_form_to_the_last_triple(desk: Desk) -> None:
    files = sorted(desk.root.glob("data/*/*.ttl"))
    assert len(files) > 100
    segments = {"practices": "practice", "organisations": "organisation", "indicators": "indicator"}
    for file in files:
        path = f"/{segments[file.parent.name]}/{file.stem}/edit?lang=nl"
        answer = desk.send(path, desk.form(path), "download")
        assert answer.headers["content-type"].startswith("text/turtle"), file
        assert to_isomorphic(graph(answer.text)) == to_isomorphic(graph(file.read_text())), file


def test_a_form_that_is_saved_unchanged_changes_nothing(desk: Desk) -> None:
    before = desk.file("1764").read_bytes()
    path = "/practice/1764/edit?lang=el"
    answer = desk.save(path, desk.form(path))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/practice/1764.html?lang=el"
    assert desk.file("1764").read_bytes() == before


def test_a_form_has_labels_hints_and_choices_in_the_language_of_its_reader(desk: Desk) -> None:
    text = desk.client.get("/practice/1788/edit?lang=de").text
    assert '<html lang="de">' in text
    assert "Zielgruppe" in text
    assert "Der Titel, den die Quelle angibt, einer je Sprache." in text
    assert "Ungarn [HUN]" in text
    assert "(erforderlich)" in text


@pytest.mark.parametrize(
    ("values", "key", "message"),
    [
        ({"start": "2019-13"}, "start", "Not a valid gYear"),
        ({"end": "2018"}, "end", "comes before the start"),
        ({"country": "Hungrary"}, "country", "Similar values: Hungary"),
        ({"page": "no address"}, "page", "no address"),
        ({"category": ""}, "category", "must have at least 1"),
    ],
)
def test_a_preview_has_the_problems_at_their_fields(
    desk: Desk, values: dict[str, str], key: str, message: str
) -> None:
    answer = desk.send(ENTRY, desk.form(ENTRY, **values), "preview")
    assert answer.status_code == 200
    assert message in problems(answer.text, key)
    assert f'<a href="#field-{key}">' in answer.text
    saved = desk.save(ENTRY, desk.form(ENTRY, **values))
    assert saved.status_code == 422
    assert message in problems(saved.text, key)


def test_a_preview_is_the_page_and_the_file(desk: Desk) -> None:
    pairs = desk.form(ENTRY, title__en="Another title")
    text = desk.send(ENTRY, pairs, "preview").text
    assert "The shapes admit it as it is." in text
    assert 'Another title"@en' in text.replace("&#34;", '"').replace("&quot;", '"')
    assert dict(Form(text).pairs)["title@en"] == "Another title"
    assert "Another title" not in desk.file("1788").read_text()


def test_a_new_entry_is_saved_under_a_name_made_of_its_title(desk: Desk) -> None:
    values = {
        "title__en": "Peer tutors in Pécs",
        "abstract__en": "Older pupils help younger ones.",
        "source": "https://example.org/tutors",
        "category": "https://w3id.org/practicegraph/category/good-practice",
    }
    pairs = [
        *desk.form(NEW, **values),
        ("target", "https://w3id.org/practicegraph/target/newly-arrived"),
    ]
    answer = desk.save(NEW, pairs)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/practice/peer-tutors-in-pecs.html?lang=en"
    saved = desk.file("peer-tutors-in-pecs").read_text()
    assert 'dct:title "Peer tutors in Pécs"@en' in saved
    assert "pg:target target:newly-arrived" in saved
    assert "prov:wasGeneratedBy" in saved


def test_a_value_that_is_removed_takes_what_is_said_of_it_along(desk: Desk) -> None:
    path = "/practice/1788/edit?lang=en"
    pairs = [(n, "" if n == "page" else v) for n, v in desk.form(path)]
    text = desk.send(path, pairs, "download").text
    assert "www.tdh.ch" not in text
    assert "Project page of the organisation" not in text
    assert "import-nl" in text, "what no field shows stays"


def test_a_session_saves_again_without_the_token(desk: Desk) -> None:
    path = "/practice/1699/edit?lang=en"
    first = desk.save(path, desk.form(path))
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert desk.token not in cookie
    cookies = {"Cookie": cookie.partition(";")[0]}
    text = desk.client.get(path, headers=cookies).text
    assert "You save as anna." in text
    assert 'type="password"' not in text
    pairs = [(n, "2001" if n == "end" else v) for n, v in Form(text).pairs]
    without = [pair for pair in pairs if pair[0] != ".secret"]
    assert desk.send(path, without, "save", **cookies).status_code == 403
    assert desk.send(path, pairs, "save", **cookies).status_code in (303, 422)
    out = desk.send(path, pairs, "sign-out", **cookies)
    assert out.status_code == 303
    assert desk.send(path, pairs, "save", **cookies).status_code == 401


def test_a_form_of_another_site_saves_nothing(desk: Desk) -> None:
    pairs = desk.form(ENTRY, end="2021-05")
    answer = desk.save(ENTRY, pairs, Origin="https://example.org")
    assert answer.status_code == 403
    assert "2021-05" not in desk.file("1788").read_text()


@pytest.mark.parametrize(("token", "status"), [("", 401), ("wrong", 401)])
def test_without_a_token_nothing_is_saved_and_the_form_is_kept(
    desk: Desk, token: str, status: int
) -> None:
    pairs = [*desk.form(ENTRY, title__en="Kept title"), (".token", token)]
    answer = desk.send(ENTRY, pairs, "save")
    assert answer.status_code == status
    assert "token" in alert(answer.text)
    assert dict(Form(answer.text).pairs)["title@en"] == "Kept title"
    assert "Kept title" not in desk.file("1788").read_text()


def test_a_conflict_shows_what_differs_and_can_be_saved_again(desk: Desk) -> None:
    path = "/practice/1700/edit?lang=en"
    mine, other = desk.form(path, title__en="Mine"), desk.form(path, title__en="Theirs")
    assert desk.save(path, other).status_code == 303
    answer = desk.save(path, mine)
    assert answer.status_code == 412
    assert "has changed since you opened it" in alert(answer.text)
    assert re.search(r"<del[^>]*>Theirs</del>", answer.text)
    assert re.search(r"<ins[^>]*>Mine</ins>", answer.text)
    again = [pair for pair in Form(answer.text).pairs if pair[0] != ".token"]
    assert desk.save(path, again).status_code == 303
    assert '"Mine"@en' in desk.file("1700").read_text()


def test_the_history_compares_two_states(desk: Desk) -> None:
    path = "/practice/1702/edit?lang=en"
    pairs = [*desk.form(path, title__en="A second title"), (".reason", "A better title")]
    assert desk.save(path, [p for p in pairs if p != (".reason", "")]).status_code == 303
    text = desk.client.get("/practice/1702/history?lang=en").text
    assert "anna" in text
    assert "A better title" in text
    compared = re.search(r'href="(/practice/1702/history\?[^"]*from=\d+[^"]*)"', text)
    assert compared
    page = desk.client.get(compared[1].replace("&amp;", "&")).text
    assert re.search(r"<ins[^>]*>A second title</ins>", page)
    assert "revision-1" not in page.partition('id="comparison"')[2]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/practice/1/history", 404),
        ("/practice/1788/history?from=x", 400),
        ("/practice/1788/history?to=999999", 400),
        ("/practice/1788/history?since=1", 400),
        ("/practice/1/edit", 404),
        ("/practice/1788/edit?text=nl", 400),
    ],
)
def test_pages_of_no_entry_and_unknown_parameters_are_refused(
    desk: Desk, path: str, status: int
) -> None:
    assert desk.client.get(path).status_code == status


def test_a_form_is_bounded(desk: Desk) -> None:
    many = [("title@en", "x")] * 1001
    assert desk.send(ENTRY, many, "preview").status_code == 400
    assert desk.send(ENTRY, [("title@en", "x" * MAX_BODY)], "preview").status_code == 413
    answer = desk.client.post(ENTRY, json={}, headers=ORIGIN)
    assert answer.status_code == 415
    raw = {"Content-Type": "application/x-www-form-urlencoded", **ORIGIN}
    assert desk.client.post(ENTRY, content=b"title=%ff", headers=raw).status_code == 400


@pytest.mark.parametrize("path", ["/practice/new", "/practice/1788/edit"])
def test_forms_name_their_methods(desk: Desk, path: str) -> None:
    assert desk.client.options(path).headers["allow"] == "GET, HEAD, POST, OPTIONS"
    answer = desk.client.put("/practice/new", headers={"Authorization": f"Bearer {desk.token}"})
    assert answer.status_code >= 400


def test_a_form_keeps_values_in_languages_that_the_catalogue_does_not_have(desk: Desk) -> None:
    path = "/practice/1788/edit?lang=en"
    pairs = [*desk.form(path), ("title@pt", "Título")]
    assert "“Título”" in problems(desk.send(path, pairs, "preview").text, "title")
