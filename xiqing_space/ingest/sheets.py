"""CSV, XLSX and XLS as planners keep them: the table in them as rows of text, with the numbers that Excel shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.cells import Fault, Grid, column_letters
from xiqing_space.ingest.headers import JOIN, known_count, load_names, word_key
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.table_files import read_bytes, read_grids

HEADER_DEPTH = 20  # rows in which a header is looked for
TAIL_DEPTH = 30  # rows at the end that may be remarks
_TOTAL = re.compile(r"(?:本页|本表|全区|全市|全镇|全街|各街镇|总)?(?:{words})(?:[:：\d(（].*)?")
_NUMBER = re.compile(r"[-+]?[\d,.]+%?")


@dataclass(frozen=True)
class Sheet:
    """A table of text.

    Attributes
    ----------
    source : str
        File name, and the sheet's name where the workbook has several.
    frame : DataFrame
        One row per row of the table; columns are the headers, made unique; values are str or None.
    rows : tuple of int
        Row number of each, as Excel shows it.
    header_row : int
        The row of the header (its lower line, where it has two).
    faults : tuple of (Fault, header)
        Cells that could not be read; empty unless they were asked for.
    notes : tuple of (check, row, fields)
        Doubts, for `note_doubts`.
    above : str
        What stands above the header: titles, and the unit of all figures (单位：万人).
    total : int, optional
        Row number of the row of totals, where it was asked for: the last such row without a fault.
    """

    source: str
    frame: pd.DataFrame
    rows: tuple[int, ...]
    header_row: int
    faults: tuple[tuple[Fault, str | None], ...] = ()
    notes: tuple[tuple[str, int, dict[str, str]], ...] = ()
    above: str = ""
    total: int | None = None

    def note_doubts(self, quality: Quality) -> None:
        """Hand the doubts over to the collector."""
        for check, row, fields in self.notes:
            quality.add(check, source=self.source, row=str(row) if row else "", **fields)

    def fault_lines(self, headers: Iterable[str] | None = None) -> list[str]:
        """Faults in the columns that are needed (all of them by default), worded, in row order."""
        needed = None if headers is None else set(headers)
        found = [one for one in self.faults if needed is None or one[1] is None or one[1] in needed]
        return [_fault_line(fault, header) for fault, header in found]


def _fault_line(fault: Fault, header: str | None) -> str:
    column = f"“{header}”" if header else ""
    return f"第 {fault.row} 行{column}：{fault.zh} / row {fault.row}{f', {header}' if header else ''}: {fault.en}"


def read_sheet(
    path: Path,
    *,
    sheet: str | int | None = None,
    header_row: int | None = None,
    encoding: str | None = None,
    keep_faults: bool = False,
    keep_total: bool = False,
) -> Sheet:
    """The table in a CSV, XLSX or XLS file. What the file is, is seen from its bytes; its extension may be wrong.

    Title rows above the header, blank rows, totals and remarks are left out and noted. Merged headers are filled right and
    down, merged cells of the body down. Nothing is evaluated: a formula gives the value that was stored with it.

    Parameters
    ----------
    path : Path
        The file.
    sheet : str or int, optional
        Name or number (from 1) of the sheet. By default the one whose header holds the most known words; two that are
        equal are refused, for a guess could leave out half of a list.
    header_row : int, optional
        Row of the header as Excel shows it; by default it is looked for in the first `HEADER_DEPTH` rows with content.
    encoding : str, optional
        Of a text file; by default UTF-8, UTF-16 or GB18030, as its bytes say.
    keep_faults : bool
        Whether cells that cannot be read (#REF!, formulas never calculated) stay as None and are listed in `faults`;
        by default they are an error, all in one message.
    keep_total : bool
        Whether the last row of totals stays in the frame (`Sheet.total`): it is what the other rows are held against.

    Raises
    ------
    InputFileError
        There is no such file.
    InputDataError
        The file cannot be used; the message says where and what to do.
    """
    where = path.name
    data = read_bytes(path)
    grids = read_grids(data, where, encoding)
    grid, notes = _choose(grids, sheet, where)
    source = f"{where}[{grid.name}]" if len(grids) > 1 else where
    found = _table_of(grid, source, header_row, notes, keep_total)
    if found.faults and not keep_faults:
        require_sound(found)
    return found


def require_sound(sheet: Sheet, headers: Iterable[str] | None = None) -> None:
    """Raise one `InputDataError` for all cells, of the columns that are needed, that could not be read."""
    if lines := sheet.fault_lines(headers):
        raise InputDataError(
            f"{len(lines)} 处内容无法读取 / {len(lines)} places cannot be read",
            where=sheet.source,
            first=lines,
            todo=fault_remedy(),
        )


def fault_remedy() -> str:
    """What to do about cells that cannot be read."""
    return (
        "在 Excel 中改正这些单元格：把公式“选择性粘贴”为数值；含逗号的文字加英文引号 / correct the cells in Excel: paste formulas as "
        "values; put quotation marks round text with commas"
    )


def _choose(
    grids: Sequence[Grid], sheet: str | int | None, where: str
) -> tuple[Grid, list[tuple[str, int, dict[str, str]]]]:
    full = [grid for grid in grids if grid.rows or grid.faults]
    names = "、".join(grid.name for grid in grids)[:300]
    if isinstance(sheet, int) and not isinstance(sheet, bool) and 1 <= sheet <= len(grids):
        return grids[sheet - 1], []
    if sheet is not None:
        for grid in grids:
            if word_key(grid.name) == word_key(str(sheet)):
                return grid, []
        raise InputDataError(
            f'没有名为“{str(sheet)[:60]}”的工作表；现有：{names} / there is no sheet "{str(sheet)[:60]}"; there are: {names}',
            where=where,
            todo="改正配置中的 sheet / correct sheet in the config",
        )
    if not full:
        raise InputDataError(
            "没有任何内容 / there is no content", where=where, todo="检查是否导出成功 / export it again"
        )
    if len(full) == 1:
        return full[0], []
    scores = [max((known_count(cells.values()) for cells in _head(grid).values()), default=0) for grid in full]
    best = [grid for grid, score in zip(full, scores, strict=True) if score == max(scores)]
    if len(best) > 1:
        raise InputDataError(
            f"有 {len(full)} 个工作表都像名录：{names} / {len(full)} sheets look alike: {names}",
            where=where,
            todo=f'在配置中写明 sheet = "{best[0].name}"，每个工作表单列一项 / state sheet in the config, one entry for each sheet',
        )
    others = "、".join(grid.name for grid in full if grid is not best[0])[:200]
    return best[0], [("sheets_unread", 0, {"sheet": best[0].name, "others": others})]


def _head(grid: Grid) -> dict[int, dict[int, str]]:
    """The first rows with content, merges filled in."""
    rows = {row: dict(grid.rows[row]) for row in sorted(grid.rows)[:HEADER_DEPTH]}
    _fill(rows, grid.merges, right=True)
    return rows


def _fill(rows: dict[int, dict[int, str]], merges: Iterable[tuple[int, int, int, int]], *, right: bool) -> int:
    """Copy the text of merged cells down, and `right`; returns how many ranges gave something."""
    filled = 0
    for low, left, high, last in merges:
        text = rows.get(low, {}).get(left)
        if text is None or (high == low and not right):
            continue
        for row in (row for row in rows if low <= row <= high) if high - low > len(rows) else range(low, high + 1):
            for column in range(left, min(last, left + 500) + 1) if right else (left,):
                if row in rows:
                    rows[row].setdefault(column, text)
        filled += 1
    return filled


def _table_of(
    grid: Grid, source: str, header_row: int | None, notes: list[tuple[str, int, dict[str, str]]], keep_total: bool = False
) -> Sheet:  # fmt: skip
    if not grid.rows:
        raise InputDataError(
            "没有任何内容 / there is no content", where=source, todo="检查是否导出成功 / export it again"
        )
    top, low, headers = _find_header(grid, source, header_row)
    rows = {row: cells for row, cells in sorted(grid.rows.items()) if row > low}
    notes = [*notes, *grid.notes]
    body_merges = [one for one in grid.merges if one[0] > low]
    if filled := _fill(rows, body_merges, right=False):
        notes.append(("merged_filled", body_merges[0][0], {"n": str(filled)}))
    rows, dropped = _without_tail(whole := rows)
    total = _last_total(dropped, {one.row for one in grid.faults}) if keep_total and rows else None
    if total is not None:
        dropped = [one for one in dropped if one[0] != total]
        rows = {row: cells for row, cells in whole.items() if row in rows or row == total}
    notes += [("row_left_out", row, {"text": text[:60]}) for row, text in dropped]
    left_out = {row for row, _ in dropped}
    faults = [one for one in grid.faults if one.row > low and one.row not in left_out]
    headers, extra = _all_headers(headers, rows, grid.ragged)
    faults += extra
    if not rows and not faults:
        raise InputDataError(
            f"只有表头（第 {low} 行），没有数据 / there is a header (row {low}) and no data",
            where=source,
            todo="检查是否导出了数据行 / check that the rows were exported",
        )
    if named := [headers[column] for column in sorted(headers) if headers[column].startswith("列 ")]:
        notes.append(("column_unnamed", low, {"columns": "、".join(named)[:100]}))
    if len(headers) == 1:
        notes.append(("one_column", low, {"header": next(iter(headers.values()))}))
    columns = sorted(headers)
    frame = pd.DataFrame(
        [[cells.get(column) for column in columns] for cells in rows.values()],
        columns=pd.Index([headers[column] for column in columns], dtype=object),
        dtype=object,
    )
    above = [row for row in sorted(grid.rows) if row < top]
    if above:
        text = " ".join(next(iter(grid.rows[row].values())) for row in above)
        notes.append(("title_rows", above[0], {"n": str(len(above)), "text": text[:80]}))
    placed = tuple(
        (one, headers.get(one.column) if one.column is not None else None) for one in sorted(faults, key=_place)
    )
    titles = " ".join(text for row in above for text in grid.rows[row].values())[:1000]
    return Sheet(source, frame, tuple(rows), low, placed, tuple(notes), titles, total)


def _place(fault: Fault) -> tuple[int, int]:
    return fault.row, -1 if fault.column is None else fault.column


def _find_header(grid: Grid, source: str, header_row: int | None) -> tuple[int, int, dict[int, str]]:
    """First and last row of the header, and its texts by column."""
    head = _head(grid)
    if header_row is not None:
        if header_row not in grid.rows:
            raise InputDataError(
                f"header_row = {header_row}，但第 {header_row} 行是空的 / header_row = {header_row}, but that row is empty",
                where=source,
                todo="改为表头所在行号，或删去 header_row / give the row of the header, or remove header_row",
            )
        raw = {header_row: dict(grid.rows[header_row])}
        _fill(raw, [one for one in grid.merges if one[0] == header_row], right=True)
        return header_row, header_row, head.get(header_row, raw[header_row])
    widest = max(len(set(cells.values())) for cells in head.values())

    def worth(row: int) -> tuple[int, int]:
        texts = set(head[row].values())
        lonely = len(texts) == 1 < widest  # a title, even one that is a known word
        return (0 if lonely else known_count(texts), 0 if lonely or widest == 1 else 1)

    best = max(head, key=lambda row: (*worth(row), -row))
    below = next((row for row in head if row > best), None)
    above = next((row for row in reversed(head) if row < best), None)
    if above is not None and _are_two_lines(grid, above, best):
        top, low = above, best
    elif below is not None and _are_two_lines(grid, best, below):
        top, low = best, below
    else:
        return best, best, head[best]
    joined: dict[int, str] = {}
    upper = dict(head[top])
    if not any(
        one[0] <= top <= one[2] for one in grid.merges
    ):  # no merges kept: a blank belongs to the text on its left
        for column in sorted(head[low]):
            left = [one for one in head[top] if one <= column]
            upper.setdefault(column, head[top][max(left)] if left else "")
    for column in sorted(set(head[top]) | set(head[low])):
        parts = [upper.get(column, ""), head[low].get(column, "")]
        joined[column] = JOIN.join(dict.fromkeys(part for part in parts if part))
    return top, low, joined


def _are_two_lines(grid: Grid, top: int, low: int) -> bool:
    """Whether a row names parts of the merged (or, in text files, blank) cells of the row above it."""
    upper, lower = grid.rows[top], grid.rows[low]
    width = max(max(upper), max(lower)) + 1
    merged = [one for one in grid.merges if one[0] <= top <= one[2]]
    group: set[int] = set()
    if merged:
        for _, left, high, last in merged:
            if last > left and high < low:
                group |= set(range(left, last + 1))
    else:
        for column in range(width):
            if column not in upper and column > min(upper):
                group |= {column, max(one for one in upper if one < column)}
    outside = [column for column in upper if column not in group]
    return (
        len(lower) >= 2
        and bool(outside)
        and set(lower) <= group
        and not any(_NUMBER.fullmatch(text) for text in lower.values())
        and (bool(merged) or known_count(lower.values()) > 0)
    )


def _all_headers(
    headers: dict[int, str], rows: dict[int, dict[int, str]], ragged: bool
) -> tuple[dict[int, str], list[Fault]]:
    """Unique headers for every column with content; a text row that is longer than its header is a fault."""
    used = {column for cells in rows.values() for column in cells}
    faults: list[Fault] = []
    last = max(headers)
    if ragged:
        for row, cells in rows.items():
            if max(cells) > last:
                faults.append(
                    Fault(row, None, f"比表头多 {max(cells) - last} 列（文字中有未加引号的逗号？）",
                          f"has {max(cells) - last} cells more than the header (a comma in text without quotation marks?)")
                )  # fmt: skip
        used = {column for column in used if column <= last}
    found: dict[int, str] = {}
    seen: dict[str, int] = {}
    for column in sorted(used | set(headers)):
        text = headers.get(column) or f"列 {column_letters(column)}"
        seen[text] = seen.get(text, 0) + 1
        name, number = text, seen[text]
        while name in found.values():
            name = f"{text} ({number})"
            number += 1
        found[column] = name
    return found, faults


def _without_tail(rows: dict[int, dict[int, str]]) -> tuple[dict[int, dict[int, str]], list[tuple[int, str]]]:
    """Rows without totals (wherever they stand) and without remarks below the table; and what was left out."""
    names = load_names()
    total = re.compile(_TOTAL.pattern.replace("{words}", "|".join(names.totals)), re.IGNORECASE)
    remark = re.compile(f"(?:{'|'.join(names.remarks)})\\s*(?:[:：\\d].*)?", re.IGNORECASE | re.DOTALL)
    kept, dropped = dict(rows), []
    for row in reversed(list(rows)[-TAIL_DEPTH:]):
        first = _first(rows[row])
        if not (remark.fullmatch(first) or total.fullmatch(first.replace(" ", ""))):
            break
        dropped.append((row, first))
        del kept[row]
    for row, cells in list(kept.items()):
        first = _first(cells)
        if total.fullmatch(first.replace(" ", "")):
            dropped.append((row, first))
            del kept[row]
    return kept, sorted(dropped)


def _last_total(dropped: Sequence[tuple[int, str]], faulty: set[int]) -> int | None:
    """The last row of totals among those left out; sums of a part (小计, 本页合计) are none, nor is a row with a fault."""
    names = load_names()
    total = re.compile(_TOTAL.pattern.replace("{words}", "|".join(names.totals)), re.IGNORECASE)
    part = re.compile("小计|本页|subtotal", re.IGNORECASE)
    texts = [(row, text.replace(" ", "")) for row, text in dropped if row not in faulty]
    return max((row for row, text in texts if total.fullmatch(text) and not part.search(text)), default=None)


def _first(cells: dict[int, str]) -> str:
    """The first text of a row that is no running number."""
    texts = [cells[column] for column in sorted(cells)]
    return next((text for text in texts if not _NUMBER.fullmatch(text)), texts[0])
