"""The small files of an office that tests put beside the hamlet: tables, workbooks, points in a stated datum."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import shapely
from helpers import Drawing, Result, call, degrees, hamlet_zones, write_config

from xiqing_space.gcj02 import wgs84_to_gcj02
from xiqing_space.ingest.match_workbook import WORKBOOK


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
