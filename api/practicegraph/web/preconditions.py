"""What a writer says of the state that is to be changed (RFC 9110, section 13; RFC 6585, 3).

A tag of any document of an entry begins with the state of the entry's own graph. A write compares
no more than that, so the tag of whatever document was read serves, in any form and language, and
what others do to other entries makes it no older.
"""

import re
from http import HTTPStatus

from fastapi import Request

from .refusals import RefusalError

_STRONG = re.compile(r'(?:^|,)\s*"([^".]*)\.[^"]*"')


def hold(request: Request, state: str) -> None:
    """Raise RefusalError if a request names another state, or none; "" is that of nothing."""
    match, none_match = (
        ", ".join(request.headers.getlist(name)) for name in ("if-match", "if-none-match")
    )
    if match:
        _match(match, state)
    elif none_match.strip() != "*":
        hint = "needsMatch" if state else "needsNoneMatch"
        raise RefusalError(HTTPStatus.PRECONDITION_REQUIRED, "needsCondition", hint)
    if none_match.strip() == "*" and state:
        raise RefusalError(HTTPStatus.PRECONDITION_FAILED, "isThereAlready", "needsMatch")


def _match(header: str, state: str) -> None:
    """Compare strongly: a weak tag is never the same (section 8.8.3.2)."""
    if not state:
        raise RefusalError(HTTPStatus.PRECONDITION_FAILED, "isNotThere", "needsNoneMatch")
    if header.strip() != "*" and state not in _STRONG.findall(header):
        raise RefusalError(HTTPStatus.PRECONDITION_FAILED, "hasChanged", "readAgain")
