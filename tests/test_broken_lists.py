"""A table of broken lists: each ends in one clear message with its row, or is read right with a doubt; none in a traceback."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xiqing_space.catalog import load_catalogue
from xiqing_space.errors import InputDataError, InputFileError, XiqingError
from xiqing_space.ingest.lists import read_facility_list
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.sheets import read_sheet

CATALOGUE = load_catalogue()
HEAD = ["名称", "地址", "经度", "纬度", "班数", "在园人数"]
GOOD = ["示例一幼儿园", "示例路1号", 117.1, 39.1, 6, 150]
Build = Callable[[Path], object]


def xlsx_bytes(
    rows: Sequence[Sequence[Any]], merges: Sequence[str] = (), change: Callable[[Any, Any], None] | None = None
) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    if change:
        change(book, sheet)
    for one in merges:
        sheet.merge_cells(one)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def xlsx(
    rows: Sequence[Sequence[Any]], merges: Sequence[str] = (), change: Callable[[Any, Any], None] | None = None
) -> Build:
    return lambda path: path.write_bytes(xlsx_bytes(rows, merges, change))


def raw(data: bytes) -> Build:
    return lambda path: path.write_bytes(data)


def csv(text: str, encoding: str = "utf-8") -> Build:
    return raw(text.encode(encoding))


def zipped(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def bomb(path: Path) -> None:
    """A workbook whose sheet unpacks to 300 MB; about 300 kB on disk."""
    data = parts_of(xlsx_bytes([HEAD, GOOD]))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, part in data.items():
            if name != "xl/worksheets/sheet1.xml":
                archive.writestr(name, part)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for _ in range(300):
                sheet.write(b" " * 1_000_000)


def style_bomb(path: Path) -> None:
    """Styles of 31 MB that do not pack well enough to be seen by their ratio alone."""
    noise = bytes(range(32, 127)) * 64
    rows = b"".join(noise + hashlib.sha256(str(number).encode()).hexdigest().encode() for number in range(5_200))
    assert len(rows) > 31_000_000
    assert len(zlib.compress(rows)) * 150 > len(rows)
    path.write_bytes(zipped(parts_of(xlsx_bytes([HEAD, GOOD])) | {"xl/styles.xml": rows}))


def entities(path: Path) -> None:
    parts = parts_of(xlsx_bytes([HEAD, GOOD]))
    name = "xl/worksheets/sheet1.xml"
    parts[name] = b'<!DOCTYPE a [<!ENTITY b "cccc">]>' + parts[name].removeprefix(b"<?xml version='1.0'?>")
    path.write_bytes(zipped(parts))


def set_cell(place: str, value: Any, data_type: str | None = None) -> Callable[[Any, Any], None]:
    def change(book: Any, sheet: Any) -> None:
        sheet[place] = value
        if data_type:
            sheet[place].data_type = data_type

    return change


def two_sheets(book: Any, sheet: Any) -> None:
    other = book.create_sheet("民办")
    other.append(HEAD)
    other.append(GOOD)


def far_cell(book: Any, sheet: Any) -> None:
    sheet.cell(300_000, 1, "远处")


def wide_cell(book: Any, sheet: Any) -> None:
    sheet.cell(2, 700, "远处")


def hide_row(book: Any, sheet: Any) -> None:
    sheet.row_dimensions[3].hidden = True


def xls(rows: Sequence[Sequence[Any]], error: bool = False) -> Build:
    def build(path: Path) -> None:
        book = xlwt.Workbook()
        sheet = book.add_sheet("一")
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if value != "":
                    sheet.write(number, column, value)
        if error:
            sheet.row(1).set_cell_error(0, "#REF!")
        file = io.BytesIO()
        book.save(file)
        path.write_bytes(file.getvalue())

    return build


def row(**changes: Any) -> list[Any]:
    cells = dict(zip(HEAD, GOOD, strict=True)) | changes
    return [cells[one] for one in HEAD]


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
LINE = "示例一幼儿园,示例路1号,117.1,39.1,6,150\n"
TOP = ",".join(HEAD) + "\n"

# name of the case, file, how it is made, arguments, what the message says
REFUSED: list[tuple[str, str, Build, dict[str, Any], str]] = [
    ("no file", "a.csv", lambda path: None, {}, "找不到文件"),
    ("folder", "a.csv", lambda path: path.mkdir(), {}, "找不到文件"),
    ("empty csv", "a.csv", raw(b""), {}, "文件是空的"),
    ("blank csv", "a.csv", raw(b"\xef\xbb\xbf \r\n\r\n"), {}, "文件是空的"),
    ("only separators", "a.csv", csv(",,,\n,,,\n"), {}, "没有任何内容"),
    ("empty xlsx", "a.xlsx", raw(b""), {}, "文件是空的"),
    ("xlsx without cells", "a.xlsx", xlsx([]), {}, "没有任何内容"),
    ("header only", "a.csv", csv(TOP), {}, "只有表头（第 1 行）"),
    ("header only, xlsx", "a.xlsx", xlsx([["一览表"], HEAD]), {}, "只有表头（第 2 行）"),
    ("header and total only", "a.xlsx", xlsx([HEAD, ["合计", None, None, None, 6, 150]]), {}, "只有表头（第 1 行）"),
    ("nul bytes", "a.csv", raw(TOP.encode() + LINE.encode() + b"a\0b,c\n" + LINE.encode() * 9), {}, "第 3 行含空字节"),
    ("cut utf-8", "a.csv", raw((TOP + LINE).encode() + "园".encode()[:2] + b"\xff,\n"), {}, "第 3 行有无法按 utf-8 读出的字节"),
    ("big5", "a.csv", csv("名稱,地址\n範例幼兒園,範例路\n體驗幼兒園,灣區廣場\n", "big5"), {}, "文件编码不明"),
    ("wrong encoding stated", "a.csv", csv(TOP + LINE, "gb18030"), {"encoding": "utf-8"}, "第 1 行有无法按 utf-8 读出的字节"),
    ("unknown encoding", "a.csv", csv(TOP + LINE), {"encoding": "klingon"}, "不认识编码“klingon”"),
    ("open quote", "a.csv", csv(TOP + LINE + '"示例二幼儿园,示例路\n' + LINE * 3), {}, "第 3 行起有未闭合的英文引号"),
    ("endless cell", "a.csv", csv(TOP + '"' + "长" * 200_000 + '",b,c,d,e,f\n'), {}, "单元格过长"),
    ("comma in an address", "a.csv", csv(TOP + LINE + "示例二幼儿园,示例路,2号,117.1,39.1,6,150\n"), {}, "第 3 行：比表头多 1 列"),
    ("replacement characters", "a.csv", csv(TOP + "示例�幼儿园,,,,,\n"), {}, "第 2 行：含替换符号"),
    ("pdf as xlsx", "a.xlsx", raw(b"%PDF-1.7\n..."), {}, "文件其实是 PDF"),
    ("picture as xls", "a.xls", raw(b"\x89PNG\r\n\x1a\n"), {}, "文件其实是 图片"),
    ("web page as xls", "a.xls", csv("<html><body><table><tr><td>名称</td></tr></table></body></html>"), {}, "网页（HTML）"),
    ("web page with bom", "a.xls", csv("<meta charset=gbk>\n<table><tr><td>名称", "utf-8-sig"), {}, "网页（HTML）"),
    ("web page in utf-16", "a.xls", csv("<html><table><tr><td>名称</td>", "utf-16"), {}, "网页（HTML）"),
    ("xml spreadsheet 2003", "a.xls", csv('<?xml version="1.0"?><Workbook/>'), {}, "XML 表格 2003"),
    ("web archive", "a.xls", raw(b"MIME-Version: 1.0\nX-Document-Type: Workbook"), {}, "MHTML"),
    ("numbers file", "a.xlsx", raw(zipped({"Index/Document.iwa": b"a"})), {}, "Apple Numbers"),
    ("ods", "a.xlsx", raw(zipped({"mimetype": b"x", "content.xml": b"<a/>"})), {}, "OpenDocument"),
    ("word file", "a.xlsx", raw(zipped({"[Content_Types].xml": b"<a/>", "word/document.xml": b"<a/>"})), {}, "Word 或 PowerPoint"),
    ("xlsb", "a.xlsx", raw(zipped({"xl/workbook.bin": b"a"})), {}, "xlsb"),
    ("other zip", "a.xlsx", raw(zipped({"a.txt": b"a"})), {}, "压缩包（zip）"),
    ("cut xlsx", "a.xlsx", raw(xlsx_bytes([HEAD, GOOD])[:2000]), {}, "文件已损坏，或不是真正的 xlsx"),
    ("xlsx without its sheet", "a.xlsx",
     raw(zipped({k: v for k, v in parts_of(xlsx_bytes([HEAD, GOOD])).items() if "sheet1" not in k})), {}, "没有任何内容"),
    ("garbage in its sheet", "a.xlsx",
     raw(zipped(parts_of(xlsx_bytes([HEAD, GOOD])) | {"xl/worksheets/sheet1.xml": b"<worksheet><row"})), {}, "文件已损坏"),
    ("noise as xlsx", "a.xlsx", raw(b"\x01\x02\x00\x03" * 50), {}, "文件已损坏"),
    ("zip bomb", "a.xlsx", bomb, {}, "展开后过大"),
    ("huge styles", "a.xlsx", style_bomb, {}, "展开后过大"),
    ("huge text", "a.csv", lambda path: path.write_bytes(b"a,b\n" * 15_000_001), {}, "文本文件过大（60 MB）"),
    ("entities", "a.xlsx", entities, {}, "文档类型声明（DTD）"),
    ("password", "a.xlsx", raw(OLE + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600), {}, "打开密码"),
    ("old word file", "a.xls", raw(OLE + "WordDocument".encode("utf-16-le")), {}, "Word 或 PowerPoint"),
    ("damaged xls", "a.xls", raw(OLE), {}, "文件已损坏，或不是真正的 xls"),
    ("stray cell far down", "a.xlsx", xlsx([HEAD, GOOD], change=far_cell), {}, "第 300000 行第 A 列有内容，超出上限"),
    ("stray cell far right", "a.xlsx", xlsx([HEAD, GOOD], change=wide_cell), {}, "第 2 行第 ZX 列有内容，超出上限"),
    ("two sheets alike", "a.xlsx", xlsx([HEAD, GOOD], change=two_sheets), {}, "有 2 个工作表都像名录：Sheet、民办"),
    ("no such sheet", "a.xlsx", xlsx([HEAD, GOOD]), {"sheet": "公办"}, "没有名为“公办”的工作表；现有：Sheet"),
    ("no such sheet number", "a.xlsx", xlsx([HEAD, GOOD]), {"sheet": 3}, "没有名为“3”的工作表"),
    ("header row is blank", "a.xlsx", xlsx([["一览表"], [], HEAD, GOOD]), {"header_row": 2}, "第 2 行是空的"),
    ("header row is data", "a.xlsx", xlsx([HEAD, GOOD, GOOD]), {"header_row": 2}, "缺少“名称”列（name）"),
    ("no name column", "a.csv", csv("甲列,地址\n一,二\n"), {}, "缺少“名称”列（name）"),
    ("two name columns", "a.csv", csv("名称,学校名称,地址\n一,二,三\n"), {}, "名称（name）有 2 列可选：名称、学校名称"),
    ("stated column not there", "a.csv", csv(TOP + LINE), {"columns": {"name": "园所名"}}, "没有名为“园所名”的列"),
    ("only one coordinate column", "a.csv", csv("名称,经度\n示例幼儿园,117.1\n"), {}, "只有一列坐标“经度”"),
    ("formula never calculated", "a.xlsx", xlsx([HEAD, GOOD, row(名称='=A2&"二"')]), {}, "第 3 行“名称”：公式没有已保存的计算结果"),
    ("error cell", "a.xlsx", xlsx([HEAD, GOOD, GOOD], change=set_cell("F3", "#REF!", "e")), {}, "第 3 行“在园人数”：单元格是错误值 #REF!"),
    ("error cell, xls", "a.xls", xls([HEAD, ["", *GOOD[1:]], GOOD], error=True), {}, "第 2 行“名称”：单元格是错误值 #REF!"),
    ("row without a name", "a.csv", csv(TOP + LINE + ",示例路2号,117.1,39.1,6,150\n"), {}, "第 3 行：没有名称"),
    ("doubled code", "a.csv", csv("编码,名称\nA1,示例一幼儿园\nA2,示例二幼儿园\nA1,示例三幼儿园\n"), {}, "第 2 行：编码“A1”重复（第 2、4 行）"),
    ("negative classes", "a.xlsx", xlsx([HEAD, GOOD, row(班数=-3)]), {}, "第 3 行：“班数”为 -3，超出合理范围 0–200"),
    ("a billion pupils", "a.xlsx", xlsx([HEAD, row(在园人数=1e9)]), {}, "第 2 行：“在园人数”为 1000000000，超出合理范围"),
    ("half a class", "a.csv", csv("名称,班数\n示例幼儿园,3.5\n"), {}, "第 2 行：“班数”为 3.5，应为整数"),
    ("metres as longitude", "a.csv", csv("名称,经度,纬度\n示例幼儿园,508000,4330000\n"), {}, "可能是不带带号的高斯投影"),
    ("prefixed eastings", "a.csv", csv("名称,经度,纬度\n示例幼儿园,39508000,4330000\n"), {}, "第 39 带（EPSG:4527）"),
    ("impossible latitude", "a.csv", csv("名称,经度,纬度\n示例幼儿园,117.1,391.2\n"), {}, "第 2 行：“经度、纬度”为 117.1, 391.2，不是可能的经纬度"),
    ("unknown status", "a.csv", csv("名称,状态\n示例幼儿园,暂缓\n"), {}, "第 2 行：状态“暂缓”不认识"),
    ("no kind at all", "a.csv", csv("名称,类别\n示例超市,零售\n示例饭店,餐饮\n"), {"kind": None}, "没有一行能判断设施类别“类别”"),
]  # fmt: skip

# name of the case, file, how it is made, arguments, the doubt, what a row then holds
READ: list[tuple[str, str, Build, dict[str, Any], str, dict[str, Any]]] = [
    ("one column", "a.csv", csv("名称\n示例幼儿园\n"), {}, "one_column", {"name": "示例幼儿园"}),
    ("text named xls", "a.xls", csv("名称\t地址\n示例幼儿园\t示例路\n", "gb18030"), {}, "text_as_workbook", {"address": "示例路"}),
    ("title row", "a.xlsx", xlsx([["示例区幼儿园一览表（2024年）"], [], HEAD, GOOD]), {}, "title_rows", {"source_row": 4, "enrolled": 150.0}),
    ("total row", "a.xlsx", xlsx([HEAD, GOOD, ["合计", None, None, None, "=SUM(E2:E2)", 150]]), {}, "row_left_out", {"source_row": 2}),
    ("remark below", "a.csv", csv("名称,班数\n示例幼儿园,3\n\n注：数据截至年底,\n"), {}, "row_left_out", {"classes": 3.0}),
    ("merged zone", "a.xlsx", xlsx([["街镇", "名称"], ["示例镇", "示例一幼儿园"], [None, "示例二幼儿园"]], ["A2:A3"]), {}, "merged_filled",
     {"zone": "示例镇"}),
    ("hidden row", "a.xlsx", xlsx([HEAD, GOOD, GOOD], change=hide_row), {}, "rows_hidden", {"source_row": 2}),
    ("approximate number", "a.csv", csv("名称,在园人数\n示例幼儿园,约120人\n"), {}, "number_about", {"enrolled": 120.0}),
    ("date for a count", "a.xlsx", xlsx([["名称", "班数"], ["示例幼儿园", dt.datetime(2024, 1, 2)]]), {}, "date_for_number",
     {"classes": None}),
    ("negative places", "a.csv", csv("名称,学位数\n示例幼儿园,-5\n"), {}, "number_impossible", {"capacity_places": None}),
    ("no number", "a.csv", csv("名称,班数\n示例幼儿园,很多\n"), {}, "number_unread", {"classes": None}),
    ("swapped", "a.csv", csv("名称,经度,纬度\n示例幼儿园,39.1,117.1\n"), {}, "place_swapped", {"x": 117.1, "y": 39.1}),
    ("surveyor's x and y", "a.csv", csv("名称,X,Y\n示例幼儿园,4330000,508000\n"), {}, "place_swapped", {"x": 508000.0, "y": 4330000.0}),
    ("half a place", "a.csv", csv("名称,经度,纬度\n示例幼儿园,117.1,—\n"), {}, "place_half", {"x": None, "y": None}),
    ("no coordinate", "a.csv", csv("名称,经度,纬度\n示例幼儿园,待核实,待核实\n"), {}, "place_unread", {"x": None, "y": None}),
    ("null island", "a.csv", csv("名称,经度,纬度\n示例幼儿园,0,0\n"), {}, "place_zero", {"x": None, "y": None}),
    ("unknown operator", "a.csv", csv("名称,办别\n示例幼儿园,混合\n"), {}, "word_unknown", {"operator": "unknown"}),
    ("unknown kind", "a.csv", csv("名称,类别\n示例幼儿园,幼儿园\n示例超市,零售\n"), {"kind": None}, "kind_unknown", {"kind": "kindergarten"}),
    ("same row twice", "a.csv", csv("名称,地址\n示例幼儿园,示例路\n示例幼儿园,示例路\n"), {}, "row_twice", {"source_row": 2}),
    ("no header over a column", "a.csv", csv("名称,,地址\n示例幼儿园,乙,示例路\n"), {}, "column_unnamed", {"address": "示例路"}),
    ("formula nobody needs", "a.xlsx", xlsx([["名称", "评语"], ["示例幼儿园", "=1+1"]]), {}, "cell_unread", {"name": "示例幼儿园"}),
    ("a running number only", "a.csv", csv("序号,名称\n1,示例幼儿园\n2,\n"), {}, "row_left_out", {"source_row": 2}),
    ("very long text", "a.xlsx", xlsx([["名称", "地址"], ["示例幼儿园", "长" * 30_000]]), {}, "text_cut", {"address": "长" * 2_000}),
    ("two kinds of coordinates", "a.csv", csv("名称,经度,纬度,坐标\n示例幼儿园,117.1,39.1,\"1,2\"\n"), {}, "places_several", {"x": 117.1}),
    ("list says so, name does not", "a.csv", csv("名称\n示例早教中心\n"), {}, "kind_denied", {"kind": "kindergarten"}),
]  # fmt: skip


def read(path: Path, arguments: Mapping[str, Any]) -> tuple[Any, Quality]:
    quality = Quality()
    return read_facility_list(
        path, **{"kind": "kindergarten", **arguments}, quality=quality, catalogue=CATALOGUE
    ), quality


@pytest.mark.parametrize(
    ("file", "build", "arguments", "says"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_broken_list_is_refused_with_a_message(
    tmp_path: Path, file: str, build: Build, arguments: dict[str, Any], says: str
) -> None:
    build(tmp_path / file)
    with pytest.raises((InputDataError, InputFileError)) as caught:
        read(tmp_path / file, arguments)
    error = caught.value
    text = str(error) + "\n".join(error.first)
    assert says in text
    assert error.where.startswith(file)
    assert " / " in error.what, "both languages"
    assert error.todo, "a remedy"
    assert str(tmp_path) not in text
    assert len(text) < 5_000


@pytest.mark.parametrize(
    ("file", "build", "arguments", "doubt", "holds"), [case[1:] for case in READ], ids=[case[0] for case in READ]
)
def test_a_doubtful_list_is_read_and_the_doubt_is_said(
    tmp_path: Path, file: str, build: Build, arguments: dict[str, Any], doubt: str, holds: dict[str, Any]
) -> None:
    build(tmp_path / file)
    frame, quality = read(tmp_path / file, arguments)
    doubts = quality.frame()
    assert doubt in doubts["check"].tolist()
    assert doubts["source"].str.startswith(file).all()
    first = frame.iloc[0]
    for column, value in holds.items():
        assert first[column] == value or (value is None and first[column] != first[column]), column


def test_all_problems_of_a_file_come_in_one_message(tmp_path: Path) -> None:
    lines = [TOP, ",路,,,6,1\n", "示例一幼儿园,路,508000,4330000,-1,1\n", "示例二幼儿园,路,,,2.5,99999999\n", LINE]
    (tmp_path / "a.csv").write_text("".join(lines), encoding="utf-8")
    with pytest.raises(InputDataError) as caught:
        read(tmp_path / "a.csv", {})
    assert [line.split("：")[0] for line in caught.value.first] == [
        "第 2 行",
        "第 3 行",
        "第 3 行",
        "第 4 行",
        "第 4 行",
    ]
    assert "5 处需要改正" in caught.value.what


def test_more_cells_than_memory_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xiqing_space.ingest.cells.CELL_LIMIT", 11)
    for build, file in ((csv(TOP + LINE), "a.csv"), (xlsx([HEAD, GOOD]), "a.xlsx"), (xls([HEAD, GOOD]), "a.xls")):
        build(tmp_path / file)
        with pytest.raises(InputDataError, match="单元格超过 11 个"):
            read(tmp_path / file, {})


def test_the_bomb_is_small_on_disk(tmp_path: Path) -> None:
    bomb(tmp_path / "a.xlsx")
    assert (tmp_path / "a.xlsx").stat().st_size < 1_000_000


HOSTILE = [
    '=HYPERLINK("http://example.invalid","点")', "<script>alert(1)</script>", "\x1b[31m红", "abc\u202egpj.exe", "=cmd|'/c calc'!A1",
    "'; DROP TABLE x; --", "../../etc/passwd", "{0.__class__}", "%s%n", "\u200b\ufeff零宽", "@SUM(1)", "长" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("form", ["csv", "xlsx", "xls"])
def test_hostile_text_stays_text(tmp_path: Path, text: str, form: str) -> None:
    path = tmp_path / f"a.{form}"
    if form == "csv":
        quoted = text.replace('"', '""')
        path.write_text(f'名称,地址\n示例幼儿园,"甲{quoted}"\n', encoding="utf-8")
    elif form == "xlsx":
        plain = "".join(one for one in text if one == "\u202e" or ord(one) >= 32)[:32_000]
        # put in by hand: openpyxl itself would write a formula, a hostile writer would not
        parts = parts_of(xlsx_bytes([["名称", "地址"], ["示例幼儿园", "甲"]]))
        name = "xl/worksheets/sheet1.xml"
        escaped = plain.replace("&", "&amp;").replace("<", "&lt;")
        assert "<t>甲</t>".encode() in parts[name]
        parts[name] = parts[name].replace("<t>甲</t>".encode(), f"<t>甲{escaped}</t>".encode())
        path.write_bytes(zipped(parts))
    else:
        xls([["名称", "地址"], ["示例幼儿园", "甲" + text[:32_000]]])(path)
    frame, quality = read(path, {})
    got = frame["address"].iat[0]
    assert got.startswith("甲")
    assert got.isprintable()
    assert len(got) <= 2_000
    shown = "".join(one for one in text if one.isprintable())
    assert got == ("甲" + shown)[:2_000]
    assert all(len(one["what_zh"]) < 500 for one in quality.rows)


def outcome(call: Callable[[], object]) -> str:
    """The message of a reading, empty where it went well; whatever is no message of ours comes through."""
    try:
        call()
    except XiqingError as error:
        return error.text()
    return ""


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=600), st.sampled_from(["csv", "txt", "xlsx", "xls", "tsv", "et", ""]))
@example(b"\x09\x08\x10\x00\x00\x06\x05\x00", "xls")
@example(b"\x09\x00\x04\x00\x07\x00\x10\x00", "xls")
@example(b"PK\x03\x04", "xlsx")
@example(b'"', "csv")
@example(b"\xff\xfe\x00", "csv")
@example(b"sep=\n", "csv")
@example(b"<table", "xls")
@example(b"\xff\xfe\x00\xd8", "csv")
def test_random_bytes_raise_nothing_else(tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str) -> None:
    path = tmp_path_factory.mktemp("bytes") / f"a.{suffix}"
    path.write_bytes(data)
    for call in (lambda: read_sheet(path), lambda: read(path, {})):
        message = outcome(call)
        assert not message or " / " in message


def _valid(form: str) -> bytes:
    if form == "xlsx":
        return xlsx_bytes([HEAD, GOOD, GOOD], ["A2:A3"])
    book = xlwt.Workbook()
    sheet = book.add_sheet("一")
    for number, cells in enumerate([HEAD, GOOD, GOOD]):
        for column, value in enumerate(cells):
            sheet.write(number, column, value)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


VALID = {form: _valid(form) for form in ("xlsx", "xls")} | {"csv": (TOP + LINE * 3).encode("gb18030")}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(VALID)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12),
    st.floats(0.3, 1),
)
def test_damaged_files_raise_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, form: str, changes: list[tuple[float, int]], keep: float
) -> None:
    data = bytearray(VALID[form])
    for place, value in changes:
        data[int(place * len(data))] = value
    path = tmp_path_factory.mktemp("damaged") / f"a.{form}"
    path.write_bytes(bytes(data[: int(len(data) * keep) if len(changes) % 2 else None]))
    message = outcome(lambda: read(path, {}))
    assert not message or " / " in message


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_part_of_a_workbook_raises_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Bytes changed before zipping, so that they get past the archive's checksums."""
    parts = parts_of(VALID["xlsx"])
    name = data.draw(st.sampled_from(sorted(parts)))
    part = bytearray(parts[name])
    for _ in range(data.draw(st.integers(1, 6))):
        part[data.draw(st.integers(0, len(part) - 1))] = data.draw(st.sampled_from(b'<>/"=&;0 9aZ\x00\xff-'))
    path = tmp_path_factory.mktemp("part") / "a.xlsx"
    path.write_bytes(zipped(parts | {name: bytes(part)}))
    message = outcome(lambda: read(path, {}))
    assert not message or " / " in message
