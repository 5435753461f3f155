"""The words on a printed sheet: a line is shaped once for all sheets, and those of one look are drawn together.

matplotlib shapes, measures and hints a text anew whenever it draws it, which for the hundred texts of a sheet costs more than
the map.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

Room = tuple[float, float, float, float]  # left, bottom, width, height of words, points
_PARTS = {"left": 0.0, "center": 0.5, "right": 1.0}


@dataclass(frozen=True)
class Style:
    """How words look: points, and degrees against the clock."""

    size: float
    colour: str = "black"
    rim: float = 0.0  # width of the white line under the letters: pixels of a picture, points of a drawing
    alpha: float = 1.0
    turn: float = 0.0


@cache
def _font() -> Any:
    """Noto Sans SC as zhplot ships it, so that a machine without Chinese fonts draws characters and not boxes."""
    from importlib import resources

    from matplotlib import font_manager

    path = str(resources.files("zhplot").joinpath("fonts/NotoSansSC-Regular.ttf"))
    font_manager.fontManager.addfont(path)
    return font_manager.FontProperties(fname=path)


def font(size: float) -> Any:
    """The font in a size, points."""
    mine = _font().copy()
    mine.set_size(size)
    return mine


_outlines: dict[str, tuple[Any, Any]] = {}  # letter to vertices and codes, in the size that TextToPath works in


@cache
def shaped(text: str) -> tuple[tuple[str, float, float, float], ...]:
    """The letters of a line as TextToPath gives them: name, place, and part of the size."""
    from matplotlib.font_manager import get_font
    from matplotlib.textpath import text_to_path

    face = get_font(_font().get_file())
    face.set_size(text_to_path.FONT_SCALE, text_to_path.DPI)  # others have the same face and set it to their size
    letters, _, _ = text_to_path.get_glyphs_with_font(face, text, glyph_map=_outlines)
    return tuple(letters)


@cache
def outline(text: str) -> Any:
    """A line as one path in sizes of the font; it starts on its base at 0."""
    from matplotlib.path import Path
    from matplotlib.textpath import text_to_path

    letters = [(_outlines[name], (x, y)) for name, x, y, _ in shaped(text) if len(_outlines[name][0])]
    if not letters:
        return Path(np.zeros((0, 2)))
    places = np.concatenate([vertices + at for (vertices, _), at in letters])
    return Path(places / text_to_path.FONT_SCALE, np.concatenate([codes for (_, codes), _ in letters]))


@cache
def keeping() -> Any:
    """A TextToPath that remembers how a line is shaped, for a renderer that asks for letters and stores each once."""
    from matplotlib.textpath import TextToPath

    class Keeping(TextToPath):
        """Of one font."""

        def get_glyphs_with_font(  # type: ignore[override]
            self, _font: Any, s: str, glyph_map: Any = None, return_new_glyphs_only: bool = False, **_: Any
        ) -> Any:
            """Letters, outlines and boxes of a line."""
            known = {} if glyph_map is None or not return_new_glyphs_only else glyph_map
            return shaped(s), {name: _outlines[name] for name, *_ in shaped(s) if name not in known}, []

    return Keeping()


@cache
def width(text: str) -> float:
    """Width of a line in sizes of the font."""
    from matplotlib.textpath import text_to_path

    return float(text_to_path.get_text_width_height_descent(text, font(1.0), ismath=False)[0]) if text else 0.0


_BITS = re.compile(
    r"\d+ \S|[0-9A-Za-z\u00c0-\u024f.'’-]+|.", re.DOTALL
)  # a number and what it counts, a word, a character
_NEVER_FIRST = "，。、；：！？）」』】》”%％)]},.;:!?"


def wrapped(text: str, most: float) -> list[str]:
    """Lines of about `most` sizes of the font: words stay whole where they can, and no line begins with what closes a phrase."""
    lines, wide = [""], 0.0
    for bit in _BITS.findall(text):
        for one in [bit] if width(bit) <= most else bit:
            if lines[-1] and wide + width(one) > most and one not in _NEVER_FIRST:
                lines[-1] = lines[-1].rstrip()
                lines.append("")
                wide = 0.0
            if lines[-1] or not one.isspace():
                lines[-1] += one
                wide += width(one)  # of the parts: measuring each line as it grows would take longer than drawing it
    return lines


@cache
def _ascent() -> float:
    """How far a line of the font reaches above its base, in sizes; with what is below it makes one size."""
    from matplotlib.font_manager import get_font

    face: Any = get_font(_font().get_file())
    return float(face.get_sfnt_table("OS/2")["sTypoAscender"] / face.get_sfnt_table("head")["unitsPerEm"])


class Lettering:
    """All words of one level of a figure. Places are in points from the lower left corner of the figure."""

    def __init__(self) -> None:
        self.placed: list[tuple[str, float, float]] = []  # text, and the place it was given
        self._rows: dict[Style, list[tuple[str, float, float]]] = defaultdict(list)  # line, and where its base begins

    def put(
        self, x: float, y: float, text: str, style: Style, across: str = "left", up: str = "center", spacing: float = 1.0
    ) -> Room:  # fmt: skip
        """Set a text, and say what room it takes before it is turned.

        Parameters
        ----------
        across, up : str
            What of the text stands at the place: its left, center or right; its center or bottom.
        spacing : float
            From one line to the next, in sizes.
        """
        self.placed.append((text, x, y))
        rows, part = text.split("\n"), _PARTS[across]
        wide = max(width(row) for row in rows) * style.size
        high = style.size * (1.0 + spacing * (len(rows) - 1))
        left, top = -wide * part, high / 2 if up == "center" else high
        cos, sin = np.cos(np.radians(style.turn)), np.sin(np.radians(style.turn))
        for number, row in enumerate(rows):
            east = left + part * (wide - width(row) * style.size)
            north = top - style.size * (_ascent() + spacing * number)
            self._rows[style].append((row, x + cos * east - sin * north, y + sin * east + cos * north))
        return x + left, y + top - high, wide, high

    def draw(self, renderer: Any, dpi: float) -> None:
        """Draw the lines of a style, as one path on a picture; rims come first, lest that of a letter lie over its neighbour."""
        from matplotlib.backends import backend_agg
        from matplotlib.transforms import Affine2D

        agg: Any = backend_agg
        pixels = Affine2D().scale(dpi / 72)
        renderer.open_group("words")
        for style, rows in self._rows.items():
            gc: Any = renderer.new_gc()
            gc.set_alpha(style.alpha)
            gc.set_snap(False)
            if style.rim:
                gc.set_foreground("white")
                gc.set_linewidth(style.rim)
                renderer.draw_path(gc, _joined(style, rows), pixels, None)
            gc.set_foreground(style.colour)
            gc.set_linewidth(0.0)
            if isinstance(renderer, agg.RendererAgg):
                renderer.draw_path(gc, _joined(style, rows), pixels, gc.get_rgb())
            else:  # a drawing names each letter once and refers to it
                high = renderer.get_canvas_width_height()[1]
                for row, x, y in rows:
                    at_x, at_y = pixels.transform((x, y))
                    at_y = high - at_y if renderer.flipy() else at_y
                    renderer.draw_text(gc, at_x, at_y, row, font(style.size), style.turn)
            gc.restore()
        renderer.close_group("words")


def _joined(style: Style, rows: list[tuple[str, float, float]]) -> Any:
    """Lines of a style as one path, points."""
    from matplotlib.path import Path
    from matplotlib.transforms import Affine2D

    turned: Any = Affine2D().scale(style.size).rotate_deg(style.turn)
    return Path.make_compound_path(
        *(outline(row).transformed(turned + Affine2D().translate(x, y)) for row, x, y in rows)
    )


@cache
def _artist() -> Any:
    """The class that lets a figure draw words; made when it is needed, as matplotlib is not loaded before."""
    from matplotlib.artist import Artist

    class Words(Artist):
        """Words as a part of a figure."""

        def __init__(self, words: Lettering) -> None:
            super().__init__()
            self._words = words

        def draw(self, renderer: Any) -> None:
            """Draw them in the resolution that the figure has now."""
            self._words.draw(renderer, self.get_figure(root=True).dpi)  # type: ignore[union-attr]

    return Words


def add_words(figure: Any, level: float) -> Lettering:
    """Words on a figure, at a level of their own."""
    words = Lettering()
    figure.add_artist(_artist()(words)).set_zorder(level)
    return words
