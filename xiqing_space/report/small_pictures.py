"""The sheets under maps/figures/ as smaller pictures, to stand within a document or page."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

_ROOM = 3_300_000  # bytes of all of them: as text in a page they take a third more, and a page stays below 6 MB
_STEPS = ((2, 64), (3, 48), (4, 32), (6, 16))  # part of the size, colours
_AT_ONCE = 2  # steps that are made from one reading of a sheet, which takes longer than making them


def small_pictures(paths: Iterable[Path]) -> dict[Path, bytes]:
    """Each sheet as a PNG of fewer pixels and colours; all of one size, the largest at which they have room together."""
    wanted = sorted(set(paths))
    made: dict[Path, bytes] = {}
    for first in range(0, len(_STEPS), _AT_ONCE):
        steps = _STEPS[first : first + _AT_ONCE]
        found = [_small(path, steps) for path in wanted]
        for number in range(len(steps)):
            made = {path: one[number] for path, one in zip(wanted, found, strict=True)}
            if sum(len(one) for one in made.values()) <= _ROOM:
                return made
    return made


def _small(path: Path, steps: tuple[tuple[int, int], ...]) -> list[bytes]:
    """A sheet at each step, as PNG."""
    from PIL import Image

    with Image.open(path) as original:
        image = original.convert("RGB")
    found = []
    for part, colours in steps:
        out = io.BytesIO()
        less = image.reduce(part).quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        less.save(out, format="PNG", compress_level=6)
        found.append(out.getvalue())
    return found
