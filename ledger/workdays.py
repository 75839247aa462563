"""Working days (工作日) of the People's Republic of China, shifted weekends and holidays included.

Periods run as the Civil Code (民法典) counts them: the day of the event is not counted, the period
begins on the next day (Art. 201). Source of the days: the State Council's yearly notices, as the
package ``chinesecalendar`` keeps them; a year for which no notice is known is refused, never
guessed.
"""

from __future__ import annotations

from datetime import date, timedelta

from chinese_calendar.constants import holidays
from chinese_calendar.constants import workdays as worked

FIRST_YEAR: int = min(holidays).year
LAST_YEAR: int = max(holidays).year
_DAY = timedelta(days=1)
_SATURDAY = 5


class CalendarError(ValueError):
    """A day in a year whose working days are not known."""


def is_workday(day: date) -> bool:
    """Whether people work on ``day``; raises :class:`CalendarError` outside the known years."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CalendarError(
            f"working days are known for {FIRST_YEAR} to {LAST_YEAR}, not for {day.isoformat()}; "
            "a newer release of the package chinesecalendar may know that year"
        )
    # The package's own function looks for the ends of its tables every time, which takes 40 µs a day.
    return day in worked or (day.weekday() < _SATURDAY and day not in holidays)


def add_workdays(day: date, count: int) -> date:
    """The last day of a period of ``count`` working days that begins after ``day``.

    ``count`` 0 gives ``day`` itself, a negative one the working day that many before.
    """
    step = _DAY if count > 0 else -_DAY
    left = abs(count)
    while left:
        day += step
        left -= is_workday(day)
    return day


def workdays_between(start: date, end: date) -> int:
    """Working days after ``start`` up to and including ``end``.

    Raises :class:`ValueError` where ``end`` lies before ``start``.
    """
    if end < start:
        raise ValueError(f"the period ends {end.isoformat()}, before it starts {start.isoformat()}")
    days = (end - start).days
    return sum(is_workday(start + timedelta(days=number)) for number in range(1, days + 1))
