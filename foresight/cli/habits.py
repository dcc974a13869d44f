"""Habits of users of Hydra and Lightning, and their counterparts here."""

from __future__ import annotations

from difflib import get_close_matches

from foresight.errors import UserError

SWEEP = "start the command once for each value, as in: for s in 1 2 3; do foresight … seed=$s run=runs/$s; done"
FOLDER = "run=FOLDER says where a command writes"
OWN = "put yours into DIR/experiment/NAME.yaml and give --config-dir DIR experiment=NAME"
RESUME = "a run goes on when it is started again with the same run=; adapter=trained starts from weights"

FLAGS = {
    "--multirun": SWEEP,
    "-m": SWEEP,
    "--run": "leave it out: a command runs once",
    "-r": "leave it out: a command runs once",
    "--info": "`--cfg job` shows the configuration, `--help` the choices",
    "-i": "`--cfg job` shows the configuration, `--help` the choices",
    "--config-name": OWN,
    "-cn": OWN,
    "--config-path": OWN,
    "-cp": OWN,
    "--hydra-help": "`--help` shows the options of a command",
    "--shell-completion": "there is no completion",
    "-sc": "there is no completion",
    "--experimental-rerun": "`foresight replay run=…` makes a run again",
    "--ckpt_path": RESUME,
    "--resume": RESUME,
}
"""Flags that are not taken."""

RATE = "optimizer.groups.0.learning_rate=, and a group for each part of the network"

OPTIONS = {
    "hydra.searchpath": OWN,
    "hydra": f"{FOLDER}; nothing else of Hydra's is set",
    "ckpt_path": RESUME,
    "trainer.ckpt_path": RESUME,
    "resume_from_checkpoint": RESUME,
    "trainer.resume_from_checkpoint": RESUME,
    "trainer.gpus": "trainer.accelerator=gpu trainer.devices=N",
    "gpus": "trainer.accelerator=gpu trainer.devices=N",
    "output_dir": FOLDER,
    "resume": RESUME,
    "lr": RATE,
    "learning_rate": RATE,
    "optimizer.lr": RATE,
    "optimizer.learning_rate": RATE,
    "optimizer.optimizer.lr": RATE,
    "batch_size": "data.batch=",
    "data.batch_size": "data.batch=",
    "num_workers": "data.workers=",
    "data.num_workers": "data.workers=",
}
"""Options that are not taken; a name stands for all below it."""


def flag_error(flag: str, known: tuple[str, ...]) -> UserError:
    """The error for a flag that a command does not take."""
    name, equals, value = flag.partition("=")
    if name in FLAGS:
        return UserError(expected="flags of foresight", got=name, remedy=FLAGS[name])
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    if near:
        remedy = f"did you mean {near[0]}?"
    elif name.startswith("--") and name.strip("-"):
        remedy = f"options have no dashes: {name.strip('-')}={value if equals else '…'}"
    else:
        remedy = "options are written name=value; `foresight --help` shows the flags"
    return UserError(expected=f"a flag out of {', '.join(known)}", got=name, remedy=remedy)


def refuse_habits(key: str) -> None:
    """Refuse an option of Hydra's or Lightning's that has another name here.

    Raises:
        UserError: which says what to use.
    """
    for name, instead in OPTIONS.items():
        if key == name or key.startswith((f"{name}.", f"{name}/")):
            raise UserError(expected="an option of foresight", got=f"{key}=", remedy=f"use another: {instead}")
