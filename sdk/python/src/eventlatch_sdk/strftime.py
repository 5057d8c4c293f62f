"""Writes dates by the directives of ``strftime``: the same ones, with the same results, as the Rust SDK.

Not Python's own: that depends on the C library, passes over what it does not know, and has no quarter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

_DIRECTIVE = re.compile(r"%([-_0^#]?)(\d{0,3})(.?)", re.ASCII | re.DOTALL)

_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MONTHS = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip

#: The widest that a number is padded to.
_WIDEST = 20


def _week(day: date, first: int) -> int:
    """The week of the year, where weeks begin on the ISO weekday ``first``."""
    return (day.timetuple().tm_yday + 6 - (day.isoweekday() - first) % 7) // 7


#: Numbers, with the width and the padding they have by themselves.
_NUMBERS: dict[str, tuple[Callable[[date], int], int, str]] = {
    "C": (lambda day: day.year // 100, 0, "0"),
    "d": (lambda day: day.day, 2, "0"),
    "e": (lambda day: day.day, 2, " "),
    "G": (lambda day: day.isocalendar().year, 4, "0"),
    "g": (lambda day: day.isocalendar().year % 100, 2, "0"),
    "H": (lambda _: 0, 2, "0"),
    "I": (lambda _: 12, 2, "0"),
    "j": (lambda day: day.timetuple().tm_yday, 3, "0"),
    "k": (lambda _: 0, 2, " "),
    "l": (lambda _: 12, 2, " "),
    "M": (lambda _: 0, 2, "0"),
    "m": (lambda day: day.month, 2, "0"),
    "q": (lambda day: (day.month + 2) // 3, 0, "0"),
    "S": (lambda _: 0, 2, "0"),
    "U": (lambda day: _week(day, 7), 2, "0"),
    "u": (lambda day: day.isoweekday(), 0, "0"),
    "V": (lambda day: day.isocalendar().week, 2, "0"),
    "W": (lambda day: _week(day, 1), 2, "0"),
    "w": (lambda day: day.isoweekday() % 7, 0, "0"),
    "Y": (lambda day: day.year, 4, "0"),
    "y": (lambda day: day.year % 100, 2, "0"),
}

_TEXTS: dict[str, Callable[[date], str]] = {
    "%": lambda _: "%",
    "A": lambda day: _WEEKDAYS[day.weekday()],
    "a": lambda day: _WEEKDAYS[day.weekday()][:3],
    "B": lambda day: _MONTHS[day.month - 1],
    "b": lambda day: _MONTHS[day.month - 1][:3],
    "h": lambda day: _MONTHS[day.month - 1][:3],
    "n": lambda _: "\n",
    "P": lambda _: "am",
    "p": lambda _: "AM",
    "t": lambda _: "\t",
}

_WHOLE = {"D": "%m/%d/%y", "F": "%Y-%m-%d", "R": "%H:%M", "T": "%H:%M:%S"}


def strftime(day: date, form: str) -> str:
    """The date in a form; hours, minutes and seconds are zero. Raises a :class:`ValueError`."""

    def replace(match: re.Match[str]) -> str:
        flag, width, directive = match.groups()
        if directive in _NUMBERS:
            return _number(day, flag, width, *_NUMBERS[directive])
        if directive in _TEXTS:
            return _cased(_TEXTS[directive](day), flag, directive)
        if directive in _WHOLE:
            return strftime(day, _WHOLE[directive])
        raise ValueError(f"bad format '{form}': `{match.group()}` is no directive for a date")

    return _DIRECTIVE.sub(replace, form)


def _number(day: date, flag: str, width: str, value: Callable[[date], int], own_width: int, own_padding: str) -> str:
    padding = {"_": " ", "0": "0"}.get(flag, own_padding)
    wide = 0 if flag == "-" else min(int(width), _WIDEST) if width else own_width
    return str(value(day)).rjust(wide, padding)


def _cased(text: str, flag: str, directive: str) -> str:
    """A width is for numbers, and what ``#`` swaps is the case of ``AM``."""
    if flag == "^":
        return text.upper()
    return text.lower() if flag == "#" and directive == "p" else text
