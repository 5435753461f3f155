"""The small files of an office that tests put beside the hamlet: tables, workbooks, points in a stated datum; and runs with them."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import shapely
from helpers import Drawing, Result, call, degrees, hamlet_zones, table, write_config

from xiqing_space.gcj02 import wgs84_to_gcj02
from xiqing_space.ingest.match_workbook import WORKBOOK
from xiqing_space.stage_list import STAGES, choose_stages


def gcj(x: float, y: float) -> tuple[float, float]:
    """GCJ-02 degrees of a place of the drawing in metres."""
    lon, lat = wgs84_to_gcj02(*(pd.array([one], dtype="float64").to_numpy() for one in degrees(x, y)))
    return round(float(lon[0]), 7), round(float(lat[0]), 7)


def write_table(path: Path, rows: Sequence[Sequence[object]], encoding: str = "utf-8") -> Path:
    """A CSV or, by its name, an XLSX file of rows."""
    if path.suffix == ".xlsx":
        return write_book(path, {"Sheet1": rows})
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def write_book(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    """An XLSX file of several sheets."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def write_layer(
    path: Path, rows: Sequence[Mapping[str, Any]], *, crs: int | None = 4326, layer: str | None = None, **more: Any
) -> Path:
    """A GIS file; each row has `at` (a place in metres) or `ring` (corners in metres), and attributes."""
    shapes = [
        shapely.Point(degrees(*row["at"])) if "at" in row else shapely.Polygon([degrees(*one) for one in row["ring"]])
        for row in rows
    ]
    plain = pd.DataFrame([{key: value for key, value in row.items() if key not in ("at", "ring")} for row in rows])
    frame = gpd.GeoDataFrame(plain, geometry=shapes, crs=4326)
    if crs is not None and crs != 4326:
        frame = frame.to_crs(crs)
    options: dict[str, Any] = more | ({"layer": layer} if layer else {})
    frame.to_file(path, **options)
    return path


def fill_in(source: Path, target: Path, answers: Mapping[tuple[str, str], Mapping[str, object]]) -> Path:
    """A confirmation workbook with answers: (sheet, end of the row's id) to the cells of its first line by key."""
    book = openpyxl.load_workbook(source)
    for (title, row_id), cells in answers.items():
        sheet = book[title]
        at = {str(cell.value).rsplit("[", 1)[1].rstrip("]"): cell.column for cell in sheet[1]}
        line = next(
            row for row in range(2, sheet.max_row + 1) if str(sheet.cell(row, at["row_id"]).value).endswith(row_id)
        )
        for key, value in cells.items():
            sheet.cell(line, at[key]).value = value
    book.save(target)
    return target


class Office:
    """A folder with the hamlet, its zones, and whatever lists a test adds; runs of it."""

    def __init__(self, folder: Path, drawing: Drawing) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        drawing.write(folder / "hamlet.osm.pbf")
        hamlet_zones(folder / "zones.geojson")

    def config(self, settings: Mapping[str, Any], name: str = "c.toml") -> Path:
        """A configuration of the hamlet with its zones and more sections."""
        base: dict[str, Any] = {"area": {"name": "村", "zones": "zones.geojson"}, "sources": {"osm": "hamlet.osm.pbf"}}
        area = base["area"] | dict(settings.get("area", {}))
        return write_config(self.folder / name, base | dict(settings) | {"area": area})

    def run(self, settings: Mapping[str, Any], *more: object, out: str = "out", ok: bool = True) -> Result:
        """Run it; `ok`: it must succeed."""
        result = call("run", "--config", self.config(settings), "--out", self.folder / out, *more)
        assert not ok or result.code == 0, result.err
        return result

    def quality(self, out: str = "out") -> pd.DataFrame:
        """The doubts of a run."""
        return pd.read_csv(self.folder / out / "data/processed/quality.csv", dtype=str, keep_default_na=False)

    def workbook(self, out: str = "out") -> Path:
        """The workbook of questions."""
        return self.folder / out / "reports" / WORKBOOK


# ---- runs that differ by one key of the configuration

Settings = Mapping[str, Any]
DOUBTS = "quality.csv"


@dataclass(frozen=True)
class Change:
    """What is set, on top of what, and which table, page or list of doubts must differ, of a table perhaps one column."""

    changes: str
    set: Settings
    on: Settings = field(default_factory=dict)
    column: str = ""


def merged(*parts: Settings) -> dict[str, Any]:
    """Configurations on top of each other; a list or a plain value takes the place of the one before."""
    result: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = merged(result[key], value) if both else value
    return result


class Runs:
    """Runs of the hamlet by their configuration, each made once.

    A run starts from a copy of an earlier one on the same data, so that only the stages that look at the change are made
    anew: a stage that does not know that it depends on a key fails here too.
    """

    def __init__(self, folder: Path, hamlet: Drawing) -> None:
        self.folder = folder
        self.count = 0
        self.done: dict[str, list[tuple[set[str], Path]]] = {}
        self.same_data: dict[str, tuple[set[str], Path]] = {}
        hamlet.write(folder / "hamlet.osm.pbf")
        hamlet_zones(folder / "zones.geojson")

    def run(self, settings: Settings, what: str) -> Path:
        """Folder of a run that goes as far as a table, a page or the readers' doubts need."""
        # later stages have doubts of their own, so that only runs of one depth can be compared
        wanted = {stage.name for stage in choose_stages(["ingest" if what == DOUBTS else _maker(what)])}
        key, data = repr(settings), repr([settings.get("area"), settings.get("sources")])
        for made, out in self.done.get(key, []):
            if made == wanted or (made > wanted and what != DOUBTS):
                return out
        self.count += 1
        out = self.folder / f"out{self.count}"
        config = write_config(self.folder / f"c{self.count}.toml", settings)
        most, start = self.same_data.get(data, (set(), self.folder))
        if most:
            shutil.copytree(start, out)
        only = [word for name in sorted(wanted) for word in ("--only", name)]
        result = call("run", "--config", config, "--out", out, *only)
        assert result.code == 0, result.err[-900:]
        self.done.setdefault(key, []).append((wanted, out))
        if len(wanted) > len(most):
            self.same_data[data] = (wanted, out)
        return out

    def pair(self, change: Change, base: Settings) -> tuple[Any, Any]:
        """What a change is about, before and after it."""
        found = []
        for settings in (merged(base, change.on), merged(base, change.on, change.set)):
            one = content(self.run(settings, change.changes), change.changes)
            found.append(one[change.column] if change.column else one)
        return found[0], found[1]


def _maker(what: str) -> str:
    """The stage that leaves a table or writes a page."""
    return next(one.name for one in STAGES if what in one.leaves or any(fnmatch(what, name) for name in one.writes))


def content(out: Path, what: str) -> Any:
    """A table, a page or the doubts of a run without the marks that any change of the run leaves on it."""
    if what.endswith(".html"):
        return re.sub(r"ev-[0-9a-f]{12}", "ev", (out / what).read_text("utf-8"))
    if what == DOUBTS:
        return pd.read_csv(out / "data/processed" / what, dtype=str, keep_default_na=False)
    return table(out, what).drop(columns="evidence_id", errors="ignore")


def differ(first: Any, second: Any) -> bool:
    """Whether two contents are not the same."""
    if isinstance(first, (pd.DataFrame, pd.Series)):
        return not first.equals(second)
    return bool(first != second)
