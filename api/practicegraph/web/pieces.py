"""JSON put together of pieces that are written already, so that each is written once.

The bytes are those of the whole written at once by `JSONResponse`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def written(value: Any) -> str:
    """Give a value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def listed(pieces: Iterable[str]) -> str:
    """Give a list of values that are written."""
    return f"[{','.join(pieces)}]"


def named(pieces: Mapping[str, str]) -> str:
    """Give an object of values that are written, by name."""
    return "{" + ",".join(f"{written(name)}:{piece}" for name, piece in pieces.items()) + "}"


def extended(piece: str, more: Mapping[str, Any]) -> str:
    """Give an object that is written, and is not empty, with more at its end."""
    return f"{piece[:-1]},{written(more)[1:]}" if more else piece
