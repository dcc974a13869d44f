"""`foresight <command> overrides…`: dispatch, help, and errors as one line."""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import wraps
from typing import Any, TextIO

from foresight.cli.arenas import few_arenas
from foresight.cli.choices import choices, groups, root
from foresight.cli.flags import HELP, Flags, take_flags
from foresight.cli.habits import refuse_habits
from foresight.errors import UserError, one_line, printable
from foresight.extras import EXTRAS, missing
from foresight.own_adapters import require_own_adapters
from foresight.runs.command import given
from ltx.home import at_home

COMMANDS = {
    "predict": "imagine what comes next in a video, and compare with what happened",
    "generate": "make a video from a prompt with an LTX-Video checkpoint",
    "train": "train a model from a recipe, or go on with a run that was stopped",
    "plan": "say what training an adapter between two models takes, before anything is downloaded",
    "encode": "compute what frozen networks say about a data set, once",
    "evaluate": "run a benchmark on held-out data and print its table",
    "assemble": "make a world model of an LTX checkpoint, a vision-language model and an adapter",
    "convert": "turn checkpoints, upsamplers and LoRAs from one released format into another",
    "fit-verifier": "fit the verifier of a world model",
    "calibrate": "fit when watching raises an alarm, or how sure choosing is",
    "watch": "predict a stream ahead, and tell events by their surprise",
    "choose": "imagine each of several instructions, and rank them by a goal",
    "report": "draw the page of a finished run again, or compare benchmark runs clip by clip",
    "doctor": "say what is installed, which weights are found, and what each release needs on this machine",
    "replay": "make the attempts of a finished run again, and check that the results are the same",
    "config": "print the configuration of a run, and where each value comes from",
}

SHOWS = "config"
"""The command that is about another one."""

NAMED = {"replay": "run", "report": "run"}
"""What a word without a name stands for."""

LISTED = {"report": "runs"}
"""What several words without a name stand for."""

FILES = {"predict": "video", "choose": "video"}
"""Entries that name a file: whether it is there is told before anything slow begins."""

MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch says where there is not enough."""

SEEDS = 2**32
"""How many seeds there are: numpy takes no more."""

CONFIG_HELP = """foresight config predict policy=refine candidates=4
foresight config train experiment=adapters/composed --package trainer"""

USAGE = """usage: foresight <command> [name=value …]
       foresight <command> --help

commands:
{commands}

options:
  allow=PACKAGE     let configurations name classes and functions of a package of yours
  --cfg job         show the configuration of a command instead of running it; with --resolve references filled in,
                    with --package NAME only one entry
  --config-dir DIR  choose also from configurations of your own, such as DIR/experiment/mine.yaml
  --debug           show the traceback of an error
  --version         print the version
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit code.

    0 is success, 2 a mistake in what was asked (one line on stderr), 1 a defect of the program, 130 an interruption,
    143 a termination that the command has saved its state for.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    try:
        with _warnings_in_a_line(), given(words):
            code = _main([word for word in words if word != "--debug"])
    except KeyboardInterrupt:
        code = 130
    except SystemExit as error:
        code = _exit_code(error)
    except BrokenPipeError:
        code = 0  # nobody reads any more, as in `foresight … | head`
    except Exception as error:
        if debug:
            traceback.print_exc()
        code = _report(error)
    return _said() or code


def _main(words: list[str]) -> int:
    if not words or words[0] in (*HELP, "help"):
        print(_usage())
        return 0
    if words[0] == "--version":
        from importlib.metadata import version

        print(version("foresight-wm"))
        return 0
    few_arenas()
    command, rest = words[0], words[1:]
    if command not in COMMANDS:
        near = get_close_matches(command, COMMANDS, n=1)
        return _complain(
            f"expected a command out of {', '.join(COMMANDS)}; got {command!r}"
            + (f"; did you mean {near[0]}?" if near else "")
        )
    if set(HELP) & set(rest):
        print(_help(command))
        return 0
    _check_text(rest)
    flags, options = take_flags(rest)
    if command == SHOWS:
        from foresight.cli.config import config

        print(config(options, flags, [name for name in COMMANDS if name != SHOWS]), end="")
        return 0
    for option in options:
        refuse_habits(option.lstrip("+~").partition("=")[0])
    if command in NAMED:
        options = _all_named(options, command)
    _check_file(command, options)
    require_own_adapters()
    _run(command, options, flags)
    return 0


def _all_named(words: Sequence[str], command: str) -> list[str]:
    """Words with their names; several without one are a list where the command takes one."""
    named = [_named(word, command) for word in words]
    bare = [word for word, whole in zip(words, named, strict=True) if whole != word]
    if len(bare) < 2 or command not in LISTED:
        return named
    listed = ",".join(f'"{word}"' for word in bare)
    return [word for word in words if word not in bare] + [f"{LISTED[command]}=[{listed}]"]


def _named(word: str, command: str) -> str:
    """A word with its name, if it has none; a path may hold `=` too."""
    entries = [line.partition(":")[0] for line in root(command).splitlines()]
    known = word.partition("=")[0].lstrip("+~") in (*entries, "allow")
    return word if known else f"{NAMED[command]}={word}"


def _check_text(words: Sequence[str]) -> None:
    for word in words:
        try:
            word.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UserError(
                expected="text in UTF-8", got=ascii(word), remedy="type it anew; rename the file if it is its name"
            ) from error


def _check_file(command: str, words: Sequence[str]) -> None:
    name = FILES.get(command, "")
    for word in words:
        key, equals, value = word.partition("=")
        if name and key == name and equals and not at_home(value).exists():
            raise UserError(expected=f"{name}= a file or a folder that is there", got=value, remedy="check the path")


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Print warnings as one line on stderr each, once, without their place in the program."""
    said: set[str] = set()

    def say(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = " ".join(str(message).split())
        if text not in said:
            said.add(text)
            _complain(text)

    with warnings.catch_warnings():
        warnings.showwarning = say
        yield


def _exit_code(error: SystemExit) -> int:
    # Lightning raises SIGTERMException, a SystemExit without a code, between two training batches; an interruption it
    # turns into an exit of its own.
    if type(error).__name__ == "SIGTERMException":
        return 143
    return 130 if isinstance(error.__context__, KeyboardInterrupt) else int(error.code or 0)


def _said() -> int:
    """Hand over what was printed; a complaint's code if nobody can take it for another reason than not listening."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # What is left must not be written again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            return _complain(f"could not write what there is to say: {error.strerror}")
    return 0


def _run(command: str, words: list[str], flags: Flags) -> None:
    from foresight.cli.allowed import admitted
    from foresight.cli.compose import build, command_function, composed, resolve, shown

    # transformers imports torchao where it is installed, which then speaks of its kernels for other devices.
    for name in ("torchao", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.ERROR)
    words, packages = admitted(words)
    if flags.show:
        make = resolve if flags.resolve else composed
        print(shown(make(command, words, packages, flags.folders), flags.package), end="")
        return
    config = resolve(command, words, packages, flags.folders)
    _quiet()
    function = command_function(command)
    assert function is not None
    check = getattr(sys.modules[function.__module__], "check", None)
    if check is not None:
        check(config)
    _seed(config)
    early = getattr(sys.modules[function.__module__], "early", None)
    arguments = build(function, config, packages, early=None if early is None else _unseen(early, config))
    function(**arguments)


def _unseen(early: Callable[..., None], config: dict[str, Any]) -> Callable[..., None]:
    """The same function, after which chance is as if it had not been called: it may have had nothing to do."""

    @wraps(early)
    def call(**arguments: Any) -> None:
        early(**arguments)
        _seed(config)

    return call


def _quiet() -> None:
    """Drop transformers' bar for every part it reads: stderr is for mistakes. Downloads keep theirs."""
    from huggingface_hub.utils.tqdm import enable_progress_bars
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    enable_progress_bars()


def _seed(config: dict[str, Any]) -> None:
    """Seed every generator, so that what a configuration constructs at random depends on its seed alone.

    Raises:
        UserError: if there is a seed that is none.
    """
    if "seed" in config:
        import random

        import numpy as np
        import torch

        seed = config["seed"]
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < SEEDS:
            raise UserError(expected=f"a seed from 0 to {SEEDS - 1}", got=repr(seed), remedy="choose such a number")
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)


def _report(error: Exception) -> int:
    if isinstance(error, ModuleNotFoundError) and error.name in EXTRAS:
        error = missing(error.name)
    text = one_line(error)
    # Every mistake in an input, a name or a value is a ValueError or an OSError with a message made for reading.
    # Lightning tells settings that do not go together with the data only when training begins, by an error of its own.
    if isinstance(error, ValueError | OSError) or type(error).__name__ == "MisconfigurationException":
        return _complain(text)
    if isinstance(error, MemoryError) or any(words in text for words in MEMORY):
        return _complain(f"expected enough memory for what was asked, got {text}; ask for less at once")
    _complain(f"internal error: {type(error).__name__}: {text} (--debug shows where)")
    return 1


def _complain(text: str) -> int:
    print(f"foresight: {printable(text)}", file=sys.stderr)
    return 2


def _usage() -> str:
    width = max(map(len, COMMANDS))
    return USAGE.format(commands="\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()))


def _help(command: str) -> str:
    """Purpose of a command, its defaults, and the choices of every group."""
    if command == SHOWS:
        return f"foresight {command} COMMAND [name=value …]: {COMMANDS[command]}\n\n{CONFIG_HELP}"
    text = root(command)
    lines = [f"foresight {command}: {COMMANDS[command]}", "", text.rstrip()]
    offered = [f"  {group}: {', '.join(choices(group))}" for group in groups() if f"- {group}:" in text]
    return "\n".join([*lines, "", "choices:", *offered] if offered else lines)


if __name__ == "__main__":
    sys.exit(main())
