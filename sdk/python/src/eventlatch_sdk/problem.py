"""What can be wrong with a configuration, a wanted message or a message. All of it is raised."""

from __future__ import annotations

from collections.abc import Sequence


class Problem(ValueError):
    """What is wrong with a configuration or a wanted message.

    The text is a lower-case fragment that says what is wrong and what would be right; whoever wrote the file reads it.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    @classmethod
    def of(cls, field: str, message: str) -> Problem:
        """A problem of one field."""
        return cls(message, field)

    def __str__(self) -> str:
        return self.message if self.field is None else f"{self.field}: {self.message}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and (self.field, self.message) == (other.field, other.message)

    __hash__ = ValueError.__hash__


class Problems(ValueError):
    """Everything that is wrong with a configuration, so that one look is enough to mend it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = list(problems)

    @classmethod
    def check(cls, problems: Sequence[Problem]) -> None:
        """Raises the problems, if there are any."""
        if problems:
            raise cls(problems)


class Reject(ValueError):
    """Why a message is malformed: a lower-case fragment that is kept with the message.

    A reject is about the *message*, never about what is wanted: a message that is sound but of no interest simply
    carries no keys.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
