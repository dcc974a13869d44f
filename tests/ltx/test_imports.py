"""What importing the library brings along."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = "{'transformers', 'av', 'PIL', 'scipy', 'diffusers', 'lightning', 'matplotlib', 'torchvision'}"


@pytest.mark.parametrize("module", ["ltx", "ltx.pipeline"])
def test_text_and_video_libraries_come_when_they_are_used(module: str) -> None:
    """`import ltx` loads no library at all, and the pipeline none for text, pictures or plots."""
    words = f"import sys, {module}; print(sorted(set(sys.modules) & {HEAVY}), 'torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.strip()
    assert found == f"[] {module != 'ltx'}"
