"""`foresight config COMMAND overrides…`: the configuration of a run, and where each value comes from."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from foresight.cli.allowed import admitted
from foresight.cli.compose import resolve
from foresight.cli.flags import Flags
from foresight.cli.sources import Sources
from foresight.errors import UserError


def config(words: Sequence[str], flags: Flags, commands: Sequence[str]) -> str:
    """YAML of a run's configuration, every reference resolved, each value with the file or word that sets it.

    Args:
        words: the command and its overrides; a required value may be left open.
        flags: folders of configurations of the user's own, and the entry to show.
        commands: names of all commands that run something.

    Raises:
        UserError: if there is no such command, or a word names what is not there.
        ConfigError: if the configuration is malformed.
    """
    command = words[0] if words else ""
    if command not in commands:
        near = get_close_matches(command, commands, n=1)
        raise UserError(
            expected=f"`foresight config` the name of a command ({', '.join(commands)}) and its options",
            got=repr(command) if command else "nothing",
            remedy=f"did you mean {near[0]}?"
            if near
            else "write, for example, `foresight config predict candidates=4`",
        )
    sources = Sources(flags.folders)
    overrides, packages = admitted(list(words[1:]))
    found = resolve(command, overrides, packages, flags.folders, sources)
    parts = tuple(filter(None, flags.package.split(".")))
    for part in parts:
        if not isinstance(found, dict) or part not in found:
            raise UserError(
                expected="--package the name of an entry", got=flags.package, remedy="look at the whole configuration"
            )
        found = found[part]
    for part in reversed(parts):
        found = {part: found}
    return "\n".join(sources.text(found)) + "\n"
