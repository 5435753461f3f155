"""A printed sheet: title, map, legend in groups, scale bar, north, notes; the same bytes each time.

Drawn with matplotlib for documents and print, as the twin of the pages. Lines of one class are one path, which is what makes a
sheet of a whole district take a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

WIDTH_IN, HEIGHT_IN, DPI = 9.6, 6.6, 300
_MAP = (0.012, 0.085, 0.72, 0.83)  # left, bottom, width, height of the map on the sheet
_ROUND = (1, 2, 2.5, 5)
_LEGEND_EMS = 20  # Chinese characters in a line of the legend


@dataclass(frozen=True)
class Key:
    """One line of the legend."""

    symbol: str  # line, patch, hatch, round, square, hollow, triangle, number
    colour: str
    text: str
    edge: str = "#333333"
    width: float = 2.0


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

    Shapes are added as plain artists: adding them as patches would work out the limits of every curve again.

    Parameters
    ----------
    bounds : (west, south, east, north)
        What the map shows at least, metres; it is widened to the shape of the sheet.
    """

    def __init__(self, bounds: tuple[float, float, float, float]) -> None:
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, facecolor="white")
        self.axes = self.figure.add_axes(_MAP)
        west, south, east, north = _widened(bounds, WIDTH_IN * _MAP[2] / (HEIGHT_IN * _MAP[3]))
        self.axes.set_xlim(west, east)
        self.axes.set_ylim(south, north)
        self.axes.set_xticks([])
        self.axes.set_yticks([])
        self.axes.set_facecolor("#f6f4ef")
        self.box = shapely.box(west, south, east, north)
        self._level = 0

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
            self.axes.add_artist(PathPatch(outline, fill=False, edgecolor=colour, linewidth=width, linestyle=dash,
                                          capstyle="butt", joinstyle="round", zorder=self._next()))  # fmt: skip

    def areas(
        self, geometry: NDArray[np.object_], fill: str, edge: str = "none", width: float = 0.5, hatch: str | None = None
    ) -> None:
        """Areas of one class."""
        from matplotlib.patches import PathPatch

        outline = path_of(geometry[self.seen(geometry)] if len(geometry) else geometry, closed=True)
        if outline is not None:
            self.axes.add_artist(PathPatch(outline, facecolor=fill, edgecolor=edge, linewidth=width, hatch=hatch,
                                          zorder=self._next()))  # fmt: skip

    def points(
        self, xy: NDArray[np.float64], shape: str, size: float, fill: str, edge: str = "none", width: float = 0.4
    ) -> None:
        """Marks of one class; many of them become a picture within the SVG, or it could not be opened."""
        if len(xy):
            self.axes.plot(xy[:, 0], xy[:, 1], shape, markersize=size, markerfacecolor=fill, markeredgecolor=edge,
                           markeredgewidth=width, linestyle="none", rasterized=len(xy) > 3000, zorder=self._next())  # fmt: skip

    def labels(
        self, xy: NDArray[np.float64], texts: list[str], size: float, colour: str = "#222222", box: str | None = None,
        *, every: bool = False,
    ) -> None:  # fmt: skip
        """Texts with a white rim; those that would lie over an earlier one are left out, or with `every` set beside it."""
        from matplotlib.patheffects import withStroke

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
            style: dict[str, Any] = (
                {"bbox": {"boxstyle": "round,pad=0.15", "facecolor": box, "edgecolor": colour, "linewidth": 0.8}}
                if box
                else {"path_effects": [withStroke(linewidth=1.8, foreground="white")]}
            )
            self.axes.text(
                x, y, text, ha="center", va="center", color=colour, fontproperties=font(size), zorder=level, **style
            )

    def watermark(self, lines: list[str]) -> None:
        """Pale words across the map, over all that is drawn: a sheet that is cut out of a document still says what it is."""
        text = "\n".join(line for line in lines if line)
        for x, y in ((0.27, 0.74), (0.73, 0.5), (0.27, 0.26)):
            self.axes.text(x, y, text, transform=self.axes.transAxes, fontproperties=font(11), color="#7a1f1f", alpha=0.28, rotation=24,
                           ha="center", va="center", linespacing=1.4, zorder=400)  # fmt: skip

    def furniture(
        self, title: str, subtitle: str, groups: list[tuple[str, list[Key]]], notes: list[str], stamp: str
    ) -> None:
        """Title, legend, scale bar, north and notes. `stamp`: what must not be overlooked, in red."""
        place = self.figure.text
        room = WIDTH_IN * 72 * (0.66 if stamp else 0.97)
        place(_MAP[0], 0.968, title, fontproperties=font(min(12.5, room / _ems(title))), va="center", ha="left")
        place(
            _MAP[0],
            0.935,
            subtitle,
            fontproperties=font(min(7.2, room / _ems(subtitle))),
            va="center",
            ha="left",
            color="#555555",
        )
        if stamp:
            place(0.988, 0.955, stamp, fontproperties=font(7.5), va="center", ha="right", color="#9c1c1c",
                  bbox={"boxstyle": "square,pad=0.3", "facecolor": "white", "edgecolor": "#9c1c1c", "linewidth": 0.9})  # fmt: skip
        for row, note in enumerate(notes):
            place(_MAP[0], 0.058 - 0.021 * row, note, fontproperties=font(6.2), va="center", ha="left", color="#444444")
        self._legend(groups)
        self._scale_bar()
        place(_MAP[0] + _MAP[2] - 0.022, _MAP[1] + _MAP[3] - 0.05, "▲\n北", fontproperties=font(9), ha="center", va="center",
              linespacing=1.0, bbox={"boxstyle": "square,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.75})  # fmt: skip

    def _legend(self, groups: list[tuple[str, list[Key]]]) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Rectangle

        x, y, step = _MAP[0] + _MAP[2] + 0.018, _MAP[1] + _MAP[3] - 0.012, 0.0265
        for heading, keys in groups:
            if not keys:
                continue
            self.figure.text(x, y, heading, fontproperties=font(8.2), va="center", weight="bold")
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
                rows = _wrapped(key.text, _LEGEND_EMS)
                for row, text in enumerate(rows):
                    self.figure.text(x + 0.034, y - 0.019 * row, text, fontproperties=font(6.8), va="center")
                y -= 0.019 * (len(rows) - 1) + step * 0.86
            y -= step * 0.25

    def _scale_bar(self) -> None:
        from matplotlib.patches import Rectangle

        west, south, east, north = self.box.bounds
        length = round_length((east - west) / 5)
        x, y, high = west + (east - west) * 0.025, south + (north - south) * 0.035, (north - south) * 0.008
        for part, colour in enumerate(("#222222", "white")):
            self.axes.add_artist(
                Rectangle(
                    (x + part * length / 2, y),
                    length / 2,
                    high,
                    facecolor=colour,
                    edgecolor="#222222",
                    linewidth=0.6,
                    zorder=300,
                )
            )
        scale = (east - west) / (WIDTH_IN * _MAP[2] * 0.0254)
        text = (
            f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
        ) + f"　1:{round(scale, -2 if scale > 5000 else -1):,.0f}"
        self.axes.text(x, y + high * 2.2, text, fontproperties=font(7), va="bottom", zorder=300,
                       bbox={"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.7})  # fmt: skip

    def save(self, stem: Path) -> tuple[Path, Path]:
        """PNG at 300 dpi and SVG beside it, without dates or random names."""
        import matplotlib

        png, svg = stem.with_suffix(".png"), stem.with_suffix(".svg")
        with matplotlib.rc_context(
            {"svg.hashsalt": stem.name, "svg.fonttype": "path", "path.simplify": True, "hatch.linewidth": 0.6}
        ):
            self.figure.savefig(png, dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
            self.figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        return png, svg


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


def _wrapped(text: str, most: int) -> list[str]:
    """Lines of at most `most` Chinese characters' width."""
    lines, width = [""], 0.0
    for one in text:
        mine = 1.0 if ord(one) > 255 else 0.55
        if width + mine > most:
            lines.append("")
            width = 0.0
        lines[-1] += one
        width += mine
    return lines
