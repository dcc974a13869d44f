"""What a name means: paths first, then named models, hub ids and the addresses of hub pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltx.checkpoint import CheckpointError
from ltx.checkpoint.place import place_of

REPO, FILE, COMMIT = "Lightricks/LTX-Video", "ltxv-13b-0.9.7-dev.safetensors", "a" * 40


@pytest.mark.parametrize("name", ["user@host", "ends@", "a b ☃ (1)", "100%", "a#b", "x.gguf", "Lightricks/LTX-Video"])
def test_a_path_that_exists_is_that_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever characters it has, as text or pathlib, absolute, relative, under `~` or as a file address."""
    (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for where in (tmp_path / name, str(tmp_path / name), name, f"~/{name}"):
        path = place_of(where).path
        assert path is not None and path.samefile(tmp_path / name)
    address = (tmp_path / name).as_uri()
    assert place_of(address).path == tmp_path / name


@pytest.mark.parametrize(
    ("where", "file", "revision"),
    [
        (REPO, None, "main"),
        (f"{REPO}/", None, "main"),
        (f"{REPO}@v1", None, "v1"),
        (f"{REPO}@refs/pr/3", None, "refs/pr/3"),
        (f"{REPO}/{FILE}@{COMMIT}", FILE, COMMIT),
        (f"{REPO}/sub/folder", "sub/folder", "main"),
        (f"https://huggingface.co/{REPO}", None, "main"),
        (f"https://huggingface.co/{REPO}/tree/main", None, "main"),
        (f"https://huggingface.co/{REPO}/blob/main/{FILE}", FILE, "main"),
        (f"https://huggingface.co/{REPO}/resolve/{COMMIT}/{FILE}?download=true", FILE, COMMIT),
        (f"https://huggingface.co/{REPO}/blob/refs%2Fpr%2F3/{FILE}", FILE, "refs/pr/3"),
        (f"hf.co/{REPO}".replace("hf.co", "https://hf.co"), None, "main"),
        (f"hf://{REPO}/{FILE}", FILE, "main"),
        (f"hf://{REPO}@v2/{FILE}".replace("@v2", "") + "@v2", FILE, "v2"),
    ],
)
def test_hub_ids_and_addresses_say_the_same(where: str, file: str | None, revision: str) -> None:
    """A page copied from the browser is the repository, the file and the revision it shows."""
    place = place_of(where)
    assert place.path is None and place.card is not None
    assert (place.card.repo, place.card.file, place.revision) == (REPO, file, revision)
    assert place.name == (f"{REPO}/{file}" if file else REPO)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (None, "expected a path, the name of a model or a hub id, got None"),
        ("  ", "expected a path, the name of a model or a hub id"),
        (7, "got 7"),
        ("https://civitai.com/models/1", "expected a path or a hub id, got the address"),
        ("s3://bucket/a.safetensors", "download it"),
        ("https://huggingface.co/Lightricks", "expected the address of a model or of a file on the hub"),
        ("someone/model/ltxv-Q4_K_M.gguf", "GGUF file.*safetensors"),
        ("someone/model/unet.ckpt", "pickle"),
        ("ltxv-13b-0.9.8-distiled", "did you mean ltxv-13b-0.9.8-distilled"),
        ("ltxv-2b-0.9.8-distilled.safetensors", "no file or folder.*did you mean ltxv-2b-0.9.8-distilled"),
        ("someone/../model", "no file or folder"),
        ("~/nowhere", "no file or folder '~/nowhere'"),
    ],
)
def test_what_means_nothing_is_one_error(where: object, message: str) -> None:
    """It says what was expected, and what was probably meant."""
    with pytest.raises(CheckpointError, match=message):
        place_of(where)  # type: ignore[arg-type]


def test_a_path_has_no_revision(tmp_path: Path) -> None:
    """A revision that would be ignored is refused."""
    for where, revision in ((tmp_path, "v1"), (f"{tmp_path}@v1", None)):
        with pytest.raises(CheckpointError, match="on this disk and has no revision; leave out 'v1'"):
            place_of(where, revision)
