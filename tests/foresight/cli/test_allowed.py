"""What configurations may construct: a table of names by purpose, and packages that the command line lets in."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from foresight.cli.allowed import (
    DEEPEST,
    PURPOSES,
    ForbiddenTargetError,
    admitted,
    check_target,
    check_targets,
    locate,
    targets,
)
from foresight.cli.choices import TREE
from foresight.cli.main import main

CONFIGS = Path(__file__).parents[3] / TREE.replace(".", "/")


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.run",
        "torch.load",
        "torch.save",
        "torch.optim.adamw.AdamW",
        "hydra.utils.instantiate",
        "foresight",
        "foresight.runs.directory.os.system",
        "foresight.runs.directory.shutil.rmtree",
        "foresight.cli.main.main",
        "foresight.errors.UserError.__init__",
        "foresight..errors",
        "",
        None,
        ["os.system"],
    ],
)
def test_nothing_else_is_constructed(target: Any) -> None:
    """Only names in the table are allowed, however deep the node lies."""
    with pytest.raises(ForbiddenTargetError):
        check_targets({"a": [{"b": {"_target_": target}}]})


@pytest.mark.parametrize(
    "target",
    [
        "ltx.files.write_text",
        "ltx.checkpoint.write.write_json",
        "ltx.bundle.convert.convert",
        "ltx.media.write_mp4",
        "adapters.push_adapter",
        "adapters.save_adapter",
        "foresight.runs.stale.sweep",
        "foresight.runs.directory.RunDirectory",
        "foresight.training.checkpoint.write",
        "foresight.training.checkpoint.VerifiedCheckpointIO.remove_checkpoint",
        "foresight.world.calibration_file.CalibrationFile.write",
        "foresight.evaluation.tables.publish",
        "foresight.loop.trace.Trace.save",
        "foresight.report.write_page",
        "foresight.world.storage.write_world",
        "foresight.vlm.encoder.QwenEncoder.save_pretrained",
    ],
)
def test_no_function_of_ours_that_writes_or_deletes_is_reachable(target: str) -> None:
    """What writes, deletes or uploads is no part of a model, of data or of training."""
    with pytest.raises(ForbiddenTargetError):
        check_targets({"_target_": target})


def test_every_name_in_the_table_is_there_and_makes_something() -> None:
    """Each is a class, a `from_pretrained`, or a function that builds; none writes, sends or runs."""
    for names in PURPOSES.values():
        for name in names:
            if name.split(".")[0] not in ("lightning", "torchmetrics", "torch"):
                found = locate(name)
                last = name.rsplit(".", 1)[1]
                builds = last.startswith(
                    ("new_", "trained_", "frozen_", "mixed_", "joined_", "small_", "world_", "adapted_")
                )
                assert inspect.isclass(found) or last == "from_pretrained" or builds, name
            else:
                assert inspect.isclass(locate(name)), name


def test_every_shipped_configuration_names_only_what_the_table_has() -> None:
    """All files of the tree, not only those that some command composes."""
    found = [
        (path, target) for path in CONFIGS.rglob("*.yaml") for _, target in targets(yaml.safe_load(path.read_text()))
    ]
    assert len(found) > 150
    for path, target in found:
        check_target(target, str(path))


def test_a_part_is_allowed_for_its_purpose_only() -> None:
    """A policy is no verifier; a near name is shown."""
    policy = {"_target_": "foresight.loop.Chain", "policies": [{"_target_": "foresight.loop.Best"}]}
    check_targets(policy, purposes=("policy",))
    with pytest.raises(ForbiddenTargetError, match="to be a verifier"):
        check_targets(policy, purposes=("verifier",))
    with pytest.raises(ForbiddenTargetError, match=r"did you mean foresight\.loop\.Accept"):
        check_target("foresight.loop.Acept", "policy")


def test_a_configuration_without_end_is_refused() -> None:
    """Nesting beyond any recipe's is one error, not a crash."""
    node: dict[str, Any] = {}
    for _ in range(DEEPEST + 1):
        node = {"a": node}
    with pytest.raises(ForbiddenTargetError, match="levels"):
        check_targets(node)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user's package with a policy, which has imported `os`."""
    (tmp_path / "mine_of_test").mkdir()
    (tmp_path / "mine_of_test/__init__.py").write_text(
        "import os\nfrom os import system\n\nclass Never:\n    def __init__(self, times: int) -> None:\n"
        "        self.times = times\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine_of_test", raising=False)
    return "mine_of_test"


def test_a_package_of_the_users_own_is_let_in_by_name(package: str) -> None:
    """Its own classes, not what it has imported; without its name on the command line it is refused unread."""
    node = {"_target_": f"{package}.Never", "times": 2}
    with pytest.raises(ForbiddenTargetError, match="allow=PACKAGE"):
        check_targets(node)
    assert package not in sys.modules
    words, packages = admitted(["video=a.mp4", f"allow={package}"])
    assert words == ["video=a.mp4"] and packages == (package,)
    check_targets(node, packages=packages)
    assert locate(f"{package}.Never", packages)(times=2).times == 2
    for passed_on in ("system", "os.system", "os"):
        with pytest.raises(ForbiddenTargetError):
            locate(f"{package}.{passed_on}", packages)


@pytest.mark.parametrize("name", ["os", "subprocess", "builtins", "no_such_package", "foresight", "ltx", "a.b", ""])
def test_what_is_no_package_of_the_users_is_not_let_in(name: str) -> None:
    """Python's own modules, ours, and what is not there."""
    with pytest.raises(ValueError, match="package of yours"):
        admitted([f"allow={name}"])


def test_a_configuration_lets_nothing_in(package: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`+allow=` or `packages` inside a configuration is an unknown entry; only the word on the command line counts."""
    words = ["predict", "video=a.mp4", "instruction=x", f"model={{_target_: {package}.Never, times: 1}}"]
    for key in ("allow", "packages"):
        assert main([*words, f"+{key}=[{package}]"]) == 2
        capsys.readouterr()
    assert package not in sys.modules
