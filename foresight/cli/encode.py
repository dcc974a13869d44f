"""`foresight encode`: compute what frozen networks say about a recipe's data, once."""

from __future__ import annotations

from foresight.cli.account import give_account, give_reconstruction
from foresight.cli.console import console, progress_bar
from foresight.data.datamodule import StreamData
from foresight.data.encode import EncodedClips, fill, needed_bytes
from foresight.data.mixed import MixedClips, MixedData
from foresight.data.referenced import ReferencedClips
from foresight.data.source import Source
from foresight.errors import UserError


def encode(*, data: StreamData | MixedData) -> dict[str, list[str]]:
    """Fill the caches of a data module; what is there already is verified and kept.

    Before that it says what becomes of the videos, and how well the VAE draws a few of them.

    Args:
        data: whose sources are encoded clips.

    Returns:
        The folders of each source's caches.

    Raises:
        UserError: if the data is not made from encoders, or there is not enough space.
        StaleCacheError: if a cache is damaged.
    """
    sources = {**_encoded("train", data.train), **_encoded("validation", data.validation)}
    give_account(data)
    give_reconstruction(data)
    for name, source in sources.items():
        source.clips.prepare()
        missing = max(len(source.missing(encoder)) for encoder in source.encoders)
        if missing:
            console.print(f"{name}: {missing} of {len(source)} clips to encode, about {_size(needed_bytes(source))}")
    with progress_bar("encoding") as progress:
        fill(list(sources.values()), progress)
    data.prepare_data()  # what is left are the sentences
    folders = {}
    for name, source in sources.items():
        folders[name] = [str(store.folder) for store in source.stores.values()]
        console.print(f"{name}: {len(source)} rows of {', '.join(source.names)} in {' and '.join(folders[name])}")
    return folders


def _encoded(name: str, source: Source | MixedClips) -> dict[str, EncodedClips]:
    """The caches of a source, by what they are called."""
    if isinstance(source, ReferencedClips):
        clips, references = source.caches
        return {name: clips, f"{name} references": references}
    if isinstance(source, MixedClips):
        return {f"{name} {kind}": part for kind, part in source.parts.items() if isinstance(part, EncodedClips)}
    if isinstance(source, EncodedClips):
        return {name: source}
    raise UserError(
        expected="data whose sources are encoded clips",
        got=type(source).__name__,
        remedy="choose another data=…; this one needs no encoding",
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.3g} GB" if count >= 1e9 else f"{count / 1e6:.3g} MB"
