"""Did you mean: the words that something has, nearest to those that nothing has."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from rapidfuzz import process
from rapidfuzz.distance import OSA

from .wanted import Wanted, read
from .words import spans

Known = Callable[[str], Iterable[tuple[str, str]]]
"""Gives the words with a beginning, in the form in which they are compared and as written."""
Count = Callable[[Sequence[Wanted]], int]
"""Gives how many entries have all that is wanted."""
_MOST = 8
_LETTERS_A_MISTAKE = 4
_MISTAKES = 3


def meant(text: str, small: Collection[str], count: Count, known: Sequence[Known]) -> str | None:
    """Give the query with the nearest words in the place of those that nothing has.

    It finds something; where no query that does is near, None.
    """
    words = [word for wanted in read(text, small) for word in _words(text, wanted)]
    lost = [word for word in words if not count([word])]
    said = [word for word in words if word not in lost]
    for word in sorted(lost, key=lambda word: -word.start):  # what stands before it stays in place
        near = _best(word, said, count, known)
        if near is None:
            return None
        said.append(near)
        text = text[: word.start] + near.words[0] + text[word.end :]
    return text if lost and count(read(text, small)) else None


def _words(text: str, wanted: Wanted) -> Iterator[Wanted]:
    """Give the words of a phrase one by one."""
    found = list(spans(text[wanted.start : wanted.end]))
    for number, (start, end, word) in enumerate(found, 1):
        alone = replace(wanted, words=(word,), start=wanted.start + start, end=wanted.start + end)
        yield alone if number == len(found) else replace(alone, whole=True, begins=False)


def _best(
    word: Wanted, said: Sequence[Wanted], count: Count, known: Sequence[Known]
) -> Wanted | None:
    """Give the nearest word that is found beside the others, of equally near ones the commonest."""
    found = []
    for near, distance in _near(word.beginning, known):
        other = replace(word, words=(near,))
        if number := count([*said, other]):
            found.append((distance, -number, near, other))
    return min(found)[-1] if found else None


def _near(form: str, known: Sequence[Known]) -> Iterator[tuple[str, int]]:
    """Give words near to a form, as written, with the letters that differ.

    They begin with its first or its second letter: few mistakes are made in the first one.
    """
    written: dict[str, str] = {}
    for beginning in dict.fromkeys(form[:2]):
        for words in known:
            for word, shown in words(beginning):
                written[word] = max(shown, written.get(word, ""))  # small letters before capitals
    most = min(_MISTAKES, 1 + len(form) // (_LETTERS_A_MISTAKE + 1))
    found = process.extract(
        form, list(written), scorer=OSA.distance, score_cutoff=most, limit=_MOST
    )
    for near, distance, _ in found:
        yield written[near], int(distance)
