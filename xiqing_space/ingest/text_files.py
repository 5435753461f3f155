"""Tables kept as text: CSV in the encodings and with the separators that offices use."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.cells import Fault, Grid

ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "gbk", "gb2312", "utf-16", "utf-16-le", "utf-16-be", "big5", "latin-1")
TEXT_BYTES_LIMIT = 60_000_000  # 200,000 rows of 300 bytes
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SEPARATORS = (",", "\t", ";", "，", "|")
_SAVE_AS = "在 Excel 或 WPS 中另存为“CSV UTF-8”或 .xlsx / save it as “CSV UTF-8” or .xlsx in Excel or WPS"


def decode_text(data: bytes, where: str, encoding: str | None = None) -> str:
    """Text of a file: the stated encoding, else a byte-order mark, else UTF-8, else GB18030.

    Parameters
    ----------
    data : bytes
        The whole file.
    where : str
        File name, for messages.
    encoding : str, optional
        One of `ENCODINGS`, as the planner states it.

    Raises
    ------
    InputDataError
        Unknown encoding, bytes that do not fit it, NUL bytes, or text that is plainly something else read as Chinese.
    """
    if encoding is not None:
        name = encoding.strip().lower().replace("_", "-").replace("utf8", "utf-8").replace("utf16", "utf-16")
        if name not in ENCODINGS:
            raise InputDataError(
                f'不认识编码“{encoding[:30]}” / unknown encoding "{encoding[:30]}"',
                where=where,
                todo=f"请用 {'、'.join(ENCODINGS[:6])} 之一，或删去 encoding / use one of these, or remove encoding",
            )
        return _strict(data, name, where)
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _strict(data, name, where)
    if b"\0" in data:
        for name in ("utf-16-le", "utf-16-be"):
            text = data.decode(name, "replace")
            if "\n" in text and all(one.isprintable() or one in "\t\r\n\u3000\xa0" for one in text):
                return _strict(data, name, where)
        row = data[: data.index(0)].count(b"\n") + 1
        raise InputDataError(
            f"第 {row} 行含空字节（NUL），不是文本文件或已损坏 / row {row} holds a NUL byte: no text file, or a damaged one",
            where=where,
            todo=_SAVE_AS,
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        good = error.start
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        return _strict(data, "utf-8" if good >= error.start else "gb18030", where)  # the one that fitted longer; raises
    foreign = [one for one in text if not one.isascii()]
    rare = sum(not one.encode("gb2312", "ignore") for one in foreign)
    if rare >= 3 and rare > 0.3 * len(foreign):
        raise InputDataError(
            "文件编码不明：既不是 UTF-8，按 GB18030 读出的多为生僻字 / the encoding is unclear: no UTF-8, and mostly rare "
            "characters when read as GB18030",
            where=where,
            todo=f"在配置中写明 encoding（如 big5、latin-1），或{_SAVE_AS.split(' / ')[0]} / state encoding in the config, or "
            f"{_SAVE_AS.split(' / ')[1]}",
        )
    return text


def _strict(data: bytes, encoding: str, where: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise InputDataError(
            f"第 {row} 行有无法按 {encoding} 读出的字节 / row {row} holds bytes that are no {encoding}",
            where=where,
            todo=_SAVE_AS,
        ) from error


def _records(text: str, separator: str, strict: bool) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict))


def _read(text: str, separator: str, where: str) -> list[list[str]]:
    """Records of the text. Quotes inside a cell that were not doubled are forgiven, one that never closes is not."""
    try:
        return _records(text, separator, strict=True)
    except csv.Error as error:
        if "unexpected end" not in str(error) and "field larger" not in str(error) and text.count('"') % 2 == 0:
            try:
                return _records(text, separator, strict=False)
            except csv.Error:
                pass
    row = _open_quote_row(text, separator)
    raise InputDataError(
        f"第 {row} 行起有未闭合的英文引号，或单元格过长 / a quotation mark opened in row {row} is never closed, or a cell is too long",
        where=where,
        todo='补上或删去该行的 " 号 / close or remove the " in that row',
    )


def _open_quote_row(text: str, separator: str) -> int:
    """The record in which reading stopped."""
    reader, row = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), 1
    try:
        for _ in reader:
            row += 1
    except csv.Error:
        pass
    return row


def _separator(text: str, score: Callable[[list[str]], int]) -> str:
    """The separator under which the first lines hold the most known headers, then the most cells that agree in number."""

    def worth(separator: str) -> tuple[int, int]:
        try:
            rows = [row for row in _records(head, separator, strict=False) if any(cell.strip() for cell in row)]
        except csv.Error:
            return 0, 0
        widths = [len(row) for row in rows if len(row) > 1]
        same = max((widths.count(width) for width in set(widths)), default=0)
        return max((score(row) for row in rows), default=0), same

    # a line that is cut, or a quote left open at the end of the sample, must not decide
    head = "\n".join(re.split(r"\r\n|\r|\n", text[:200_000], maxsplit=60)[:60])
    return max(_SEPARATORS, key=worth)  # the first of equals


def read_text_grid(data: bytes, where: str, encoding: str | None, score: Callable[[list[str]], int]) -> Grid:
    """The cells of a text table. Rows are numbered as Excel shows them: a record with line breaks in it is one row.

    Parameters
    ----------
    data : bytes
        The whole file.
    where : str
        File name, for messages.
    encoding : str, optional
        As stated by the planner.
    score : callable
        How many known headers a row of cells holds; decides between separators.

    Raises
    ------
    InputDataError
        See `decode_text`; also a quotation mark that is never closed, or too many rows or columns.
    """
    if len(data) > TEXT_BYTES_LIMIT:
        raise InputDataError(
            f"文本文件过大（{len(data) / 1e6:,.0f} MB） / the text file is too large",
            where=where,
            todo="只保留需要的列，或拆成几个文件 / keep the columns that are needed, or split it",
        )
    text = decode_text(data, where, encoding)
    given = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)  # Excel's own hint, which Excel does not count as a row
    text = text[given.end() :] if given else text
    separator = given[1] if given and given[1] not in '"\r\n\0' else _separator(text, score)
    grid = Grid(ragged=True)
    for row, cells in enumerate(_read(text, separator, where), start=1):
        for column, value in enumerate(cells):
            if value:
                grid.put(where, row, column, value)
    for row, filled in grid.rows.items():
        bad = sum("\N{REPLACEMENT CHARACTER}" in value for value in filled.values())
        if bad:
            grid.faults.append(
                Fault(
                    row,
                    None,
                    "含替换符号（�）：保存时编码已出错",
                    "holds replacement characters (�): broken when it was saved",
                )
            )
    return grid
