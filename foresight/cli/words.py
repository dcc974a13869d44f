"""Words after a command, such as `video=a.mp4`, taken apart and not yet interpreted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from foresight.errors import UserError

_WORD = re.compile(
    r"(?P<sign>\+\+|\+|~|)(?P<key>[^=@+~\s.]+(?:\.[^=@+~\s.]+)*)(?:@(?P<package>[^=]+))?(?:=(?P<value>.*))?", re.DOTALL
)
_PART = re.compile(r"[^.\[\]]+")


@dataclass(frozen=True)
class Word:
    """One word of the command line.

    Args:
        sign: "" sets what is there, "+" and "++" also add, "~" takes away.
        key: name of an entry (`trainer.max_steps`) or of a group (`trainer`).
        package: after `@`, where a group's choice goes; None where nothing is said.
        value: everything after the first `=`, exactly as typed; None without one.
    """

    sign: str
    key: str
    package: str | None
    value: str | None

    @classmethod
    def of(cls, text: str) -> Word:
        """Take a word apart.

        Raises:
            UserError: if it sets nothing.
        """
        found = _WORD.fullmatch(text)
        if found is None or (found["value"] is None and found["sign"] != "~"):
            raise UserError(
                expected="options written name=value",
                got=repr(text),
                remedy='put a value that holds blanks in quotes, as in instruction="the ball is pushed"',
            )
        return cls(found["sign"], found["key"], found["package"], found["value"])

    @property
    def path(self) -> tuple[str, ...]:
        """The key's parts: names of entries, and numbers of a list's items."""
        return tuple(_PART.findall(self.key))
