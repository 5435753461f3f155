"""A printed sheet: title, map, legend in groups, scale bar, north, notes; the same bytes each time.

Drawn with matplotlib for documents and print, as the twin of the pages. Lines of one class are one path, which is what makes a
sheet of a whole district take a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from xiqing_space.maps.lettering import Lettering, Room, Style, add_words, keeping, wrapped
from xiqing_space.maps.picture import write_png

WIDTH_IN, HEIGHT_IN, DPI = 9.6, 6.6, 300
_MAP = (0.012, 0.085, 0.72, 0.83)  # left, bottom, width, height of the map on the sheet
_ROUND = (1, 2, 2.5, 5)
_FRAME, _SCALE, _MARK, _FURNITURE = 250, 300, 400, 500  # levels: of the highest what lies over all
_LEGEND_EMS = 20  # Chinese characters in a line of the legend


@dataclass(frozen=True)
class Key:
    """One line of the legend."""

    symbol: str  # line, patch, hatch, round, square, hollow, triangle, number
    colour: str
    text: str
    edge: str = "#333333"
    width: float = 2.0


def path_of(geometry: NDArray[np.object_], closed: bool = False) -> Any:
    """Many lines or rings as one matplotlib path, or None where there is nothing."""
    from matplotlib.path import Path as Outline

    parts = shapely.get_parts(geometry) if len(geometry) else geometry
    if closed:
        parts = shapely.get_rings(parts)
    coords, line = shapely.get_coordinates(parts, return_index=True)
    if not len(coords):
        return None
    codes = np.full(len(coords), Outline.LINETO, dtype=np.uint8)
    codes[np.concatenate([[True], line[1:] != line[:-1]])] = Outline.MOVETO
    if closed:
        codes[np.concatenate([line[1:] != line[:-1], [True]])] = Outline.CLOSEPOLY
    return Outline(coords, codes)


class Sheet:
    """One sheet in the making.

    Shapes are added to the figure as plain artists. Axes would bring scales, ticks and limits that a map has no use for, and
    making them takes longer than drawing the legend.

    Parameters
    ----------
    bounds : (west, south, east, north)
        What the map shows at least, metres; it is widened to the shape of the sheet.
    """

    def __init__(self, bounds: tuple[float, float, float, float]) -> None:
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle
        from matplotlib.transforms import Affine2D, Bbox, BboxTransform, TransformedBbox

        self.figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, facecolor="white")
        west, south, east, north = _widened(bounds, WIDTH_IN * _MAP[2] / (HEIGHT_IN * _MAP[3]))
        self.box = shapely.box(west, south, east, north)
        frame = Bbox.from_bounds(*_MAP)
        self._metres = BboxTransform(Bbox([[west, south], [east, north]]), frame) + self.figure.transFigure
        self._cut = TransformedBbox(frame, self.figure.transFigure)
        self._points = Affine2D().scale(1 / 72) + self.figure.dpi_scale_trans
        self._level = 0
        self.words: dict[float, Lettering] = {}
        for level, fill, edge in ((0, "#f6f4ef", "none"), (_FRAME, "none", "black")):
            self.figure.add_artist(Rectangle(_MAP[:2], *_MAP[2:], facecolor=fill, edgecolor=edge, linewidth=0.8,
                                             transform=self.figure.transFigure, zorder=level))  # fmt: skip

    def _on_map(self, artist: Any, level: float) -> None:
        """Draw something whose places are metres, within the frame."""
        artist.set(transform=self._metres, clip_box=self._cut, zorder=level)
        self.figure.add_artist(artist)

    def _place(self, x: float, y: float) -> tuple[float, float]:
        """Points on the sheet of a place on the map."""
        at_x, at_y = (self._metres - self.figure.dpi_scale_trans).transform((x, y)) * 72
        return float(at_x), float(at_y)

    def _words(self, level: float) -> Lettering:
        """The words of a level."""
        if level not in self.words:
            self.words[level] = add_words(self.figure, level)
        return self.words[level]

    def seen(self, geometry: NDArray[np.object_]) -> NDArray[np.bool_]:
        """Which geometries meet the map's frame."""
        west, south, east, north = self.box.bounds
        bounds = shapely.bounds(geometry)
        inside: NDArray[np.bool_] = (
            (bounds[:, 0] <= east) & (bounds[:, 2] >= west) & (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
        )
        return inside

    def _next(self) -> int:
        self._level += 1
        return self._level

    def lines(
        self, geometry: NDArray[np.object_], colour: str, width: float, dash: Any = "solid", cut: bool = True
    ) -> None:
        """Lines of one class."""
        from matplotlib.patches import PathPatch

        outline = path_of(geometry[self.seen(geometry)] if cut and len(geometry) else geometry)
        if outline is not None:
            self._on_map(PathPatch(outline, fill=False, edgecolor=colour, linewidth=width, linestyle=dash,
                                   capstyle="butt", joinstyle="round"), self._next())  # fmt: skip

    def areas(
        self, geometry: NDArray[np.object_], fill: str, edge: str = "none", width: float = 0.5, hatch: str | None = None
    ) -> None:
        """Areas of one class."""
        from matplotlib.patches import PathPatch

        outline = path_of(geometry[self.seen(geometry)] if len(geometry) else geometry, closed=True)
        if outline is not None:
            self._on_map(PathPatch(outline, facecolor=fill, edgecolor=edge, linewidth=width, hatch=hatch), self._next())

    def points(
        self, xy: NDArray[np.float64], shape: str, size: float, fill: str, edge: str = "none", width: float = 0.4
    ) -> None:
        """Marks of one class; many of them become a picture within the SVG, or it could not be opened."""
        from matplotlib.lines import Line2D

        if len(xy):
            self._on_map(Line2D(xy[:, 0], xy[:, 1], marker=shape, markersize=size, markerfacecolor=fill, markeredgecolor=edge,
                                markeredgewidth=width, linestyle="none", rasterized=len(xy) > 3000), self._next())  # fmt: skip

    def labels(
        self, xy: NDArray[np.float64], texts: list[str], size: float, colour: str = "#222222", box: str | None = None,
        *, every: bool = False,
    ) -> None:  # fmt: skip
        """Texts with a white rim; those that would lie over an earlier one are left out, or with `every` set beside it."""
        taken: list[tuple[float, float, float, float]] = []
        per_point = (self.box.bounds[2] - self.box.bounds[0]) / (WIDTH_IN * _MAP[2] * 72)
        level = self._next() + 100
        for (x, y), text in zip(xy, texts, strict=True):
            wide, high = (
                (_ems(text) * size / 2 + 1) * per_point,
                (size / 2 + 1) * per_point,
            )
            west, south, east, north = self.box.bounds
            while every and _lies_over((x - wide, y - high, x + wide, y + high), taken):
                x += 2.1 * wide
            mine = (x - wide, y - high, x + wide, y + high)
            if not (west < mine[0] and mine[2] < east and south < mine[1] and mine[3] < north):
                continue
            if _lies_over(mine, taken):
                continue
            taken.append(mine)
            style = Style(size, colour, rim=0.0 if box else 1.8)
            room = self._words(level).put(*self._place(x, y), text, style, "center")
            if box:
                self._box(room, size, "round,pad=0.15", level - 0.5, facecolor=box, edgecolor=colour, linewidth=0.8)

    def watermark(self, lines: list[str]) -> None:
        """Pale words across the map, over all that is drawn: a sheet that is cut out of a document still says what it is."""
        text = "\n".join(line for line in lines if line)
        west, south, east, north = self.box.bounds
        for x, y in ((0.27, 0.74), (0.73, 0.5), (0.27, 0.26)):
            place = self._place(west + (east - west) * x, south + (north - south) * y)
            self._words(_MARK).put(
                *place, text, Style(11, "#7a1f1f", alpha=0.28, turn=24), across="center", spacing=1.4
            )

    def furniture(
        self, title: str, subtitle: str, groups: list[tuple[str, list[Key]]], notes: list[str], stamp: str
    ) -> None:
        """Title, legend, scale bar, north and notes. `stamp`: what must not be overlooked, in red."""
        room = WIDTH_IN * 72 * (0.66 if stamp else 0.97)
        self._write(_MAP[0], 0.968, title, Style(min(12.5, room / _ems(title))))
        self._write(_MAP[0], 0.935, subtitle, Style(min(7.2, room / _ems(subtitle)), "#555555"))
        if stamp:
            taken = self._write(0.988, 0.955, stamp, Style(7.5, "#9c1c1c"), across="right")
            self._box(
                taken, 7.5, "square,pad=0.3", _FURNITURE - 1, facecolor="white", edgecolor="#9c1c1c", linewidth=0.9
            )
        for row, note in enumerate(notes):
            self._write(_MAP[0], 0.058 - 0.021 * row, note, Style(6.2, "#444444"))
        self._legend(groups)
        self._scale_bar()
        taken = self._write(_MAP[0] + _MAP[2] - 0.022, _MAP[1] + _MAP[3] - 0.05, "▲\n北", Style(9), across="center")
        self._box(taken, 9, "square,pad=0.2", _FURNITURE - 1, facecolor="white", edgecolor="none", alpha=0.75)

    def _write(self, x: float, y: float, text: str, style: Style, across: str = "left") -> Room:
        """Words beside and over the map, at a place in parts of the sheet."""
        return self._words(_FURNITURE).put(x * WIDTH_IN * 72, y * HEIGHT_IN * 72, text, style, across)

    def _box(self, room: Room, size: float, style: str, level: float, **look: Any) -> None:
        """A box round words of a size."""
        from matplotlib.patches import FancyBboxPatch

        self.figure.add_artist(FancyBboxPatch(room[:2], *room[2:], boxstyle=style, mutation_scale=size, transform=self._points,
                                              zorder=level, **look))  # fmt: skip

    def _legend(self, groups: list[tuple[str, list[Key]]]) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Rectangle

        x, y, step = _MAP[0] + _MAP[2] + 0.018, _MAP[1] + _MAP[3] - 0.012, 0.0265
        for heading, keys in groups:
            if not keys:
                continue
            self._write(x, y, heading, Style(8.2))
            y -= step * 1.05
            for key in keys:
                if key.symbol in ("patch", "hatch"):
                    self.figure.add_artist(Rectangle((x, y - 0.008), 0.026, 0.016, facecolor=key.colour if key.symbol == "patch" else "white",
                        edgecolor=key.edge, hatch="////" if key.symbol == "hatch" else None, linewidth=0.6, transform=self.figure.transFigure))  # fmt: skip
                elif key.symbol in ("line", "dash"):
                    self.figure.add_artist(Line2D([x, x + 0.026], [y, y], color=key.colour, linewidth=key.width,
                                                  linestyle="solid" if key.symbol == "line" else (0, (4, 2)), transform=self.figure.transFigure))  # fmt: skip
                else:
                    shape = {
                        "round": "o",
                        "square": "s",
                        "triangle": "^",
                        "diamond": "D",
                        "hollow": "o",
                        "number": "s",
                    }[key.symbol]
                    self.figure.add_artist(Line2D([x + 0.013], [y], marker=shape, markersize=5.5, markerfacecolor="white" if key.symbol == "hollow"
                        else key.colour, markeredgecolor=key.edge, markeredgewidth=0.8, linestyle="none", transform=self.figure.transFigure))  # fmt: skip
                rows = wrapped(key.text, _LEGEND_EMS)
                for row, text in enumerate(rows):
                    self._write(x + 0.034, y - 0.019 * row, text, Style(6.8))
                y -= 0.019 * (len(rows) - 1) + step * 0.86
            y -= step * 0.25

    def _scale_bar(self) -> None:
        from matplotlib.patches import Rectangle

        west, south, east, north = self.box.bounds
        length = round_length((east - west) / 5)
        x, y, high = west + (east - west) * 0.025, south + (north - south) * 0.035, (north - south) * 0.008
        for part, colour in enumerate(("#222222", "white")):
            half = Rectangle((x + part * length / 2, y), length / 2, high, facecolor=colour)
            half.set(edgecolor="#222222", linewidth=0.6)
            self._on_map(half, _SCALE)
        scale = (east - west) / (WIDTH_IN * _MAP[2] * 0.0254)
        text = (
            f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
        ) + f"　1:{round(scale, -2 if scale > 5000 else -1):,.0f}"
        room = self._words(_SCALE + 1).put(*self._place(x, y + high * 2.2), text, Style(7), up="bottom")
        self._box(room, 7, "square,pad=0.15", _SCALE + 0.5, facecolor="white", edgecolor="none", alpha=0.7)

    def save(self, stem: Path) -> tuple[Path, Path]:
        """PNG at 300 dpi and SVG beside it, without dates or random names; it ends the sheet."""
        import matplotlib

        png, svg = stem.with_suffix(".png"), stem.with_suffix(".svg")
        with matplotlib.rc_context(
            {"svg.hashsalt": stem.name, "svg.fonttype": "path", "path.simplify": True, "hatch.linewidth": 0.6}
        ):
            self._save_png(png)
            self._save_svg(svg)
        self.figure.clear()  # a figure and its canvas hold each other, and with them the shapes of a whole district
        return png, svg

    def _save_png(self, path: Path) -> None:
        """Draw on a picture that is let go at the end; a canvas would keep it for as long as the figure lives."""
        from matplotlib.backends import backend_agg

        agg: Any = backend_agg
        renderer = agg.RendererAgg(round(WIDTH_IN * DPI), round(HEIGHT_IN * DPI), DPI)
        self.figure.draw(renderer)
        write_png(np.asarray(renderer.buffer_rgba()), path, DPI)

    def _save_svg(self, path: Path) -> None:
        """What `savefig` does, but with words that need not be shaped again."""
        from matplotlib.backends import backend_mixed, backend_svg

        mixed: Any = backend_mixed
        svg: Any = backend_svg
        with path.open("w", buffering=2**20, encoding="utf-8", newline="\n") as file:
            drawing = svg.RendererSVG(
                WIDTH_IN * 72, HEIGHT_IN * 72, file, image_dpi=DPI, metadata={"Date": None, "Creator": None}
            )
            drawing._text2path = keeping()
            self.figure.dpi = 72  # before the renderer, which comes back to it after each part drawn as a picture
            renderer = mixed.MixedModeRenderer(self.figure, WIDTH_IN, HEIGHT_IN, DPI, drawing)
            self.figure.draw(renderer)
            self.figure.dpi = DPI
            renderer.finalize()


def _lies_over(mine: tuple[float, ...], taken: list[tuple[float, float, float, float]]) -> bool:
    """Whether a box meets one of those that are there."""
    return any(mine[0] < b[2] and b[0] < mine[2] and mine[1] < b[3] and b[1] < mine[3] for b in taken)


def _ems(text: str) -> float:
    """Width of a text in sizes of its font."""
    return max(1.0, sum(1.0 if ord(one) > 255 else 0.56 for one in text))


def round_length(metres: float) -> float:
    """The greatest round length that is not longer: 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(metres))
    return float(max(one * power for one in _ROUND if one * power <= metres * (1 + 1e-9)))


def _widened(bounds: tuple[float, float, float, float], shape: float) -> tuple[float, float, float, float]:
    west, south, east, north = bounds
    wide, high = max(east - west, 200.0) * 1.06, max(north - south, 150.0) * 1.06
    wide, high = max(wide, high * shape), max(high, wide / shape)
    x, y = (west + east) / 2, (south + north) / 2
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2
