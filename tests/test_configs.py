"""The configuration tree: every choice composes, and every recipe's parts can be constructed."""

from pathlib import Path

import pytest
import yaml

from adapters.kinds import CONFIGS, config_to_dict
from foresight.cli.choices import TREE, choices
from foresight.cli.compose import build, instantiate_plain, resolve
from foresight.errors import UserError

ROOT = Path(__file__).parents[1] / TREE.replace(".", "/")
EXPERIMENTS = choices("experiment")
SELF_CONTAINED = ("optimizer", "schedule", "callbacks", "sigmas")


def overrides(group: str) -> list[str]:
    return [f"{group}={name}" for name in choices(group)]


def test_the_recipes_of_make_tiny_are_there() -> None:
    """Each training that `make tiny` and `make tiny-second` start has its recipe."""
    makefile = (ROOT.parents[1] / "Makefile").read_text()
    started = [word.split("=")[1] for word in makefile.split() if word.startswith("experiment=")]
    assert len(started) == 9 and set(started) <= set(EXPERIMENTS)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_resolves(experiment: str) -> None:
    """Each recipe composes, leaves nothing open, and names only allowed targets."""
    config = resolve("train", [f"experiment={experiment}"])
    assert config["name"] == experiment
    assert config["export"], "a recipe says what it exports"


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name.startswith("adapters/")])
def test_adapters_resolve_for_the_released_models(name: str) -> None:
    """The same recipe with other models: the adapter is told their widths, the networks where they are."""
    config = resolve("train", [f"experiment={name}", "ltx=2b-0.9.8-distilled", "vlm=qwen2.5-vl-3b"])
    found = str(config["adapter"])
    assert "'vlm_hidden_size': 2048" in found and "'caption_channels': 4096" in found and "foresight-tiny" not in found
    assert config["network"]["transformer"]["where"] == "ltxv-2b-0.9.8-distilled"
    instantiate_plain(config["adapter"])


def test_every_adapter_has_its_recipe() -> None:
    """Each type of adapter, its ablation and a composition are trained by an experiment."""
    kinds = set()
    for name in EXPERIMENTS:
        if name.startswith("adapters/"):
            adapter = instantiate_plain(resolve("train", [f"experiment={name}"])["adapter"])
            kinds.add(config_to_dict(adapter.config)["type"])
    assert kinds == set(CONFIGS)


@pytest.mark.parametrize("choice", [choice for group in SELF_CONTAINED for choice in overrides(group)])
def test_every_small_part_is_constructed(choice: str) -> None:
    """Misspelt keys under a _target_ pass composition and die here."""
    group = choice.split("=")[0]
    override = f"sigmas@objective.sigmas={choice.split('=')[1]}" if group == "sigmas" else choice
    config = resolve("train", ["experiment=tiny/transformer", "ltx=tiny", override])
    instantiate_plain(config["objective"]["sigmas"] if group == "sigmas" else config[group])


@pytest.mark.parametrize("trainer", overrides("trainer"))
def test_every_trainer_is_constructed(trainer: str, tmp_path: Path) -> None:
    """The trainer of each choice accepts its arguments."""
    config = resolve("train", ["experiment=tiny/vae", trainer, f"paths.runs={tmp_path}", "trainer.accelerator=cpu"])
    instantiate_plain(config["trainer"])(plugins=[])


def test_the_first_recipe_is_constructed_in_full() -> None:
    """Every argument of `train` is there, as an object, for the recipe that needs no earlier one."""
    from foresight.cli.train import train

    small = ["network.clips.count=2", "network.frames=1"]
    arguments = build(train, resolve("train", ["experiment=tiny/vae", *small]))
    assert arguments.keys() == {"what", "session", "export", "run", "config"}
    assert all(value is not None for value in vars(arguments["what"]).values()) and callable(
        arguments["session"].trainer
    )


def test_a_command_need_not_take_the_seed() -> None:
    """The seed is set before a command starts; one that does not take it itself is built all the same."""
    from foresight.cli.encode import encode

    assert build(encode, {"data": 1, "seed": 3, "paths": {}}) == {"data": 1}


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.yaml")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_configuration_files_are_small(path: Path) -> None:
    """No configuration file is longer than 60 lines."""
    assert len(path.read_text().splitlines()) <= 60


def inherited(path: Path) -> list[Path]:
    """Files that a choice is built on: what its list of defaults names without `override`, which chooses instead."""
    found = []
    for entry in (yaml.safe_load(path.read_text()) or {}).get("defaults", []):
        key, name = next(iter(entry.items())) if isinstance(entry, dict) else (entry, None)
        if key == "_self_" or str(key).startswith("override "):
            continue
        place = str(key).split("@")[0]
        place = place if name is None else f"{place}/{name}"
        found.append((ROOT if place.startswith("/") else path.parent) / f"{place.lstrip('/')}.yaml")
    return found


@pytest.mark.parametrize("path", sorted(ROOT.glob("*/**/*.yaml")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_choice_is_read_in_at_most_three_files(path: Path) -> None:
    """What a choice is built on is built on no more than one further file: chains are at most two deep."""
    below = inherited(path)
    deeper = {last for middle in below for last in inherited(middle)}
    assert all(last.is_file() for last in [*below, *deeper])
    assert not [last for last in deeper if inherited(last)]


def test_no_choice_repeats_what_a_model_says_of_itself() -> None:
    """Widths and depths are read from the models, so that no file can contradict them."""
    known = {"latent_channels", "caption_channels", "blocks", "width", "context_frames", "hidden_size", "vision_size"}
    for path in [*(ROOT / "ltx").glob("*.yaml"), *(ROOT / "vlm").glob("*.yaml")]:
        assert not known & yaml.safe_load(path.read_text()).keys(), path.name


@pytest.mark.parametrize("context", ["0", "1.5"])
def test_a_context_that_is_no_number_of_frames_is_refused(context: str) -> None:
    """Its length in frames of video follows from it."""
    with pytest.raises(UserError, match=r"ltx\.context= a whole number of latent frames"):
        resolve("plan", ["adapter=latent", f"ltx.context={context}"])
