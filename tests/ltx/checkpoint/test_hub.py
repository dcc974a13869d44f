import hashlib
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.utils import filter_repo_objects

from ltx.checkpoint import CheckpointError, place
from ltx.checkpoint.cards import Card, cards
from ltx.checkpoint.hub import resolve, source_of, verify
from ltx.upsampler import LatentUpsampler, UpsamplerConfig


class Hub:
    """Stands in for the two calls of huggingface_hub, and remembers what was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[Any, ...]] = []
        self.error: Exception | None = None
        self.names: list[str] = []

    def file(self, repo: str, name: str, *, revision: str) -> str:
        self.asked.append((repo, name, revision))
        if self.error:
            raise self.error
        return str(self.folder / name)

    def snapshot(self, repo: str, *, revision: str, allow_patterns: list[str]) -> str:
        self.asked.append((repo, revision, tuple(allow_patterns)))
        if self.error:
            raise self.error
        return str(self.folder)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    found = Hub(tmp_path)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", found.file)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", found.snapshot)
    monkeypatch.setattr(huggingface_hub, "list_repo_files", lambda repo, *, revision: found.names)
    return found


def test_a_path_that_exists_never_asks_the_hub(fake: Hub, tmp_path: Path) -> None:
    """A local folder wins over any name."""
    assert resolve(tmp_path, "vae") == tmp_path
    assert fake.asked == []


def test_a_repository_downloads_only_the_part_and_the_small_files(fake: Hub) -> None:
    """A 13B transformer is not downloaded to read a VAE, nor the official files beside the folders."""
    assert resolve("someone/model", "vae", "abc") == fake.folder
    ((repo, revision, allowed),) = fake.asked
    assert (repo, revision) == ("someone/model", "abc")
    wanted = ["model_index.json", "vae/config.json", "vae/diffusion_pytorch_model.safetensors", "scheduler/a.json"]
    root = ["config.json", "diffusion_pytorch_model-00001-of-00002.safetensors", "pytorch_lora_weights.safetensors"]
    others = ["transformer/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors", "ltxv.safetensors"]
    # The hub's own filter, whose stars match slashes.
    assert set(filter_repo_objects([*wanted, *root, *others], allow_patterns=list(allowed))) == {*wanted, *root}


def test_a_file_in_a_repository_is_downloaded_alone(fake: Hub) -> None:
    """owner/repository/file.safetensors is one file, from the main branch unless said otherwise."""
    assert resolve("someone/model/a/b.safetensors", "vae") == fake.folder / "a/b.safetensors"
    assert fake.asked == [("someone/model", "a/b.safetensors", "main")]


def test_a_named_release_is_one_official_file(fake: Hub) -> None:
    """The name of a release is enough, and a revision overrides the card's."""
    assert resolve("ltxv-13b-0.9.7-dev", "transformer").name == "ltxv-13b-0.9.7-dev.safetensors"
    resolve("ltxv-13b-0.9.7-dev", "transformer", "v1")
    assert [asked[2] for asked in fake.asked] == [cards()["ltxv-13b-0.9.7-dev"].revision, "v1"]


def test_a_name_may_end_in_its_revision(fake: Hub) -> None:
    """name@revision pins a card, a repository and a file; two different revisions are refused."""
    resolve("ltxv-13b-0.9.7-dev@v1", "transformer")
    resolve("someone/model/a.safetensors@v2", "vae")
    resolve("someone/model@v3", "vae", "v3")
    assert [next(part for part in asked if part in ("v1", "v2", "v3")) for asked in fake.asked] == ["v1", "v2", "v3"]
    with pytest.raises(CheckpointError, match="one revision of someone/model, got 'v1' in its name and 'v2'"):
        resolve("someone/model@v1", "vae", "v2")
    with pytest.raises(CheckpointError, match="after the @"):
        resolve("someone/model@", "vae")


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """huggingface_hub's real cache, holding one upsampler at one commit of main, with the network switched off."""
    config = UpsamplerConfig(
        in_channels=4, mid_channels=32, num_blocks_per_stage=1, dims=2, spatial_upsample=True, temporal_upsample=False
    )
    repository = tmp_path / "models--someone--upsampler"
    LatentUpsampler(config).save_pretrained(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return repository / "snapshots" / COMMIT


def test_offline_the_cache_is_enough(cache: Path) -> None:
    """Without network what is cached is read, by branch and by commit; what is not is said to be missing."""
    with pytest.warns(UserWarning, match=f"main, which can move.*ask for revision {COMMIT}"):
        assert resolve("someone/upsampler", "latent_upsampler") == cache
    assert LatentUpsampler.from_pretrained(f"someone/upsampler@{COMMIT}").config.mid_channels == 32
    with pytest.raises(CheckpointError, match="not in the local cache and the hub cannot be reached"):
        resolve("someone/other", "vae")
    with pytest.raises(CheckpointError, match="someone/upsampler at v2 is not in the local cache"):
        resolve("someone/upsampler@v2", "vae")


def test_a_pinned_read_does_not_warn(cache: Path) -> None:
    """A commit cannot move."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve("someone/upsampler", "latent_upsampler", COMMIT) == cache


def test_the_source_names_the_same_files_for_ever(cache: Path, tmp_path: Path) -> None:
    """Hub id, file and commit of what was downloaded; nothing for a local path."""
    assert source_of(cache) == f"someone/upsampler@{COMMIT}"
    assert source_of(cache / "sub" / "a.safetensors") == f"someone/upsampler/sub/a.safetensors@{COMMIT}"
    assert source_of(tmp_path) is None
    assert source_of(tmp_path / "snapshots" / "main") is None


def test_a_model_downloaded_through_the_hub_is_loaded(fake: Hub) -> None:
    """What the download gives is read like any folder."""
    config = UpsamplerConfig(
        in_channels=4, mid_channels=32, num_blocks_per_stage=1, dims=2, spatial_upsample=True, temporal_upsample=False
    )
    LatentUpsampler(config).save_pretrained(fake.folder)
    assert LatentUpsampler.from_pretrained("someone/upsampler").config == config


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (LocalEntryNotFoundError("no cache"), "not in the local cache and the hub cannot be reached"),
        (OfflineModeIsEnabled("offline"), "not in the local cache and the hub cannot be reached"),
        (OSError("disk"), "cannot download someone/model at main.*: disk"),
    ],
)
def test_a_failed_download_is_one_error(fake: Hub, error: Exception, message: str) -> None:
    """Offline is told from other failures; the repository and the revision are named."""
    fake.error = error
    with pytest.raises(CheckpointError, match=message):
        resolve("someone/model", "vae")


def test_a_download_that_is_not_the_released_file_is_refused(fake: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the hash is known, another file of the same name is refused."""
    path = fake.folder / "a.safetensors"
    path.write_bytes(b"released")
    digest = hashlib.sha256(b"released").hexdigest()
    monkeypatch.setattr(place, "cards", lambda: {"named": Card("someone/model", "a.safetensors", sha256=digest)})
    assert resolve("named", "vae") == path
    path.write_bytes(b"other")
    with pytest.raises(CheckpointError, match="not the released file: expected sha256"):
        resolve("named", "vae")
    with pytest.raises(CheckpointError, match=digest):
        verify(path, digest)


@pytest.mark.parametrize("name", ["misspelt", "./nowhere", "/no/such", "../a/b"])
def test_what_is_no_name_never_reaches_the_hub(fake: Hub, name: str) -> None:
    """A mistyped path is an error here, with the known names, not a request."""
    with pytest.raises(CheckpointError, match="no file or folder"):
        resolve(name, "vae")
    assert fake.asked == []


def test_a_model_of_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which package the model ships with."""
    monkeypatch.setattr(place, "cards", lambda: {"small": Card(package="no_such_package", folder="models/small")})
    with pytest.raises(CheckpointError, match="ships with the package no_such_package"):
        resolve("small", "vae")


def test_a_repository_of_one_file_is_that_file(fake: Hub) -> None:
    """As LoRAs and finetunes are published: under any name; of several files one must be named."""
    fake.names = ["README.md", "canny-diffusers.safetensors"]
    assert resolve("someone/lora", "lora", COMMIT) == fake.folder / "canny-diffusers.safetensors"
    assert fake.asked[-1] == ("someone/lora", "canny-diffusers.safetensors", COMMIT)
    fake.names.append("canny-comfy.safetensors")
    with pytest.raises(CheckpointError, match=r"several files of weights; name one.*canny-comfy\.safetensors"):
        resolve("someone/lora", "lora", COMMIT)


def test_a_folder_with_one_file_is_that_file(tmp_path: Path) -> None:
    """Unless it says what it holds."""
    (tmp_path / "a.safetensors").touch()
    assert resolve(tmp_path, "vae") == tmp_path / "a.safetensors"
    (tmp_path / "transformer").mkdir()
    assert resolve(tmp_path, "vae") == tmp_path


def test_a_path_is_looked_up_in_a_process_that_has_asked_the_hub_for_nothing() -> None:
    """The parts of the hub's library that are used are loaded, whatever was imported before."""
    words = "import pathlib; from ltx.checkpoint.hub import source_of; print(source_of(pathlib.Path('a')))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.stdout == "None\n", done.stderr
