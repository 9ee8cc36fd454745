"""Which answer each mistake gets: the one place where errors become status codes."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ..choices import BadChoiceError
from ..endpoint import StoreError
from ..incidents import CrashError, IncidentError
from ..process import DeadlineError
from ..store import QueryRefusedError
from ..workers import BusyError, TooMuchError
from . import refusals
from .negotiation import NotAcceptableError
from .service import (
    BadBodyError,
    NeverMadeError,
    NoLogError,
    NoLongerError,
    NotYetError,
    Service,
    StillTrueError,
    TooLargeError,
    UnknownAddressError,
    UnsupportedError,
)


def answer(app: FastAPI, service: Service) -> None:
    """Have the application answer every mistake as problem details (RFC 9457)."""
    refusals.answer(app, service)
    app.add_exception_handler(BadChoiceError, service.bad_choice)
    app.add_exception_handler(QueryRefusedError, service.refused_query)
    app.add_exception_handler(NotAcceptableError, service.not_acceptable)
    app.add_exception_handler(UnknownAddressError, service.not_found)
    app.add_exception_handler(UnsupportedError, service.unsupported)
    app.add_exception_handler(TooLargeError, service.too_large)
    app.add_exception_handler(StoreError, service.store_failed)
    app.add_exception_handler(StillTrueError, service.still_true)
    app.add_exception_handler(BadBodyError, service.bad_body)
    app.add_exception_handler(BusyError, service.busy)
    app.add_exception_handler(DeadlineError, service.stopped)
    app.add_exception_handler(IncidentError, service.incident)
    app.add_exception_handler(CrashError, service.incident)
    app.add_exception_handler(NotYetError, service.being_made)
    app.add_exception_handler(NoLongerError, service.no_longer_kept)
    app.add_exception_handler(NoLogError, service.no_log)
    app.add_exception_handler(NeverMadeError, service.never_made)
    app.add_exception_handler(TooMuchError, service.too_much)
    app.add_exception_handler(HTTPException, service.http_error)
    app.add_exception_handler(ClientDisconnect, service.left)
