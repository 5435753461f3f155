"""Tables come out of CSV, XLSX and XLS as the planner sees them: text, headers, and row numbers of Excel."""

from __future__ import annotations

import csv
import datetime as dt
import io
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.cells import clean_text, column_letters, defuse_cell
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.sheets import read_sheet, require_sound


def write_xlsx(path: Path, rows: Sequence[Sequence[Any]], merges: Sequence[str] = ()) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    for one in merges:
        book.active.merge_cells(one)
    book.save(path)
    return path


def write_xls(path: Path, rows: Sequence[Sequence[Any]], merges: Sequence[tuple[int, int, int, int]] = ()) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("一")
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None and not any(a <= number <= b and c <= column <= d for a, b, c, d in merges):
                sheet.write(number, column, value)
    for a, b, c, d in merges:
        sheet.write_merge(a, b, c, d, rows[a][c])
    book.save(str(path))
    return path


def write_text(path: Path, rows: Sequence[Sequence[Any]], encoding: str = "utf-8", separator: str = ",") -> Path:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator).writerows([["" if one is None else one for one in row] for row in rows])
    path.write_bytes(file.getvalue().encode(encoding))
    return path


TABLE = [["名称", "街镇", "在园人数"], ["示例一幼儿园", "示例镇", "120"], ["示例二幼儿园", "示例街", None]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "，", "|"])
def test_text_in_every_encoding_and_with_every_separator(tmp_path: Path, encoding: str, separator: str) -> None:
    sheet = read_sheet(write_text(tmp_path / "a.csv", TABLE, encoding, separator))
    assert list(sheet.frame.columns) == TABLE[0]
    assert sheet.frame.to_numpy().tolist() == TABLE[1:]
    assert (sheet.rows, sheet.header_row, sheet.source) == ((2, 3), 1, "a.csv")


def test_stated_encoding_reads_what_no_guess_could(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a.csv", [["名稱", "地址"], ["範例幼兒園", "範例路"]], "big5")
    assert read_sheet(path, encoding="Big5").frame["名稱"].tolist() == ["範例幼兒園"]


def test_a_quoted_line_break_is_one_row_as_in_excel(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('名称,地址\n"示例一\n幼儿园",甲\n\n示例二幼儿园,"乙,丙"\n', encoding="utf-8")
    sheet = read_sheet(tmp_path / "a.csv")
    assert sheet.frame.to_numpy().tolist() == [["示例一 幼儿园", "甲"], ["示例二幼儿园", "乙,丙"]]
    assert sheet.rows == (2, 4)


def test_quotes_inside_a_name_are_forgiven(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('名称,地址\n"示例"幼儿园,甲\n', encoding="utf-8")
    assert read_sheet(tmp_path / "a.csv").frame["名称"].tolist() == ["示例幼儿园"]


def test_excel_s_own_hint_of_the_separator_is_no_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=;\n名称;地址\n示例幼儿园;甲,乙\n", encoding="utf-8")
    sheet = read_sheet(tmp_path / "a.csv")
    assert (sheet.frame["地址"].tolist(), sheet.rows) == (["甲,乙"], (2,))


TITLED = [
    ["示例区幼儿园一览表（2024年）", None, None, None, None],
    [None] * 5,
    ["序号", "幼儿园", "坐标", None, "在园人数"],
    [None, None, "经度", "纬度", None],
    [1, "示例一幼儿园", 117.1, 39.1, 120],
    [2, "示例二幼儿园", 117.25, 39.125, 90],
    ["合计", None, None, None, 210],
    ["注：数据截至2024年底", None, None, None, None],
]
TITLED_ROWS = [["1", "示例一幼儿园", "117.1", "39.1", "120"], ["2", "示例二幼儿园", "117.25", "39.125", "90"]]
TITLED_HEADERS = ["序号", "幼儿园", "坐标|经度", "坐标|纬度", "在园人数"]


def _titled(tmp_path: Path, form: str) -> Path:
    if form == "xlsx":
        return write_xlsx(tmp_path / "a.xlsx", TITLED, ["A1:E1", "A3:A4", "B3:B4", "C3:D3", "E3:E4", "A8:E8"])
    if form == "xls":
        merges = [(0, 0, 0, 4), (2, 3, 0, 0), (2, 3, 1, 1), (2, 2, 2, 3), (2, 3, 4, 4)]
        return write_xls(tmp_path / "a.xls", TITLED, merges)
    return write_text(tmp_path / "a.csv", TITLED)


@pytest.mark.parametrize("form", ["xlsx", "xls", "csv"])
def test_titles_two_line_headers_totals_and_remarks(tmp_path: Path, form: str) -> None:
    sheet = read_sheet(_titled(tmp_path, form))
    assert list(sheet.frame.columns) == TITLED_HEADERS
    assert sheet.frame.to_numpy().tolist() == TITLED_ROWS
    assert (sheet.rows, sheet.header_row) == ((5, 6), 4)
    quality = Quality()
    sheet.note_doubts(quality)
    found = quality.frame()[["check", "row"]].to_numpy().tolist()
    assert found == [["row_left_out", "7"], ["row_left_out", "8"], ["title_rows", "1"]]


def test_a_title_that_is_itself_a_known_word_is_no_header(tmp_path: Path) -> None:
    sheet = read_sheet(write_xlsx(tmp_path / "a.xlsx", [["幼儿园"], ["甲", "乙"], ["一", "二"]], ["A1:B1"]))
    assert (list(sheet.frame.columns), sheet.rows) == (["甲", "乙"], (3,))


def test_a_stated_header_row_counts(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [["名称", "地址"], ["甲", "乙"], ["一", "二"]])
    sheet = read_sheet(path, header_row=2)
    assert (list(sheet.frame.columns), sheet.rows) == (["甲", "乙"], (3,))


def test_equal_headers_are_made_unique_and_nameless_ones_get_their_letter(tmp_path: Path) -> None:
    sheet = read_sheet(write_xlsx(tmp_path / "a.xlsx", [["名称", "备注", "备注", None], ["甲", "一", "二", "三"]]))
    assert list(sheet.frame.columns) == ["名称", "备注", "备注 (2)", "列 D"]


def test_values_of_cells_become_the_text_that_excel_shows(tmp_path: Path) -> None:
    values = [
        5.0,
        0.1,
        12345678901,
        True,
        dt.datetime(2024, 9, 1),
        dt.datetime(2024, 9, 1, 8, 30),
        "００１２",
        "0012",
        None,
    ]
    path = write_xlsx(tmp_path / "a.xlsx", [["名称", *"abcdefgh"], values])
    book = openpyxl.load_workbook(path)
    book.active["J1"], book.active["J2"] = "学校代码", 12
    book.active["J2"].number_format = "000000"
    book.save(path)
    row = read_sheet(path).frame.iloc[0].tolist()
    assert row == [
        "5",
        "0.1",
        "12345678901",
        "TRUE",
        "2024-09-01",
        "2024-09-01T08:30:00",
        "0012",
        "0012",
        None,
        "000012",
    ]


def test_body_merges_are_filled_down_but_not_right(tmp_path: Path) -> None:
    rows = [["街镇", "名称", "地址"], ["示例镇", "甲", "一"], [None, "乙", "二"], [None, "丙", None]]
    sheet = read_sheet(write_xlsx(tmp_path / "a.xlsx", rows, ["A2:A4", "B4:C4"]))
    assert sheet.frame.to_numpy().tolist() == [["示例镇", "甲", "一"], ["示例镇", "乙", "二"], ["示例镇", "丙", None]]


def test_the_sheet_with_the_known_headers_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["填表说明"])
    book.active.append(["请逐行填写"])
    roster = book.create_sheet("名录")
    roster.append(["名称", "地址"])
    roster.append(["甲", "一"])
    book.create_sheet("空表")
    book.save(tmp_path / "a.xlsx")
    sheet = read_sheet(tmp_path / "a.xlsx")
    assert (sheet.source, sheet.frame["名称"].tolist()) == ("a.xlsx[名录]", ["甲"])
    assert [(check, fields["others"]) for check, _, fields in sheet.notes] == [("sheets_unread", "Sheet")]
    assert read_sheet(tmp_path / "a.xlsx", sheet=2).frame.equals(sheet.frame)
    assert read_sheet(tmp_path / "a.xlsx", sheet="名录").frame.equals(sheet.frame)


def test_shared_strings_and_their_rich_text_are_read(tmp_path: Path) -> None:
    """Excel keeps texts apart from the cells; openpyxl writes them inline."""
    write_xlsx(tmp_path / "a.xlsx", [["名称", "地址"], ["甲", "乙"]])
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    texts = [
        "<t>名称</t>",
        "<t>地址</t>",
        "<r><t>示例</t></r><r><rPr><b/></rPr><t>幼儿园</t></r>",
        "<t xml:space='preserve'> 乙 </t>",
    ]
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{main}">{"".join(f"<si>{one}</si>" for one in texts)}</sst>'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(
        "</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    )
    parts["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{main}"><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
        '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="s"><v>3</v></c></row></sheetData></worksheet>'
    )
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    assert read_sheet(tmp_path / "b.xlsx").frame.to_numpy().tolist() == [["示例幼儿园", "乙"]]


def test_stored_values_of_formulas_are_read_and_nothing_is_calculated(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx", [["名称", "班数"], ["甲", "=1+1"]])
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    empty = b"<v />" if b"<v />" in sheet else b"<v/>"  # openpyxl writes one or the other, as lxml is there or not
    assert empty in sheet
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(empty, b"<v>7</v>")
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert read_sheet(tmp_path / "b.xlsx").frame["班数"].tolist() == ["7"]
    with pytest.raises(InputDataError, match="第 2 行“班数”：公式没有已保存的计算结果"):
        read_sheet(tmp_path / "a.xlsx")
    kept = read_sheet(tmp_path / "a.xlsx", keep_faults=True)
    assert kept.frame["班数"].tolist() == [None]
    require_sound(kept, ["名称"])
    with pytest.raises(InputDataError):
        require_sound(kept, ["班数"])


# ---- text of one cell


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  甲  ", "甲"), ("甲\r\n乙", "甲 乙"), ("\x1b[31m红", "[31m红"), ("a\u202eb\u200bc", "abc"), ("１２０", "120"),
        ("ＡＢ－１", "AB-1"), ("１１７．１０８", "117.108"), ("１１７．１，３９．１", "117.1,39.1"), ("第１幼儿园（东）", "第1幼儿园（东）"),
        ("约１，２００人", "约1,200人"), ("甲，乙", "甲，乙"), ("\u3000甲\u3000乙", "甲 乙"), ("㎡", "㎡"), ("117°06′30″", "117°06′30″"),
        ("\ud800甲", "甲"), ("\ufffe甲\ufdd0", "甲"), ("", ""), ("\x00", ""), ("=1+1", "=1+1"), ("㐀①", "㐀①"),
    ],
)  # fmt: skip
def test_clean_text(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_clean_text_is_done_once_and_leaves_nothing_unseen(text: str) -> None:
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert not {unicodedata.category(one) for one in clean} & {"Cc", "Cf", "Cs"}


def test_defused_text_is_what_a_spreadsheet_shows_and_does_not_run() -> None:
    assert [defuse_cell(one) for one in ("=1", "＝1", "+1", "-1", "@a", "\ta", "甲=1", -1, None)] == [
        "'=1", "'＝1", "'+1", "'-1", "'@a", "'\ta", "甲=1", -1, None,
    ]  # fmt: skip


def test_column_letters() -> None:
    assert [column_letters(one) for one in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


# ---- what was written comes back, whatever it was written as

CELL = st.text(
    st.characters(codec="gb2312", categories=("Lu", "Ll", "Lo", "Nd", "Po", "Ps", "Pe"), max_codepoint=0x9FFF), min_size=1, max_size=12
).map(clean_text).filter(lambda text: bool(text) and not text.startswith(("#", "=")))  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> list[list[str | None]]:
    width = draw(st.integers(1, 5))
    header = ["名称", "街镇", "地址", "班数", "办别"][: width + 1]
    rows = draw(st.lists(st.lists(st.none() | CELL, min_size=width, max_size=width), min_size=1, max_size=6))
    return [header, *([f"示例{number}幼儿园", *row[:4]][: len(header)] for number, row in enumerate(rows))]


@settings(max_examples=25, deadline=None)
@given(tables())
def test_a_table_reads_back_equal_from_every_format(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str | None]]
) -> None:
    folder = tmp_path_factory.mktemp("t")
    files = [
        write_text(folder / "utf8.csv", table), write_text(folder / "gb.csv", table, "gb18030"),
        write_text(folder / "tab.txt", table, "utf-8-sig", "\t"), write_xlsx(folder / "a.xlsx", table), write_xls(folder / "a.xls", table),
    ]  # fmt: skip
    for path in files:
        sheet = read_sheet(path)
        assert list(sheet.frame.columns) == table[0], path.name
        assert sheet.frame.to_numpy().tolist() == table[1:], path.name
        assert sheet.rows == tuple(range(2, len(table) + 1)), path.name


@settings(max_examples=10, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_rows_keep_their_numbers_whatever_order_they_come_in(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str | None]], random: Any
) -> None:
    body = table[1:]
    random.shuffle(body)
    sheet = read_sheet(write_xlsx(tmp_path_factory.mktemp("t") / "a.xlsx", [table[0], *body]))
    assert dict(zip(sheet.rows, sheet.frame["名称"], strict=True)) == {row: one[0] for row, one in enumerate(body, 2)}
