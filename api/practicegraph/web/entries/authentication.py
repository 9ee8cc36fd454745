"""Who sends a request, by its bearer token (RFC 6750)."""

from fastapi import Request

from ...editing.tokens import TokenFile, TokenHolder
from ...errors import RequestError

_CHALLENGE = 'Bearer realm="{name}"'


def authenticate(request: Request, tokens: TokenFile, name: str) -> TokenHolder:
    """Return who sends a request to a catalogue of a name; raise RequestError (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    challenge = _CHALLENGE.format(name=name)
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorised("missingToken", challenge)
    holder = tokens.find_holder(token.strip())
    if holder is None:
        raise _unauthorised("unknownToken", f'{challenge}, error="invalid_token"')
    return holder


def insufficient_scope(holder: TokenHolder, permission: str, name: str) -> RequestError:
    """Return the error of a token without a permission (403; section 3.1)."""
    challenge = f'{_CHALLENGE.format(name=name)}, error="insufficient_scope", scope="{permission}"'
    headers = {"WWW-Authenticate": challenge}
    return RequestError("missingPermission", headers=headers, name=holder.name, right=permission)


def _unauthorised(kind: str, challenge: str) -> RequestError:
    return RequestError(kind, headers={"WWW-Authenticate": challenge})
