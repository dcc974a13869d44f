import os
import subprocess
import sys
from pathlib import Path

import pytest

from ltx.files import replacing, write_text


def test_the_new_file_takes_the_name_only_at_the_end(tmp_path: Path) -> None:
    """Until the block ends the old content is there; then the new one, and nothing else is left in the folder."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_temporary_file_has_the_final_name_in_a_hidden_folder_of_this_process(tmp_path: Path) -> None:
    """Writers that look at the suffix see the final one; the folder names the process that writes."""
    with replacing(tmp_path / "clip.mp4") as temporary:
        assert temporary == tmp_path / f".clip.mp4.{os.getpid()}.tmp" / "clip.mp4"
        temporary.write_bytes(b"x")


def test_an_exception_leaves_the_old_file_and_no_remains(tmp_path: Path) -> None:
    """A writer that fails half way changes nothing, and what it left beside its file goes too."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), replacing(path) as temporary:
        temporary.write_text("ne")
        (temporary.parent / "a.txt.part").write_text("scratch")
        raise RuntimeError("half way")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_the_writer_leaves_beside_the_file_is_swept(tmp_path: Path) -> None:
    """A scratch file that a library leaves in the temporary folder does not survive a success either."""
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        (temporary.parent / "a.txt.lock").write_text("")
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_writer_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    """A block that never made the file does not remove the old one."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"


def test_a_missing_folder_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    """A mistyped target fails before anything is computed into it."""
    with pytest.raises(OSError), replacing(tmp_path / "nowhere" / "a.txt"):
        pytest.fail("the block must not run")
    assert os.listdir(tmp_path) == []


def test_text_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    """The bytes on disk are UTF-8."""
    write_text(tmp_path / "a.txt", "32×32×8 → σ")
    assert (tmp_path / "a.txt").read_bytes().decode("utf-8") == "32×32×8 → σ"


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    """SIGKILL between the first byte and the rename: the old file is whole, and the remains are one hidden folder."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    code = (
        "import os, signal, sys\n"
        "from ltx.files import replacing\n"
        "with replacing(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert killed.returncode == -9
    assert path.read_text() == "old"
    remains = [name for name in os.listdir(tmp_path) if name != "a.txt"]
    assert len(remains) == 1 and remains[0].startswith(".a.txt.") and remains[0].endswith(".tmp")
