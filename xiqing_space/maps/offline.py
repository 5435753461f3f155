"""A folium map that asks no address for anything: Leaflet inlined, no tiles, fixed ids, data as compact JSON."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import folium
import numpy as np
import shapely
from branca.element import Element, MacroElement
from jinja2 import Template
from numpy.typing import NDArray

GRID = 1e5  # steps of a degree: one metre, enough to look at
_IMAGE_URL = re.compile(r"url\(images/[^)]*\)")


class OfflineMap(folium.Map):
    """folium's map without any of the pages that it would fetch."""

    default_js: list[tuple[str, str]] = []
    default_css: list[tuple[str, str]] = []


class Script(MacroElement):
    """JavaScript that runs once the map stands; `{{ map }}` in it is the map's variable."""

    def __init__(self, source: str, name: str) -> None:
        super().__init__()
        self._name = name
        self.source = source
        self._template = Template(
            "{% macro script(this, kwargs) %}(function (map) {\n{{ this.source }}\n})({{ this._parent.get_name() }});"
            "{% endmacro %}"
        )


class Raw(Element):
    """Text that is put into the page as it is: never read as a template, whatever braces it holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self._template = Template("{{ this.text }}")


def _leaflet(name: str) -> str:
    from xstatic.pkg import leaflet

    return (Path(leaflet.BASE_DIR) / name).read_text(encoding="utf-8")


def own_file(name: str) -> str:
    """A .js or .css file of this room."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def embed_json(value: Any) -> str:
    """JSON that may stand inside a script element, whatever text it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def new_map(bounds: tuple[float, float, float, float]) -> OfflineMap:
    """An empty offline map; the page itself fits the area between its panels.

    Parameters
    ----------
    bounds : (west, south, east, north)
        What its middle is that of, degrees.
    """
    west, south, east, north = bounds
    return OfflineMap(
        location=[(south + north) / 2, (west + east) / 2], tiles=None, prefer_canvas=True, zoom_control=True,
        control_scale=False, attributionControl=False, min_zoom=8, max_zoom=19, zoomSnap=0.25, fadeAnimation=False,
    )  # fmt: skip


def write_map(page: OfflineMap, path: Path, *, lang: str, title: str, style: str, data: Any, script: str) -> None:
    """Put Leaflet, style, data and script into the page and write it, the same bytes each time."""
    root = page.get_root()
    css = _IMAGE_URL.sub("none", _leaflet("leaflet.css")) + "\n" + style
    header = root.header
    header.add_child(Raw(f"<style>{css}</style>"), name="style")
    header.add_child(Raw(f"<script>{_leaflet('leaflet.js')}</script>"), name="leaflet")
    payload = f'<script type="application/json" id="payload">{embed_json(data)}</script>'
    root.html.add_child(Raw(payload), name="payload")
    page.add_child(Script(script, "review"), name="review")
    _fix_ids(root)
    html = root.render()
    html = html.replace("<!DOCTYPE html>\n<html>", f'<!DOCTYPE html>\n<html lang="{lang}">', 1)
    html = html.replace("<head>", f"<head>\n<title>{escape(title)}</title>", 1)
    path.write_text(html, encoding="utf-8", newline="\n")


def _fix_ids(element: Any, number: list[int] | None = None) -> None:
    """Folium names its elements at random; count them instead."""
    number = number if number is not None else [0]
    element._id = f"x{number[0]}"
    number[0] += 1
    for child in element._children.values():
        _fix_ids(child, number)
    for part in ("header", "html", "script"):
        if hasattr(element, part) and isinstance(getattr(element, part), Element):
            _fix_ids(getattr(element, part), number)


def escape(text: str) -> str:
    """Text as HTML."""
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&#39;")
    )


def encode_lines(geometry: Any, simplify_degrees: float = 6e-6) -> list[list[int]]:
    """Lines as flat lists of whole numbers: first x and y in steps of 1e-5 degree, then differences.

    Lines that meet end to end are joined and vertices that nobody would miss are dropped: this is for looking at.
    """
    if not len(geometry):
        return []
    merged = shapely.line_merge(shapely.multilinestrings(shapely.get_parts(geometry)))
    return sorted(
        line for line in _deltas(shapely.simplify(shapely.get_parts(merged), simplify_degrees)) if len(line) >= 4
    )


def _deltas(lines: NDArray[np.object_]) -> list[list[int]]:
    """Each line's first vertex and then its steps on the grid, standing still left out."""
    coords, line = shapely.get_coordinates(lines, return_index=True)
    grid = np.round(coords * GRID).astype(np.int64)
    first = np.ones(len(grid), dtype=bool)
    first[1:] = line[1:] != line[:-1]
    moved = first.copy()
    moved[1:] |= (grid[1:] != grid[:-1]).any(axis=1)
    steps = grid.copy()
    steps[1:][~first[1:]] -= grid[:-1][~first[1:]]
    kept, owner = steps[moved], line[moved]
    bounds = 2 * np.searchsorted(owner, np.arange(len(lines) + 1))
    flat = kept.ravel().tolist()
    return [flat[low:high] for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]


def encode_steps(geometry: Any) -> list[list[int]]:
    """Lines one by one, in the order given, as in `encode_lines` but never joined: each keeps its place in the list."""
    return _deltas(shapely.simplify(geometry, 6e-6)) if len(geometry) else []


def encode_polygons(geometry: Any) -> list[list[list[int]]]:
    """Polygons as lists of rings, each a flat list of differences as in `encode_lines`."""
    polygons = shapely.get_parts(shapely.simplify(geometry, 6e-6))
    rings, owner = shapely.get_rings(polygons, return_index=True)
    result: list[list[list[int]]] = [[] for _ in polygons]
    for polygon, ring in zip(owner.tolist(), _deltas(rings), strict=True):
        if len(ring) >= 6:
            result[polygon].append(ring)
    return sorted(polygon for polygon in result if polygon)


def encode_points(geometry: Any) -> list[int]:
    """Points as one flat list of differences."""
    return _point_steps(shapely.get_coordinates(geometry)) if len(geometry) else []


def _point_steps(coords: NDArray[np.float64]) -> list[int]:
    grid = np.round(coords * GRID).astype(np.int64)
    result: list[int] = np.concatenate([grid[:1], np.diff(grid, axis=0)]).ravel().tolist()
    return result


def pack_classes(classes: NDArray[np.uint8]) -> str:
    """Classes 0 to 3, four to a byte, lowest bits first, in base64."""
    import base64

    padded = np.zeros(-(-len(classes) // 4) * 4, dtype=np.uint8)
    padded[: len(classes)] = classes
    packed = padded.reshape(-1, 4) << np.array([0, 2, 4, 6], dtype=np.uint8)
    return base64.b64encode(np.bitwise_or.reduce(packed, axis=1).astype(np.uint8).tobytes()).decode()
