"""Who sends a request, by a bearer token (RFC 6750), and whether that may be done."""

from http import HTTPStatus

from fastapi import Request

from ..bearers import Bearer, Bearers, BearersError
from .refusals import RefusalError

_REALM = 'Bearer realm="{name}"'


def exist(bearers: Bearers) -> bool:
    """Tell whether anybody may write; raises RefusalError where the list cannot be read."""
    try:
        return bearers.exist
    except BearersError as error:
        raise RefusalError(HTTPStatus.INTERNAL_SERVER_ERROR, "noTokens") from error


def bearer(request: Request, bearers: Bearers, name: str) -> Bearer:
    """Give who sends a request to a catalogue of that name; raises RefusalError (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorised("noToken", _REALM.format(name=name))
    found = bearers.bearer(token.strip())
    if found is None:
        raise _unauthorised("wrongToken", f'{_REALM.format(name=name)}, error="invalid_token"')
    return found


def demand(found: Bearer, right: str, name: str) -> None:
    """Raise RefusalError (403) where somebody has not the right (section 3.1)."""
    if right in found.rights:
        return
    refusal = RefusalError(HTTPStatus.FORBIDDEN, "noRight", name=found.name, right=right)
    challenge = f'{_REALM.format(name=name)}, error="insufficient_scope", scope="{right}"'
    refusal.headers = {"WWW-Authenticate": challenge}
    raise refusal


def _unauthorised(phrase: str, challenge: str) -> RefusalError:
    refusal = RefusalError(HTTPStatus.UNAUTHORIZED, phrase, "tokenHint")
    refusal.headers = {"WWW-Authenticate": challenge}
    return refusal
