"""What a user types arrives as he typed it, as a value of the type that is declared for it, or is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from foresight.cli.brackets import parse
from foresight.cli.compose import build, composed, protected, resolve, shown
from foresight.errors import UserError

ASKED = ["video=a.mp4", "instruction=a"]
TEXTS = [
    '"the red ball" is pushed',
    "'tis pushed left",
    '"A" then "B"',
    "press ${oc.env:HOME} now",
    "costs ${5}",
    "${run}",
    "it's pushed, then = \\\" ok",
    "back\\slash\\${run}\\",
    "null",
    "true",
    "123",
    "1e-3",
    "[a]",
    "{a: b}",
    "???",
    "",
    "two\nlines\tand: 50 % #1 @x &y *z !w | > `v` ~",
    "--x=y",
    "鸟 é 🟥",
    "  blanks  ",
    "$(whoami)",
]
PATHS = [
    "/data/videos (1)",
    "/data/lr=1e-4/x",
    "/data/a,b",
    "/data/[x]{y}",
    '/data/it\'s "here"',
    "c:\\data\\x",
    "-x",
    "a${run}.mp4",
    "null",
    "2024",
    "vidéo/鸟",
    "~x",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_sentence_arrives_as_typed(text: str) -> None:
    """No character of an instruction means anything to the program: nothing is typed, split or filled in."""
    assert resolve("predict", ["video=a.mp4", f"instruction={text}"])["instruction"] == text


ODD = '/data (1)/lr=1e-4,b/[x]{y} it\'s "z" ${run} \\ é'


@pytest.mark.parametrize("path", PATHS)
def test_a_path_arrives_as_typed(path: str) -> None:
    """The same for a path."""
    assert resolve("predict", ["instruction=a", f"video={path}"])["video"] == path


@pytest.mark.parametrize(
    ("command", "words", "key", "found"),
    [
        ("predict", ["instruction=a"], "video", "video"),
        ("predict", ASKED, "run", "run"),
        ("predict", ASKED, "model.where", "verifier.where"),
        ("predict", ASKED, "paths.cache", "paths.cache"),
        ("evaluate", ["benchmark=prediction"], "page", "page"),
        ("train", ["experiment=adapters/latent", "data=video_features"], "paths.videos", "paths.videos"),
        ("train", ["experiment=tiny/vae"], "run", "callbacks.checkpoint.folder"),
        ("generate", ["prompt=a"], "pipeline.where", "pipeline.where"),
        ("convert", ["source=a"], "to", "to"),
    ],
)
def test_every_path_arrives_as_typed(command: str, words: list[str], key: str, found: str) -> None:
    """The same for every entry that is declared as a path or holds one, and for what refers to it."""
    config: Any = resolve(command, [*words, f"{key}={ODD}"])
    for part in found.split("."):
        config = config[part]
    assert config in (ODD, f"{ODD}/checkpoints")


@pytest.mark.parametrize(
    ("typed", "items"),
    [
        ("[the ball isn't moved,push]", ["the ball isn't moved", "push"]),
        ("['a, b', \"c, d\"]", ["a, b", "c, d"]),
        ("['tis pushed, it isn't so]", ["'tis pushed", "it isn't so"]),
        ("[push [now], true, 12, null, 50%]", ["push [now]", "true", "12", "null", "50%"]),
        ('[say "a, b" = c: d, ${run}]', ['say "a', 'b" = c: d', "${run}"]),
        ("[]", []),
        ("[a,]", ["a"]),
    ],
)
def test_a_list_of_sentences(typed: str, items: list[str]) -> None:
    """Items are what stands between commas; quotes around an item keep its commas; each is text."""
    assert resolve("predict", [*ASKED, f"hypotheses={typed}"])["hypotheses"] == items


def test_lists_of_mappings_and_numbers() -> None:
    """Conditions, sizes and parts of parts are read by their declared types."""
    given = resolve("generate", ["prompt=a", "pipeline=tiny", "references=[a=b.mp4]", "frames=9"])
    assert given["references"] == ["a=b.mp4"] and given["frames"] == 9
    given = resolve("generate", ["prompt=a", "pipeline=tiny", "conditions=[{file: 'a,b.png', strength: 0.5}]"])
    assert given["conditions"] == [{"file": "a,b.png", "strength": 0.5}]
    config = resolve("predict", [*ASKED, "size=[64,96]", "context=1.0s", "horizon=8", "steps=null", "replace=false"])
    found = [config[key] for key in ("size", "context", "horizon", "steps", "replace")]
    assert found == [[64, 96], "1.0s", 8, None, False]


def test_a_mapping_sets_its_entries() -> None:
    """What a mapping does not speak of stays; one that names another part takes its place."""
    words = ["experiment=tiny/vae", "trainer={max_steps: 4, devices: [0]}"]
    trainer = resolve("train", words)["trainer"]
    assert trainer["max_steps"] == 4 and trainer["devices"] == [0] and trainer["gradient_clip_val"] == 1.0
    logger = "{_target_: lightning.pytorch.loggers.TensorBoardLogger, save_dir: x,y}"
    with pytest.raises(UserError, match="items written"):
        resolve("train", [*words, f"trainer.logger={logger}"])
    logger = "{_target_: lightning.pytorch.loggers.TensorBoardLogger, save_dir: 'x,y'}"
    found = resolve("train", [*words, f"trainer.logger={logger}"])["trainer"]["logger"]
    assert found == {"_target_": "lightning.pytorch.loggers.TensorBoardLogger", "save_dir": "x,y"}


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("experimnt=x", "did you mean experiment=?"),
        ("max_steps=3", "trainer.max_steps=?"),
        ("trainer.max_step=3", "trainer.max_steps=?"),
        ("+trainer.max_step=3", "trainer.max_steps=?"),
        ("++trainer.max_step=3", "trainer.max_steps=?"),
        ("trainer={max_step: 3}", "trainer.max_steps=?"),
        ("~trainer.max_step", "trainer.max_steps=?"),
        ("callbacks.mine=3", "+callbacks.mine= adds it"),
        ("trainer=smok", "smoke"),
        ("vlm=~nobody-of-this-name", "~nobody-of-this-name"),
        ("experiment=tiny/vaee", "did you mean tiny/vae?"),
        ("trainer.max_steps=abc", "a whole number"),
        ("trainer.max_steps=nan", "a whole number"),
        ("trainer.max_steps=1.5", "a whole number"),
        ("trainer.max_steps=" + "9" * 5000, "a whole number"),
        ("trainer.max_steps=${seed}", "nothing filled in"),
        ("trainer.logger=[[[", "brackets"),
        ("seed=1,2,3", "start the command once for each"),
        ("hydra.run.dir=x", "run=FOLDER"),
        ("hydra/launcher=joblib", "run=FOLDER"),
        ("hydra/sweeper=optuna", "run=FOLDER"),
        ("ckpt_path=x", "same run="),
        ("resume=last", "same run="),
        ("lr=1e-4", "learning_rate="),
        ("optimizer.lr=1e-4", "learning_rate="),
        ("data.batch_size=4", "data.batch="),
        ("model=tiny", "expected model= to be a choice that this command makes"),
        ("+experiment=tiny/vae", "once"),
        ("trainer..max_steps=1", "name=value"),
        ("+ckpt_path=x", "same run="),
        ("red", "instruction="),
        ("network.adapter.where=x", "network"),
    ],
)
def test_a_wrong_word_is_named_with_what_to_use(word: str, named: str) -> None:
    """An unknown name is told with the nearest, another type of value with its type, a habit with what replaces it."""
    with pytest.raises(ValueError, match="expected") as caught:
        resolve("train", ["experiment=tiny/vae", word] if not word.startswith("experiment") else [word])
    assert named in str(caught.value) and "\n" not in str(caught.value)


def test_settings_of_a_part_need_no_plus() -> None:
    """What a part's own signature takes can be set, whether the configuration holds it or not."""
    words = ["experiment=tiny/vae", "trainer.limit_val_batches=2", "+trainer.detect_anomaly=true", "~trainer.logger"]
    trainer = resolve("train", words)["trainer"]
    assert trainer["limit_val_batches"] == 2 and trainer["detect_anomaly"] is True and "logger" not in trainer


@pytest.mark.parametrize("experiment", ["adapters/latent", "tiny/vae", "tiny/transformer_mixed"])
def test_a_choice_wins_over_the_recipe(experiment: str) -> None:
    """`trainer=smoke` runs two steps whatever the recipe says; single values win over both; nothing else changes."""
    recipe = resolve("train", [f"experiment={experiment}"])
    chosen = resolve("train", ["trainer=smoke", f"experiment={experiment}"])
    assert recipe["trainer"]["max_steps"] > 2 and chosen["trainer"]["max_steps"] == 2
    assert chosen["schedule"] == {**recipe["schedule"], "steps": 2}
    both = resolve("train", [f"experiment={experiment}", "trainer.max_steps=3", "trainer=smoke", "schedule=constant"])
    assert both["trainer"]["max_steps"] == 3 and both["schedule"]["decay"] == 0.0
    changed = {"trainer", "schedule"}
    assert {key: chosen[key] for key in chosen.keys() - changed} == {
        key: recipe[key] for key in recipe.keys() - changed
    }


def test_an_inner_choice_wins_over_the_outer_one() -> None:
    """Whatever the order in which they are typed."""
    words = ["sigmas@objective.sigmas=high", "objective=text_flow"]
    for typed in (words, words[::-1]):
        config = resolve("train", ["experiment=tiny/transformer", *typed])
        assert config["objective"]["sigmas"]["low"] == 0.7


def test_configurations_of_ones_own(tmp_path: Path) -> None:
    """A folder of the user's own offers choices beside those that are shipped, whatever it is called."""
    folder = tmp_path / "my conf (1), v=2"
    (folder / "experiment").mkdir(parents=True)
    text = "# @package _global_\ndefaults: [/experiment/tiny/vae]\nname: mine\nseed: 7\n"
    (folder / "experiment" / "mine.yaml").write_text(text)
    config = resolve("train", ["experiment=mine"], folders=[folder])
    assert config["name"] == "mine" and config["seed"] == 7 and config["network"]
    with pytest.raises(ValueError, match="tiny/vae"):
        resolve("train", ["experiment=mine"])
    (folder / "experiment" / "mine.yaml").write_text("a: [b")
    with pytest.raises(ValueError, match="YAML"):
        resolve("train", ["experiment=mine"], folders=[folder])


def test_what_is_shown_is_what_was_typed() -> None:
    """The configuration is shown with references as written, and what was typed as typed."""
    config = composed("predict", ["video=a${run}", "instruction=???"])
    text = shown(config)
    assert "video: a${run}" in text and "instruction: ???" in text and "run: ${paths.runs}/predict" in text
    assert shown(config, "paths").startswith("runs: runs")
    with pytest.raises(UserError):
        shown(config, "nothing")
    assert protected("plain") == "plain"


def test_a_missing_argument_is_named() -> None:
    """An entry that was taken away is missed; one that may be nothing is nothing."""

    def takes(*, video: str, verifier: Path | None) -> None: ...

    assert build(takes, {"video": "a"}) == {"video": "a", "verifier": None}
    with pytest.raises(ValueError, match="a value for video"):
        build(takes, {"verifier": None})


def test_homes_are_filled_in_for_paths_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` at the beginning of what is declared as a path is the user's home; in a sentence it stays."""

    def takes(*, video: str | Path, instruction: str) -> None: ...

    monkeypatch.setenv("HOME", "/home/someone")
    assert build(takes, {"video": "~/a", "instruction": "~/a"}) == {"video": "/home/someone/a", "instruction": "~/a"}
    with pytest.raises(UserError, match="a path"):
        build(takes, {"video": "", "instruction": ""})


@pytest.mark.parametrize("text", ["[a", "[a]b", "{a}", "[" * 100 + "]" * 100])
def test_broken_brackets_are_refused(text: str) -> None:
    """Brackets close at the end, items of a mapping have names, and nothing is nested without end."""
    with pytest.raises(UserError):
        parse(text)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("encode", ["data=video_features", "ltx=tiny", "vlm=tiny"]),
        ("train", ["experiment=finetune/vae"]),
        ("evaluate", ["benchmark=videos"]),
        ("fit_verifier", ["cases=videos"]),
    ],
)
def test_a_stream_of_ones_own_videos_is_a_number(command: str, words: list[str]) -> None:
    """`clips.stream=1` reaches every folder of videos as what it takes."""
    found = str(resolve(command, [*words, "clips.stream=1", "paths.videos=/videos"]))
    assert found.count("VideoClips") == found.count("'skip': [], 'stream': 1") - 1 > 0


def test_null_is_the_choice_of_none() -> None:
    """`verifier=null` and `policy=null` are nothing, as `none` is."""
    found = resolve("predict", ["video=a.mp4", "instruction=x", "verifier=null", "policy=null"])
    assert found["verifier"] is None and found["policy"] is None
    assert "callbacks" not in resolve("train", ["experiment=tiny/vae", "callbacks=null"])
    assert resolve("train", ["experiment=tiny/vae", "vlm=null"]) == resolve("train", ["experiment=tiny/vae"])
