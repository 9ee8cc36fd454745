"""Who may write: names with their rights, each known by the hash of a token that was shown once.

They stand in a file of the catalogue's folder that is neither published nor kept in git. A token
has 256 bits of chance, so that its SHA-256 leads nobody back to it.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "tokens.json"
CREATE, CHANGE, REMOVE = RIGHTS = ("create", "change", "remove")
"""What may be done: make entries, write them anew, withdraw them."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_OWNER = 0o600


class TokenFileError(ValueError):
    """A file of tokens that cannot be read, or a name that is none."""


@dataclass(frozen=True)
class TokenHolder:
    """Somebody who may write."""

    name: str
    rights: tuple[str, ...]


@dataclass(frozen=True)
class TokenFile:
    """Those who may write to the catalogue in a folder."""

    folder: Path

    @property
    def exist(self) -> bool:
        """Tell whether there are any; raises TokenFileError."""
        return bool(self._listed())

    def all(self) -> list[TokenHolder]:
        """Give everybody in order of the names; raises TokenFileError."""
        return [
            TokenHolder(name, tuple(row["rights"])) for name, row in sorted(self._listed().items())
        ]

    def bearer(self, token: str) -> TokenHolder | None:
        """Give whose token it is, or None; it takes as long for a right token as for a wrong one.

        Raises TokenFileError.
        """
        wanted = _hash(token)
        found = None
        for name, row in self._listed().items():
            if hmac.compare_digest(row["hash"].encode(), wanted.encode()):
                found = TokenHolder(name, tuple(row["rights"]))
        return found

    def add(self, name: str, rights: Iterable[str]) -> str:
        """Give a new token to a name, whose earlier one ends; raises TokenFileError."""
        if not _NAME.fullmatch(name):
            raise TokenFileError(f"{name}: a name has small letters, digits and hyphens")
        token = f"pg_{secrets.token_urlsafe(32)}"
        row = {"hash": _hash(token), "rights": [right for right in RIGHTS if right in set(rights)]}
        self._write({**self._listed(), name: row})
        return token

    def remove(self, name: str) -> None:
        """Take a name's token back; raises TokenFileError."""
        listed = dict(self._listed())
        if name not in listed:
            raise TokenFileError(f"{name}: nobody of that name has a token")
        del listed[name]
        self._write(listed)

    @property
    def _path(self) -> Path:
        return self.folder / FILE

    def _listed(self) -> Mapping[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._path.read_bytes())
            assert all(row["hash"] and set(row["rights"]) <= set(RIGHTS) for row in found.values())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
            raise TokenFileError(f"{self._path}: no list of tokens: {error!r}") from error
        return found

    def _write(self, listed: Mapping[str, object]) -> None:
        part = self._path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER), "w") as stream:
            json.dump(dict(sorted(listed.items())), stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self._path)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
