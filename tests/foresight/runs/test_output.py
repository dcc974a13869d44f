"""A command's output is one run directory with its configuration, environment and metrics."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from foresight.errors import UserError
from foresight.runs.output import RunOutput


def test_a_run_is_recorded_in_full(tmp_path: Path) -> None:
    """Configuration, environment and metrics lie in its folder, which is replaced only if that is said."""
    output = RunOutput(tmp_path / "run", False, {"seed": 3})
    with output.directory() as folder:
        output.record(folder, {"psnr": 31.0})
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text()) == {"seed": 3}
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == {"psnr": 31.0}
    assert (tmp_path / "run" / "environment.json").is_file()
    with pytest.raises(UserError, match="still free"), output.directory():
        pass
    with RunOutput(tmp_path / "run", True, {}).directory() as folder:
        assert not (folder / "metrics.json").exists()
