"""Diagrams of classes as SVG: boxes with rows, and lines from rows to other boxes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import NamedTuple

_BOX, _GAP, _ROW, _HEAD, _MARGIN = 250, 190, 20, 28, 70
_SPACE = 22
_LETTERS = 34


class BoxRow(NamedTuple):
    """A row of a box: its label, and the IRI of the box to which it leads."""

    label: str
    target: str


@dataclass(frozen=True)
class Box:
    """A class or a list of values: its IRI, title, address, and rows."""

    iri: str
    title: str
    href: str
    rows: tuple[BoxRow, ...] = ()


@dataclass(frozen=True)
class PlacedBox:
    """A box with its place in a diagram; the rows with their baselines."""

    box: Box
    title: str
    x: int
    y: int
    height: int
    rows: tuple[tuple[str, int], ...]

    @property
    def middle(self) -> int:
        """Return the height at which lines reach its head."""
        return self.y + _HEAD // 2


@dataclass(frozen=True)
class Diagram:
    """A diagram: its size, its boxes, and the lines between them as SVG paths."""

    width: int
    height: int
    box_width: int
    boxes: tuple[PlacedBox, ...]
    lines: tuple[str, ...]


def draw(boxes: Sequence[Box]) -> Diagram | None:
    """Return a diagram: boxes with rows at the left, the others at the right; None without rows."""
    sources = [box for box in boxes if box.rows]
    targets = [box for box in boxes if not box.rows]
    if not sources:
        return None
    left = list(_stack(sources, _MARGIN, _SPACE))
    height = left[-1].y + left[-1].height
    room = (height - sum(map(_height, targets))) // max(1, len(targets) + 1)
    right = list(_stack(targets, _MARGIN + _BOX + _GAP, max(_SPACE // 2, room)))
    placed = {each.box.iri: each for each in (*left, *right)}
    height = max(each.y + each.height for each in placed.values())
    width = max(each.x for each in placed.values()) + _BOX + 2
    return Diagram(width, height + 2, _BOX, tuple(placed.values()), tuple(_lines(left, placed)))


def _height(box: Box) -> int:
    return _HEAD + _ROW * len(box.rows) + (8 if box.rows else 0)


def _stack(boxes: Iterable[Box], x: int, space: int) -> Iterator[PlacedBox]:
    y = 1
    for box in boxes:
        rows = tuple(
            (_shorten(row.label), y + _HEAD + _ROW * number + 15)
            for number, row in enumerate(box.rows)
        )
        yield PlacedBox(box, _shorten(box.title), x, y, _height(box), rows)
        y += _height(box) + space


def _shorten(text: str) -> str:
    return shorten(text, _LETTERS, placeholder="…") or text[:_LETTERS]


def _lines(left: Sequence[PlacedBox], placed: dict[str, PlacedBox]) -> Iterator[str]:
    """Yield curves from rows: to the right, or around the left side to a box above or below."""
    for source in left:
        for row, (_, baseline) in zip(source.box.rows, source.rows, strict=True):
            target, y = placed[row.target], baseline - 5
            if target.x > source.x:
                start, end = source.x + _BOX, target.x
                half = (start + end) // 2
                yield f"M{start} {y}C{half} {y} {half} {target.middle} {end} {target.middle}"
            else:
                side, bend = source.x, source.x - _MARGIN + 8
                yield f"M{side} {y}C{bend} {y} {bend} {target.middle} {side} {target.middle}"
