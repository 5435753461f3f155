"""Returned sheets: filled in, moved about, saved anew, contradictory or broken; and what their corrections change."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from helpers import Drawing, call, degrees, draw_hamlet, table, write_config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planner_files import Office, write_layer, write_table
from test_checkup import CATALOGUE, RULES, ZONES, asked, checkup, facilities_frame

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.corrections import APPLIED_COLUMNS, apply_corrections, closed_doubts
from xiqing_space.ingest.doubts import read_doubts
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.survey import ANSWER_COLUMNS, CORRECTION_COLUMNS, SurveyAnswers, no_answers, read_survey
from xiqing_space.ingest.survey_step import take_survey
from xiqing_space.report import write_checkup_workbook
from xiqing_space.report.checkup_workbook import HEADER_ROW

Fill = dict[str, Any]
FACILITIES = facilities_frame(
    {"facility_id": "k1", "site_id": "k1", "operator": "unknown", "capacity_places": np.nan, "name": "甲园"},
    {"facility_id": "k2", "site_id": "k2", "status": "building", "name": "乙园"},
    {"facility_id": "s1", "site_id": "s1", "kind": "school_unknown_level", "name": "丙学校"},
    {"facility_id": "c1", "site_id": "c1", "kind": "clinic", "name": None},
)
QUALITY = Quality()
QUALITY.add("kind_unmapped", source="a.pbf", id="sports", kind=("体育", "Sports"))
QUALITY.add("possible_double", source="a.pbf", id="k1", name="k1", other="k9")
DOUBTS, ASKED = asked(FACILITIES, Quality(list(QUALITY.rows)))
ID = {f"{one.owner_id or one.check}:{one.check}": one.doubt_id for one in ASKED.itertuples(index=False)}
GAPS, STATUS, LEVEL, CLINIC, DOUBLE, NONE = (
    ID[key] for key in ("k1:ask_gaps", "k2:ask_status", "s1:ask_level", "c1:ask_gaps", "k1:possible_double", "kind_unmapped:kind_unmapped")
)  # fmt: skip


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = checkup(doubts=DOUBTS, returns=ASKED, area="区")
    return write_checkup_workbook(made, tmp_path_factory.mktemp("blank") / "data_checkup.xlsx")


def columns(sheet: Any, row: int = HEADER_ROW) -> dict[str, int]:
    return {str(cell.value).split("\n")[0]: cell.column for cell in sheet[row] if cell.value}


def fill(blank: Path, path: Path, answers: dict[str, Fill], change: Callable[[Any], None] | None = None) -> Path:
    """A copy of the blank workbook with answers, by doubt id and column title."""
    book = openpyxl.load_workbook(blank)
    left = dict(answers)
    for sheet in book:
        heads = columns(sheet)
        if "答复" not in heads:
            continue
        for row in range(HEADER_ROW + 1, sheet.max_row + 1):
            for title, value in left.pop(sheet.cell(row, heads["疑点编号"]).value, {}).items():
                sheet.cell(row, heads[title]).value = value
    assert not left, "every answer has its row"
    if change is not None:
        change(book)
    book.save(path)
    return path


def read(*paths: Path, **options: Any) -> SurveyAnswers:
    return read_survey(paths, ASKED, FACILITIES, CATALOGUE, RULES, **options)


def values(survey: SurveyAnswers) -> dict[tuple[str, str], str]:
    return {(one.owner_id, one.field): one.value for one in survey.corrections.itertuples(index=False)}


FULL: dict[str, Fill] = {
    GAPS: {"答复": "属实", "性质": "普惠民办", "学位数": 270, "填报单位": "教育局"},
    STATUS: {"答复": "有误", "状态": "在办", "备注": "九月开园"},
    LEVEL: {"答复": "有误", "更正值": "小学、初中"},  # 更正项目 stands there already
    CLINIC: {"更正项目": "名称", "更正值": "丁卫生院", "经度": 117.001, "纬度": 39.081, "坐标系": "CGCS2000"},
    NONE: {"答复": "属实"},
}
EXPECTED = {
    ("k1", "operator"): "inclusive_private", ("k1", "capacity_places"): "270", ("k2", "status"): "operating",
    ("s1", "kind"): "primary_school|junior_school", ("c1", "name"): "丁卫生院", ("c1", "lon"): "117.001", ("c1", "lat"): "39.081",
}  # fmt: skip


def test_a_filled_workbook_is_read(blank: Path, tmp_path: Path) -> None:
    survey = read(fill(blank, tmp_path / "回执.xlsx", FULL))
    assert tuple(survey.answers.columns) == ANSWER_COLUMNS
    assert tuple(survey.corrections.columns) == CORRECTION_COLUMNS
    assert values(survey) == EXPECTED
    assert set(survey.corrections["from"]) == {"survey"}
    answers = survey.answers.set_index("doubt_id")
    assert answers["answer"].to_dict() == {
        GAPS: "confirmed",
        STATUS: "wrong",
        LEVEL: "wrong",
        CLINIC: "",
        NONE: "confirmed",
    }
    assert answers.loc[STATUS, "note"] == "九月开园"
    assert answers.loc[GAPS, "organisation"] == "教育局"
    assert re.fullmatch(r"回执\.xlsx\[区教育局\]![A-Z]+\d+", answers.loc[GAPS, "source"])
    assert survey.corrections.set_index("field").loc["lon", "datum"] == "CGCS2000"
    assert survey.unanswered == 1, "possible_double came back empty"
    assert survey.no_longer_asked.empty


def test_a_blank_workbook_answers_nothing(blank: Path) -> None:
    survey = read(blank)
    assert survey.answers.empty
    assert survey.corrections.empty
    assert survey.unanswered == len(ASKED)


def rename(book: Any) -> None:
    for number, sheet in enumerate(book):
        sheet.title = f"Sheet{number}"


def turn_columns(book: Any) -> None:
    for sheet in book:
        if "答复" in columns(sheet):
            rows = [[cell.value for cell in row][::-1] for row in sheet.iter_rows(min_row=HEADER_ROW)]
            for row, line in enumerate(rows, HEADER_ROW):
                for at, value in enumerate(line, 1):
                    sheet.cell(row, at).value = value


def title_above(book: Any) -> None:
    for sheet in book:
        sheet.insert_rows(1, 4)
        sheet["A1"] = "某某区教育局关于核实数据的复函"
        sheet.merge_cells("A1:G3")


def sort_and_hide(book: Any) -> None:
    for sheet in book:
        if "答复" in columns(sheet):
            rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=HEADER_ROW + 1)][::-1]
            for row, line in enumerate(rows, HEADER_ROW + 1):
                sheet.row_dimensions[row].hidden = row % 2 == 0
                for at, value in enumerate(line, 1):
                    sheet.cell(row, at).value = value


def retype_heads(book: Any) -> None:
    for sheet in book:
        for at in columns(sheet).values() if "答复" in columns(sheet) else ():
            cell = sheet.cell(HEADER_ROW, at)
            cell.value = f" {cell.value.split()[0]} "


def english_heads(book: Any) -> None:
    for sheet in book:
        for at in columns(sheet).values() if "答复" in columns(sheet) else ():
            cell = sheet.cell(HEADER_ROW, at)
            cell.value = cell.value.split("\n")[1].upper()


def drop_the_rest(book: Any) -> None:
    for name in ("说明", "体检总表", "疑点清单"):
        book.remove(book[name])


def one_sheet(book: Any) -> None:
    """Rows of all departments pasted under one header, ids with full-width letters."""
    first = book["区教育局"]
    for sheet in list(book):
        if "答复" in columns(sheet) and sheet is not first:
            for row in sheet.iter_rows(min_row=HEADER_ROW + 1, values_only=True):
                first.append(row)
            book.remove(sheet)
    for row in range(HEADER_ROW + 1, first.max_row + 1):
        first.cell(row, 1).value = f" {first.cell(row, 1).value} ".replace("D-", "Ｄ－")


@pytest.mark.parametrize(
    "change",
    [rename, turn_columns, title_above, sort_and_hide, retype_heads, english_heads, drop_the_rest, one_sheet],
    ids=lambda one: one.__name__,
)
def test_however_it_was_moved_about(blank: Path, tmp_path: Path, change: Callable[[Any], None]) -> None:
    survey = read(fill(blank, tmp_path / "r.xlsx", FULL, change))
    assert values(survey) == EXPECTED
    assert len(survey.answers) == len(FULL)


def test_saved_by_another_program(blank: Path, tmp_path: Path) -> None:
    """Texts in a shared store instead of the cells, members in another order and a wrong extent, as other programs write them."""
    source, target = fill(blank, tmp_path / "r.xlsx", FULL), tmp_path / "w.xlsx"
    texts: list[str] = []

    def shared(found: re.Match[str]) -> str:
        texts.append(found[2])
        return f'<c {found[1]} t="s"><v>{len(texts) - 1}</v></c>'

    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in reversed(old.namelist()):
            data = old.read(name).decode()
            if name.startswith("xl/worksheets/sheet"):
                data = re.sub(r'<dimension ref="[^"]*"\s*/>', '<dimension ref="A1"/>', data)
                data, count = re.subn(r'<c ([^>]*?) t="inlineStr"><is>(.*?)</is></c>', shared, data, flags=re.DOTALL)
                assert count
            if name == "[Content_Types].xml" and "sharedStrings" not in data:
                part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/>'
                data = data.replace("</Types>", f"{part}</Types>")
            new.writestr(name, data)
        items = "".join(f"<si>{text}</si>" for text in texts)
        new.writestr(
            "xl/sharedStrings.xml",
            f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{items}</sst>',
        )
    assert values(read(target)) == EXPECTED


def problems_of(error: pytest.ExceptionInfo[InputDataError]) -> list[str]:
    return list(error.value.first)


@pytest.mark.parametrize(
    ("identity", "cells", "words", "column"),
    [
        (STATUS, {"答复": "对啊"}, "对啊", "I"),
        (STATUS, {"答复": "#REF!"}, "#REF!", "I"),
        (STATUS, {"答复": "有误", "状态": "不知"}, "不知", "L"),
        (GAPS, {"性质": "国营"}, "国营", "M"),
        (GAPS, {"学位数": "约二百"}, "约二百", "N"),
        (GAPS, {"学位数": 12.5}, "12.5", "N"),
        (GAPS, {"学位数": -3}, "-3", "N"),
        (GAPS, {"学位数": "=100+80"}, "formula", "N"),
        (GAPS, {"答复": "属实", "更正值": "xx"}, "更正项目", "J"),
        (LEVEL, {"更正值": "大学"}, "大学", "K"),
        (CLINIC, {"更正项目": "名称", "更正值": "长" * 101}, "100", "K"),
        (CLINIC, {"更正项目": "颜色", "更正值": "红"}, "颜色", "J"),
        (CLINIC, {"更正项目": "位置", "更正值": "东边"}, "经度", "K"),
        (CLINIC, {"经度": 117.0}, "both", "P"),
        (CLINIC, {"经度": "117度", "纬度": "39°03′"}, "decimal degrees", "P"),
        (CLINIC, {"经度": 117.0, "纬度": 39.0}, "without a datum", "Q"),
        (CLINIC, {"经度": 117.0, "纬度": 39.0, "坐标系": "月球"}, "月球", "Q"),
        (CLINIC, {"经度": 39.08, "纬度": 117.0, "坐标系": "WGS-84"}, "wrong way round", "O"),
        (CLINIC, {"经度": 139.0, "纬度": 39.0, "坐标系": "WGS-84"}, "not near", "O"),
        (STATUS, {"答复": "属实", "状态": "停办"}, "属实", "I"),
        (STATUS, {"答复": "有误", "状态": "在办", "更正项目": "状态", "更正值": "停办"}, "do not agree", "K"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_named_by_its_cell(
    blank: Path, tmp_path: Path, identity: str, cells: Fill, words: str, column: str
) -> None:
    path = fill(blank, tmp_path / "r.xlsx", {identity: cells})
    with pytest.raises(InputDataError, match=r"r\.xlsx") as error:
        read(path, bounds=(116.0, 38.0, 118.0, 40.0))
    (problem,) = problems_of(error)
    assert words in problem
    assert re.search(rf"r\.xlsx\[区[^\]]*\]!{column}\d+", problem)
    assert " / " in problem


def test_all_problems_of_all_files_come_in_one_message(blank: Path, tmp_path: Path) -> None:
    paths = [
        fill(blank, tmp_path / "a.xlsx", {STATUS: {"答复": "也许"}, GAPS: {"学位数": "多"}}),
        fill(blank, tmp_path / "b.xlsx", {LEVEL: {"更正值": "大学"}}),
        tmp_path / "none.xlsx", tmp_path / "text.xlsx", tmp_path / "other.xlsx", tmp_path / "damaged.xlsx",
    ]  # fmt: skip
    paths[3].write_text("no workbook", encoding="utf-8")
    openpyxl.Workbook().save(paths[4])
    with zipfile.ZipFile(paths[5], "w") as archive:
        archive.writestr("xl/workbook.xml", "<broken")
    with pytest.raises(InputDataError) as error:
        read(*paths)
    found = problems_of(error)
    assert len(found) == 7
    for words in (
        "也许",
        "多",
        "大学",
        "none.xlsx：找不到",
        "text.xlsx：不是 xlsx",
        "other.xlsx：没有回执表",
        "damaged.xlsx：文件已损坏",
    ):
        assert sum(words in one for one in found) == 1, words


def test_a_file_that_would_unpack_to_too_much_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    with pytest.raises(InputDataError, match="bomb") as error:
        read(path)
    assert "too large" in problems_of(error)[0]


def test_a_document_type_is_refused(blank: Path, tmp_path: Path) -> None:
    target = tmp_path / "dtd.xlsx"
    with zipfile.ZipFile(blank) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/workbook.xml":
                data = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>' + data[data.index(b"<workbook") :]
            new.writestr(name, data)
    with pytest.raises(InputDataError) as error:
        read(target)
    assert "document type" in problems_of(error)[0]


def test_answers_of_two_sheets_that_contradict_each_other(blank: Path, tmp_path: Path) -> None:
    first = fill(blank, tmp_path / "a.xlsx", {STATUS: {"答复": "属实"}, GAPS: {"学位数": 180}})
    second = fill(blank, tmp_path / "b.xlsx", {STATUS: {"答复": "有误"}, GAPS: {"学位数": 200}})
    with pytest.raises(InputDataError) as error:
        read(second, first)
    found = problems_of(error)
    assert len(found) == 2, "the answer to one doubt, and the value for the other"
    assert all("a.xlsx[" in one and "b.xlsx[" in one for one in found)


def test_two_sheets_that_agree_or_complete_each_other(blank: Path, tmp_path: Path) -> None:
    first = fill(blank, tmp_path / "a.xlsx", {STATUS: {"答复": "属实", "备注": "甲"}, GAPS: {"学位数": 180}})
    second = fill(
        blank, tmp_path / "b.xlsx", {STATUS: {"答复": "是", "备注": "乙"}, GAPS: {"学位数": "１８０人", "性质": "公办"}}
    )
    survey = read(first, second)
    assert values(survey) == {("k1", "capacity_places"): "180", ("k1", "operator"): "public"}
    assert survey.answers.set_index("doubt_id").loc[STATUS, ["answer", "note"]].tolist() == ["confirmed", "甲；乙"]
    pd.testing.assert_frame_equal(survey.answers, read(second, first).answers)


def test_different_doubts_about_one_facility_must_agree(blank: Path, tmp_path: Path) -> None:
    answers = {GAPS: {"学位数": 180}, DOUBLE: {"答复": "有误", "学位数": 200}}
    with pytest.raises(InputDataError) as error:
        read(fill(blank, tmp_path / "r.xlsx", answers))
    assert len(problems_of(error)) == 1
    assert problems_of(error)[0].count("r.xlsx[") == 2


def test_an_answer_without_its_number_is_not_lost(blank: Path, tmp_path: Path) -> None:
    def wipe(book: Any) -> None:
        for sheet in book:
            heads = columns(sheet)
            if "答复" in heads:
                for row in range(HEADER_ROW + 1, sheet.max_row + 1):
                    if sheet.cell(row, heads["答复"]).value:
                        sheet.cell(row, heads["疑点编号"]).value = None

    with pytest.raises(InputDataError) as error:
        read(fill(blank, tmp_path / "r.xlsx", {STATUS: {"答复": "属实"}}, wipe))
    assert "no doubt id" in problems_of(error)[0]


def test_answers_to_what_is_no_longer_asked_are_listed(blank: Path, tmp_path: Path) -> None:
    path = fill(blank, tmp_path / "r.xlsx", FULL)
    rest = ASKED[ASKED["doubt_id"] != STATUS]
    survey = read_survey([path], rest, FACILITIES, CATALOGUE, RULES)
    assert survey.no_longer_asked["doubt_id"].tolist() == [STATUS]
    assert survey.no_longer_asked["answer"].tolist() == ["有误"]
    assert ("k2", "status") not in values(survey)


def test_what_belongs_to_no_facility_goes_into_the_remark(blank: Path, tmp_path: Path) -> None:
    survey = read(
        fill(blank, tmp_path / "r.xlsx", {NONE: {"答复": "有误", "学位数": 30, "更正值": "体育馆", "备注": "附表"}})
    )
    assert survey.corrections.empty
    note = survey.answers["note"].iloc[0]
    assert note.startswith("附表")
    assert "30" in note
    assert "体育馆" in note


def test_hostile_text_stays_text(blank: Path, tmp_path: Path) -> None:
    name = "<script>alert(1)</script>\u202e"
    survey = read(fill(blank, tmp_path / "r.xlsx", {CLINIC: {"更正项目": "名称", "更正值": name, "备注": "+1-1"}}))
    assert values(survey)["c1", "name"] == "<script>alert(1)</script>"
    assert survey.answers["note"].iloc[0] == "+1-1"


WORDS = st.sampled_from(
    [
        None,
        "",
        "属实",
        "有误",
        "不清楚",
        "ok",
        "在办",
        "180",
        180,
        12.5,
        True,
        "=1",
        "117.0",
        39.0,
        "D-0000000000",
        "高德",
    ]
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(WORDS, min_size=11, max_size=11), min_size=5, max_size=5))
def test_any_filling_is_read_or_refused_in_words(blank: Path, tmp_path: Path, filling: list[list[Any]]) -> None:
    heads = ["答复", "更正项目", "更正值", "状态", "性质", "学位数", "经度", "纬度", "坐标系", "备注", "填报单位"]
    answers = {
        identity: dict(zip(heads, row, strict=True))
        for identity, row in zip((GAPS, STATUS, LEVEL, CLINIC, NONE), filling, strict=True)
    }
    path = fill(blank, tmp_path / "r.xlsx", answers)
    problems: tuple[str, ...] = ()
    survey = no_answers()
    try:
        survey = read(path)
    except InputDataError as error:
        problems = error.first or ("nothing said",)
    assert all("r.xlsx[" in one for one in problems)
    changed, applied = apply_corrections(FACILITIES, survey.corrections)
    assert len(applied) == len(survey.corrections)
    assert closed_doubts(survey, ASKED, applied, RULES) <= set(survey.answers["doubt_id"])
    assert set(changed["facility_id"]) >= set(FACILITIES["facility_id"])


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
