"""The sheets under maps/figures/ as smaller pictures, to stand within a document or page."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

_ROOM = 3_300_000  # bytes of all of them: as text in a page they take a third more, and a page stays below 6 MB
_STEPS = ((2, 64), (3, 48), (4, 32), (6, 16))  # part of the size, colours


def small_pictures(paths: Iterable[Path]) -> dict[Path, bytes]:
    """Each sheet as a PNG of fewer pixels and colours; all of one size, the largest at which they have room together."""
    wanted = sorted(set(paths))
    made: dict[Path, bytes] = {}
    for part, colours in _STEPS:
        made = {path: _small(path, part, colours) for path in wanted}
        if sum(len(one) for one in made.values()) <= _ROOM:
            break
    return made


def _small(path: Path, part: int, colours: int) -> bytes:
    from PIL import Image

    with Image.open(path) as original:
        image = original.convert("RGB").reduce(part)
    image = image.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    out = io.BytesIO()
    image.save(out, format="PNG", compress_level=6)
    return out.getvalue()
