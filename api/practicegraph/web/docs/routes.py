"""The routes of the documentation: its index, the guides, and the interactive interface."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from ...errors import RequestError
from ..context import VARY, Site
from ..http import conditional, negotiation, responses
from ..urls import DOCS
from .guides import GUIDES, LANGUAGE, guide_values
from .operations import operations_by_tag


def routes(site: Site) -> APIRouter:
    """Return the routes of the documentation."""
    router = APIRouter()

    @router.get(DOCS, include_in_schema=False)
    def index(request: Request) -> Response:
        return _answer(
            site, request, lambda: site.html(request, "docs.html", guides=GUIDES.values())
        )

    @router.get(f"{DOCS}/api", include_in_schema=False)
    def api(request: Request) -> Response:
        def make() -> Response:
            groups = operations_by_tag(request.app)
            return site.html(request, "operations.html", tags=groups)

        return _answer(site, request, make)

    @router.get(f"{DOCS}/{{name}}", include_in_schema=False)
    def guide(request: Request, name: str) -> Response:
        if name not in GUIDES:
            raise RequestError("notFound")

        def make() -> Response:
            text = GUIDES[name].template.render(guide_values(site, site.view(request), request))
            return site.html(
                request,
                "guide.html",
                guide=GUIDES[name],
                guides=GUIDES.values(),
                text=text,
                text_language=LANGUAGE,
            )

        return _answer(site, request, make)

    return router


def _answer(site: Site, request: Request, make: Callable[[], Response]) -> Response:
    """Return a page of the documentation; raise InvalidParameterError for unknown parameters."""
    view = site.view(request)
    negotiation.check_parameters(request, ("lang",))
    choices = (view.language, responses.root(request))
    validators = conditional.validators(request, site.catalogue.release, choices)
    return conditional.answer(request, validators, VARY, make)
