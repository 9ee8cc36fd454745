"""Routes whose functions take the request as it is: nothing is read out of it before they run."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class PlainRoute(APIRoute):
    """A route that is documented like the others, and answers with an asynchronous function."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give the function."""
        return self.endpoint
