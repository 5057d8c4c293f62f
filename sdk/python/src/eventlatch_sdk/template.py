"""Templates in wanted messages: ``{{ yyyymm|dt.format(format='%Y%m') }}``.

A template sees one name, the business date minus a number of days, and the filters ``dt.format``, ``dt.add_day`` and
``dt.add_month``. The language is Jinja's, as in the Rust SDK.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from jinja2 import Environment, StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError

from eventlatch_sdk.problem import Problem
from eventlatch_sdk.strftime import strftime

#: How many renderings are remembered for a date; wanted messages repeat few templates very often.
_REMEMBERED = 1_000

_MARKS = ("{{", "{%", "{#")


def _date_of(value: object) -> date:
    """What a filter was applied to: the date itself, or the text of one that another filter wrote."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise Problem(f"`{value}` is not a date") from None


def _format(value: object, format: str = "%Y-%m-%d") -> str:
    return strftime(_date_of(value), format)


def _add_day(value: object, n: int = 0, format: str = "%Y-%m-%d") -> str:
    day = _date_of(value)
    try:
        return strftime(day + timedelta(days=n), format)
    except OverflowError:
        raise Problem(f"{day} plus n={n} is out of range") from None


def _add_month(value: object, n: int = 0, format: str = "%Y-%m") -> str:
    """A day that the month does not have becomes the month's last."""
    day = _date_of(value)
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    if not 1 <= year <= 9999:
        raise Problem(f"{day} plus n={n} is out of range")
    last = calendar.monthrange(year, month + 1)[1]
    return strftime(date(year, month + 1, min(day.day, last)), format)


def _environment() -> Environment:
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, cache_size=0)
    environment.filters |= {"dt.format": _format, "dt.add_day": _add_day, "dt.add_month": _add_month}
    return environment


class Templates:
    """Renders templates for a business date, and remembers what it rendered."""

    def __init__(self, lag_days: int) -> None:
        self._environment = _environment()
        self._lag_days = lag_days
        self._on = date.min
        self._remembered: dict[tuple[str, str], str] = {}

    def render(self, text: str, name: str, on: date) -> str:
        """The text with its templates filled in; a text without any is its own rendering. Raises a problem."""
        if not any(mark in text for mark in _MARKS):
            return text
        if self._on != on or len(self._remembered) >= _REMEMBERED:
            self._on = on
            self._remembered.clear()
        rendered = self._remembered.get((name, text))
        if rendered is None:
            rendered = self._remembered[name, text] = self._render(text, name, on)
        return rendered

    def _render(self, text: str, name: str, on: date) -> str:
        try:
            shown = on - timedelta(days=self._lag_days)
        except OverflowError:
            raise Problem(f"the business date {on} minus {self._lag_days} days is no date") from None
        try:
            return self._environment.from_string(text).render({name: shown})
        except UndefinedError as error:
            raise Problem(f"unknown name in template; known: `{name}`: {error}") from None
        except TemplateSyntaxError as error:
            hint = "; for dates there are `dt.format`, `dt.add_day` and `dt.add_month`"
            raise Problem(f"template syntax error: {error.message}{hint if 'filter' in str(error) else ''}") from None
        except (TemplateError, ValueError, TypeError) as error:
            raise Problem(f"cannot render template: {error}") from None
