"""Returned sheets: filled in, moved about, saved anew, contradictory or broken."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from checkup_frames import CATALOGUE, RULES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from returned_sheets import (
    ASKED,
    CLINIC,
    DOUBLE,
    FACILITIES,
    FULL,
    GAPS,
    LEVEL,
    NONE,
    STATUS,
    Fill,
    blank,
    columns,
    fill,
    read,
    values,
)

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.corrections import apply_corrections, closed_doubts
from xiqing_space.ingest.survey import ANSWER_COLUMNS, CORRECTION_COLUMNS, no_answers, read_survey
from xiqing_space.report.checkup_workbook import HEADER_ROW

__all__ = ["blank"]

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
