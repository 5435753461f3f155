"""Headers become fields, and text becomes numbers, coordinates and words; each answer was worked out by hand."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.catalog import load_catalogue
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.ingest.columns import age_columns, find_columns, read_numbers, read_places, read_words
from xiqing_space.ingest.headers import header_ages, header_key, header_scale, is_missing, known_fields, load_names
from xiqing_space.ingest.kind_words import kinds_of_name, kinds_of_row, kinds_of_words
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.sheets import Sheet, read_sheet
from xiqing_space.ingest.values import parse_angle, parse_number, parse_pair, probable_system

CATALOGUE = load_catalogue()


def sheet_of(tmp_path: Path, text: str) -> Sheet:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    return read_sheet(tmp_path / "a.csv")


# ---- headers


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("*园所 名称", "name"), ("经度(°)", "lon"), ("经 度（度）", "lon"), ("坐标|经度", "lon"), ("学生\n人数", "enrolled"), ("X", "x"),
        ("常住人口（万人）", "pop_total"), ("所属街镇", "zone"), ("办学性质", "operator"), ("Name", "name"), ("CAPACITY_PLACES", "capacity_places"),
        ("托位数（个）", "capacity_places"), ("总户数(户)", "households"), ("小区名称", "compound"), ("Ｘ坐标（m）", "x"), ("地址（必填）", "address"),
    ],
)  # fmt: skip
def test_a_header_is_known(header: str, field: str) -> None:
    assert known_fields(header) == {field}


@pytest.mark.parametrize("header", ["人口(0-2岁)", "地址2", "联系电话", "名称说明", "", "户数（规划）"])
def test_what_only_looks_like_a_header_is_not_known(header: str) -> None:
    assert known_fields(header) == frozenset()


def test_no_header_stands_for_two_fields() -> None:
    assert {key: fields for key, fields in load_names().by_header.items() if len(fields) > 1} == {}


def test_every_kind_word_is_a_kind() -> None:
    assert {kind for kinds in load_names().kinds.values() for kind in kinds} <= set(CATALOGUE.kinds)


def test_ten_thousands_are_seen() -> None:
    assert [header_scale(one) for one in ("人口（万人）", "人口(人)", "人口")] == [10_000.0, 1.0, 1.0]
    assert header_key("人口（万人）") == "人口"


@pytest.mark.parametrize(
    ("header", "ages"),
    [
        ("0岁", (0, 0)), ("0-2岁", (0, 2)), ("3－5岁", (3, 5)), ("3~5周岁人口", (3, 5)), ("其中：0—2岁", (0, 2)), ("6至11岁", (6, 11)),
        ("age_3", (3, 3)), ("pop_0_2", (0, 2)), ("6岁以下", (0, 5)), ("17岁及以下", (0, 17)), ("人口(0-2岁)", (0, 2)),
        ("常住人口|0-2岁", (0, 2)), ("0-2岁儿童(人)", (0, 2)), ("2024", None), ("12-14", None), ("60岁以上", None), ("20-24岁", None),
        ("5-3岁", None), ("名称", None),
    ],
)  # fmt: skip
def test_ages_of_a_header(header: str, ages: tuple[int, int] | None) -> None:
    assert header_ages(header) == ages


def test_age_columns_come_youngest_first(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, "街镇,3-5岁,0-2岁,年份\n甲,1,2,2024\n")
    assert list(age_columns(sheet).items()) == [("0-2岁", (0, 2)), ("3-5岁", (3, 5))]


def test_ages_that_overlap_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputDataError, match="“0-3岁”与“3-6岁”都含 3 岁"):
        age_columns(sheet_of(tmp_path, "街镇,0-3岁,3-6岁\n甲,1,2\n"))


def test_a_stated_column_settles_what_synonyms_cannot(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, "名称,学校名称,地址\n甲,乙,丙\n")
    assert find_columns(sheet, ["name", "address"], {"name": "学校名称"}) == {"name": "学校名称", "address": "地址"}
    assert find_columns(sheet, ["name"], {"name": " 学校 名称"}) == {"name": "学校名称"}
    with pytest.raises(InputDataError, match=re.escape('columns = { name = "名称" }')):
        find_columns(sheet, ["name"])


def test_every_fault_of_a_header_is_said_at_once(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, "经度,lon,备注\n1,2,3\n")
    with pytest.raises(InputDataError) as caught:
        find_columns(sheet, ["name", "lon", "lat"], {"lat": "备住"}, required=["name"])
    assert [line.split(" / ")[0] for line in caught.value.first] == [
        "缺少“名称”列（name）", "经度（lon）有 2 列可选：经度、lon；请写 columns = { lon = \"经度\" }", "lat：没有名为“备住”的列，是否为“备注”？",
    ]  # fmt: skip


def test_a_field_that_does_not_exist_is_the_config_s_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nmae.*\n.*是否为 name"):
        find_columns(sheet_of(tmp_path, "名称,地址\n甲,乙\n"), ["name"], {"nmae": "名称"})


# ---- numbers


@pytest.mark.parametrize(
    ("text", "value", "about"),
    [
        ("120", 120, False), ("１２０", 120, False), ("1,200", 1200, False), ("1 200", 1200, False), ("12,5", 12.5, False),
        ("1.200,5", 1200.5, False), ("约120", 120, True), ("120人", 120, False), ("120余人", 120, True), ("120左右", 120, True),
        ("12个班", 12, False), ("1.2万", 12_000, False), ("1.2E+03", 1200, False), ("-3", -3, False), ("000123", 123, False), (".5", 0.5, False),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float, about: bool) -> None:
    found = parse_number(text)
    assert found is not None
    assert (found.value, found.about) == (value, about)


@pytest.mark.parametrize(
    "text", ["", "三", "5-6", "3+1", "50%", "1,2,3", "1.5.2", ",", "nan", "inf", "1e400", "=1+1", "9" * 100, "12a"]
)
def test_what_is_no_number(text: str) -> None:
    assert parse_number(text) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(-(10**8), 10**8), st.sampled_from(["{}", "{:,}", " {} ", "{}人", "{}.0"]))
def test_whole_numbers_come_back(value: int, form: str) -> None:
    found = parse_number(form.format(value))
    assert found is not None
    assert found.value == value


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_the_parsers(text: str) -> None:
    number = parse_number(text)
    assert number is None or np.isfinite(number.value)
    for angle in (parse_angle(text), *(parse_pair(text) or ())):
        assert angle is None or np.isfinite(angle.degrees)


@pytest.mark.parametrize("text", ["—", "-", "/", "无", "不详", "", " ", None, "N/A", "NaN"])
def test_words_for_nothing(text: str | None) -> None:
    assert is_missing(text)


def test_zero_is_not_nothing() -> None:
    assert not is_missing("0")


def test_a_column_of_numbers(tmp_path: Path) -> None:
    quality = Quality()
    sheet = sheet_of(tmp_path, "名称,常住人口（万人）\n甲,1.23\n乙,—\n丙,约2\n丁,多\n戊,-1\n")
    values, problems = read_numbers(sheet, "常住人口（万人）", "pop_total", quality)
    np.testing.assert_array_equal(values, [12_300, np.nan, 20_000, np.nan, np.nan])
    assert len(problems) == 1
    assert problems[0].startswith("第 6 行：“常住人口（万人）”为 -1，超出合理范围")
    assert quality.frame()[["check", "row"]].to_numpy().tolist() == [["number_unread", "5"], ["number_about", "4"]]


# ---- coordinates: 117°06′30″ is 117 + 6/60 + 30/3600 = 117.108333…


@pytest.mark.parametrize(
    ("text", "degrees", "axis"),
    [
        ("117.108", 117.108, ""), ("117,108", 117.108, ""), ("-15.4", -15.4, ""), ("117°", 117, ""), ("经度：117.1", 117.1, ""),
        *((text, 117 + 6 / 60 + 30 / 3600, axis) for text, axis in (
            ("117°06′30″", ""), ("117°6'30\"", ""), ("117º06’30”", ""), ("117°6′30''", ""), ("117度6分30秒", ""), ("东经117度6分30秒", "lon"),
            ("117 06 30E", "lon"), ("117 06 30 E", "lon"), ("E117°06′30″", "lon"), ("117:06:30", ""), ("117-06-30", ""), ("117°6.5′", ""),
            ("１１７°０６′３０″", ""),
        )),
        ("北纬39°5′", 39 + 5 / 60, "lat"), ("W15.4", -15.4, "lon"), ("33°30′S", -33.5, "lat"), ("508000.5", 508000.5, ""),
    ],
)  # fmt: skip
def test_angles(text: str, degrees: float, axis: str) -> None:
    found = parse_angle(text)
    assert found is not None
    assert found.degrees == pytest.approx(degrees, abs=1e-12)
    assert found.axis == axis


@pytest.mark.parametrize("text", ["117°61′", "117°06′60″", "117.5°30′", "abc", "", "E117°W", "117°6′30″12"])
def test_what_is_no_angle(text: str) -> None:
    assert parse_angle(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "117.1,39.1", "117.1，39.1", "(117.1, 39.1)", "[117.1,39.1]", "117.1 39.1", "117.1;39.1", "117.1/39.1", "117,1;39,1",
        "POINT (117.1 39.1)", "E117.1 N39.1", "117.1E, 39.1N", "lon:117.1,lat:39.1", "东经117.1°，北纬39.1°", "东经117°6′北纬39°6′",
        "117 06 00 39 06 00", "经度117.1，纬度39.1",
    ],
)  # fmt: skip
def test_pairs(text: str) -> None:
    found = parse_pair(text)
    assert found is not None
    assert [one.degrees for one in found] == pytest.approx([117.1, 39.1])


@pytest.mark.parametrize("text", ["117.1", "117.1,39.1,5", "E117.1 E39.1", "甲,乙", ""])
def test_what_is_no_pair(text: str) -> None:
    assert parse_pair(text) is None


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-179.9, 179.9),
    st.sampled_from(["{d}°{m}′{s:.4f}″{h}", "{d} {m} {s:.4f}{h}", "{h}{d}度{m}分{s:.4f}秒", "{d}:{m}:{s:.4f}{h}"]),
)
def test_degrees_minutes_seconds_come_back(value: float, form: str) -> None:
    tenths = round(abs(value) * 3600 * 10_000)
    whole, seconds = divmod(tenths, 60 * 10_000)
    d, m = divmod(whole, 60)
    found = parse_angle(form.format(d=d, m=m, s=seconds / 10_000, h="E" if value >= 0 else "W"))
    assert found is not None
    assert found.degrees == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize(
    ("header", "cells", "x", "y", "doubts"),
    [
        ("经度,纬度", "117.1,39.1", 117.1, 39.1, []),
        ("经度,纬度", "39.1,117.1", 117.1, 39.1, ["place_swapped"]),
        ("经度,纬度", "北纬39.1,东经117.1", 117.1, 39.1, ["place_swapped"]),
        ("坐标,备注", '"117.1,39.1",a', 117.1, 39.1, []),
        ("坐标,备注", '"39.1,117.1",a', 117.1, 39.1, ["place_swapped"]),
        ("坐标,备注", "北纬39.1 东经117.1,a", 117.1, 39.1, []),
        ("latlng,备注", '"39.1,117.1",a', 117.1, 39.1, []),
        ("latlng,备注", '"28.1,-15.4",a', -15.4, 28.1, []),
        ("lonlat,备注", '"-15.4,28.1",a', -15.4, 28.1, []),
        ("X,Y", "508000,4330000", 508000, 4330000, []),
        ("X,Y", "4330000,39508000", 39508000, 4330000, ["place_swapped"]),
        ("X,Y", "117.1,39.1", 117.1, 39.1, []),
        ("经度,纬度", "—,", np.nan, np.nan, []),
    ],
)
def test_places(tmp_path: Path, header: str, cells: str, x: float, y: float, doubts: list[str]) -> None:
    quality = Quality()
    sheet = sheet_of(tmp_path, f"名称,{header}\n甲,{cells}\n")
    found = find_columns(sheet, ["lon", "lat", "lonlat", "x", "y"])
    xs, ys, problems = read_places(sheet, found, quality)
    assert problems == []
    np.testing.assert_allclose([xs[0], ys[0]], [x, y], atol=1e-12)
    assert quality.frame()["check"].tolist() == doubts


@pytest.mark.parametrize(
    ("x", "y", "word"),
    [
        (508_000, 4_330_000, "EPSG:4548"), (39_508_000, 4_330_000, "EPSG:4527"), (4_330_000, 39_508_000, "EPSG:4527"),
        (20_508_000, 4_330_000, "EPSG:4498"), (13_040_000, 4_740_000, "EPSG:3857"), (117_100_000, 39_100_000, "一百万倍"), (1234.0, 5678.0, "地方"),
    ],
)  # fmt: skip
def test_probable_system(x: float, y: float, word: str) -> None:
    assert word in probable_system(x, y)[0]


def test_zone_codes_are_those_of_the_register() -> None:
    """The hint's arithmetic against pyproj's register: every zone has the central meridian that its number says."""
    from pyproj import CRS

    for zone, meridian in ((25, 75), (39, 117), (45, 135)):
        code = int(probable_system(zone * 1e6 + 5e5, 4.3e6)[0].split("EPSG:")[1].rstrip("）"))
        assert CRS.from_epsg(code).coordinate_operation.params[1].value == meridian
    for zone, meridian in ((13, 75), (20, 117), (23, 135)):
        code = int(probable_system(zone * 1e6 + 5e5, 4.3e6)[0].split("EPSG:")[1].rstrip("）"))
        assert CRS.from_epsg(code).coordinate_operation.params[1].value == meridian


# ---- words


@pytest.mark.parametrize(
    ("field", "text", "meaning"),
    [
        ("operator", "公办", "public"), ("operator", "普惠性民办幼儿园", "inclusive_private"), ("operator", "民办（非普惠）", "private"),
        ("operator", "民办", "private"), ("operator", "教育部门办", "public"), ("operator", "Public", "public"), ("operator", "混合", None),
        ("status", "在建", "building"), ("status", "规划", "planned"), ("status", "已停办", "closed"), ("status", "正常运营", "operating"),
        ("serves", "仅小区", "residents"), ("serves", "本单位职工子女", "employees"), ("serves", "面向社会", "everyone"),
        ("enclosure", "不封闭", "open"), ("enclosure", "封闭式", "closed"), ("enclosure", "否", "open"),
    ],
)  # fmt: skip
def test_words(tmp_path: Path, field: str, text: str, meaning: str | None) -> None:
    sheet = sheet_of(tmp_path, f"名称,词\n甲,{text}\n")
    assert read_words(sheet, "词", field) == [(meaning, text)]


@pytest.mark.parametrize(
    ("name", "kinds", "denied"),
    [
        ("示例第一幼儿园", ["kindergarten"], ""), ("第一小学附属幼儿园", ["kindergarten"], ""), ("示例幼儿园东区分园", ["kindergarten"], ""),
        ("示例幼儿园（含托班）", ["kindergarten", "childcare"], ""), ("示例九年一贯制学校", ["primary_school", "junior_school"], ""),
        ("示例实验学校（九年一贯制）", ["primary_school", "junior_school"], ""), ("第九十五中学", ["school_unknown_level"], ""),
        ("示例初级中学", ["junior_school"], ""), ("示例特殊教育学校", ["special_school"], ""), ("示例社区卫生服务站", ["health_station"], ""),
        ("示例街社区卫生服务中心", ["clinic"], ""), ("示例口腔门诊", [], ""), ("高尔夫公园", [], "park"), ("示例宠物医院", [], "hospital"),
        ("示例家长学校", ["family_school"], ""), ("示例超市", [], ""),
    ],
)  # fmt: skip
def test_kinds_of_names(name: str, kinds: list[str], denied: str) -> None:
    assert kinds_of_name(name, CATALOGUE) == (tuple(kinds), denied)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("幼儿园", ["kindergarten"]), ("公办幼儿园", ["kindergarten"]), ("小学、初中", ["primary_school", "junior_school"]),
        ("小学/初中", ["primary_school", "junior_school"]), ("九年一贯制", ["primary_school", "junior_school"]),
        ("完全中学", ["junior_school", "senior_school"]), ("幼儿园（含托班）", ["kindergarten", "childcare"]), ("Park", ["park"]), ("餐饮", []),
    ],
)  # fmt: skip
def test_kinds_of_words(text: str, kinds: list[str]) -> None:
    assert kinds_of_words(text, CATALOGUE) == tuple(kinds)


@pytest.mark.parametrize("kind", sorted(CATALOGUE.kinds))
def test_every_kind_can_be_stated_by_id_and_by_both_its_names(kind: str) -> None:
    about = CATALOGUE.kinds[kind]
    assert [kinds_of_words(text, CATALOGUE) for text in (kind, about.zh, about.en)] == [(kind,)] * 3


@pytest.mark.parametrize(
    ("given_kind", "kind", "level", "name", "kinds", "denied"),
    [
        ("kindergarten", None, None, "示例一幼", ["kindergarten"], ""),
        ("kindergarten", None, None, "示例早教中心", ["kindergarten"], "kindergarten"),
        ("primary_school", None, "九年一贯制", "示例学校", ["primary_school", "junior_school"], ""),
        (None, "学校", None, "示例小学", ["primary_school"], ""),
        (None, "学校", "初中", "示例学校", ["junior_school"], ""),
        (None, "公园", None, "高尔夫公园", [], "park"),
        (None, None, None, "示例小学", ["primary_school"], ""),
        (None, "零售", None, "示例小学", ["primary_school"], ""),
    ],
)
def test_kinds_of_rows(
    given_kind: str | None, kind: str | None, level: str | None, name: str, kinds: list[str], denied: str
) -> None:
    assert kinds_of_row(given_kind, kind, level, name, CATALOGUE) == (tuple(kinds), denied)
