"""Keys of [population]: each changes who lives where in a run of the hamlet, or what is said of the people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Drawing, degrees
from planner_files import DOUBTS, Change, Runs, differ, write_book, write_table
from pyproj import Transformer

from xiqing_space import tables

BASE: dict[str, dict[str, Any]] = {
    "area": {"name": "村", "zones": "zones.geojson"},
    "sources": {"osm": "hamlet.osm.pbf"},
    "population": {"counted": "resident", "base_year": 2023},
}

# people by 社区, whose 街镇 stand in the membership table, one of them under its old name; and 甲小区's own children
BOOKS: dict[str, Any] = {
    role: {"file": f"{role}.xlsx", "sheet": "今年", "header_row": 1, "columns": columns}
    for role, columns in {
        "zones": {"pop_total": "常住数"}, "compounds": {"children": "登记儿童"}, "membership": {"zone": "现属"},
        "aliases": {"new_name": "现称", "change": "更名"},
    }.items()
}  # fmt: skip
OTHER_COLUMNS = {"zones": {"pop_total": "另计数"}, "compounds": {"children": "另计儿童"}, "membership": {"zone": "原属"},
                 "aliases": {"new_name": "拟称"}}  # fmt: skip
SECOND_HEADER = {"zones": 7, "compounds": 3, "membership": 3, "aliases": 3}
TEXTS: dict[str, Any] = {role: {"file": f"{role}.csv", "encoding": "GB18030"} for role in BOOKS}
TOTALS = {"totals": {"pop_total": 10000, "0-17": 1200}}
RASTER: dict[str, Any] = {
    "raster": {"file": "people.tif", "unit": "persons_per_cell", "bands": {"pop_total": 1, "0-17": 2}}
}
TOWNS: dict[str, Any] = {"zones": {"file": "towns.csv"}}
AGED = TOWNS | {"target_year": 2026}


def people(on: dict[str, Any], column: str = "pop_total", **more: Any) -> Change:
    return Change("demand", {"population": more}, {"population": on}, column)


def table_of(role: str) -> dict[str, Change]:
    """The keys of a table: its file, sheet, header and columns in workbooks, its encoding in text files."""
    column = "pop_6_11" if role == "compounds" else "pop_total"
    changes: dict[str, Any] = {
        "file": f"{role}2.xlsx", "sheet": 2, "header_row": SECOND_HEADER[role], "columns": OTHER_COLUMNS[role],
    }  # fmt: skip
    found = {
        f"population.{role}.{key}": people(BOOKS, column, **{role: {key: value}}) for key, value in changes.items()
    }
    return found | {f"population.{role}.encoding": people(TEXTS, column, **{role: {"encoding": "latin-1"}})}


CHANGES: dict[str, Change] = {
    **table_of("zones"),
    **table_of("compounds"),
    **table_of("membership"),
    **table_of("aliases"),
    "population.counted": Change(DOUBTS, {"population": {"counted": "registered"}}, {"population": TOWNS}, "what_zh"),
    "population.base_year": people(AGED, "pop_3_5", base_year=2022),
    "population.target_year": people(TOWNS, "pop_3_5", target_year=2026),
    "population.scenario": people(AGED, "pop_3_5", scenario="high"),
    "population.totals": people(TOTALS, "pop_3_5", totals={"0-17": 1300}),
    "population.raster.file": people(RASTER, raster={"file": "people2.tif"}),
    "population.raster.unit": people(RASTER, raster={"unit": "persons_per_km2"}),
    "population.raster.bands": people(RASTER, "pop_3_5", raster={"bands": {"0-17": 3}}),
}


def write_books(folder: Path) -> None:
    """Workbooks of two sheets in which a second header stands below the first; another of each whose sheet holds the other rows."""
    gap = [None] * 4
    zones = ["社区", "常住数", "另计数", "0-17"]
    compounds = ["小区", "登记儿童", "另计儿童", None]
    belongs = ["社区", "现属", "原属"]
    # the column of changes is headed by a word of change, so that a repeated header is a row like any other
    names = ["原名称", "现称", "拟称", "更名"]
    renamed = ["旧庄", "西片", "东片", "更名"]
    rows: dict[str, tuple[list[Any], list[Any]]] = {
        # two tables side by side, the second one lower: rows of the one are blank in the columns of the other
        "zones": (
            [zones, ["甲社区", 2400, 2100, 240], ["乙社区", 1500, 1300, 150], ["丙社区", 2000, 1900, 200], ["丁社区", 500, 400, 50],
             [], gap + zones, [*gap, "甲社区", 2600, 2200, 260], [*gap, "丙社区", 1800, 1700, 180]],
            [zones, ["甲社区", 2500, 2500, 250], ["丙社区", 2500, 2500, 250]],
        ),
        "compounds": (
            [compounds, ["甲小区", 60, 70], gap + compounds, [*gap, "甲小区", 80, 90]],
            [compounds, ["甲小区", 90, 100]],
        ),
        "membership": (
            [belongs, ["乙社区", "西片", "东片"], belongs, ["甲社区", "西片", "西片"], ["丙社区", "东片", "东片"],
             ["丁社区", "旧庄", "旧庄"]],
            [belongs, ["甲社区", "西片", "西片"], ["乙社区", "东片", "东片"], ["丙社区", "东片", "东片"], ["丁社区", "旧庄", "旧庄"]],
        ),
        "aliases": ([names, renamed, names, ["远庄", "东片", "东片", "更名"]], [names, ["旧庄", "东片", "东片", "更名"]]),
    }  # fmt: skip
    for role, (first, second) in rows.items():
        write_book(folder / f"{role}.xlsx", {"今年": first, "去年": second})
        write_book(folder / f"{role}2.xlsx", {"今年": second})


def write_texts(folder: Path) -> None:
    """The same in GB18030 under English headers, so that the files can be read, wrongly, in another encoding too."""
    texts: dict[str, list[list[object]]] = {
        "zones": [["community", "pop_total", "0-17"], ["A", 4000, 400], ["B", 2000, 200], ["丁社区", 500, 50]],
        "compounds": [["compound", "children"], ["甲小区", 60]],
        "membership": [["community", "zone"], ["A", "w"], ["B", "e"], ["丁社区", "旧庄"]],
        "aliases": [["old name", "new name", "change"], ["旧庄", "西片", "renamed"]],
    }
    for role, rows in texts.items():
        write_table(folder / f"{role}.csv", rows, encoding="gb18030")
    towns = [["街镇", "总人口", "0-2岁", "3-5岁", "6-17岁"], ["西片", 4400, 44, 88, 308], ["东片", 2000, 20, 40, 140]]
    write_table(folder / "towns.csv", towns)


def write_rasters(folder: Path) -> None:
    """Cells of 200 m in three bands: all people, those below 18, and those below 18 of another count."""
    import rasterio
    from rasterio import Affine

    west, south = Transformer.from_crs(4326, 4548, always_xy=True).transform(*degrees(-400, -400))
    total = np.arange(1.0, 145.0).reshape(12, 12) * 1000
    for name, factor in (("people", 1.0), ("people2", 1.5)):
        with rasterio.open(
            folder / f"{name}.tif", "w", driver="GTiff", width=12, height=12, count=3, dtype="float64", crs="EPSG:4548",
            transform=Affine(200, 0, west, 0, -200, south + 2400),
        ) as raster:  # fmt: skip
            raster.write(np.stack([total, total * 0.1, total * 0.2]) * factor)


@pytest.fixture(scope="module")
def runs(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    made = Runs(tmp_path_factory.mktemp("people"), hamlet)
    write_books(made.folder)
    write_texts(made.folder)
    write_rasters(made.folder)
    # schemas have tests of their own, and their checks are a third of these many small runs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_check", lambda *_: None)
        yield made


@pytest.mark.parametrize("key", list(CHANGES))
def test_each_key_changes_what_it_names(key: str, runs: Runs) -> None:
    first, second = runs.pair(CHANGES[key], BASE)
    assert differ(first, second)


def test_the_comparison_itself_can_say_no(runs: Runs) -> None:
    """Without a year to move people on to the scenario does nothing, though the readers begin anew for it."""
    for on in (BOOKS, TEXTS, RASTER):
        first, second = runs.pair(people(on, "geometry", scenario="high"), BASE)
        assert not differ(first, second)
