"""How the addresses of what is no longer current answer (RFC 9110).

What was moved answers 301 (section 15.4.2) with the address of its successor: both stand for the
same thing, so a link is to be mended, which 303 would not say. Its documents go on to answer 200.
What was withdrawn answers 410 (section 15.5.11) everywhere, with its tombstone as the content.
"""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from ..permanence import Retirement
from ..text import best
from . import links
from .service import VARY, Service


def marked(answer: Response, retirement: Retirement | None) -> Response:
    """Give a document of a thing with what its fate adds: 410, a link to the successor."""
    if retirement and not retirement.moved:
        answer.status_code = HTTPStatus.GONE
    if retirement and retirement.successor:
        answer.headers.append("Link", _link(retirement))
    return answer


def redirect(
    service: Service, request: Request, retirement: Retirement, below: str = ""
) -> Response:
    """Give the way from a thing that was moved to its successor, in the form that was asked for.

    From an address below the thing's it leads to the one below its successor's, if that is ours.
    """
    path = service.addresses.path(retirement.successor)
    query = f"?{request.url.query}" if request.url.query else ""
    address = (
        retirement.successor
        if path is None
        else f"{links.prefix(request)}/{quote(path)}{below}{query}"
    )
    headers = VARY | {"Link": _link(retirement)}
    return RedirectResponse(address, HTTPStatus.MOVED_PERMANENTLY, headers)


def told(retirement: Retirement | None, languages: Sequence[str]) -> dict[str, str]:
    """Give what became of a thing: `status`, and `to`, `since`, `reason` where they are known."""
    if retirement is None:
        return {"status": "current"}
    found = {
        "status": "moved" if retirement.moved else "withdrawn",
        "to": retirement.successor,
        "since": retirement.since,
        "reason": best(retirement.reasons, languages),
    }
    return {name: text for name, text in found.items() if text}


def _link(retirement: Retirement) -> str:
    """Give the link to a successor (RFC 8288, RFC 5829)."""
    return f'<{retirement.successor}>; rel="successor-version"'
