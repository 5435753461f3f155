"""The office's own words on the way to school: read as they stand, listed where they fit nothing, refused where they cannot be read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from helpers import Drawing, box, call, degrees, table, write_config
from hypothesis import given
from hypothesis import strategies as st
from planner_files import Office, gcj, write_book, write_layer, write_table
from shapely.geometry import MultiPolygon, Point, Polygon

from xiqing_space.catalog import load_catalogue
from xiqing_space.config import read_config
from xiqing_space.datums import parse_datum
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.school_lists import note_areas, read_assignments, read_shares
from xiqing_space.ingest.school_names import SCHOOL_KINDS, Schools
from xiqing_space.ingest.school_places import Surveyable, read_guards, read_premises
from xiqing_space.ingest.school_units import Units
from xiqing_space.ingest.sheets import Sheet, read_sheet

CATALOGUE = load_catalogue()
EPSG = 4548
BOUNDS = (*degrees(-1000, -1000), *degrees(2000, 2000))


def place(x: float, y: float) -> Point:
    return Point(*degrees(x, y))


def square(x: float, y: float, side: float = 100.0) -> MultiPolygon:
    return MultiPolygon([Polygon([degrees(*one) for one in box(x, y, x + side, y + side)])])


FACILITIES = pd.DataFrame(
    [
        ("a", "a", "primary_school", "杨柳青第一小学", "operating"), ("a#j", "a", "junior_school", "杨柳青第一小学", "operating"),
        ("b", "b", "primary_school", "示例小学", "operating"), ("c", "c", "primary_school", "示例小学", "operating"),
        ("d", "d", "primary_school", "旧小学", "closed"), ("e", "e", "junior_school", "第三中学", "operating"),
        ("u", "u", "school_unknown_level", "明湖学校", "operating"), ("s", "s", "special_school", "启智学校", "operating"),
    ],
    columns=["facility_id", "site_id", "kind", "name", "status"],
)  # fmt: skip
SCHOOLS = Schools(FACILITIES, {*SCHOOL_KINDS, "special_school"}, ("杨柳青镇",), ("天津市", "西青区"))
ZONES = pd.DataFrame(
    {"zone_id": ["t1", "t2", "c1"], "name": ["杨柳青镇", "张家窝镇", "明湖社区"], "parent_id": [None, None, "t2"],
     "geometry": [square(0, 0, 500), square(500, 0, 500), square(600, 0, 100)]}
)  # fmt: skip
COMPOUNDS = pd.DataFrame(
    {"compound_id": ["k1", "k2", "k3", "k4"], "name": ["甲小区", "乙小区", "同名苑", "同名苑"],
     "geometry": [square(10, 10), square(200, 10), square(300, 10), square(800, 10)]}
)  # fmt: skip
MEMBERS = pd.DataFrame(
    {"community": ["河边社区", "河边社区", "空社区"], "compound": ["甲小区", "没有的小区", "没有的小区"]}
)
UNITS = Units(COMPOUNDS, ZONES, MEMBERS, ("天津市", "西青区"))


def sheet_of(tmp_path: Path, rows: list[list[Any]], name: str = "表.csv") -> Sheet:
    return read_sheet(write_table(tmp_path / name, rows), keep_faults=True)


def checks(quality: Quality) -> list[tuple[str, str]]:
    return sorted((one["check"], one["row"]) for one in quality.rows)


# ---- names of schools


@pytest.mark.parametrize(
    ("name", "kind", "site"),
    [
        ("杨柳青第一小学", None, "a"), ("天津市西青区杨柳青第一小学", None, "a"), ("杨柳青一小", None, "a"), (" 杨柳青 第一小学 ", None, "a"),
        ("杨柳青镇第一小学", "junior_school", "a"),  # a nine-year school by another form of its name
        ("a#j", None, "a"), ("c", None, "c"),  # ids settle what a name cannot
        ("示例小学", None, None), ("旧小学", None, None), ("第三中学", "primary_school", None), ("第三中学", "junior_school", "e"),
        ("明湖学校", "primary_school", "u"),  # of unknown level: it may be one
        ("启智学校", None, None), ("杨柳青第二小学", None, None), ("", None, None),
    ],
)  # fmt: skip
def test_a_name_means_one_school_or_none(name: str, kind: str | None, site: str | None) -> None:
    found = SCHOOLS.find(name, kind)
    assert found.site_id == site
    assert bool(found.why[0]) == (site is None)


@given(st.text(max_size=30))
def test_no_text_breaks_the_search(name: str) -> None:
    found = SCHOOLS.find(name)
    assert found.site_id in {None, *FACILITIES["site_id"]}
    assert found.site_id != "s"


# ---- tables of assignment


def assigned(tmp_path: Path, rows: list[list[Any]], **more: Any) -> tuple[list[tuple[Any, ...]], Quality]:
    quality = Quality()
    sheet = sheet_of(tmp_path, rows)
    frame = read_assignments(sheet, tmp_path / "表.csv", SCHOOLS, UNITS, CATALOGUE, quality, **more)
    return [
        tuple(row) for row in frame[["row_id", "unit", "unit_id", "unit_name", "school_id", "kind"]].to_numpy().tolist()
    ], quality


def test_each_unit_that_a_row_names_is_a_row(tmp_path: Path) -> None:
    rows = [
        ["街镇", "社区", "小区", "对口学校", "学段"],
        ["杨柳青镇", "", "甲小区、乙小区", "杨柳青一小", "小学"],
        ["张家窝镇", "", "同名苑", "第三中学", "初中"],  # of two of that name the one in the town
        ["张家窝镇", "明湖社区", "", "明湖学校", ""],  # the community is a zone
        ["张家窝", "", "", "c", "九年一贯制"],  # the town without 镇; several levels: whatever the school is
    ]
    found, quality = assigned(tmp_path, rows)
    assert found == [
        ("file:表:2", "compound", "k1", "甲小区", "a", "primary_school"), ("file:表:2-2", "compound", "k2", "乙小区", "a", "primary_school"),
        ("file:表:3", "compound", "k4", "同名苑", "e", "junior_school"), ("file:表:4", "zone", "c1", "明湖社区", "u", None),
        ("file:表:5", "zone", "t2", "张家窝", "c", None),
    ]  # fmt: skip
    assert quality.rows == []


def test_what_fits_nothing_or_several_stays_and_is_listed(tmp_path: Path) -> None:
    rows = [
        ["小区", "社区", "学校"], ["丁小区", "", "示例小学"], ["同名苑", "", "杨柳青一小"], ["", "杨柳青社区", "不存在小学"],
    ]  # fmt: skip
    found, quality = assigned(tmp_path, rows)
    assert [(unit, one, school) for _, unit, one, _, school, _ in found] == [
        ("compound", None, None), ("compound", None, "a"), ("community", None, None),
    ]  # fmt: skip
    assert checks(quality) == [("assignment_unmatched", "2"), ("assignment_unmatched", "3"), ("assignment_unmatched", "4"),
                               ("school_unmatched", "2"), ("school_unmatched", "4")]  # fmt: skip
    assert all(one["source"] == "表.csv" for one in quality.rows)
    told = " ".join(one["what_zh"] for one in quality.rows)
    assert "k3、k4" in told, "those of one name"
    assert "b、c" in told


def test_a_community_is_taken_apart_into_its_compounds(tmp_path: Path) -> None:
    found, quality = assigned(tmp_path, [["社区", "学校"], ["河边社区", "c"], ["空社区", "c"]])
    assert [row[1:5] for row in found] == [("compound", "k1", "河边社区", "c"), ("community", None, "空社区", "c")]
    assert checks(quality) == [("assignment_unmatched", "2"), ("assignment_unmatched", "3")], (
        "one of its compounds is nowhere"
    )


def test_a_compound_counts_before_its_community(tmp_path: Path) -> None:
    rows = [["社区", "小区", "学校"], ["河边社区", "", "c"], ["河边社区", "甲小区", "杨柳青一小"]]
    assert [row[2:5] for row in assigned(tmp_path, rows)[0]] == [("k1", "甲小区", "a")]


def test_half_rows_are_refused_all_at_once(tmp_path: Path) -> None:
    rows = [["小区", "学校"], ["甲小区", ""], ["", "c"], ["乙小区", "c"]]
    with pytest.raises(InputDataError, match="2 处需要改正") as fault:
        assigned(tmp_path, rows)
    assert [one.partition("：")[0] for one in fault.value.first] == ["第 2 行", "第 3 行"]
    assert fault.value.where == "表.csv"


def test_a_table_without_schools_or_units_is_refused(tmp_path: Path) -> None:
    for head in (["小区", "电话"], ["学校", "电话"]):
        with pytest.raises(InputDataError, match="is missing in the header"):
            assigned(tmp_path, [head, ["甲小区", "1"]])


# ---- shares


def shares(tmp_path: Path, rows: list[list[Any]], name: str = "表.csv") -> pd.DataFrame:
    return read_shares(sheet_of(tmp_path, rows, name), SCHOOLS, Quality())


def test_per_cents_and_shares_are_told_apart(tmp_path: Path) -> None:
    head = ["学校", "住校生占比", "跨区走读生占比（%）"]
    found = shares(tmp_path, [head, ["杨柳青一小", "12%", 0.5], ["c", 0.3, 20], ["e", "", ""]])
    # 12 % beside the share 0.3; the other column is in per cent throughout, so that 0.5 is half a per cent
    assert found[["school_id", "boarders_share", "cross_district_share"]].to_numpy().tolist() == [
        ["a", 0.12, 0.005],
        ["c", 0.3, 0.2],
    ]
    assert found["source"].tolist() == ["表.csv:2", "表.csv:3"]


def test_bare_figures_above_one_are_per_cents(tmp_path: Path) -> None:
    found = shares(tmp_path, [["学校", "住校生占比"], ["a", 35], ["c", 0], ["e", 100]])
    assert found["boarders_share"].tolist() == [0.35, 0.0, 1.0]
    assert found["cross_district_share"].isna().all(), "missing is never zero"


def test_a_percent_cell_of_excel_is_read_as_it_is_shown(tmp_path: Path) -> None:
    import openpyxl

    path = write_book(tmp_path / "表.xlsx", {"一": [["学校", "住校生占比"], ["a", 0.35]]})
    book = openpyxl.load_workbook(path)
    book["一"]["B2"].number_format = "0%"
    book.save(path)
    assert read_shares(read_sheet(path), SCHOOLS, Quality())["boarders_share"].tolist() == [0.35]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["a", 0.5, ""], ["c", 12, ""]], "分不清是百分数还是比例"), ([["a", "120%", ""]], "应为 0–100%"), ([["a", "很多", ""]], "应为 0–100%"),
        ([["a", "-5%", ""]], "应为 0–100%"), ([["a", "60%", "50%"]], "超过 100%"), ([["a", "1%", ""], ["杨柳青一小", "2%", ""]], "同一所学校"),
        ([["", "5%", ""]], "没有学校"),
    ],
)  # fmt: skip
def test_shares_that_cannot_be_are_refused(rows: list[list[Any]], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputDataError) as fault:
        shares(tmp_path, [["学校", "住校生占比", "跨区走读生占比"], *rows])
    assert said in fault.value.first[0]
    assert fault.value.first[0].startswith("第 ")


@given(st.lists(st.decimals(0, 100, places=2), min_size=1, max_size=4))
def test_a_share_lies_within_nought_and_one(values: list[Decimal]) -> None:
    import tempfile

    names = ["a", "c", "e", "u"]
    rows = [[name, f"{value}%"] for name, value in zip(names, values, strict=False)]
    with tempfile.TemporaryDirectory() as folder:
        found = shares(Path(folder), [["学校", "住校生占比"], *rows])
    assert found["boarders_share"].between(0, 1).all()
    np.testing.assert_allclose(found["boarders_share"], np.asarray(values, dtype=float) / 100, atol=1e-6)


# ---- 学区


def test_overlaps_of_one_level_are_told(tmp_path: Path) -> None:
    from xiqing_space.crs import project_geometry

    shapes = [square(0, 0), square(50, 0), square(50, 0), square(100, 0)]
    areas = pd.DataFrame(
        {"area_id": ["file:区:1", "file:区:2", "file:区:3", "file:区:4"], "school_name": ["一", "二", "三", "四"],
         "kind": ["primary_school", "primary_school", "junior_school", "primary_school"]}
    )  # fmt: skip
    quality = Quality()
    metric = project_geometry(np.asarray(shapes, dtype=object), 4326, EPSG)
    note_areas(areas, metric, shapely.box(*shapely.total_bounds(metric)), 0.02, quality)
    # 1 and 2 share 50 m × 100 m, 2 and 4 as much; 1 and 4 touch; 3 is for another level
    assert sorted(one["id"] for one in quality.rows) == ["file:区:1|file:区:2", "file:区:2|file:区:4"]
    assert all("0.50 ha" in one["what_zh"] for one in quality.rows)
    quality = Quality()
    note_areas(areas[:1], metric[:1], shapely.box(0, 0, 1, 1), 0.02, quality)
    assert [one["check"] for one in quality.rows] == ["school_area_far"]


# ---- guards and premises

THERE = Surveyable(
    pd.DataFrame({"site_id": ["a", "c"], "geometry": [square(0, 0), place(900, 900)]}),
    pd.DataFrame({"gate_id": ["g1", "g2", "g3"], "owner_id": ["a", "a", "c"], "geometry": [place(0, 50), place(100, 50), place(900, 890)]}),
    pd.DataFrame({"crossing_id": ["z1", "z2", "z3"], "geometry": [place(-30, 50), place(-48, 50), place(-60, 50)]}),
)  # fmt: skip


def guards(tmp_path: Path, rows: list[list[Any]], datum: str = "GCJ-02") -> tuple[set[tuple[str, str]], Quality]:
    quality = Quality()
    sheet = sheet_of(tmp_path, rows)
    found = read_guards(sheet, SCHOOLS, THERE, parse_datum(datum) if datum else None, BOUNDS, EPSG, quality)
    assert set(found["field"]) <= {"guard"}
    assert set(found["value"]) <= {"yes"}
    return set(found[["item_id", "item_type"]].itertuples(index=False, name=None)), quality


def test_a_guard_stands_at_the_gate_and_the_crossings_within_50_m(tmp_path: Path) -> None:
    # 10 m west of gate g1; the crossings lie 20 m, 38 m and 50 m from there in turn; 49.9 m would be within
    rows, quality = guards(tmp_path, [["学校", "经度", "纬度"], ["杨柳青一小", *gcj(-9, 50)]])
    assert rows == {("g1", "gate"), ("z1", "crossing"), ("z2", "crossing")}
    assert quality.rows == []


def test_a_guard_without_place_stands_with_its_school(tmp_path: Path) -> None:
    rows, quality = guards(
        tmp_path, [["学校", "经度", "纬度"], ["a", "", ""], ["c", *gcj(900, 800)], ["不存在小学", "", ""]]
    )
    assert rows == {("a", "gate"), ("c", "gate")}
    assert checks(quality) == [("guard_at_school", "2"), ("guard_at_school", "3"), ("school_unmatched", "4")]


def test_a_guard_far_from_its_school_keeps_the_school_alone(tmp_path: Path) -> None:
    rows, quality = guards(tmp_path, [["学校", "经度", "纬度"], ["c", *gcj(0, 50)]])
    assert rows == {("c", "gate")}
    assert [one["check"] for one in quality.rows] == ["guard_far", "guard_at_school"]


def test_coordinates_need_a_datum(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"routes\.guards"):
        guards(tmp_path, [["学校", "经度", "纬度"], ["a", *gcj(0, 50)]], datum="")
    assert guards(tmp_path, [["学校"], ["a"]], datum="")[0] == {("a", "gate")}


def test_a_place_without_school_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputDataError, match="1 行没有学校") as fault:
        guards(tmp_path, [["学校", "经度", "纬度"], ["", *gcj(0, 50)], ["a", "", ""]])
    assert fault.value.first == ("第 2 行 / row 2",)


def premises(tmp_path: Path, rows: list[list[Any]], datum: str = "GCJ-02", **more: Any) -> tuple[pd.DataFrame, Quality]:
    quality = Quality()
    sheet = sheet_of(tmp_path, rows)
    held = parse_datum(datum) if datum else None
    return read_premises(sheet, tmp_path / "表.csv", held, BOUNDS, None, quality, **more), quality


def test_premises_keep_what_and_where_alone(tmp_path: Path) -> None:
    rows = [["名称", "类别", "经度", "纬度"], ["某某网吧", "网吧", *gcj(10, 20)], ["某店", "烟草零售", *gcj(30, 40)], ["某馆", "书店", *gcj(5, 5)],
            ["某厅", "KTV", "", ""]]  # fmt: skip
    found, quality = premises(tmp_path, rows)
    assert found[["thing_id", "what", "source"]].to_numpy().tolist() == [
        ["file:表:2", "internet_cafe", "表.csv"], ["file:表:3", "tobacco", "表.csv"],
    ]  # fmt: skip
    assert list(found.columns) == ["thing_id", "what", "source", "geometry"], "no name"
    for point, at in zip(found["geometry"], ((10, 20), (30, 40)), strict=True):
        assert point.distance(place(*at)) < 2e-7
    assert [one["check"] for one in quality.rows] == ["premises_unplaced", "premises_unknown"]


def test_premises_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"routes\.surroundings"):
        premises(tmp_path, [["类别", "经度", "纬度"], ["网吧", *gcj(0, 0)]], datum="")
    with pytest.raises(InputDataError, match="没有可用的坐标"):
        premises(tmp_path, [["类别", "经度", "纬度"], ["网吧", "", ""]])
    with pytest.raises(InputDataError, match="没有一行能判断"):
        premises(tmp_path, [["类别", "经度", "纬度"], ["书店", *gcj(0, 0)]])
    with pytest.raises(InputDataError, match="不在评估范围附近"):
        premises(tmp_path, [["类别", "经度", "纬度"], ["网吧", 10.0, 50.0]])
    found, _ = premises(tmp_path, [["经度", "纬度"], [*gcj(0, 0)]], what="lottery")
    assert found["what"].tolist() == ["lottery"]


# ---- in a run


@pytest.fixture(scope="module")
def office(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Office:
    made = Office(tmp_path_factory.mktemp("school"), hamlet)
    book = {
        "小学": [["小区", "对口学校"], ["甲小区", "示例小学"]],
        "初中": [["小区", "对口学校"], ["甲小区", "初级中学"], ["乙小区", "初级中学"], ["丙小区", "初级中学"]],
    }
    write_book(made.folder / "划片.xlsx", book)
    write_layer(
        made.folder / "学区.geojson",
        [
            {"学校": "示例小学", "ring": box(0, 0, 400, 800)[:-1]},
            {"学校": "没有的小学", "ring": box(400, 0, 800, 800)[:-1]},
        ],
    )
    write_table(made.folder / "住校.csv", [["学校", "住校生占比（%）"], ["初级中学", 30]])
    write_table(made.folder / "护学岗.csv", [["学校", "经度", "纬度"], ["示例小学", *gcj(205, 105)]])
    write_table(
        made.folder / "网吧.csv", [["名称", "经度", "纬度"], ["某网吧", *gcj(300, 300)], ["远处", *gcj(9000, 9000)]]
    )
    ring = box(30, 20, 90, 90)[:-1]
    write_layer(made.folder / "小区.geojson", [{"name": "丙小区", "enclosed": "no", "ring": ring}])
    lists = {
        "assignment": [{"file": "划片.xlsx", "sheet": one, "kind": kind} for one, kind in (("小学", "primary_school"), ("初中", "junior_school"))],
        "areas": [{"file": "学区.geojson", "kind": "primary_school"}], "shares": {"file": "住校.csv"},
        "guards": [{"file": "护学岗.csv", "datum": "GCJ-02"}],
        "surroundings": [{"file": "网吧.csv", "datum": "GCJ-02", "what": "internet_cafe"}],
    }  # fmt: skip
    made.run({"routes": lists, "compounds": {"file": "小区.geojson"}}, "--only", "ingest")
    return made


def test_a_run_leaves_the_tables(office: Office) -> None:
    out = office.folder / "out"
    school = {row.name: row.site_id for row in table(out, "facilities").itertuples() if row.kind in SCHOOL_KINDS}
    rows = table(out, "school_assignments")
    compound = table(out, "compounds")["compound_id"].item()  # the walled one
    open_ = "file:小区:1"
    assert rows[["row_id", "unit_id", "school_id", "kind"]].astype(object).where(rows.notna(), None).to_numpy().tolist() == [
        ["file:划片[初中]:2", compound, school["初级中学"], "junior_school"], ["file:划片[初中]:3", None, school["初级中学"], "junior_school"],
        ["file:划片[初中]:4", open_, school["初级中学"], "junior_school"],
        ["file:划片[小学]:2", compound, school["示例小学"], "primary_school"],
    ]  # fmt: skip
    areas = table(out, "school_areas")
    # the compound without a wall is a catchment of its own
    assert areas[["area_id", "school_id", "kind"]].astype(object).where(areas.notna(), None).to_numpy().tolist() == [
        ["file:划片[初中]:4", school["初级中学"], "junior_school"], ["file:学区:1", school["示例小学"], "primary_school"],
        ["file:学区:2", None, "primary_school"],
    ]  # fmt: skip
    shared = table(out, "school_shares")
    assert shared[["school_id", "boarders_share"]].to_numpy().tolist() == [[school["初级中学"], 0.3]]
    guard = table(out, "street_survey")
    assert {(one.item_type, one.field, one.value) for one in guard.itertuples()} == {
        ("gate", "guard", "yes"),
        ("crossing", "guard", "yes"),
    }
    assert set(guard.loc[guard["item_type"] == "gate", "item_id"]) == {school["示例小学"]}
    things = table(out, "surroundings")
    assert things[["thing_id", "what"]].to_numpy().tolist() == [["file:网吧:2", "internet_cafe"]], (
        "what lies beyond the buffer is left out"
    )


def test_a_run_lists_what_fits_nothing_with_file_and_row(office: Office) -> None:
    quality = office.quality().set_index("check")
    lost = quality.loc["school_unmatched"]
    assert (lost["source"], lost["row"], lost["id"]) == ("学区.geojson", "第 2 行 / row 2", "file:学区:2")
    unit = quality.loc["assignment_unmatched"]
    assert (unit["source"], unit["row"]) == ("划片.xlsx[初中]", "3")
    assert "乙小区" in unit["what_zh"]


def test_a_file_named_twice_is_refused(office: Office) -> None:
    twice = {"routes": {"areas": [{"file": "学区.geojson"}, {"file": "学区.geojson"}]}}
    result = office.run(twice, "--only", "ingest", out="twice", ok=False)
    assert result.code == 1
    assert "a file is named twice" in result.err


def test_a_kind_that_is_no_school_or_a_special_one_is_refused(tmp_path: Path) -> None:
    for kind, said in (
        ("special_school", "must be a kind of school"),
        ("park", "must be a kind of school"),
        ("primary", "no such kind"),
    ):
        with pytest.raises(ConfigError, match=said):
            read_config(write_config(tmp_path / "c.toml", {"area": {"name": "x"}, "routes": {"kinds": [kind]}}))


def test_settings_of_the_search_reach_the_catalogue(tmp_path: Path) -> None:
    path = write_config(
        tmp_path / "c.toml", {"area": {"name": "x"}, "routes": {"kinds": ["senior_school"], "alpha": 0.0}}
    )
    found, usual = read_config(path).catalogue().safety["routes"], load_catalogue().safety["routes"]
    assert (found["kinds"], found["alpha"]) == (["senior_school"], 0.0)
    assert {key: found[key] for key in usual if key not in ("kinds", "alpha")} == {
        key: usual[key] for key in usual if key not in ("kinds", "alpha")
    }
    assert load_catalogue().safety["routes"]["alpha"] == usual["alpha"] != 0.0, "the catalogue itself is untouched"


def test_lists_and_the_sample_do_not_go_together(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", [["学校", "住校生占比"], ["x", "1%"]])
    config = write_config(tmp_path / "c.toml", {"area": {"name": "x"}, "routes": {"shares": {"file": "a.csv"}}})
    result = call("run", "--config", config, "--out", tmp_path / "out", "--only", "ingest")
    assert result.code == 1
    assert "no street data" in result.err
