"""What the corrections of returned sheets change: facilities, doubts, a second check, a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import shapely
from checkup_frames import CATALOGUE, RULES, ZONES, facilities_frame
from helpers import Drawing, call, degrees, draw_hamlet, table, write_config
from planner_files import Office, write_layer, write_table
from returned_sheets import (
    ASKED,
    DOUBLE,
    DOUBTS,
    FACILITIES,
    FULL,
    GAPS,
    LEVEL,
    NONE,
    QUALITY,
    STATUS,
    Fill,
    blank,
    columns,
    fill,
    read,
)

from xiqing_space.ingest.corrections import APPLIED_COLUMNS, apply_corrections, closed_doubts
from xiqing_space.ingest.doubts import read_doubts
from xiqing_space.ingest.survey import ANSWER_COLUMNS, CORRECTION_COLUMNS, SurveyAnswers, no_answers
from xiqing_space.ingest.survey_step import take_survey

__all__ = ["blank"]

# ---- what corrections change


def corrections(*rows: tuple[str, str, str] | tuple[str, str, str, str]) -> pd.DataFrame:
    lines = [
        (*row[:3], row[3] if len(row) == 4 else "", "survey", f"r.xlsx[x]!K{k}", f"D-{k:010d}")
        for k, row in enumerate(rows)
    ]
    return pd.DataFrame(lines, columns=list(CORRECTION_COLUMNS), dtype=str)


def test_corrections_change_what_they_name_and_nothing_else() -> None:
    before = FACILITIES.copy(deep=True)
    changed, applied = apply_corrections(
        FACILITIES,
        corrections(("k1", "capacity_places", "270"), ("k1", "operator", "public"), ("k2", "status", "closed"), ("c1", "name", "丁院"),
                    ("c1", "lon", "117.0012345678", "WGS-84"), ("c1", "lat", "39.08", "WGS-84")),
    )  # fmt: skip
    pd.testing.assert_frame_equal(FACILITIES, before)
    assert tuple(applied.columns) == APPLIED_COLUMNS
    assert applied["applied"].all()
    assert applied.loc[applied["owner_id"] == "k1", ["field", "before", "after"]].to_numpy().tolist() == [
        ["capacity_places", "", "270"], ["operator", "unknown", "public"],
    ]  # fmt: skip
    touched = {
        ("k1", "capacity_places"), ("k1", "capacity_from"), ("k1", "operator"), ("k2", "status"), ("c1", "name"),
        ("c1", "geometry"), ("c1", "located_by"), ("c1", "datum_in"),
    }  # fmt: skip
    for row, identity in enumerate(before["facility_id"]):
        for column in before.columns:
            old, new = before[column].iloc[row], changed[column].iloc[row]
            same = (pd.isna(old) and pd.isna(new)) or old == new
            assert same == ((identity, column) not in touched), (identity, column)
    assert changed.loc[0, "capacity_from"] == "survey"
    moved = changed.set_index("facility_id").loc["c1"]
    assert (moved["located_by"], moved["datum_in"], moved["geometry"].wkt) == (
        "survey",
        "WGS-84",
        "POINT (117.0012346 39.08)",
    )
    assert type(changed) is type(FACILITIES)
    assert changed.crs == FACILITIES.crs


def test_a_nine_year_school_becomes_two_rows_of_one_site() -> None:
    frame = facilities_frame({"facility_id": "s1", "site_id": "s1", "kind": "school_unknown_level", "enrolled": 900.0})
    changed, applied = apply_corrections(
        frame, corrections(("s1", "kind", "primary_school|junior_school"), ("s1", "name", "丙"))
    )
    assert changed[["facility_id", "site_id", "kind", "name"]].to_numpy().tolist() == [
        ["s1", "s1", "primary_school", "丙"], ["s1#junior_school", "s1", "junior_school", "丙"],
    ]  # fmt: skip
    assert changed["capacity_places"].fillna(-1).tolist() == [180.0, -1.0], "places count once"
    assert changed["enrolled"].fillna(-1).tolist() == [900.0, -1.0]
    assert applied["applied"].all()
    twice = facilities_frame(
        {"facility_id": "s1", "site_id": "s1"}, {"facility_id": "s1#childcare", "site_id": "s1", "kind": "childcare"}
    )
    same, refused = apply_corrections(twice, corrections(("s1", "kind", "childcare")))
    assert (refused["applied"].tolist(), refused["reason_en"].tolist()) == ([False], ["the site already has that kind"])
    assert same["kind"].tolist() == ["kindergarten", "childcare"]


def test_what_cannot_be_applied_says_why() -> None:
    rows = corrections(
        ("gone", "name", "x"),
        ("k1", "lon", "117.0", "GCJ-02"),
        ("k1", "lat", "39.0", "GCJ-02"),
        ("k2", "lon", "117", "WGS-84"),
    )
    changed, applied = apply_corrections(FACILITIES, rows)
    assert not applied["applied"].any()
    assert applied["reason_en"].tolist() == [
        "the facility is no longer in the data", "the datum cannot be transformed", "the datum cannot be transformed",
        "only one of longitude and latitude",
    ]  # fmt: skip
    assert changed.geometry.geom_equals(FACILITIES.geometry).all()
    shifted, done = apply_corrections(
        FACILITIES, rows.iloc[1:3], to_wgs84=lambda datum, lon, lat: (lon - 0.5, lat - 0.25)
    )
    assert done["applied"].all()
    assert shifted.geometry.iloc[0].wkt == "POINT (116.5 38.75)"
    assert shifted["datum_in"].iloc[0] == "GCJ-02"


def test_a_place_for_a_facility_that_had_none() -> None:
    frame = facilities_frame({"facility_id": "k1", "geometry": None, "located_by": None}, {"facility_id": "k2"})
    changed, applied = apply_corrections(
        frame, corrections(("k1", "lon", "117.0", "WGS-84"), ("k1", "lat", "39.0", "WGS-84"))
    )
    assert changed.geometry.iloc[0] == shapely.Point(117.0, 39.0)
    assert applied["before"].tolist() == ["", ""]


def test_the_order_of_rows_changes_nothing() -> None:
    rows = corrections(
        ("k1", "operator", "public"),
        ("k2", "status", "closed"),
        ("c1", "lat", "39.0", "WGS-84"),
        ("c1", "lon", "117.0", "WGS-84"),
    )
    one, told = apply_corrections(FACILITIES, rows)
    other, again = apply_corrections(FACILITIES, rows.iloc[::-1])
    pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(told, again)


# ---- the whole way round


def test_what_closes_a_doubt(blank: Path, tmp_path: Path) -> None:
    def closed(answers: dict[str, Fill]) -> set[str]:
        survey = read(fill(blank, tmp_path / "r.xlsx", answers))
        return closed_doubts(survey, ASKED, apply_corrections(FACILITIES, survey.corrections)[1], RULES)

    assert closed({STATUS: {"答复": "属实"}, NONE: {"答复": "属实"}}) == {STATUS, NONE}
    assert closed({GAPS: {"答复": "属实"}, DOUBLE: {"答复": "属实"}}) == set(), (
        "that something is missing closes nothing"
    )
    assert closed({DOUBLE: {"答复": "有误"}}) == {DOUBLE}
    assert closed({STATUS: {"答复": "有误"}, LEVEL: {"答复": "不清楚"}}) == set()
    assert closed({STATUS: {"答复": "有误", "状态": "停办"}, LEVEL: {"更正值": "小学"}}) == {STATUS, LEVEL}
    assert closed({GAPS: {"性质": "民办"}}) == set(), "one of two"
    assert closed({GAPS: {"性质": "民办", "学位数": 90}}) == {GAPS}


def test_half_an_answer_leaves_the_rest_to_ask_under_the_same_number(blank: Path, tmp_path: Path) -> None:
    path = fill(blank, tmp_path / "r.xlsx", {GAPS: {"性质": "民办"}})
    done = take_survey(QUALITY, FACILITIES, ZONES, CATALOGUE, RULES, [path])
    row = done.returns.set_index("doubt_id").loc[GAPS]
    assert (row["fields"], row["current_zh"]) == ("capacity_places", "学位数：缺")
    assert set(done.doubts["doubt_id"]) == set(DOUBTS["doubt_id"])
    assert QUALITY.rows, "the collector itself is as it was"
    assert len(QUALITY.rows) == 2
    assert no_answers().answers.empty


def test_answers_that_were_not_used_become_doubts(blank: Path, tmp_path: Path) -> None:
    path = fill(blank, tmp_path / "r.xlsx", FULL)
    fewer = FACILITIES[FACILITIES["facility_id"] != "k2"]
    done = take_survey(QUALITY, fewer, ZONES, CATALOGUE, RULES, [path])
    late = done.doubts[done.doubts["check"] == "survey_no_longer_asked"]
    assert late["source"].tolist() == ["r.xlsx"]
    assert "r.xlsx[区教育局]!I" in late["what_zh"].iloc[0]


def test_check_returned_check(tmp_path: Path) -> None:
    """As an office does it: check, fill in a return sheet, check again with it, and once more."""
    d = draw_hamlet()
    d.node(20, 620, {"amenity": "kindergarten", "name": "第二幼儿园"})
    osm = d.write(tmp_path / "hamlet.osm.pbf")
    config, out = (
        write_config(tmp_path / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(osm)}}),
        tmp_path / "out",
    )
    assert call("check", "--config", config, "--out", out).code == 0
    before = read_doubts(out / "quality.csv")
    assert before is not None
    gaps = before[(before["check"] == "ask_gaps") & before["what_zh"].str.contains("第二幼儿园")]
    identity = gaps["doubt_id"].iloc[0]
    returned = fill(
        out / "reports/data_checkup.xlsx", tmp_path / "教育局.xlsx", {identity: {"性质": "公办", "学位数": 240}}
    )
    second = call("check", "--config", config, "--out", out, "--returned", returned)
    assert second.code == 0, second.err[-300:]
    assert f"已消除 1，仍存在 {len(before) - 1}，新出现 0" in second.out
    after = read_doubts(out / "quality.csv")
    assert after is not None
    assert set(before["doubt_id"]) - set(after["doubt_id"]) == {identity}
    assert "已由回执消除" in (out / "reports/data_checkup.html").read_text("utf-8")
    third = call("check", "--config", config, "--out", out, "--returned", returned)
    assert f"已消除 0，仍存在 {len(before) - 1}，新出现 0" in third.out
    kept = (out / "quality.csv").read_bytes()
    other = str(after.loc[after["check"] == "ask_gaps", "doubt_id"].iloc[0])
    broken = fill(out / "reports/data_checkup.xlsx", tmp_path / "b.xlsx", {other: {"答复": "？"}})
    failed = call("check", "--config", config, "--out", out, "--returned", broken)
    assert failed.code == 1
    assert "b.xlsx[区" in failed.err
    assert "Traceback" not in failed.err
    assert (out / "quality.csv").read_bytes() == kept


# ---- in a run


def check_and_fill(office: Office, settings: dict[str, Any], answers: dict[tuple[str, str], Fill], name: str) -> Path:
    """The check's workbook with answers, by (check, a word of the doubt) and column title."""
    out = office.folder / f"check-{name}"
    result = call("check", "--config", office.config(settings, f"{name}.toml"), "--out", out)
    assert result.code == 0, result.err
    doubts = read_doubts(out / "quality.csv")
    assert doubts is not None
    ids = {}
    for (check, word), cells in answers.items():
        mine = doubts[(doubts["check"] == check) & doubts["what_zh"].str.contains(word)]
        ids[mine["doubt_id"].item()] = cells
    return fill(out / "reports/data_checkup.xlsx", office.folder / f"{name}.xlsx", ids)


def place(x: float, y: float) -> Fill:
    lon, lat = degrees(x, y)
    return {"经度": lon, "纬度": lat, "坐标系": "WGS-84"}


def test_what_departments_return_is_in_the_tables_of_a_run(hamlet: Drawing, tmp_path: Path) -> None:
    """第一幼儿园: 180 places on the map, nobody says who runs it; the bureau: private, 240. 云杉 has no place; it stands at (700, 300)."""
    office = Office(tmp_path, hamlet)
    write_table(tmp_path / "名册.csv", [["名称", "街镇", "类别", "性质", "学位数", "班数"],
                                       ["云杉幼儿园", "东片", "幼儿园", "民办", "90", "3"]])  # fmt: skip
    lists: dict[str, Any] = {"facilities": [{"file": "名册.csv"}]}
    answers = {
        ("ask_gaps", "第一幼儿园"): {"性质": "民办", "学位数": 240},
        ("match_none", "云杉幼儿园"): place(700, 300),
    }
    sheet = check_and_fill(office, lists, answers, "回执")
    office.run(lists, "--only", "ingest")
    before = table(tmp_path / "out", "facilities").set_index("facility_id")
    told = {("match_none", "file:名册:2"), ("facilities_unlocated", "")}
    assert told <= set(office.quality()[["check", "id"]].itertuples(index=False, name=None))
    office.run(lists | {"survey": {"sheets": [sheet.name]}}, "--only", "ingest", out="after")
    after = table(tmp_path / "after", "facilities").set_index("facility_id")
    columns_ = ["operator", "capacity_places", "capacity_from"]
    assert before.loc["osm:n118", columns_].tolist() == ["unknown", 180.0, "tag"]
    assert after.loc["osm:n118", columns_].tolist() == ["private", 240.0, "survey"]
    found = after.loc["file:名册:2"]
    assert found[["operator", "capacity_places", "capacity_from", "classes", "located_by", "inside"]].tolist() == [
        "private", 90.0, "file", 3.0, "survey", True,
    ]  # fmt: skip
    point = shapely.from_wkb(found["geometry"])
    assert (point.x, point.y) == pytest.approx(degrees(700, 300), abs=1e-6)
    assert table(tmp_path / "after", "unlocated").empty
    others = before.index.difference(["osm:n118"])
    pd.testing.assert_frame_equal(before.loc[others], after.loc[others])
    doubts = office.quality("after")
    assert not told & set(doubts[["check", "id"]].itertuples(index=False, name=None))
    clash = doubts[doubts["check"] == "survey_differs"]
    assert clash[["id", "source"]].to_numpy().tolist() == [["osm:n118", "hamlet.osm.pbf"]], (
        "an unknown value is no conflict"
    )
    assert "学位数按回执采用“240”" in clash["what_zh"].item()
    assert "原数据为“180”" in clash["what_zh"].item()
    record = json.loads((tmp_path / "after/data/processed/run.json").read_text("utf-8"))
    assert {one["role"]: one["rows"] for one in record["inputs"]}["survey.sheets-1"] == 2


def test_each_line_of_a_compound_is_a_gate(hamlet: Drawing, tmp_path: Path) -> None:
    """A compound of the office's own without gates; the town gives the east gate, copies the row for the west, errs with a third."""
    office = Office(tmp_path, hamlet)
    ring = [(640.0, 440.0), (770.0, 440.0), (770.0, 560.0), (640.0, 560.0)]
    write_layer(tmp_path / "小区.geojson", [{"小区": "乙小区", "编号": "C1", "封闭": "是", "ring": ring}])
    settings: dict[str, Any] = {"compounds": {"file": "小区.geojson"}}
    sheet = check_and_fill(office, settings, {("compound_gates_unknown", "乙小区"): place(770, 500)}, "大门")
    book = openpyxl.load_workbook(sheet)
    towns = book["街镇"]
    heads, row = columns(towns), next(one[0].row for one in towns if one[2].value == "乙小区")
    assert towns.cell(row, heads["街镇"]).value == "东片", "each town knows its own"
    for number, (x, y) in enumerate([(638, 500), (900, 500)], towns.max_row + 1):
        towns.cell(number, 1).value = towns.cell(row, 1).value
        for title, value in place(x, y).items():
            towns.cell(number, heads[title]).value = value
    book.save(sheet)
    office.run(settings | {"survey": {"sheets": [sheet.name]}}, "--only", "network")
    gates = table(tmp_path / "out", "gates")
    mine = gates[gates["owner_id"] == "file:小区:C1"]
    assert mine["resolved_by"].tolist() == ["survey", "survey"]
    points = shapely.from_wkb(mine["geometry"].to_numpy())
    expected = sorted(degrees(x, 500) for x in (770, 640))
    assert sorted(zip(shapely.get_x(points), shapely.get_y(points), strict=True)) == [
        pytest.approx(one, abs=1e-6) for one in expected
    ]
    doubts = office.quality()
    assert "compound_gates_unknown" not in set(doubts["check"])
    refused = doubts[doubts["check"] == "survey_not_applied"]
    assert refused["id"].tolist() == ["file:小区:C1"]
    assert "30 m" in refused["what_zh"].item()


def test_a_wrong_value_of_a_merge_is_settled_by_the_right_one() -> None:
    survey = SurveyAnswers(
        pd.DataFrame([("D-1", "merge_conflict", "k1", "wrong", "", "", "a"), ("D-2", "merge_conflict", "k1", "wrong", "", "", "a"),
                      ("D-3", "merge_conflict", "k1", "confirmed", "", "", "a")], columns=list(ANSWER_COLUMNS)),
        pd.DataFrame(columns=list(CORRECTION_COLUMNS)), pd.DataFrame(),
    )  # fmt: skip
    rows = pd.DataFrame({"doubt_id": ["D-1", "D-2", "D-3"], "fields": ""})
    done = pd.DataFrame(
        [("k1", "operator", "public", "private", "a", "D-1", True, "", "")], columns=list(APPLIED_COLUMNS)
    )
    assert closed_doubts(survey, rows, done, RULES) == {"D-1", "D-3"}
