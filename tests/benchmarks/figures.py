"""The results of the benchmark of searches: kept in a file, printed as tables in Markdown."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.times import Figures

CONNECTIONS = (1, 8)
PEERS = ("oxigraph", "virtuoso")
Found = dict[str, dict[str, dict[str, Figures]]]
_MB = 1e6
_WHOLE = "whole"


class Results:
    """What was measured, by number of entries, part and case, in a file of JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found = self._read()

    @property
    def counts(self) -> list[int]:
        """Return the numbers of entries, in order."""
        return sorted(map(int, self._found))

    def cases(self, part: str = "process") -> list[str]:
        """Return the names of all cases in the order in which they were measured."""
        return list(dict.fromkeys(n for found in self._found.values() for n in _named(found, part)))

    def of(self, count: int, part: str, case: str = "") -> Figures:
        """Return what was measured, or nothing."""
        return self._found.get(str(count), {}).get(part, {}).get(case, {})

    def keep(self, count: int, part: str, case: str, figures: Figures) -> None:
        """Keep what was measured, beside what other runs have kept meanwhile."""
        self._found = self._read()
        self._found.setdefault(str(count), {}).setdefault(part, {})[case] = figures
        self._save()

    def end(self, count: int, part: str) -> None:
        """Say that a part was measured to its end."""
        self.keep(count, part, _WHOLE, {})

    def is_whole(self, count: int, part: str) -> bool:
        """Return whether a part was measured to its end."""
        return _WHOLE in self._found.get(str(count), {}).get(part, {})

    def forget(self, count: int, parts: Iterable[str]) -> None:
        """Forget what was measured."""
        self._found = self._read()
        for part in parts:
            self._found.get(str(count), {}).pop(part, None)
        self._save()

    def _read(self) -> Found:
        found: Found = json.loads(self._path.read_text()) if self._path.exists() else {}
        return found

    def _save(self) -> None:
        part = self._path.with_name(f"{self._path.name}.part")
        part.write_text(json.dumps(self._found, indent=1) + "\n")
        part.replace(self._path)


def _named(found: dict[str, dict[str, Figures]], part: str) -> list[str]:
    return [name for name in found.get(part, {}) if name and name != _WHOLE]


def tables(results: Results) -> Iterator[str]:
    """Yield all tables: costs, and for each number of entries times and targets."""
    yield from _costs(results)
    for count in results.counts:
        yield ""
        yield from _times(results, count)
        yield ""
        yield from targets(results, count)


def targets(results: Results, count: int) -> Iterator[str]:
    """Yield what is to be reached at a million entries, and what was."""
    first, words = ("no choice", "one common choice", "three mixed choices"), _words(results)
    built, served = results.of(count, "build"), results.of(count, "http", "memory")
    apart = [_ratios(results, count, "virtuoso", part) for part in ("process", "http")]
    yield f"| at {count:,} entries | to reach | measured | |"
    yield "|---|---|---|---|"
    yield _target("first page, p95 in process", 10, "ms", _most(results, count, "process", first))
    yield _target("first page, p95 over HTTP", 20, "ms", _most(results, count, "http", first))
    yield _target("text, p95 in process", 50, "ms", _most(results, count, "process", words))
    matrix = _most(results, count, "process", ("coverage matrix",))
    yield _target("coverage matrix, p95 in process", 100, "ms", matrix)
    memory = max(built.get("memory", 0), served.get("memory", 0))
    yield _target("memory at most", 2000, "MB", memory / _MB or None)
    yield _target("build", 120, "s", built.get("seconds"))
    for ratios, how in zip(apart, ("in process", "over HTTP"), strict=True):
        yield _least(f"times as fast as Virtuoso, {how}, the least", 50, min(ratios, default=None))


def _words(results: Results) -> list[str]:
    return [case for case in results.cases() if "word" in case]


def _most(results: Results, count: int, part: str, names: Sequence[str]) -> float | None:
    """Return the greatest p95 of cases, in milliseconds."""
    found = [_ours(results, count, part, name).get("p95") for name in names]
    return max((1000 * seconds for seconds in found if seconds), default=None)


def _ours(results: Results, count: int, part: str, name: str) -> Figures:
    """Return what was measured of the index: over HTTP, at one connection."""
    return results.of(count, part, f"{name}, {CONNECTIONS[0]}" if part == "http" else name)


def _target(what: str, wanted: float, unit: str, measured: float | None) -> str:
    if measured is None:
        return f"| {what} | ≤ {wanted:g} {unit} | not measured | |"
    said = "reached" if measured <= wanted else "missed"
    return f"| {what} | ≤ {wanted:g} {unit} | {_short(measured)} {unit} | {said} |"


def _least(what: str, wanted: float, measured: float | None) -> str:
    if measured is None:
        return f"| {what} | ≥ {wanted:g} | not measured | |"
    said = "reached" if measured >= wanted else "missed"
    return f"| {what} | ≥ {wanted:g} | {_short(measured)} | {said} |"


def _costs(results: Results) -> Iterator[str]:
    counts = results.counts
    yield f"| entries | {' | '.join(f'{count:,}' for count in counts)} |"
    yield "|---|" + "---|" * len(counts)
    rows: tuple[tuple[str, str, str, str, float], ...] = (
        ("building the index, s", "build", "", "seconds", 1),
        ("of processor time, s", "build", "", "processor", 1),
        ("index on disk, MB", "build", "", "size", _MB),
        ("memory of all processes while it is built, MB", "build", "", "memory", _MB),
        ("a start with an index in step, s", "build", "", "start", 1),
        ("memory of the server and its processes, MB", "http", "memory", "memory", _MB),
        ("update of an entry with other values, p50, ms", "update", "values", "p50", 1e-3),
        ("update of an entry with other values, p95, ms", "update", "values", "p95", 1e-3),
        ("update of an entry with other titles, p50, ms", "update", "titles", "p50", 1e-3),
        ("update of an entry with other titles, p95, ms", "update", "titles", "p95", 1e-3),
    )
    for label, part, case, name, unit in rows:
        found = [results.of(count, part, case).get(name) for count in counts]
        cells = ["–" if value is None else _short(value / unit) for value in found]
        yield f"| {label} | {' | '.join(cells)} |"


def _times(results: Results, count: int) -> Iterator[str]:
    served = [f"HTTP, {connections}" for connections in CONNECTIONS]
    heads = ["in process", *served, "Oxigraph", "Virtuoso", "Oxigraph : ours", "Virtuoso : ours"]
    yield f"| {count:,} entries, ms: p50 / p95 | {' | '.join(heads)} |"
    yield "|---|" + "---|" * len(heads)
    for case in results.cases():
        names = [("process", case), *(("http", f"{case}, {c}") for c in CONNECTIONS)]
        cells = [_cell(results.of(count, part, name)) for part, name in names]
        cells += [_cell(results.of(count, peer, case)) for peer in PEERS]
        cells += [_ratio(results, count, peer, case) for peer in PEERS]
        yield f"| {case} | {' | '.join(cells)} |"
    if any(
        results.of(count, peer, case).get("refused") for peer in PEERS for case in results.cases()
    ):
        yield ""
        yield r"\* without a query that its compiler refuses, and without the time of that"


def _cell(figures: Figures) -> str:
    if "p50" in figures:
        mark = " *" if figures.get("refused") else ""
        return f"{_short(1000 * figures['p50'])} / {_short(1000 * figures['p95'])}{mark}"
    if "over" in figures:
        return f"over {figures['over']:g} s"
    return "another answer" if "wrong" in figures else "–"


def _ratio(results: Results, count: int, peer: str, case: str) -> str:
    theirs, sign = (
        results.of(count, peer, case),
        ">" if "over" in results.of(count, peer, case) else "",
    )
    ratio = _times_slower(theirs, results.of(count, "process", case))
    return f"{sign}{_short(ratio)}" if ratio else "–"


def _ratios(results: Results, count: int, peer: str, part: str) -> list[float]:
    pairs = [
        (results.of(count, peer, case), _ours(results, count, part, case))
        for case in results.cases()
    ]
    return [ratio for theirs, ours in pairs if (ratio := _times_slower(theirs, ours))]


def _times_slower(theirs: Figures, ours: Figures) -> float | None:
    """Return how many times longer a peer takes, at the least where it was stopped."""
    seconds = theirs.get("p50") or theirs.get("over")
    return seconds / ours["p50"] if seconds and ours else None


def _short(number: float) -> str:
    return (
        f"{number:,.0f}" if number >= 100 else f"{number:.2g}" if number < 10 else f"{number:.0f}"
    )
