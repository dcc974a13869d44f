"""Mistakes a user can make and mend: one line that says what was expected, what came and what to do."""

from __future__ import annotations

from pathlib import PurePath


class UserError(ValueError):
    """A wrong input from outside: a file, an argument, a folder, a name.

    Args:
        expected: what would have been right.
        got: what came.
        remedy: what to do about it, as an order.
    """

    def __init__(self, *, expected: str, got: str, remedy: str) -> None:
        super().__init__(f"expected {expected}, got {got}; {remedy}")
        self.expected = expected
        self.got = got
        self.remedy = remedy


def one_line(error: BaseException) -> str:
    """An exception's message on a single line, for the command line."""
    return " ".join(str(error).split()) or type(error).__name__


def printable(text: str) -> str:
    """Text with its control characters, which steer a terminal, written out: what others wrote may hold some."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def fault(error: Exception) -> str:
    """What was found instead of a file's content: the name of one that is not there, else the kind of error and why."""
    if isinstance(error, FileNotFoundError):
        return f"no {PurePath(error.filename).name}" if error.filename else "none"
    return f"{type(error).__name__}: {error}"
