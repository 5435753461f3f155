"""Inputs that look right and are not, in whole runs of the hamlet: none ends in a traceback, is dropped without a word, or flatters."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from attack_files import BASIS, Make, office, read
from helpers import Drawing, box, call, degrees, polygon_feature, table, write_geojson
from planner_files import Office, write_table

from xiqing_space.ingest.columns import read_words
from xiqing_space.ingest.match_workbook import ASK_SHEET
from xiqing_space.ingest.sheets import Sheet

__all__ = ["office"]

# ---- words that are turned round by what stands beside them

WORDS = [
    ("status", "停止运营", "closed"), ("status", "暂停营业", "closed"), ("status", "停办（2023年）", "closed"),
    ("status", "尚未建成", "building"), ("status", "未开园", None), ("status", "未运营", None), ("status", "待运营", None),
    ("status", "2025年开园", None), ("status", "未停办", None), ("status", "在用/停用", None), ("status", "建成待使用", None),
    ("status", "在营（拟停办）", None), ("status", "恢复运营", "operating"),
    ("operator", "非公办", "private"), ("operator", "非普惠", "private"), ("operator", "未认定普惠", None),
    ("operator", "待转公办", None), ("operator", "公办/民办", None), ("operator", "不是公办", None),
    ("operator", "普惠性民办幼儿园", "inclusive_private"), ("operator", "国有企业办", "public"),
    ("serves", "不对外开放", "employees"), ("serves", "不向社会开放", "employees"), ("serves", "仅对会员开放", None),
    ("serves", "非本小区居民不开放", "residents"), ("serves", "面向社会公众", "everyone"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "text", "meaning"), WORDS, ids=[f"{one} {two}" for one, two, _ in WORDS])
def test_a_word_is_not_read_against_what_stands_beside_it(field: str, text: str, meaning: str | None) -> None:
    sheet = Sheet("a.csv", pd.DataFrame({"列": [text]}, dtype=object), (2,), 1)
    assert read_words(sheet, "列", field) == [(meaning, text)]


# ---- lists


def test_a_kindergarten_that_is_not_open_yet_is_asked_about(office: Office) -> None:
    rows = [["名称", "经度", "纬度", "状态"], ["甲幼儿园", *degrees(100, 100), "未开园"]]
    write_table(office.folder / "not_open.csv", rows)
    code, said = read(
        office, {"facilities": [{"file": "not_open.csv", "kind": "kindergarten", "datum": "WGS-84"}]}, "not_open"
    )
    assert code == 1
    assert "not_open.csv" in said
    assert "第 2 行：状态“未开园”不认识" in said


def test_whom_a_list_does_not_say_it_serves_another_list_may(office: Office) -> None:
    """The roster (trusted more) has no such column; the second list, 10 m away, says 仅小区."""
    write_table(
        office.folder / "roster.csv", [["名称", "类别", "经度", "纬度"], ["春芽幼儿园", "幼儿园", *degrees(100, 100)]]
    )
    write_table(
        office.folder / "other.csv",
        [["名称", "类别", "服务对象", "经度", "纬度"], ["春芽幼儿园", "幼儿园", "仅小区", *degrees(110, 100)],
         ["夏苗幼儿园", "幼儿园", "", *degrees(300, 100)]],
    )  # fmt: skip
    lists = [
        {"file": "roster.csv", "datum": "WGS-84", "trust": 2},
        {"file": "other.csv", "datum": "WGS-84", "trust": 4},
    ]
    assert read(office, {"facilities": lists}, "serves")[0] == 0
    found = table(office.folder / "serves", "facilities").set_index("facility_id")["serves"]
    assert found["file:roster:2"] == "residents"
    assert found["file:other:3"] == "everyone"


def test_one_name_at_two_places_not_far_apart_is_a_doubt(office: Office) -> None:
    """160 m: beyond the 150 m within which kindergartens are merged, within twice of it."""
    for name, x in (("left.csv", 100), ("right.csv", 260)):
        write_table(office.folder / name, [["名称", "经度", "纬度"], ["春芽幼儿园", *degrees(x, 100)]])
    lists = [{"file": one, "kind": "kindergarten", "datum": "WGS-84"} for one in ("left.csv", "right.csv")]
    assert read(office, {"facilities": lists}, "apart")[0] == 0
    doubts = office.quality("apart")
    assert doubts.loc[doubts["check"] == "duplicate_unclear", "row"].tolist() == ["file:left:2", "file:right:2"]
    assert len(table(office.folder / "apart", "merges")) == 0


def test_every_row_of_a_list_ends_in_one_place(office: Office) -> None:
    """Located, merged, located by nothing, too far away, of no kind: eight rows, each once."""
    rows = [
        ["名称", "类别", "经度", "纬度"],
        ["甲幼儿园", "幼儿园", *degrees(100, 100)],
        ["甲幼儿园", "幼儿园", *degrees(101, 100)],
        ["乙幼儿园", "幼儿园", 118.9, 39.1],
        ["丙幼儿园", "幼儿园", 117.3, 39.1],
        ["丁幼儿园", "幼儿园", "", ""],
        ["宝贝牙科诊所", "卫生院", *degrees(300, 100)],
        ["示例超市", "零售", *degrees(300, 300)],
        ["示例小学", "小学", *degrees(270, 450)],
    ]
    write_table(office.folder / "ends.csv", rows)
    assert read(office, {"facilities": [{"file": "ends.csv", "datum": "WGS-84"}]}, "ends")[0] == 0
    out = office.folder / "ends"
    places = {name: set(table(out, name)["facility_id"]) for name in ("facilities", "unlocated")}
    merged = set(table(out, "merges")["merged_row_id"])
    doubts = office.quality("ends")
    left = doubts[doubts["check"].isin(["facility_far", "kind_unknown", "kind_excluded"])]
    said = {f"file:ends:{row}" for row in left["row"]}
    ends = [one & {f"file:ends:{row}" for row in range(2, 10)} for one in (*places.values(), merged, said)]
    assert sorted(len(one) for one in ends) == [1, 2, 2, 3]
    assert set().union(*ends) == {f"file:ends:{row}" for row in range(2, 10)}


# ---- compounds


def compounds(*rows: tuple[dict[str, object], list[tuple[float, float]]]) -> Make:
    return lambda path: write_geojson(path, [polygon_feature(ring, about) for about, ring in rows])


def test_a_compound_drawn_twice_is_a_doubt(office: Office) -> None:
    about = {"是否封闭": "是"}
    make = compounds(
        ({"小区名称": "甲", **about}, box(50, 20, 150, 120)), ({"小区名称": "乙", **about}, box(52, 20, 150, 120))
    )
    make(office.folder / "c.geojson")
    assert read(office, {"compounds": {"file": "c.geojson"}}, "compounds")[0] == 0
    doubts = office.quality("compounds")
    assert doubts.loc[doubts["check"] == "compound_overlap", "id"].tolist() == ["file:c:1"]


def test_a_billion_households_are_refused(office: Office) -> None:
    compounds(({"小区名称": "甲", "户数": 999999999}, box(50, 20, 150, 120)))(office.folder / "c.geojson")
    code, said = read(office, {"compounds": {"file": "c.geojson"}}, "compounds")
    assert code == 1
    assert "户数 '999999999' 过大" in said


# ---- the workbook of questions, as offices return it


@pytest.fixture(scope="module")
def asked(office: Office) -> Path:
    """A workbook with two questions; its list is `asked.csv`."""
    write_table(office.folder / "asked.csv", [["名称", "街镇"], ["第一幼儿园分园", "西片"], ["初级幼儿园", "西片"]])
    assert read(office, {"facilities": [{"file": "asked.csv", "kind": "kindergarten"}]}, "asked")[0] == 0
    return office.workbook("asked")


def answered(office: Office, asked: Path, change: Callable[[Any], None], out: str) -> tuple[int, str]:
    book = openpyxl.load_workbook(asked)
    change(book)
    book.save(office.folder / f"{out}.xlsx")
    lists = [{"file": "asked.csv", "kind": "kindergarten"}]
    return read(office, {"facilities": lists, "matching": {"answers": [f"{out}.xlsx"]}}, out)


def choose(book: Any, value: object) -> None:
    sheet = book[ASK_SHEET]
    keys = {str(cell.value).rsplit("[", 1)[1].rstrip("]"): cell.column for cell in sheet[1]}
    line = next(row for row in range(2, sheet.max_row + 1) if sheet.cell(row, keys["row_id"]).value == "file:asked:2")
    sheet.cell(line, keys["choice"]).value = value


def test_answers_on_a_renamed_sheet_are_read(office: Office, asked: Path) -> None:
    def change(book: Any) -> None:
        choose(book, " １ ")
        book[ASK_SHEET].title = "教育局回复"

    assert answered(office, asked, change, "renamed")[0] == 0
    merges = table(office.folder / "renamed", "merges")
    assert merges.loc[merges["merged_row_id"] == "osm:n118", "kept_row_id"].tolist() == ["file:asked:2"]


def test_a_workbook_without_any_of_our_sheets_is_refused(office: Office, asked: Path) -> None:
    def change(book: Any) -> None:
        book.create_sheet("空")
        for title in [one for one in book.sheetnames if one != "空"]:
            del book[title]

    code, said = answered(office, asked, change, "none")
    assert code == 1
    assert "没有“待确认”" in said


def test_a_formula_for_an_answer_is_told_by_its_cell(office: Office, asked: Path) -> None:
    code, said = answered(office, asked, lambda book: choose(book, "=1"), "formula")
    assert code == 1
    assert "公式没有存下结果" in said
    assert f"{ASK_SHEET}!" in said


def test_a_column_that_stands_there_twice_is_refused(office: Office, asked: Path) -> None:
    def change(book: Any) -> None:
        choose(book, "1")
        sheet = book[ASK_SHEET]
        sheet.cell(1, sheet.max_column + 1).value = next(
            cell.value for cell in sheet[1] if str(cell.value).endswith("[choice]")
        )

    code, said = answered(office, asked, change, "twice")
    assert code == 1
    assert "列 [choice] 出现两次" in said


# ---- paths that are no files


def make_device(path: Path) -> None:
    os.symlink("/dev/zero", path)


PATHS: list[tuple[str, Make]] = [
    ("folder", lambda path: path.mkdir()), ("device that never ends", make_device), ("pipe", lambda path: os.mkfifo(path)),
]  # fmt: skip
ROLES: list[tuple[str, Callable[[str], dict[str, Any]]]] = [
    ("a.csv", lambda file: {"facilities": [{"file": file, "kind": "kindergarten"}]}),
    ("p.tif", lambda file: {"population": BASIS | {"raster": {"file": file, "unit": "persons_per_cell"}}}),
    ("s.xlsx", lambda file: {"survey": {"sheets": [file]}}),
    ("z.geojson", lambda file: {"area": {"zones": file}}),
]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and devices")
@pytest.mark.parametrize("make", [one[1] for one in PATHS], ids=[one[0] for one in PATHS])
@pytest.mark.parametrize(("file", "settings"), ROLES, ids=[one[0] for one in ROLES])
def test_a_path_that_is_no_file_is_refused_unopened(
    office: Office,
    tmp_path_factory: pytest.TempPathFactory,
    file: str,
    settings: Callable[[str], dict[str, Any]],
    make: Make,
) -> None:
    path = tmp_path_factory.mktemp("paths") / file
    make(path)
    code, said = read(office, settings(str(path)), "paths")
    assert code == 1
    assert "不是普通文件" in said
    assert file in said


# ---- hostile text from GIS files and the map


def test_unseen_characters_of_gis_files_reach_no_table(office: Office, hamlet: Drawing, tmp_path: Path) -> None:
    """Right-to-left overrides and terminal codes would show another name than the one that is stored."""
    unseen = "\u202e\x1b[31m\u200b"
    drawing = hamlet.copy()
    drawing.node(120, 120, {"amenity": "kindergarten", "name": "\u202e\u200b夏苗幼儿园"})
    mine = Office(tmp_path, drawing)
    zones = [polygon_feature(box(-100, -100, 500, 900), {"zone_id": f"w{unseen}", "name": f"西{unseen}片"}),
             polygon_feature(box(500, -100, 1000, 900), {"zone_id": "e", "name": "东片"})]  # fmt: skip
    write_geojson(tmp_path / "z.geojson", zones)
    compounds(({"小区名称": f"乙{unseen}小区", "是否封闭": "是"}, box(50, 20, 150, 120)))(tmp_path / "c.geojson")
    assert read(mine, {"area": {"zones": "z.geojson"}, "compounds": {"file": "c.geojson"}}, "out")[0] == 0
    for name, column in (("zones", "zone_id"), ("zones", "name"), ("facilities", "name"), ("compounds", "name")):
        texts = "".join(table(tmp_path / "out", name)[column].dropna())
        assert not {"\u202e", "\x1b", "\u200b"} & set(texts), (name, column)
    assert "\u202e" not in (tmp_path / "out/data/processed/quality.csv").read_text("utf-8-sig")


def test_a_check_of_hostile_names_writes_no_live_markup(office: Office, tmp_path: Path) -> None:
    texts = ['=HYPERLINK("http://x","y")幼儿园', "<script>alert(1)</script>幼儿园", '"><img src=x onerror=alert(2)>幼儿园',
             "</script><b>幼儿园", "@SUM(A1)幼儿园", "{name}%s幼儿园", "../../x幼儿园", "　=1+1幼儿园"]  # fmt: skip
    rows = [["名称", "地址", "街镇", "办别"], *([one, one, one, one] for one in texts)]
    write_table(office.folder / "=hostile.csv", rows)
    lists = [{"file": "=hostile.csv", "kind": "kindergarten"}]
    result = call("check", "--config", office.config({"facilities": lists}), "--out", tmp_path / "out")
    assert result.code == 0, result.err
    page = (tmp_path / "out/reports/data_checkup.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "</script><b>" not in page
    quality = pd.read_csv(tmp_path / "out/quality.csv", dtype=str, keep_default_na=False)
    assert not quality.map(lambda text: text.startswith(("=", "+", "-", "@", "＝"))).to_numpy().any()
    book = openpyxl.load_workbook(tmp_path / "out/reports/data_checkup.xlsx")
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    assert json.dumps(sorted(one.name for one in tmp_path.iterdir())) == '["out"]', "nothing is written elsewhere"
