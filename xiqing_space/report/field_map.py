"""A small picture of a school's surroundings with its numbered items, for the field sheet; the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.maps.lettering import font
from xiqing_space.maps.sheet import path_of, round_length

WIDTH_IN, HEIGHT_IN, DPI = 8.0, 5.4, 110
_SHAPE = WIDTH_IN / HEIGHT_IN
_LEAST_M, _SPARE = 300.0, 1.12
_LABEL_PX = 15.0  # room that a number takes
_COLOURS, _NAMES = 128, 10
_RED, _BLUE = "#b3261e", "#1f5fa8"
_INTERNAL = "内部使用，未经地图审核不得公开"


class Streets:
    """All streets in metres, projected once, to be cut to each school's frame."""

    def __init__(self, streets: pd.DataFrame, foot: list[str], metric_epsg: int) -> None:
        ordered = streets.sort_values("edge_id")
        self.lines = project_geometry(ordered["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
        self.foot = ordered["highway"].isin(foot).to_numpy(dtype=bool)
        self.names = ordered["name"].to_numpy(dtype=object)
        self.epsg = metric_epsg
        self._tree = shapely.STRtree(self.lines)

    def within(self, box: Any) -> NDArray[np.intp]:
        """Rows that meet a frame, in order."""
        return np.sort(self._tree.query(box))


def draw_school(
    streets: Streets, items: pd.DataFrame, lines: Sequence[Any], school: Any, title: str, synthetic: bool
) -> bytes:
    """PNG of a school, streets, and items numbered as on the sheet.

    Parameters
    ----------
    items : DataFrame
        lon, lat, item_type; the first one has number 1.
    lines : sequence of LineString
        Items that are streets, EPSG:4326.
    school : Point
        EPSG:4326.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import PathPatch

    points = project_geometry(
        shapely.points(items["lon"].to_numpy(dtype=float), items["lat"].to_numpy(dtype=float)), GEOGRAPHIC, streets.epsg
    )
    marked = project_geometry(np.array([*lines], dtype=object), GEOGRAPHIC, streets.epsg)
    place = project_geometry(np.asarray([school], dtype=object), GEOGRAPHIC, streets.epsg)
    west, south, east, north = _frame(np.concatenate([points, place]))
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.005, 0.045, 0.99, 0.895))
    axes.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[], facecolor="#f6f4ef")
    seen = streets.within(shapely.box(west, south, east, north))
    for rows, colour, width in (
        (seen[~streets.foot[seen]], "#b5afa5", 2.0),
        (seen[streets.foot[seen]], "#c8c2b6", 0.8),
    ):
        if (outline := path_of(streets.lines[rows])) is not None:
            axes.add_patch(PathPatch(outline, fill=False, edgecolor=colour, linewidth=width, zorder=1))
    if (outline := path_of(marked)) is not None:
        axes.add_patch(PathPatch(outline, fill=False, edgecolor=_RED, linewidth=3.2, alpha=0.75, zorder=2))
    kinds = items["item_type"].to_numpy(dtype=object)
    for kind, shape, colour in (("crossing", "o", _RED), ("gate", "s", _BLUE)):
        mine = points[kinds == kind]
        axes.plot(
            shapely.get_x(mine), shapely.get_y(mine), shape, color=colour, markersize=5, linestyle="none", zorder=3
        )
    axes.plot(
        shapely.get_x(place), shapely.get_y(place), "*", color=_BLUE, markersize=15, markeredgecolor="white", zorder=4
    )
    taken = _numbers(axes, points, (west, south, east, north))
    _names(axes, streets, seen, (west, south, east, north), taken)
    _scale(axes, (west, south, east, north))
    figure.text(0.008, 0.968, title[:40], fontproperties=font(10), va="center")
    stamp = f"示例数据 synthetic sample · {_INTERNAL}" if synthetic else _INTERNAL
    figure.text(0.992, 0.968, stamp, fontproperties=font(7.5), va="center", ha="right", color=_RED)
    figure.text(0.008, 0.02, "★ 学校　■ 校门　● 过街　红线 路段　数字为表中序号　上北下南　底图 © OpenStreetMap contributors",
                fontproperties=font(7), va="center", color="#444444")  # fmt: skip
    return _png(figure)


def _png(figure: Any) -> bytes:
    """The drawing in few colours, a fourth of the size."""
    from PIL import Image

    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    picture = picture.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE)
    buffer = io.BytesIO()
    picture.save(buffer, format="png", compress_level=6)
    return buffer.getvalue()


def _frame(points: NDArray[np.object_]) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(points)
    wide, high = max(east - west, _LEAST_M) * _SPARE, max(north - south, _LEAST_M) * _SPARE
    wide, high = max(wide, high * _SHAPE), max(high, wide / _SHAPE)
    x, y = (west + east) / 2, (south + north) / 2
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _numbers(
    axes: Any, points: NDArray[np.object_], frame: tuple[float, float, float, float]
) -> list[tuple[float, float]]:
    """A number beside each item, moved away from those that are there; where that moves it far, a thin line leads back."""
    metres = (frame[2] - frame[0]) / (WIDTH_IN * DPI)
    taken: list[tuple[float, float]] = []
    room = _LABEL_PX * metres
    for number, point in enumerate(points, 1):
        x, y = float(point.x), float(point.y)
        rings = [
            (x + r * room * np.cos(a), y + r * room * np.sin(a))
            for r in (0.9, 1.6, 2.4, 3.2, 4.0)
            for a in np.arange(8) * np.pi / 4 + 0.4
        ]
        inside = [one for one in rings if frame[0] < one[0] < frame[2] and frame[1] < one[1] < frame[3]] or rings
        at = next((one for one in inside if all(np.hypot(one[0] - a, one[1] - b) >= room for a, b in taken)), inside[0])
        taken.append(at)
        axes.plot([x, at[0]], [y, at[1]], color="#444444", linewidth=0.5, zorder=5)
        axes.text(*at, str(number), fontproperties=font(7), ha="center", va="center", zorder=6,
                  bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "#444444", "linewidth": 0.5})  # fmt: skip
    return taken


def _names(
    axes: Any, streets: Streets, seen: NDArray[np.intp], frame: tuple[float, float, float, float], taken: list[tuple[float, float]]
) -> None:  # fmt: skip
    """Names of the longest streets, where no number and no other name lies."""
    from matplotlib.patheffects import withStroke

    lines = shapely.intersection(streets.lines[seen], shapely.box(*frame))
    length: dict[str, float] = {}
    best: dict[str, tuple[float, Any]] = {}
    for name, line, own in zip(streets.names[seen], lines, shapely.length(lines).tolist(), strict=True):
        if isinstance(name, str) and own > 0:
            length[name] = length.get(name, 0.0) + own
            best[name] = max(best.get(name, (0.0, None)), (own, line), key=lambda one: one[0])
    metres = (frame[2] - frame[0]) / (WIDTH_IN * DPI)
    rim = [withStroke(linewidth=2, foreground="white")]
    shown = 0
    for name in sorted(length, key=lambda one: (-length[one], one)):
        point = shapely.line_interpolate_point(_longest(best[name][1]), 0.5, normalized=True)
        wide = len(name) * 6.5 * metres
        clear = all(abs(point.x - x) > wide / 2 + 10 * metres or abs(point.y - y) > 16 * metres for x, y in taken)
        if not clear or not frame[0] + wide / 2 < point.x < frame[2] - wide / 2:
            continue
        taken += [(point.x + step * wide / 2, point.y) for step in (-1, 0, 1)]
        axes.text(point.x, point.y, name[:24], fontproperties=font(6.5), ha="center", va="center", color="#5a544a", zorder=4,
                  path_effects=rim)  # fmt: skip
        shown += 1
        if shown == _NAMES:
            return


def _longest(line: Any) -> Any:
    return max(shapely.get_parts([line]), key=lambda one: one.length)


def _scale(axes: Any, frame: tuple[float, float, float, float]) -> None:
    west, south, east, north = frame
    length = round_length((east - west) / 5)
    x, y = west + (east - west) * 0.02, south + (north - south) * 0.035
    axes.plot([x, x + length], [y, y], color="#222222", linewidth=2.5, zorder=7, solid_capstyle="butt")
    axes.text(x, y + (north - south) * 0.012, f"{length:g} m", fontproperties=font(7), va="bottom", zorder=7)
