"""The flags of the command line, apart from the options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from foresight.cli.habits import flag_error
from foresight.errors import UserError
from ltx.home import at_home

HELP = ("-h", "--help")
SWITCHES = ("--debug", "--resolve", *HELP)
VALUED = {"--cfg": "--cfg", "-c": "--cfg", "--package": "--package", "-p": "--package"} | dict.fromkeys(
    ("--config-dir", "-cd"), "--config-dir"
)
KNOWN = ("--debug", "--help", "--cfg", "--resolve", "--package", "--config-dir", "--version")


@dataclass(frozen=True)
class Flags:
    """Flags of a command line.

    Args:
        help: show what a command takes.
        show: show the configuration instead of running.
        resolve: with references filled in.
        package: only this entry of it.
        folders: of configurations of the user's own.
    """

    help: bool = False
    show: bool = False
    resolve: bool = False
    package: str = ""
    folders: tuple[Path, ...] = ()


def take_flags(words: Sequence[str]) -> tuple[Flags, list[str]]:
    """The flags among the words after a command, and the other words.

    Raises:
        UserError: if one is unknown, has no value, or another than it takes.
    """
    rest, switches = [], set()
    values: dict[str, list[str]] = {"--cfg": [], "--package": [], "--config-dir": []}
    queue = list(words)
    while queue:
        word = queue.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            rest.append(word)
        elif word in SWITCHES:
            switches.add(word)
        elif name in VALUED:
            if not equals and not queue:
                raise UserError(expected=f"a value after {name}", got="nothing", remedy=f"write {name} VALUE")
            values[VALUED[name]].append(value if equals else queue.pop(0))
        else:
            raise flag_error(word, KNOWN)
    if set(values["--cfg"]) - {"job"}:
        raise UserError(expected="--cfg job", got=f"--cfg {values['--cfg'][-1]}", remedy="there is no other to show")
    for folder in values["--config-dir"]:
        if not at_home(folder).is_dir():
            raise UserError(
                expected="--config-dir a folder of configurations", got=folder, remedy="name one that is there"
            )
    return Flags(
        help=bool(switches & set(HELP)),
        show=bool(values["--cfg"]),
        resolve="--resolve" in switches,
        package="".join(values["--package"][-1:]),
        folders=tuple(at_home(folder).absolute() for folder in values["--config-dir"]),
    ), rest
