"""What was last made of a release, kept as long as it is often asked for."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Values by key, so many at the most, of one release; those least asked for go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._release = ""
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._lock = Lock()

    def of(
        self, release: str, keys: Sequence[Key], make: Callable[[list[Key]], Sequence[Value]]
    ) -> list[Value]:
        """Give the values of keys at a release in order; those that are not kept are made together.

        Without a release nothing is kept, since nothing tells when it is no longer true.
        """
        if not release:
            return list(make(list(keys)))
        found = self._known(release, keys)
        if missing := [key for key in keys if key not in found]:
            made = dict(zip(missing, make(missing), strict=True))
            found |= made
            self._keep(release, made)
        return [found[key] for key in keys]

    def _known(self, release: str, keys: Sequence[Key]) -> dict[Key, Value]:
        with self._lock:
            if release != self._release:
                self._kept.clear()
                self._release = release
            found = {key: self._kept[key] for key in keys if key in self._kept}
            for key in found:
                self._kept.move_to_end(key)
            return found

    def _keep(self, release: str, made: dict[Key, Value]) -> None:
        with self._lock:
            if release == self._release:
                self._kept |= made
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
