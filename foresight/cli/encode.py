"""`foresight encode`: compute what frozen networks say about a recipe's data, once."""

from __future__ import annotations

from foresight.cli.console import console, progress_bar
from foresight.data.datamodule import StreamData
from foresight.data.encode import EncodedClips
from foresight.data.referenced import ReferencedClips
from foresight.data.source import Source
from foresight.errors import UserError


def encode(*, data: StreamData) -> dict[str, str]:
    """Fill the caches of a data module; what is there already is verified and kept.

    Args:
        data: whose sources are encoded clips.

    Returns:
        The folder of each cache.

    Raises:
        UserError: if the data is not made from encoders.
        StaleCacheError: if a cache is damaged.
    """
    folders = {}
    sources = {**_encoded("train", data.train), **_encoded("validation", data.validation)}
    for name, source in sources.items():
        with progress_bar(f"encoding {name}") as progress:
            cache = source.encode(progress)
        console.print(f"{name}: {len(cache)} rows of {', '.join(cache.names)} in {cache.folder}")
        folders[name] = str(cache.folder)
    return folders


def _encoded(name: str, source: Source) -> dict[str, EncodedClips]:
    """The caches of a source, by what they are called."""
    if isinstance(source, ReferencedClips):
        return {name: source.clips, f"{name} references": source.references}
    if isinstance(source, EncodedClips):
        return {name: source}
    raise UserError(
        expected="data whose sources are encoded clips",
        got=type(source).__name__,
        remedy="choose another data=…; this one needs no encoding",
    )
