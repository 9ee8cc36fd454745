"""An index brought in step with a release: by the changes that the log tells, or built anew."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pyoxigraph import NamedNode

from .changes import Event, Log
from .index import Index


def follow(index: Index, release: str, log: Log | None, files: Sequence[Path] = ()) -> None:
    """Bring an index in step with a release; many entries are read out of files if it is built.

    Without a release, what is there stays as it is, and only an empty index is filled. While one
    thread does it, the others go on with the index as it is.
    """
    if not index.following.acquire(blocking=False):
        return
    try:
        _follow(index, release, log, files)
    finally:
        index.following.release()


def catch_up(index: Index, release: str, log: Log | None) -> None:
    """Bring an index in step with a release, after another thread that is at it has ended."""
    with index.following:
        _follow(index, release, log, ())


def _follow(index: Index, release: str, log: Log | None, files: Sequence[Path]) -> None:
    said, at = index.said, _position(log, log.count) if log else ""
    if said.get("release") == release or (said and not release):
        return
    number = int(said.get("logged", "0").partition(" ")[0] or 0)
    if log and _leads(log, number, said, release):
        index.update(_touched(log.since(number)), release=release, logged=at)
    else:
        index.build(files, release=release, logged=at)


def _leads(log: Log, number: int, said: Mapping[str, str], release: str) -> bool:
    """Tell whether the log goes on from where an index is, and only entries have changed since."""
    known = number > 0 and _position(log, number) == said.get("logged")
    return known and log.is_at(release) and _domain(release) == _domain(said.get("release", ""))


def _position(log: Log, number: int) -> str:
    """Give a place in a log, so that it is known again in the same log alone."""
    if not 0 < number <= log.count:
        return ""
    event = log.event(number)
    return f"{number} {event.moment} {event.digest}"


def _domain(release: str) -> str:
    """Give the part of a release that tells what things are."""
    return release.partition("-")[0]


def _touched(events: Iterable[Event]) -> Iterator[str]:
    """Give what events are about: their topics, and all else that their graphs describe."""
    for event in events:
        yield event.topic
        yield from (t.subject.value for t in event.triples if isinstance(t.subject, NamedNode))
