"""Keys of lists, compounds, gates, totals and answers: each changes a table, or the doubts, of a run of the hamlet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from helpers import Drawing, call, write_config
from planner_files import (
    DOUBTS,
    Change,
    Runs,
    differ,
    fill_in,
    gcj,
    merged,
    write_book,
    write_layer,
    write_table,
)

from xiqing_space import tables
from xiqing_space.ingest.match_workbook import ACCEPTED_SHEET, WORKBOOK
from xiqing_space.report.checkup_workbook import FILE as CHECKUP
from xiqing_space.report.checkup_workbook import HEADER_ROW

BASE: dict[str, dict[str, Any]] = {"area": {"name": "村"}, "sources": {"osm": "hamlet.osm.pbf"}}

# a roster of two sheets, with a repeated header, two columns of names and places in GCJ-02; one row is also on the map
ROSTER: dict[str, Any] = {"file": "roster.xlsx", "sheet": "今年", "header_row": 1, "columns": {"name": "园所"},
                          "datum": "GCJ-02", "trust": 3}  # fmt: skip
TEXT_LIST: dict[str, Any] = {"file": "list.csv", "encoding": "GB18030", "datum": "GCJ-02"}
POINTS: dict[str, Any] = {"file": "points.gpkg", "layer": "first"}
ASKED = {"facilities": [{"file": "names.csv"}]}
SHIFTED: dict[str, Any] = {"file": "shifted.csv", "datum": "WGS-84", "datum_reason": "现场实测核对过"}
STATED: dict[str, Any] = {"label": "幼儿园", "kinds": ["kindergarten"], "total": 31}

OF_PACKAGE: dict[str, Any] = {
    "compounds": {"file": "compounds.gpkg", "layer": "first", "columns": {"households": "户数"}},
    "gates": {"file": "gates.gpkg", "layer": "first", "columns": {"status": "白天"}},
}
OF_SHAPES: dict[str, Any] = {
    "compounds": {"file": "compounds.shp", "crs": 4548, "encoding": "GBK"},
    "gates": {"file": "gates.shp", "crs": 4548, "encoding": "GBK"},
}


def roster(**more: Any) -> Change:
    column = {"kind": "kind", "columns": "name", "datum": "geometry", "trust": "capacity_places"}
    return Change("facilities", {"facilities": [ROSTER | more]}, {"facilities": [ROSTER]},
                  column.get(next(iter(more)), "name"))  # fmt: skip


def stated(**more: Any) -> Change:
    return Change(DOUBTS, {"stated": [STATED | more]}, {"stated": [STATED]}, "what_zh")


def vector(section: str, on: Mapping[str, Any], column: str, **more: Any) -> Change:
    return Change("surveyed_gates" if section == "gates" else section, {section: more}, on, column)


BOTH_LISTS = {"facilities": [TEXT_LIST, POINTS]}
CHANGES: dict[str, Change] = {
    "facilities.file": roster(file="roster2.xlsx"),
    "facilities.kind": roster(kind="childcare"),
    "facilities.sheet": roster(sheet=2),
    "facilities.header_row": roster(header_row=4),
    "facilities.columns": roster(columns={"name": "别名"}),
    "facilities.datum": roster(datum="BD-09"),
    "facilities.trust": roster(trust=9),
    "facilities.encoding": Change("facilities", {"facilities": [TEXT_LIST | {"encoding": "latin-1"}, POINTS]}, BOTH_LISTS, "name"),
    "facilities.layer": Change("facilities", {"facilities": [TEXT_LIST, POINTS | {"layer": "second"}]}, BOTH_LISTS, "name"),
    "facilities.datum_reason": Change(DOUBTS, {"facilities": [SHIFTED | {"datum_reason": "测绘院书面确认"}]},
                                      {"facilities": [SHIFTED]}, "what_zh"),
    "matching.answers": Change("unlocated", {"matching": {"answers": ["answers.xlsx"]}}, ASKED, "facility_id"),
    "matching.accept_score": Change("unlocated", {"matching": {"accept_score": 0.95}}, ASKED, "facility_id"),
    "survey.sheets": Change("the check's quality.csv", {"survey": {"sheets": ["returned.xlsx"]}}),
    "stated.label": stated(label="托幼机构"),
    "stated.kinds": stated(kinds=["clinic", "health_station"]),
    "stated.total": stated(total=32),
    "stated.operators": stated(operators=["public"]),
    "compounds.file": vector("compounds", OF_PACKAGE, "name", file="compounds2.gpkg"),
    "compounds.layer": vector("compounds", OF_PACKAGE, "name", layer="second"),
    "compounds.columns": vector("compounds", OF_PACKAGE, "households", columns={"households": "人家"}),
    "compounds.crs": vector("compounds", OF_SHAPES, "geometry", crs=32650),
    "compounds.encoding": vector("compounds", OF_SHAPES, "name", encoding="latin-1"),
    "gates.file": vector("gates", OF_PACKAGE, "geometry", file="gates2.gpkg"),
    "gates.layer": vector("gates", OF_PACKAGE, "geometry", layer="second"),
    "gates.columns": vector("gates", OF_PACKAGE, "status", columns={"status": "夜间"}),
    "gates.crs": vector("gates", OF_SHAPES, "geometry", crs=4549),
    "gates.encoding": vector("gates", OF_SHAPES, "gate_id", encoding="latin-1"),
}  # fmt: skip
FILLED_IN = ("matching.answers", "survey.sheets")  # a file that a run writes first has tests of its own below


def write_lists(folder: Path) -> None:
    """A roster, the same again with other rows, a text list in GB18030, points in two layers, names alone, a displaced list."""
    head = ["园所", "别名", "学位数", "经度", "纬度"]
    first = ["第一幼儿园", "甲幼儿园", 360, *gcj(20, 220)]
    rows = {
        "今年": [head, ["云杉幼儿园", "乙幼儿园", 90, *gcj(150, 650)], ["松柏幼儿园", "丙幼儿园", 60, *gcj(650, 150)],
                 head, first],  # a page break repeats the header
        "去年": [head, ["白桦幼儿园", "丁幼儿园", 120, *gcj(150, 650)], first, head, first],
    }  # fmt: skip
    write_book(folder / "roster.xlsx", rows)
    write_book(folder / "roster2.xlsx", {"今年": rows["去年"]})
    one = ["云杉幼儿园", "kindergarten", *gcj(150, 650)]
    write_table(folder / "list.csv", [["name", "kind", "lon", "lat"], one], encoding="gb18030")
    for layer, name in (("first", "银杏幼儿园"), ("second", "海棠幼儿园")):
        write_layer(folder / "points.gpkg", [{"name": name, "at": (650.0, 150.0)}], layer=layer)
    write_table(folder / "names.csv", [["名称", "类别"], ["示例小学", "小学"]])
    places = {
        "第一幼儿园": (20, 220), "托育园": (30, 10), "示例小学": (270, 450), "初级中学": (390, 590), "社区卫生服务中心": (620, 210),
        "医院": (790, 20), "图书馆": (10, 610), "村卫生室": (210, 610),
    }  # fmt: skip
    displaced = [[name, *gcj(*place)] for name, place in places.items()]
    write_table(folder / "shifted.csv", [["名称", "经度", "纬度"], *displaced])


def write_vectors(folder: Path) -> None:
    """Compounds, and gates of the park, as packages of two layers and as shapefiles without a .prj and in GBK."""
    ring = {"ring": [(40.0, 20.0), (100.0, 20.0), (100.0, 80.0), (40.0, 80.0)], "enclosed": "yes"}
    gate = {"owner": "示例公园", "白天": "开放", "夜间": "关闭"}
    places = {"first": (612.0, 700.0), "second": (612.0, 720.0)}
    for layer, name in (("first", "桃园"), ("second", "李园")):
        compound = {"name": name, "户数": 320, "人家": 290, **ring}
        write_layer(folder / "compounds.gpkg", [compound], layer=layer)
        write_layer(folder / "compounds2.gpkg", [compound | {"name": f"新{name}"}], layer=layer)
        write_layer(folder / "gates.gpkg", [gate | {"at": places[layer]}], layer=layer)
        write_layer(folder / "gates2.gpkg", [gate | {"at": (612.0, 740.0)}], layer=layer)
    write_layer(folder / "compounds.shp", [{"name": "桃园", **ring}], crs=4548, encoding="GBK")
    number = {"owner": "osm:r5001", "status": "open", "gate_id": "西门", "at": places["first"]}
    write_layer(folder / "gates.shp", [number], crs=4548, encoding="GBK")
    for name in ("compounds", "gates"):
        for ending in (".prj", ".cpg"):
            (folder / f"{name}{ending}").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def runs(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    made = Runs(tmp_path_factory.mktemp("lists"), hamlet)
    write_lists(made.folder)
    write_vectors(made.folder)
    # schemas have tests of their own, and their checks are a third of these many small runs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_check", lambda *_: None)
        yield made


@pytest.mark.parametrize("key", [one for one in CHANGES if one not in FILLED_IN])
def test_each_key_changes_what_it_names(key: str, runs: Runs) -> None:
    first, second = runs.pair(CHANGES[key], BASE)
    assert differ(first, second)


def test_the_comparison_itself_can_say_no(runs: Runs) -> None:
    """No row here is matched by name, so the least score does nothing, though the readers begin anew for it."""
    score = {"matching": {"accept_score": 0.95}}
    for what, column, on in (("facilities", "geometry", {"facilities": [ROSTER]}), ("compounds", "", OF_PACKAGE),
                             ("surveyed_gates", "", OF_PACKAGE), (DOUBTS, "", OF_PACKAGE)):  # fmt: skip
        assert not differ(*runs.pair(Change(what, score, on, column), BASE)), what


def test_answers_change_what_they_answer(runs: Runs) -> None:
    """The one row was taken for the school of the map; the office takes it back."""
    change = CHANGES["matching.answers"]
    asked = runs.run(merged(BASE, change.on), change.changes) / "reports" / WORKBOOK
    fill_in(asked, runs.folder / "answers.xlsx", {(ACCEPTED_SHEET, "names:2"): {"revoke": "是"}})
    first, second = runs.pair(change, BASE)
    assert (first.tolist(), second.tolist()) == ([], ["file:names:2"])


def check(runs: Runs, settings: Mapping[str, Any], out: str) -> pd.DataFrame:
    """The doubts that a check leaves."""
    config = write_config(runs.folder / f"{out}.toml", settings)
    result = call("check", "--config", config, "--out", runs.folder / out)
    assert result.code == 0, result.err
    return pd.read_csv(runs.folder / out / "quality.csv", dtype=str, keep_default_na=False)


def test_returned_sheets_settle_their_doubts_in_a_check(runs: Runs) -> None:
    before = check(runs, BASE, "before")
    doubt = before[(before["check"] == "ask_gaps") & before["what_zh"].str.contains("第一幼儿园")]["doubt_id"].item()
    answer(runs.folder / "before/reports" / CHECKUP, runs.folder / "returned.xlsx", doubt, {"性质": "公办"})
    after = check(runs, merged(BASE, CHANGES["survey.sheets"].set), "after")
    assert set(before["doubt_id"]) - set(after["doubt_id"]) == {doubt}


def answer(blank: Path, filled: Path, doubt: str, cells: Mapping[str, object]) -> None:
    """A return sheet with one row filled in, its columns known by their Chinese titles."""
    book = openpyxl.load_workbook(blank)
    rows = [
        (sheet, row) for sheet in book for row in range(HEADER_ROW + 1, sheet.max_row + 1) if sheet.cell(row, 1).value == doubt
    ]  # fmt: skip
    for sheet, row in rows:
        at = {str(cell.value).split("\n")[0]: cell.column for cell in sheet[HEADER_ROW]}
        if "答复" in at:
            for title, value in cells.items():
                sheet.cell(row, at[title]).value = value
    book.save(filled)
