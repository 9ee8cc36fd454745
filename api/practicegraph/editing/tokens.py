"""Bearer tokens and their permissions (RFC 6750), in a file of the catalogue's folder.

The file is neither published nor kept in git, and has the hashes of tokens that are shown once. A
token has 256 random bits, so that its SHA-256 leads nobody back to it.
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

from ..errors import CatalogueError

FILE = "tokens.json"
CREATE, CHANGE, REMOVE = PERMISSIONS = ("create", "change", "remove")
"""To create entries, to update them, to withdraw them."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KEY = "rights"  # of the permissions in the file
_OWNER_ONLY = 0o600


class TokenFileError(CatalogueError):
    """A file of tokens that is unreadable, or a name that is not valid."""

    kind = "unreadableTokens"


@dataclass(frozen=True)
class TokenHolder:
    """Somebody who has a token."""

    name: str
    permissions: tuple[str, ...]


@dataclass(frozen=True)
class TokenFile:
    """The tokens of a catalogue; all methods raise TokenFileError."""

    folder: Path

    @property
    def has_tokens(self) -> bool:
        """Return whether there are any tokens."""
        return bool(self._rows())

    def holders(self) -> list[TokenHolder]:
        """Return who has a token, in order of the names."""
        return [_holder(name, row) for name, row in sorted(self._rows().items())]

    def find_holder(self, token: str) -> TokenHolder | None:
        """Return who has a token, or None, in a time that does not depend on the token."""
        return self.find_by_hash(hash_token(token))

    def find_by_hash(self, digest: str) -> TokenHolder | None:
        """Return who has the token with a hash, or None."""
        holder = None
        for name, row in self._rows().items():
            if hmac.compare_digest(row["hash"].encode(), digest.encode()):
                holder = _holder(name, row)
        return holder

    def add(self, name: str, permissions: Iterable[str]) -> str:
        """Return a new token for a name, whose earlier one ends."""
        if not _NAME.fullmatch(name):
            raise TokenFileError(f"{name}: a name has small letters, digits and hyphens")
        token = f"pg_{secrets.token_urlsafe(32)}"
        chosen = set(permissions)
        row = {"hash": hash_token(token), _KEY: [name for name in PERMISSIONS if name in chosen]}
        self._write({**self._rows(), name: row})
        return token

    def revoke(self, name: str) -> None:
        """Remove the token of a name."""
        rows = dict(self._rows())
        if name not in rows:
            raise TokenFileError(f"{name}: nobody of that name has a token")
        del rows[name]
        self._write(rows)

    @property
    def _path(self) -> Path:
        return self.folder / FILE

    def _rows(self) -> Mapping[str, Any]:
        try:
            rows: dict[str, Any] = json.loads(self._path.read_bytes())
            assert all(row["hash"] and set(row[_KEY]) <= set(PERMISSIONS) for row in rows.values())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
            raise TokenFileError(f"{self._path}: no list of tokens: {error!r}") from error
        return rows

    def _write(self, rows: Mapping[str, object]) -> None:
        part = self._path.with_suffix(".part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(dict(sorted(rows.items())), stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self._path)


def _holder(name: str, row: Mapping[str, Any]) -> TokenHolder:
    return TokenHolder(name, tuple(row[_KEY]))


def hash_token(token: str) -> str:
    """Return the hash of a token, as the file has it."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
