"""`foresight encode`: compute what frozen networks say about a recipe's data, once."""

from __future__ import annotations

from foresight.cli.console import console, progress_bar
from foresight.data.datamodule import StreamData
from foresight.data.encode import EncodedClips
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
    for name, source in (("train", data.train), ("validation", data.validation)):
        if not isinstance(source, EncodedClips):
            raise UserError(
                expected="data whose sources are encoded clips",
                got=type(source).__name__,
                remedy="choose another data=…; this one is made on the fly",
            )
        with progress_bar(f"encoding {name}") as progress:
            cache = source.encode(progress)
        console.print(f"{name}: {len(cache)} rows of {', '.join(cache.names)} in {cache.folder}")
        folders[name] = str(cache.folder)
    return folders
