"""The pictures of a folder as the frames of a video: which they are, in which order, and whether any are missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median

from ltx.media.limits import MediaError
from ltx.media.remarks import Remarks

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
_UNSAID = {"thumbs.db", "desktop.ini"}
_SIGN = r"(?:(?<![a-z0-9)])-)?"

Key = tuple[list[tuple[int, Fraction | str]], str]


def is_picture(file: Path) -> bool:
    """True if a file's name is that of a picture, and not a hidden one."""
    return file.suffix.lower() in PICTURES and not file.name.startswith(".") and file.is_file()


def numbered(path: Path, remarks: Remarks) -> list[Path]:
    """A folder's pictures in natural order; gaps in their numbers and what else lies there are remarked on.

    Raises:
        MediaError: if there are none, one is a link to nothing, two have the same number, or they are of several kinds,
            such as frames and masks.
    """
    entries = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    dangling = sorted(entry.name for entry in entries if entry.suffix.lower() in PICTURES and not entry.exists())
    if dangling:
        raise MediaError(
            f"expected the pictures that {path} names, got {len(dangling)} links to nothing, the first {dangling[0]}; "
            "copy the folder with what its links name (cp -rL)"
        )
    files = [entry for entry in entries if is_picture(entry)]
    others = Counter(
        "folders" if entry.is_dir() else entry.suffix.lower() or "without ending"
        for entry in entries
        if not is_picture(entry) and entry.name.lower() not in _UNSAID
    )
    beside = ", ".join(f"{count} {kind}" for kind, count in sorted(others.items()))
    if not files:
        raise MediaError(
            f"expected pictures ({', '.join(sorted(PICTURES))}) in the folder, got {beside or 'none'} in {path}; "
            "name a folder of pictures, or one video"
        )
    if beside:
        remarks.add(f"Other files of the folder are left out: {beside}.")
    names = Names(files)
    files.sort(key=names.key)
    if not names.one_series(path, files):
        remarks.add(f"Its names are no numbered series: taken in their order, {files[0].name} to {files[-1].name}.")
    elif gaps := names.gaps(files):
        missing, after = gaps
        remarks.add(
            f"The numbers of its pictures have gaps ({missing} missing, the first after {after}): "
            "pictures are taken one per frame all the same."
        )
    return files


class Names:
    """The way to read the numbers in a set of names, found from all of them.

    A point within a number is decimal unless the digits behind it count, as in 1.9 and 1.10. A minus that follows no
    letter or digit is a sign if some of the names have none.

    Args:
        files: whose names.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        stems = [file.stem.lower() for file in files]
        behind = [digits for stem in stems for digits in re.findall(r"\d\.(\d+)", stem)]
        counting = len(set(map(len, behind))) > 1 and any(len(one) > 1 and one.endswith("0") for one in behind)
        signs = [bool(re.search(r"(?<![a-z0-9)])-\d", stem)) for stem in stems]
        sign = _SIGN if any(signs) and not all(signs) else ""
        behind_point = "" if counting else r"(?:[.]\d+)?"
        self._number = re.compile(rf"({sign}\d+{behind_point})")

    def key(self, file: Path) -> Key:
        """Sort key under which frame2 comes before frame10."""
        parts = self._number.split(file.stem.lower())
        # The pieces between numbers stand at even places.
        key = [(0, Fraction(part)) if place % 2 else (1, part) for place, part in enumerate(parts) if part]
        return key, file.name.lower()

    def one_series(self, path: Path, files: Sequence[Path]) -> bool:
        """True if the names differ in their numbers alone.

        Raises:
            MediaError: if they are several such series, or two have the same numbers.
        """
        of = self._kind
        kinds = Counter(map(of, files))
        if len(kinds) == 1:
            for one, two in pairwise(files):
                if self.key(one)[0] == self.key(two)[0]:
                    raise MediaError(
                        f"expected every picture once, got {one.name} and {two.name} in {path}, which have the same "
                        "number; take one of them out"
                    )
            return True
        if 2 * sum(count for count in kinds.values() if count > 1) >= len(files):
            first = {kind: next(file.name for file in files if of(file) == kind) for kind in kinds}
            shown = [f"{count} like {first[kind]}" for kind, count in kinds.most_common(3)]
            raise MediaError(
                f"expected the pictures of one video, got names of {len(kinds)} kinds in {path}: {', '.join(shown)}; "
                "put each kind, as masks, into a folder of its own"
            )
        return False

    def gaps(self, files: Sequence[Path]) -> tuple[int, str] | None:
        """Count of the numbers missing from a series, and the name of the picture before the first of them."""
        rows = [self._numbers(file) for file in files]
        varying = [column for column in range(len(rows[0])) if len({row[column] for row in rows}) > 1]
        if not varying:
            return None
        steps: list[tuple[Fraction, str]] = []
        for _, group in groupby(range(len(rows)), key=lambda at: rows[at][: varying[-1]]):
            members = list(group)
            steps += [(rows[b][varying[-1]] - rows[a][varying[-1]], files[a].name) for a, b in pairwise(members)]
        usual = median(step for step, _ in steps) if steps else Fraction(0)
        left_out = [(step, name) for step, name in steps if usual and step > usual * Fraction(3, 2)]
        return (sum(round(step / usual) - 1 for step, _ in left_out), left_out[0][1]) if left_out else None

    def _kind(self, file: Path) -> str:
        return self._number.sub("#", file.stem.lower())

    def _numbers(self, file: Path) -> list[Fraction]:
        return [Fraction(number) for number in self._number.findall(file.stem.lower())]
