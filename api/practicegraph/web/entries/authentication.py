"""Who sends a request, by its bearer token (RFC 6750)."""

from http import HTTPStatus

from fastapi import Request

from ...editing.tokens import TokenFile, TokenFileError, TokenHolder
from ..http.errors import RefusalError

_CHALLENGE = 'Bearer realm="{name}"'


def has_tokens(tokens: TokenFile) -> bool:
    """Return whether anybody may write; raise RefusalError where the file is unreadable."""
    try:
        return tokens.has_tokens
    except TokenFileError as error:
        raise RefusalError(HTTPStatus.INTERNAL_SERVER_ERROR, "noTokens") from error


def authenticate(request: Request, tokens: TokenFile, name: str) -> TokenHolder:
    """Return who sends a request to a catalogue of a name; raise RefusalError (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    challenge = _CHALLENGE.format(name=name)
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorised("noToken", challenge)
    holder = tokens.find_holder(token.strip())
    if holder is None:
        raise _unauthorised("wrongToken", f'{challenge}, error="invalid_token"')
    return holder


def insufficient_scope(holder: TokenHolder, permission: str, name: str) -> RefusalError:
    """Return the error of a token without a permission (403; section 3.1)."""
    error = RefusalError(HTTPStatus.FORBIDDEN, "noRight", name=holder.name, right=permission)
    challenge = f'{_CHALLENGE.format(name=name)}, error="insufficient_scope", scope="{permission}"'
    error.headers = {"WWW-Authenticate": challenge}
    return error


def _unauthorised(phrase: str, challenge: str) -> RefusalError:
    error = RefusalError(HTTPStatus.UNAUTHORIZED, phrase, "tokenHint")
    error.headers = {"WWW-Authenticate": challenge}
    return error
