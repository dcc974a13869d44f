"""The `adapter_config.json` beside a LoRA, on this disk or in the hub's repository that the file came from.

What has been downloaded before makes no difference: a file in the hub's cache may lie there without the configuration
that its repository holds beside it, so the repository is asked for it, at the commit of the file.
"""

from __future__ import annotations

import re
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, OfflineModeIsEnabled

from ltx.checkpoint.errors import CheckpointError

PEFT_WEIGHTS, PEFT_CONFIG = "adapter_model.safetensors", "adapter_config.json"
CACHED = re.compile(r"(?P<cache>.*)/models--(?P<repo>[^/]+)/snapshots/(?P<commit>[0-9a-f]{40})/(?P<inside>.+)")


def config_beside(file: Path) -> Path | None:
    """The configuration that belongs to a file of weights; None if there is none.

    On a disk it belongs to PEFT's own file, or to the only safetensors file of its folder.

    Raises:
        CheckpointError: if the file is the hub's, and the hub cannot be asked.
    """
    if match := CACHED.fullmatch(file.absolute().as_posix()):
        return _in_hub(Path(match["cache"]), match["repo"].replace("--", "/"), match["commit"], match["inside"])
    config = file.parent / PEFT_CONFIG
    alone = file.name == PEFT_WEIGHTS or len([*file.parent.glob("*.safetensors")]) == 1
    return config if alone and config.is_file() else None


def _in_hub(cache: Path, repo: str, commit: str, inside: str) -> Path | None:
    name = Path(inside).with_name(PEFT_CONFIG).as_posix()
    known = huggingface_hub.try_to_load_from_cache(repo, name, cache_dir=cache, revision=commit)
    if isinstance(known, str):
        return Path(known)
    if known is not None:  # the hub has said that there is none
        return None
    try:
        return Path(huggingface_hub.hf_hub_download(repo, name, cache_dir=cache, revision=commit))
    except EntryNotFoundError as error:
        # Also what is raised where the hub cannot be reached and the cache holds no such file.
        if isinstance(error, HfHubHTTPError):
            return None
        problem: Exception = error
    except (HfHubHTTPError, OfflineModeIsEnabled, OSError) as error:
        problem = error
    raise CheckpointError(
        f"the strength of {repo}/{inside} may stand in {PEFT_CONFIG} beside it, and the hub cannot be asked for that; "
        f"read it once with a connection, or name its alpha with alpha= ({' '.join(str(problem).split())})"
    ) from problem
