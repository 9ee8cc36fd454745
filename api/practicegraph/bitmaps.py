"""Sets of numbers as roaring bitmaps, made of arrays and turned into them."""

from array import array

import numpy as np
from pyroaring import BitMap


def bitmap(numbers: "np.ndarray[tuple[int], np.dtype[np.integer]]") -> BitMap:
    """Give numbers as a set."""
    return BitMap(array("I", numbers.astype(np.uint32).tobytes()))


def members(found: BitMap) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
    """Give the numbers of a set in order."""
    return np.frombuffer(found.to_array(), dtype=np.uint32)
