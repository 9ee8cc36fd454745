"""Links to elsewhere: which addresses do not answer any more.

Several hosts are asked at once, and each one for one address after the other. A server that refuses
a program may well answer a person, so what it refuses is no dead link.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from . import __version__
from .loading import Watch, unwatched

_SECONDS = 15  # that a server has for each answer
_HOSTS = 8  # asked at once
_REFUSALS = frozenset({401, 403, 405, 406, 429, 451, 503, 999})
_KEPT = "!#$%&'()*+,/:;=?@[]~"  # what an address may have beside letters and digits (RFC 3986)
_HEADERS = {"User-Agent": f"PracticeGraph/{__version__} (link check)", "Accept": "*/*"}
_HANDLERS = (
    ProxyHandler,
    HTTPHandler,
    HTTPSHandler,
    HTTPRedirectHandler,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    UnknownHandler,
)


class _NoHostError(Exception):
    """A host to which nothing connects."""


def unanswered(
    addresses: Iterable[str], watch: Watch = unwatched, seconds: float = _SECONDS
) -> dict[str, str]:
    """Give those of the addresses on the web that do not answer, with why.

    Each server has some seconds to answer; one to which nothing connects is asked once.
    """
    hosts: dict[str, list[str]] = {}
    for address in sorted(addresses):
        if address.startswith(("http://", "https://")):
            hosts.setdefault(urlsplit(address).netloc, []).append(address)
    with ThreadPoolExecutor(_HOSTS) as pool:
        asked = [pool.submit(_of_host, listed, seconds) for listed in hosts.values()]
        found = [answer.result() for answer in watch("Asking hosts", asked)]
    return {address: reason for silent in found for address, reason in silent.items()}


def _of_host(addresses: Sequence[str], seconds: float) -> dict[str, str]:
    opener = OpenerDirector()
    for handler in _HANDLERS:
        opener.add_handler(handler())
    try:
        reasons = {address: _reason(opener, address, seconds) for address in addresses}
    except _NoHostError as error:
        return dict.fromkeys(addresses, str(error))
    return {address: reason for address, reason in reasons.items() if reason}


def _reason(opener: OpenerDirector, address: str, seconds: float) -> str:
    """Give why an address does not answer, or ""; servers that know no HEAD are asked with GET."""
    reason = ""
    for method in ("HEAD", "GET"):
        try:
            asked = Request(_ascii(address), method=method, headers=_HEADERS)  # noqa: S310 - the opener knows HTTP alone
            with opener.open(asked, timeout=seconds):
                return ""
        except HTTPError as error:
            if error.code in _REFUSALS:
                return ""
            reason = f"{error.code} {error.reason}"
        except URLError as error:
            raise _NoHostError(str(error.reason)) from error
        except (OSError, HTTPException, ValueError) as error:
            reason = str(error) or type(error).__name__
    return reason


def _ascii(address: str) -> str:
    """Write an IRI as a URI (RFC 3987, section 3.1)."""
    host = urlsplit(address).netloc
    return quote(address.replace(host, host.encode("idna").decode(), 1), safe=_KEPT)
