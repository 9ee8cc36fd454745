"""Sessions of people who edit: who has given a bearer token need not give it again.

The cookie is a random name that leads to the hash of the token, in this process alone; so a session
ends with the process, after a while, and with its token. A browser does not send it with requests
from other sites (`SameSite=Strict`), and no script reads it (`HttpOnly`, RFC 6265bis, 5.6). A form
that is saved also has the session's secret, and its `Origin` is this service.
"""

import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from fastapi import Request, Response

from ...editing.tokens import TokenFile, TokenHolder, hash_token
from ...errors import RequestError
from ..http import responses

COOKIE = "session"
"""The name of the cookie."""
MAX_SESSIONS = 1000
SECONDS = 12 * 60 * 60
"""The life of a session."""


@dataclass(frozen=True)
class Session:
    """A session: its name in the cookie, the secret of its forms, the hash of its token."""

    name: str
    secret: str
    token_hash: str
    end: float


@dataclass(frozen=True)
class Sessions:
    """The sessions of a service, the oldest of which end when they are too many."""

    tokens: TokenFile
    _sessions: OrderedDict[str, Session] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def start(self, token: str) -> Session:
        """Return a new session for a bearer token; raise RequestError for an unknown one."""
        digest = hash_token(token.strip())
        if self.tokens.find_by_hash(digest) is None:
            raise RequestError("unknownToken")
        end = time.monotonic() + SECONDS
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), digest, end)
        with self._lock:
            while len(self._sessions) >= MAX_SESSIONS:
                self._sessions.popitem(last=False)
            self._sessions[session.name] = session
        return session

    def find(self, request: Request) -> Session | None:
        """Return the session of a request, if it has not ended."""
        session = self._sessions.get(request.cookies.get(COOKIE, ""))
        return session if session and session.end > time.monotonic() else None

    def holder(self, session: Session | None) -> TokenHolder | None:
        """Return whose session it is; None without one, and where the token was revoked."""
        return self.tokens.find_by_hash(session.token_hash) if session else None

    def end(self, request: Request) -> None:
        """End the session of a request."""
        with self._lock:
            self._sessions.pop(request.cookies.get(COOKIE, ""), None)


def remember(request: Request, response: Response, session: Session | None) -> None:
    """Set the cookie of a session in a response, or remove it where there is none."""
    response.set_cookie(
        COOKIE,
        session.name if session else "",
        max_age=SECONDS if session else 0,
        path=f"{responses.prefix(request)}/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def check_origin(request: Request) -> None:
    """Raise RequestError for a form that another site sends (Fetch Standard, 3.1)."""
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.url.netloc}"
    if origin is not None and origin != own:
        raise RequestError("foreignForm")


def check_secret(session: Session, sent: str) -> None:
    """Raise RequestError for a form that was not given in a session."""
    if not hmac.compare_digest(session.secret.encode(), sent.encode("utf-8", "replace")):
        raise RequestError("foreignForm")
