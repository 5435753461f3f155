"""Keys of [routes]: each changes what is read of the way to school, or how it is searched, in a run of the hamlet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import Drawing, box
from planner_files import Change, Runs, differ, gcj, write_book, write_layer, write_table

from xiqing_space import tables

BASE: dict[str, dict[str, Any]] = {"area": {"name": "村"}, "sources": {"osm": "hamlet.osm.pbf"}}
STREET = "osm:w1001:n1-n2"  # the first stretch of the first street that the hamlet's drawing holds

# workbooks of two sheets in which a second header stands below the first; the same as text in GB18030
BOOKS: dict[str, dict[str, Any]] = {
    name: {"file": f"{name}.xlsx", "sheet": "今年", "header_row": 1, "columns": {role: header}}
    for name, role, header in (("assignment", "assigned_school", "校甲"), ("shares", "boarders_share", "1%"), ("guards", "name", "校甲"),
                               ("surroundings", "kind", "类甲"))
}  # fmt: skip
OTHER_COLUMNS = {"assignment": {"assigned_school": "校乙"}, "shares": {"boarders_share": "2%"}, "guards": {"name": "校乙"},
                 "surroundings": {"kind": "类乙"}}  # fmt: skip
TABLES = {"assignment": "school_assignments", "shares": "school_shares", "guards": "street_survey", "surroundings": "surroundings",
          "areas": "school_areas"}  # fmt: skip
ONE_OFF = ("shares",)  # a section; the others are lists of them
PLACED = ("guards", "surroundings")
PACKAGE: dict[str, Any] = {"file": "areas.gpkg", "layer": "first", "columns": {"assigned_school": "校甲"}}
SHAPES: dict[str, Any] = {"file": "areas.shp", "crs": 4548, "encoding": "GBK"}


def routes(**parts: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration of parts of [routes]; shares are a section, the others lists of them."""
    return {"routes": {name: dict(one) if name in ONE_OFF else [dict(one)] for name, one in parts.items()}}


def both(parts: Mapping[str, Mapping[str, Any]], changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The parts, some of them changed. Each leaves a table of its own, so that one run can show a change of every part."""
    return routes(**{name: {**one, **changes.get(name, {})} for name, one in parts.items()})


ON = {name: one | ({"datum": "GCJ-02"} if name in PLACED else {}) for name, one in BOOKS.items()} | {"areas": PACKAGE}
TEXTS = {
    name: {"file": f"{name}.csv", "encoding": "GB18030"} | ({"datum": "GCJ-02"} if name in PLACED else {})
    for name in BOOKS
}
TEXTS |= {"areas": SHAPES}
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "file": {name: {"file": f"{name}2.xlsx"} for name in BOOKS} | {"areas": {"file": "areas2.gpkg"}},
    "sheet": {name: {"sheet": 2} for name in BOOKS},
    "header_row": {name: {"header_row": 3} for name in BOOKS},
    "columns": {name: {"columns": one} for name, one in OTHER_COLUMNS.items()} | {"areas": {"columns": {"assigned_school": "校乙"}}},
    "kind": {"assignment": {"kind": "primary_school"}, "areas": {"kind": "primary_school"}},
    "layer": {"areas": {"layer": "second"}},
    "datum": {name: {"datum": "BD-09"} for name in PLACED},
    "what": {"surroundings": {"what": "bar"}},
}  # fmt: skip
OF_TEXTS: dict[str, dict[str, dict[str, Any]]] = {
    "encoding": {name: {"encoding": "latin-1"} for name in TEXTS},
    "crs": {"areas": {"crs": 32650}},
}
SEARCHED = {"kinds": ["primary_school"], "alpha": 5.0, "beta_m": 500.0, "max_route_m": 300.0, "detour_max": 1.0}
CHANGES: dict[str, Change] = {
    **{f"routes.{name}.{key}": Change(TABLES[name], both(on, parts), routes(**on))
       for on, variants in ((ON, VARIANTS), (TEXTS, OF_TEXTS)) for key, parts in variants.items() for name in parts},
    "routes.field_sheets": Change("street_survey", {"routes": {"field_sheets": ["field.csv"]}}),
    **{f"routes.{key}": Change("school_routes", {"routes": {key: value}}) for key, value in SEARCHED.items()},
}  # fmt: skip


def write_school_files(folder: Path) -> None:
    """An assignment table, shares, guards at the mapped crossing, premises, 学区 in several formats, a returned field sheet."""
    at = gcj(205, 105)
    rows: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
        "assignment": (["小区", "校甲", "校乙"], ["甲小区", "示例小学", "初级中学"], ["甲小区", "初级中学", "示例小学"]),
        # a header that is a share too, so that the second one can be read as a row
        "shares": (["学校", "1%", "2%"], ["示例小学", "12%", "20%"], ["初级中学", "13%", "21%"]),
        "guards": (["校甲", "校乙", "经度", "纬度"], ["示例小学", "初级中学", *at], ["初级中学", "示例小学", *gcj(395, 590)]),
        "surroundings": (["类甲", "类乙", "经度", "纬度"], ["网吧", "酒吧", *at], ["彩票", "烟草", *gcj(300, 300)]),
    }  # fmt: skip
    for name, (head, first, second) in rows.items():
        write_book(folder / f"{name}.xlsx", {"今年": [head, first, head, second], "去年": [head, second]})
        write_book(folder / f"{name}2.xlsx", {"今年": [head, second, head, first]})
    texts: dict[str, list[list[object]]] = {
        "assignment": [["compound", "assigned school"], ["甲小区", "示例小学"]],
        "shares": [["name", "boarders share"], ["示例小学", "12%"]],
        "guards": [["name"], ["示例小学"]],
        "surroundings": [["kind", "lon", "lat"], ["网吧", *at], ["bar", *at]],
    }
    for name, lines in texts.items():
        write_table(folder / f"{name}.csv", lines, encoding="gb18030")
    ring = {"ring": box(0, 0, 400, 400)[:-1]}
    for layer, school in (("first", "示例小学"), ("second", "初级中学")):
        write_layer(folder / "areas.gpkg", [{"校甲": school, "校乙": "另一所", **ring}], layer=layer)
        write_layer(
            folder / "areas2.gpkg", [{"校甲": school, "校乙": "另一所", "ring": box(0, 0, 300, 300)[:-1]}], layer=layer
        )
    write_layer(folder / "areas.shp", [{"school": "示例小学", **ring}], crs=4548, encoding="GBK")
    for ending in (".prj", ".cpg"):
        (folder / f"areas{ending}").unlink(missing_ok=True)
    write_table(folder / "field.csv", [["编号 [item_id]", "限速 [speed_kmh]"], [STREET, 30]])


@pytest.fixture(scope="module")
def runs(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    made = Runs(tmp_path_factory.mktemp("routes"), hamlet)
    write_school_files(made.folder)
    # schemas have tests of their own, and their checks are a third of these many small runs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_check", lambda *_: None)
        yield made


@pytest.mark.parametrize("key", list(CHANGES))
def test_each_key_changes_what_it_names(key: str, runs: Runs) -> None:
    first, second = runs.pair(CHANGES[key], BASE)
    assert differ(first, second)
