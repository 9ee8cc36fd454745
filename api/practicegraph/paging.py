"""A page read off an order: the entries beyond a place, level after level."""

from collections.abc import Iterator, Sequence

from pyroaring import BitMap

from .choices import Choices
from .orders import Order


def beyond(
    choices: Choices, texts: Order, levels: Sequence[tuple[int | None, BitMap]]
) -> Iterator[tuple[int | None, int]]:
    """Give the entries beyond the place that is asked for, with their levels, as they are read.

    The levels come with the least first; one that is None stands for all.
    """
    order, place = choices.order, choices.before or choices.after
    back = choices.before is not None
    falls = order.level_falls != back
    reading = texts.before if order.falls != back else texts.after
    for level, numbers in reversed(levels) if falls else levels:
        key = (place.text, place.iri) if place else None
        if place and level is not None:
            apart = (level - (place.level or 0)) * (-1 if falls else 1)
            if apart < 0:
                continue
            key = None if apart else key
        yield from ((level, number) for number in reading(numbers, key))
