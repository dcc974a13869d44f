"""`foresight <command> overrides…`: dispatch, help, and errors as one line."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from foresight.cli.choices import choices, groups, root

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
    "report": "draw the page of a finished run again",
    "replay": "make the attempts of a finished run again, and check that the results are the same",
}

NAMED = {"replay": "run"}
"""What a word without = stands for."""

SEEDS = 2**32
"""How many seeds there are: numpy takes no more."""

USAGE = """usage: foresight <command> [override=value …]
       foresight <command> --help

commands:
{commands}

options:
  allow=PACKAGE  let configurations name classes and functions of a package of yours
  --debug        show the traceback of an error
  --version      print the version
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit code.

    0 is success, 2 a mistake in what was asked (one line on stderr), 1 a defect of the program, 130 an interruption,
    143 a termination that the command has saved its state for.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    if not words or words[0] in ("-h", "--help", "help"):
        print(_usage())
        return 0
    if words[0] == "--version":
        from importlib.metadata import version

        print(version("foresight-wm"))
        return 0
    command, overrides = words[0], words[1:]
    if command in NAMED:
        overrides = [word if "=" in word or word.startswith("-") else f"{NAMED[command]}={word}" for word in overrides]
    if command not in COMMANDS:
        return _complain(f"expected a command out of {', '.join(COMMANDS)}; got {command!r}")
    if {"-h", "--help"} & set(overrides):
        print(_help(command))
        return 0
    return _guarded(command, overrides, debug)


def _guarded(command: str, overrides: list[str], debug: bool) -> int:
    try:
        _run(command, overrides)
    except KeyboardInterrupt:
        return 130
    except SystemExit as error:
        # Lightning raises SIGTERMException, a SystemExit without a code, between two training batches.
        return 143 if type(error).__name__ == "SIGTERMException" else int(error.code or 0)
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _report(error)
    return 0


def _run(command: str, overrides: list[str]) -> None:
    from foresight.cli.allowed import admitted
    from foresight.cli.compose import build, resolve

    overrides, packages = admitted(overrides)
    config = resolve(command, overrides, packages)
    _quiet()
    name = command.replace("-", "_")
    function = getattr(import_module(f"foresight.cli.{name}"), name)
    _seed(config)
    function(**build(function, config, packages))


def _quiet() -> None:
    """Drop transformers' bar for every part it reads: stderr is for mistakes. Downloads keep theirs."""
    from huggingface_hub.utils.tqdm import enable_progress_bars
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    enable_progress_bars()


def _seed(config: dict[str, Any]) -> None:
    """What a configuration constructs at random depends on its seed alone.

    Raises:
        UserError: if there is a seed that is none.
    """
    if "seed" in config:
        import random

        import numpy as np
        import torch

        from foresight.errors import UserError

        seed = config["seed"]
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < SEEDS:
            raise UserError(expected=f"a seed from 0 to {SEEDS - 1}", got=repr(seed), remedy="choose such a number")
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)


def _report(error: Exception) -> int:
    text = " ".join(str(error).split()) or type(error).__name__
    # Every mistake in an input, a name or a value is a ValueError or an OSError with a message made for reading.
    if isinstance(error, ValueError | OSError):
        return _complain(text)
    _complain(f"internal error: {type(error).__name__}: {text} (--debug shows where)")
    return 1


def _complain(text: str) -> int:
    print(f"foresight: {text}", file=sys.stderr)
    return 2


def _usage() -> str:
    width = max(map(len, COMMANDS))
    return USAGE.format(commands="\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()))


def _help(command: str) -> str:
    """What a command does, its defaults, and the choices of every group."""
    text = root(command)
    lines = [f"foresight {command}: {COMMANDS[command]}", "", text.rstrip()]
    offered = [f"  {group}: {', '.join(choices(group))}" for group in groups() if f"- {group}:" in text]
    return "\n".join([*lines, "", "choices:", *offered] if offered else lines)


if __name__ == "__main__":
    sys.exit(main())
