"""The columns of a facet of dates or numbers: one for each year or whole number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..search.results import FacetValue

_WIDTH, _HEIGHT, _FOOT = 640, 150, 18
"""The size of a chart, of which the foot is for labels."""
_LABEL_WIDTH = 60
_GAP = 0.15
"""The share of its width by which a column is apart from the next one."""


class TimelineColumn(NamedTuple):
    """A column: its value, the URL of its search, its rectangle; whether its label is shown."""

    value: FacetValue
    href: str
    x: float
    y: float
    width: float
    height: float
    has_label: bool

    @property
    def middle(self) -> float:
        """Return where its label stands."""
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True)
class Timeline:
    """A chart of columns in the order of their values."""

    columns: tuple[TimelineColumn, ...]
    width: int = _WIDTH
    height: int = _HEIGHT

    @property
    def baseline(self) -> int:
        """Return where the columns stand."""
        return self.height - _FOOT


def draw_timeline(
    key: str, values: Sequence[FacetValue], link: Callable[[str, str], str]
) -> Timeline:
    """Return the columns of the values of a facet, which are sorted; labels do not overlap."""
    step = _WIDTH / max(len(values), 1)
    interval = max(1, -(-_LABEL_WIDTH // max(int(step), 1)))
    maximum = max((value.count for value in values), default=0) or 1
    columns = []
    for place, value in enumerate(values):
        height = round((_HEIGHT - _FOOT) * value.count / maximum, 1)
        columns.append(
            TimelineColumn(
                value,
                link(key, value.value),
                round(place * step, 1),
                round(_HEIGHT - _FOOT - height, 1),
                round(step * (1 - _GAP), 1),
                height,
                (len(values) - 1 - place) % interval == 0,
            )
        )
    return Timeline(tuple(columns))
