"""Days and numbers that literals say, or none where their text has no such form.

Nothing keeps whoever edits a file from writing `"2026-11-31"^^xsd:date`. Such a literal is
ill-typed (RDF 1.1 Concepts, 3.3): it is shown as it is, and stands for no day.
"""

import math
import re

_MONTHS = "(0[13578]|1[02])(-(0[1-9]|[12][0-9]|3[01]))?|(0[469]|11)(-(0[1-9]|[12][0-9]|30))?"
_LEAP = "([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29"
_YEAR = "([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
DATE = f"{_LEAP}|{_YEAR}(-({_MONTHS}|02(-(0[1-9]|1[0-9]|2[0-8]))?))?"
"""A year from 0001 on, a month or a day of the calendar, as XPath and Python read expressions."""
DAY = 10
"""How many letters a day of the calendar has (ISO 8601)."""
_DATE = re.compile(DATE, re.ASCII)


def is_date(text: str) -> bool:
    """Tell whether a text is a year, a month or a day of the calendar (ISO 8601)."""
    return bool(_DATE.fullmatch(text))


def is_day(text: str) -> bool:
    """Tell whether a text begins with a day of the calendar, as dates and moments do."""
    return len(text) >= DAY and is_date(text[:DAY])


def integer(text: str) -> int | None:
    """Return the number that a text is; None where it is none, or one that no reader expects."""
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,15}", text) else None


def decimal(text: str) -> float | None:
    """Return the finite number that a text is, else None."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
