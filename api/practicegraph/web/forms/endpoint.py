"""The form of a new entry, and that of one to edit, drawn from the shapes.

A form is previewed, downloaded as Turtle, or saved by who has a bearer token. It keeps what was put
in until it is saved. A hidden field has the state of the entry that was read, which is the
precondition of a save; where it fails, the form shows what differs and can be saved again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from pyoxigraph import Literal, NamedNode, Triple

from ...catalogue.catalogue import Catalogue
from ...editing import entry as entries
from ...editing.editor import EditRequest, EditResult, EntryBody, EntryEditor, NotAdmittedError
from ...editing.entry import NEW, Revision
from ...editing.form import EntryForm, ParsedForm
from ...editing.tokens import TokenFile, TokenHolder
from ...errors import CatalogueError, RequestError
from ...rdf.terms import parse_iri
from ...schema.value_parser import ValueParser
from ...validation.submissions import Submission
from .. import openapi
from ..context import NOTES, Site, View
from ..http import bodies, middleware, negotiation
from ..http.middleware import PlainRoute
from ..http.negotiation import HTML, TURTLE
from ..openapi import Operation
from ..problems import PROBLEMS
from ..urls import EDIT
from ..validation import Upload, ValidationEndpoint
from .drafts import FormDraft, draft, sort_findings
from .inputs import FormInputs
from .sessions import Session, Sessions, check_origin, check_secret, remember

_PARAMETERS = ("lang",)
_MAX_REASON = 1000  # characters
_OWN = "."
"""The beginning of the names of what is not of a field; no key of a field has it."""
_WITHOUT_HINT = ("missingToken", "unknownToken")
_CONFLICTS = ("formConflict", "fileChanged")


class Sent(NamedTuple):
    """A form that was sent: the values by name."""

    values: Mapping[str, Sequence[str]]

    @property
    def action(self) -> str:
        """Return what to do with the form."""
        return self.value("action")

    def value(self, name: str) -> str:
        """Return the last value of a name that no field has, or ""."""
        return (self.values.get(_OWN + name) or [""])[-1]


@dataclass
class FormPage:
    """The message, the findings and the draft of a form, beside its inputs."""

    status: int = HTTPStatus.OK
    message: str = ""
    problems: Mapping[str, Sequence[str]] = field(default_factory=dict)
    findings: Sequence[str] = ()
    draft: FormDraft | None = None
    saved: Sequence[Triple] | None = None


@dataclass(frozen=True)
class FormEndpoint:
    """Answers requests for the forms of entries of a kind; without an editor, none is saved."""

    site: Site
    editor: EntryEditor | None
    validation: ValidationEndpoint
    sessions: Sessions

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.site.catalogue

    def show(self, request: Request, identifier: str = NEW) -> Response:
        """Return the form of an entry; raise RequestError for one that there is not."""
        negotiation.negotiate(request, (HTML,))
        negotiation.check_parameters(request, _PARAMETERS)
        form, before = self._form(request, identifier)
        if entries.is_tombstone(form.entry, before):
            path = f"/{self.site.addresses.path_of(form.entry.value)}.{HTML.extension}"
            return RedirectResponse(self.site.view(request).link(path), HTTPStatus.SEE_OTHER)
        return self._page(request, form, Sent(form.read(before)), FormPage())

    async def send(self, request: Request, identifier: str = NEW) -> Response:
        """Preview, download or save a form, or end a session; raise RequestError."""
        negotiation.check_parameters(request, _PARAMETERS)
        check_origin(request)
        bodies.require_media_type(request, bodies.FORM)
        sent = _parse(await bodies.read_body(request))
        form, before = await run_in_threadpool(self._form, request, identifier)
        if sent.action == "sign-out":
            return self._sign_out(request)
        parsed = await run_in_threadpool(form.parse, sent.values, before)
        made = draft(self.catalogue, form, parsed.triples)
        if sent.action == "download":
            return _download(made)
        if sent.action == "save":
            return await run_in_threadpool(self._save, request, form, sent, parsed)
        page = FormPage(draft=made, problems=parsed.problems)
        if sent.action == "preview":
            await self._check(request, page, made)
        return await run_in_threadpool(self._page, request, form, sent, page)

    def _form(self, request: Request, identifier: str) -> tuple[EntryForm, list[Triple]]:
        """Return the form of an entry and its triples; raise RequestError for none."""
        is_new = identifier == NEW
        entry = parse_iri(self.catalogue.entry_iri(entries.PLACEHOLDER if is_new else identifier))
        quads = self.catalogue.store.graph_quads(entry.value) if entry and not is_new else []
        if entry is None or not (is_new or quads):
            raise RequestError("notFound")
        languages = self.site.view(request).languages
        shapes = replace(self.catalogue.shapes, languages=languages)
        values = ValueParser(shapes, self.catalogue.vocabularies, self.catalogue.phrases)
        form = EntryForm(values, self.catalogue.records, entry, NOTES, is_new)
        return form, [quad.triple for quad in quads]

    async def _check(self, request: Request, page: FormPage, made: FormDraft) -> None:
        """Add the findings about a draft to a page."""
        text = made.turtle.encode()
        upload = Upload([Submission(f"{made.identifier}.ttl", TURTLE.extension, text)])
        job = await run_in_threadpool(self.validation.job, request, upload, "json")
        _, content = await self.validation.run(job, middleware.client(request.scope))
        findings = json.loads(content).get("findings", [])
        self._add_findings(request, page, made.form, findings)

    def _add_findings(
        self,
        request: Request,
        page: FormPage,
        form: EntryForm,
        findings: Sequence[Mapping[str, Any]],
    ) -> None:
        view = self.site.view(request)
        labels = {field.key: view.text(field.names) for field in form.fields}
        problems, page.findings = sort_findings(findings, form, labels)
        known = {key: [*messages] for key, messages in page.problems.items()}
        for key, messages in problems.items():
            known.setdefault(key, []).extend(messages)
        page.problems = known

    def _save(self, request: Request, form: EntryForm, sent: Sent, parsed: ParsedForm) -> Response:
        """Save a form and go to the entry, or return the form with the reason why not."""
        page, session = FormPage(problems=parsed.problems), self.sessions.find(request)
        try:
            session = self._authenticate(session, sent)
            if parsed.problems:
                raise RequestError("formProblems")
            result = self._write(request, form, sent, session)
        except NotAdmittedError as error:
            page.status, page.message = 422, self.site.view(request).phrase("formProblems")
            self._add_findings(request, page, form, error.extra["findings"])
        except CatalogueError as error:
            self._add_error(request, page, form, error, parsed)
        else:
            path = f"/{self.catalogue.shapes.entry_shape.segment}/{result.identifier}"
            address = self.site.view(request).link(f"{path}.{HTML.extension}")
            response: Response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
            remember(request, response, session)
            return response
        response = self._page(request, form, sent, page, session)
        if session:
            remember(request, response, session)
        return response

    def _authenticate(self, session: Session | None, sent: Sent) -> Session:
        """Return the session of who saves a form; raise RequestError without one."""
        if self.editor is None or not self.sessions.tokens.has_tokens:
            raise RequestError("readOnly")
        if token := sent.value("token"):
            return self.sessions.start(token)
        if session is None or self.sessions.holder(session) is None:
            raise RequestError("missingToken")
        check_secret(session, sent.value("secret"))
        return session

    def _write(self, request: Request, form: EntryForm, sent: Sent, session: Session) -> EditResult:
        """Write a form; raise CatalogueError."""
        holder = self.sessions.holder(session)
        assert self.editor and holder
        editor = replace(self.editor, catalogue=self.catalogue)
        edit = self._edit_request(request, holder, sent)

        def parse(entry: NamedNode, before: Sequence[Triple]) -> Sequence[Triple]:
            return replace(form, entry=entry).parse(sent.values, before).triples

        body = EntryBody(parse, str)
        if form.is_new:
            return editor.create(body, edit)
        return editor.put(form.entry.value.rpartition("/")[2], body, edit)

    def _edit_request(self, request: Request, holder: TokenHolder, sent: Sent) -> EditRequest:
        view, reason = self.site.view(request), " ".join(sent.value("reason").split())
        if len(reason) > _MAX_REASON:
            raise RequestError("reasonTooLong", limit=_MAX_REASON)
        reasons = (Literal(reason, language=view.language),) if reason else ()
        revision = Revision(holder.name, datetime.now(tz=UTC), reasons)

        def require_state(state: str) -> None:
            if state != sent.value("state"):
                raise RequestError("formConflict")

        return EditRequest(holder, revision, view.languages, require_state)

    def _add_error(
        self,
        request: Request,
        page: FormPage,
        form: EntryForm,
        error: CatalogueError,
        parsed: ParsedForm,
    ) -> None:
        """Add an error to a page; of a conflict, what is saved now too."""
        view, problem = self.site.view(request), PROBLEMS[error.kind]
        words = {"reason": str(error), **error.words}
        texts = [view.phrase(problem.detail or error.kind, **words)]
        if problem.hint and error.kind not in _WITHOUT_HINT:  # of headers
            texts.append(view.phrase(problem.hint, **words))
        page.status, page.message = problem.status, " ".join(texts)
        if error.kind in _CONFLICTS:
            page.saved = [q.triple for q in self.catalogue.store.graph_quads(form.entry.value)]
            page.draft = draft(self.catalogue, form, parsed.triples)

    def _page(
        self,
        request: Request,
        form: EntryForm,
        sent: Sent,
        page: FormPage,
        session: Session | None = None,
    ) -> Response:
        view = self.site.view(request)
        session = session or self.sessions.find(request)
        holder = self.sessions.holder(session)
        made, is_preview = page.draft, page.draft is not None and page.saved is None
        response = self.site.html(
            request,
            "form.html",
            page.status,
            page=page,
            is_new=form.is_new,
            iri=form.entry.value,
            title=self._title(view, form),
            inputs=FormInputs(view, form, sent.values, page.problems),
            preview=view.sections(made.record, brief=False) if made and is_preview else None,
            turtle=made.turtle if made and is_preview else "",
            differences=made.compare(page.saved, view.languages) if made and page.saved else None,
            state=self._state(form, sent, page),
            reason=sent.value("reason"),
            holder=holder,
            secret=session.secret if session and holder else "",
            can_save=self.editor is not None and self.sessions.tokens.has_tokens,
            contact=self.site.services.dataset.contact,
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def _state(self, form: EntryForm, sent: Sent, page: FormPage) -> str:
        """Return the state that is read: that of the form, until a conflict was shown."""
        present = self.catalogue.graph_digest(form.entry.value)
        return present if page.saved is not None else sent.value("state") or present

    def _title(self, view: View, form: EntryForm) -> str:
        kind = view.text(self.catalogue.shapes.entry_shape.labels)
        if form.is_new:
            return view.phrase("newEntry", kind=kind)
        return view.phrase("editEntry", title=view.name(form.entry.value))

    def _sign_out(self, request: Request) -> Response:
        self.sessions.end(request)
        response = RedirectResponse(str(request.url.replace(netloc="", scheme="")), 303)
        remember(request, response, None)
        return response


def _parse(content: bytes) -> Sent:
    try:
        pairs = bodies.parse_form(content)
    except ValueError as error:
        raise RequestError("invalidForm", limit=bodies.MAX_FIELDS) from error
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return Sent(values)


def _download(made: FormDraft) -> Response:
    name = f'attachment; filename="{made.identifier}.{TURTLE.extension}"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return Response(made.turtle, headers=headers, media_type=TURTLE.content_type)


def routes(site: Site, editor: EntryEditor | None, validation: ValidationEndpoint) -> APIRouter:
    """Return the routes of the forms of each kind of entries, with sessions of their own."""
    router = APIRouter(route_class=PlainRoute)
    sessions = Sessions(TokenFile(site.catalogue.folder))
    for each in site.of_kinds:
        endpoint = FormEndpoint(each, editor, validation, sessions)
        entries_path = f"/{each.catalogue.shapes.entry_shape.segment}"
        for path, name in (
            (f"{entries_path}/{NEW}", "NewForm"),
            (f"{entries_path}/{{identifier}}/{EDIT}", "EditForm"),
        ):
            shown, sent = _operations(each.catalogue, name)
            router.get(path, **shown.arguments())(_shower(endpoint))
            router.post(path, **sent.arguments())(_sender(endpoint))
    return router


def _operations(catalogue: Catalogue, name: str) -> tuple[Operation, Operation]:
    """Return the operations of a form: to show it, and to send it."""
    identifier = openapi.parameter("identifier", "", openapi.TEXT, "path")
    shown = Operation(
        openapi.operation_id(catalogue, f"show{name}"),
        "entries",
        catalogue.phrase("edit"),
        media_types=(HTML,),
        statuses=(200, 303),
        errors=(400, 404, 406),
        parameters=[
            *([] if name == "NewForm" else [identifier]),
            openapi.language_parameter(catalogue),
        ],
    )
    fields = {"schema": {"type": "object"}}
    sent = replace(
        shown,
        id=openapi.operation_id(catalogue, f"send{name}"),
        media_types=(HTML, TURTLE),
        errors=(400, 403, 404, 413, 415),
        more={"requestBody": openapi.request_body({bodies.FORM: fields})},
    )
    return shown, sent


def _shower(endpoint: FormEndpoint) -> Any:
    async def show(request: Request) -> Response:
        identifier = request.path_params.get("identifier", NEW)
        return await run_in_threadpool(endpoint.show, request, identifier)

    return show


def _sender(endpoint: FormEndpoint) -> Any:
    async def send(request: Request) -> Response:
        return await endpoint.send(request, request.path_params.get("identifier", NEW))

    return send
