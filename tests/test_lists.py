"""A facility list becomes checked rows: the columns of a bureau's own table, worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.catalog import load_catalogue
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.ingest.lists import COLUMNS, read_facility_list
from xiqing_space.ingest.quality import Quality

CATALOGUE = load_catalogue()

ROSTER = [
    ["示例区学校名录（2024年）"],
    [
        "序号",
        "学校标识码",
        "学校名称",
        "地址",
        "街镇",
        "学段",
        "办学性质",
        "状态",
        "班级数",
        "在校生数",
        "举办者",
        "经度",
        "纬度",
    ],
    [
        1,
        "0012",
        "示例第一小学",
        "示例路1号",
        "示例镇",
        "小学",
        "公办",
        "在营",
        24,
        "约960人",
        "示例区教育局",
        "117°06′00″",
        "39°06′00″",
    ],
    [2, "0013", "示例实验学校", "示例路2号", "示例镇", "九年一贯制", "民办", "在建", 36, "1,440", None, None, None],
    [3, "0014", "示例中学", "—", "示例街", "不详", "无", None, None, None, None, 39.05, 117.05],
    ["合计", None, None, None, None, None, None, None, 60, 2400],
]


def write(path: Path, rows: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def read(path: Path, **arguments: Any) -> tuple[pd.DataFrame, Quality]:
    quality = Quality()
    return read_facility_list(path, quality=quality, catalogue=CATALOGUE, **arguments), quality


def test_a_roster_of_schools(tmp_path: Path) -> None:
    frame, quality = read(write(tmp_path / "schools.xlsx", ROSTER))
    assert tuple(frame.columns) == COLUMNS
    shown = frame[["row_id", "source_row", "name", "kind", "operator", "status", "serves"]].to_numpy().tolist()
    assert shown == [
        ["file:schools:0012", 3, "示例第一小学", "primary_school", "public", "operating", "everyone"],
        ["file:schools:0013", 4, "示例实验学校", "primary_school", "private", "building", "everyone"],
        ["file:schools:0013", 4, "示例实验学校", "junior_school", "private", "building", "everyone"],
        ["file:schools:0014", 5, "示例中学", "school_unknown_level", "unknown", "operating", "everyone"],
    ]
    np.testing.assert_array_equal(frame["classes"], [24, 36, 36, np.nan])
    np.testing.assert_array_equal(frame["enrolled"], [960, 1440, 1440, np.nan])
    assert frame["capacity_places"].isna().all(), "missing is never zero"
    np.testing.assert_allclose(frame["x"], [117.1, np.nan, np.nan, 117.05], atol=1e-12)
    np.testing.assert_allclose(frame["y"], [39.1, np.nan, np.nan, 39.05], atol=1e-12)
    assert frame["address"].tolist() == ["示例路1号", "示例路2号", "示例路2号", None]
    assert frame["legal_person"].tolist() == ["示例区教育局", None, None, None]
    assert set(frame["source"]) == {"schools.xlsx"}
    assert quality.frame()[["check", "row"]].to_numpy().tolist() == [
        ["place_swapped", "5"], ["number_about", "3"], ["row_left_out", "6"], ["title_rows", "1"],
    ]  # fmt: skip


def test_the_kind_of_a_whole_file(tmp_path: Path) -> None:
    frame, _ = read(
        write(tmp_path / "k.xlsx", [["名称", "地址"], ["示例一幼", "路"], ["示例中心", "街"]]), kind="kindergarten"
    )
    assert frame["kind"].tolist() == ["kindergarten"] * 2
    assert frame["row_id"].tolist() == ["file:k:2", "file:k:3"]


def test_kinds_of_rows_by_their_names(tmp_path: Path) -> None:
    rows = [
        ["名称", "地址"],
        ["示例幼儿园（含托班）", "甲"],
        ["高尔夫公园", "乙"],
        ["示例公园", "丙"],
        ["示例饭店", "丁"],
    ]
    frame, quality = read(write(tmp_path / "a.xlsx", rows))
    assert frame[["source_row", "kind"]].to_numpy().tolist() == [[2, "kindergarten"], [2, "childcare"], [4, "park"]]
    assert quality.frame()[["check", "row"]].to_numpy().tolist() == [["kind_unknown", "5"], ["kind_excluded", "3"]]


def test_every_row_is_either_read_or_named(tmp_path: Path) -> None:
    rows = [["序号", "名称"], [1, "示例幼儿园"], [2, None], ["合计", None], [3, "示例饭店"], [4, "示例驾驶学校"]]
    frame, quality = read(write(tmp_path / "a.xlsx", rows))
    said = {int(one["row"]) for one in quality.rows}
    assert set(frame["source_row"]) | said == {2, 3, 4, 5, 6}


def test_one_code_for_two_kinds_is_one_site(tmp_path: Path) -> None:
    rows = [["代码", "名称", "类别"], ["7", "示例学校", "小学"], ["7", "示例学校", "初中"], [None, "示例学校", "高中"]]
    frame, _ = read(write(tmp_path / "a.xlsx", rows))
    assert frame["row_id"].tolist() == ["file:a:7", "file:a:7", "file:a:4"]


def test_a_row_number_never_meets_another_row_s_code(tmp_path: Path) -> None:
    rows = [["代码", "名称"], ["3", "示例一幼儿园"], [None, "示例二幼儿园"]]
    frame, _ = read(write(tmp_path / "a.xlsx", rows))
    assert frame["row_id"].tolist() == ["file:a:3", "file:a:row3"]


def test_sheets_of_one_workbook_have_ids_of_their_own(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "公办"
    for sheet in (book.active, book.create_sheet("民办")):
        sheet.append(["名称", "地址"])
        sheet.append([f"示例{sheet.title}幼儿园", "路"])
    book.save(tmp_path / "a.xlsx")
    ids = [read(tmp_path / "a.xlsx", sheet=one)[0]["row_id"].iloc[0] for one in ("公办", "民办")]
    assert ids == ["file:a[公办]:2", "file:a[民办]:2"]


def test_stated_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", [["甲", "乙", "名称"], ["示例幼儿园", "12", "无关"]])
    frame, _ = read(path, columns={"name": "甲", "classes": "乙"})
    assert frame[["name", "classes"]].to_numpy().tolist() == [["示例幼儿园", 12.0]]


def test_unknown_kinds_and_fields_are_the_config_s_fault(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", [["名称", "地址"], ["示例幼儿园", "路"]])
    with pytest.raises(ConfigError, match="不认识的设施类别"):
        read(path, kind="kindergarden")
    with pytest.raises(ConfigError, match="不认识的字段"):
        read(path, columns={"title": "名称"})


def test_problems_come_in_the_order_of_rows_and_the_doubts_do_not_hide_them(tmp_path: Path) -> None:
    rows = [
        ["编码", "名称", "班数", "状态"],
        ["1", "示例一幼儿园", "=1", None],
        ["1", "示例二幼儿园", 999, "未知数"],
        ["2", None, 3, None],
    ]
    with pytest.raises(InputDataError) as caught:
        read(write(tmp_path / "a.xlsx", rows))
    assert [line.split(" / ")[0] for line in caught.value.first] == [
        "第 2 行“班数”：公式没有已保存的计算结果", "第 2 行：编码“1”重复（第 2、3 行）", "第 3 行：“班数”为 999，超出合理范围 0–200",
        "第 3 行：状态“未知数”不认识（在营、在建、规划、停办）", "第 4 行：没有名称",
    ]  # fmt: skip


NAMES = st.lists(st.integers(1, 99).map(lambda number: f"示例第{number}幼儿园"), min_size=1, max_size=8, unique=True)


@settings(max_examples=15, deadline=None)
@given(NAMES, st.randoms(use_true_random=False))
def test_a_row_says_the_same_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], random: Any
) -> None:
    """With codes of their own, rows keep their ids and values in any order."""
    rows = [[f"c{name}", name, f"{number * 10}人", "普惠" if number % 2 else None] for number, name in enumerate(names)]
    folder = tmp_path_factory.mktemp("t")
    lines = ["编码,名称,在园人数,办别", *(",".join(cell or "" for cell in row) for row in rows)]
    (folder / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    first, _ = read(folder / "a.csv")
    body = lines[1:]
    random.shuffle(body)
    (folder / "a.csv").write_text("\n".join([lines[0], *body]), encoding="utf-8")
    second, _ = read(folder / "a.csv")
    columns = [column for column in COLUMNS if column != "source_row"]
    pd.testing.assert_frame_equal(
        first[columns].sort_values("row_id", ignore_index=True),
        second[columns].sort_values("row_id", ignore_index=True),
    )
    # the second, plain method: what was put in, row by row
    assert dict(zip(first["row_id"], first["enrolled"], strict=True)) == {
        f"file:a:{code}": number * 10.0 for number, (code, *_) in enumerate(rows)
    }


def test_a_dentist_of_a_map_service_is_no_riddle(tmp_path: Path) -> None:
    """诊所 alone may be anything; 口腔诊所 and 宠物诊所 look like clinics and the catalogue's exclusions name them."""
    rows = [["名称", "类别"], ["柳香口腔诊所", "医疗保健服务;诊所;诊所"], ["爱心宠物诊所", "宠物医院"], ["李氏诊所", "医疗保健服务;诊所;诊所"],
            ["枫丰少儿培训中心", "科教文化服务;培训机构;培训机构"], ["示例小学", "小学"]]  # fmt: skip
    frame, quality = read(write(tmp_path / "poi.xlsx", rows))
    assert frame["name"].tolist() == ["示例小学"]
    told = quality.frame().set_index("row")["check"].to_dict()
    assert told == {"2": "kind_excluded", "3": "kind_excluded", "4": "kind_unknown", "5": "kind_excluded"}


def test_codes_that_excel_cut_are_told(tmp_path: Path) -> None:
    """An id of 18 digits that was typed in as a number: Excel keeps 15. As text it is whole."""
    rows = [["名称", "学段", "统一代码"], ["第一小学", "小学", 121201110000000000], ["第二小学", "小学", "12120111MB1234567X"],
            ["第三小学", "小学", 999999999999999]]  # fmt: skip
    _, quality = read(write(tmp_path / "s.xlsx", rows))
    told = [one for one in quality.rows if one["check"] == "digits_cut"]
    assert [one["row"] for one in told] == ["2"]
    assert "有 1 个单元格" in told[0]["what_zh"]
    assert "121201110000000000" in told[0]["what_zh"]
