"""Returned field sheets of the way to school, read as `street_survey`. Nothing in them is evaluated."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pandas as pd

from xiqing_space.errors import InputDataError, XiqingError
from xiqing_space.ingest.cells import Grid, column_letters
from xiqing_space.ingest.field_columns import (
    DATE_KEY,
    ID_KEY,
    TYPE_KEY,
    Field,
    fold,
    is_blank,
    key_of,
    load_sheet_words,
)
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.school_places import SURVEY_COLUMNS
from xiqing_space.ingest.table_files import read_bytes, read_grids
from xiqing_space.ingest.values import parse_number

HEADER_DEPTH = 30
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T ].*)?")
_SIDEWALKS = ("sidewalk_left", "sidewalk_right")
Tagged = Callable[[str, str, str], str | None]


@dataclass(frozen=True)
class Known:
    """Ids that are in the data now; a field sheet written from an earlier map may hold others."""

    edges: Collection[str]
    nodes_of: dict[str, tuple[str, str]]  # ends of each edge
    crossings: Collection[str]  # mapped ones
    gates: Collection[str]  # mapped and surveyed ones
    owners: Collection[str]  # sites and compounds, whose guessed gates begin with their id

    def type_of(self, item: str, stated: str) -> str | None:
        """What an id is, or None where nothing bears it any more; `stated` decides between a gate and a crossing of one id."""
        place, _, edge = item.partition("/")
        able = [
            name
            for name, there in (
                ("edge", item in self.edges),
                (
                    "crossing",
                    item in self.crossings or (edge in self.edges and place in ("block", "over", *self.nodes_of[edge])),
                ),
                ("gate", item in self.gates or item.partition("@")[0] in self.owners),
            )
            if there
        ]
        return stated if stated in able else able[0] if able else None


@dataclass
class Value:
    """One filled cell, understood."""

    item: str
    item_type: str
    name: str
    value: str
    date: str
    cell: str
    text: str


@dataclass
class _Reader:
    known: Known
    problems: list[str] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    gone: dict[tuple[str, str, str], int] = field(default_factory=dict)  # item, file, cell -> filled cells

    def grid(self, grid: Grid, source: str) -> bool:
        """Read one sheet; False where it is no field sheet."""
        known = {one.key for one in load_sheet_words().fields} | {DATE_KEY, ID_KEY, TYPE_KEY}
        found = columns_of(grid, ID_KEY, known, source, self.problems)
        if found is None:
            return False
        top, at = found
        for row in sorted(grid.rows):
            if row > top:
                self._row({key: grid.rows[row].get(column) for key, column in at.items()}, at, row, source)
        return True

    def _row(self, texts: dict[str, str | None], at: dict[str, int], row: int, source: str) -> None:
        words = load_sheet_words()

        def cell(key: str) -> str:
            return f"{source}!{column_letters(at[key])}{row}"

        filled = [one for one in words.fields if not is_blank(bare(texts.get(one.key)))]
        item = bare(texts.get(ID_KEY)) or ""
        if not filled:
            return
        if not item:
            self.problems.append(f"{cell(ID_KEY)}：对象编号为空，无法对应 / no item id: the row cannot be told")
            return
        stated = next(
            (key for key, both in words.types.items() if fold(texts.get(TYPE_KEY) or "") in map(fold, both)), ""
        )
        kind = self.known.type_of(item, stated)
        if kind is None:
            key = (item, source.partition("[")[0], cell(ID_KEY))
            self.gone[key] = self.gone.get(key, 0) + len(filled)
            return
        date = read_date(bare(texts.get(DATE_KEY)), cell, self.problems)
        for one in filled:
            text = bare(texts[one.key]) or ""
            if kind not in one.of:
                zh, en = words.types[kind]
                self.problems.append(
                    f"{cell(one.key)}：“{text[:20]}”：{zh}不填“{one.zh}” / {one.en} is not asked for a {en}: clear it"
                )
                continue
            value = meaning_of(one, text)
            if value is None:
                zh, en = wanted_of(one)
                self.problems.append(
                    f"{cell(one.key)}：“{text[:30]}”不可用，应为{zh} / “{text[:30]}” cannot be used: {en}"
                )
                continue
            self.values.append(Value(item, kind, one.of[kind], value, date, cell(one.key), text))


def columns_of(
    grid: Grid, id_key: str, known: Collection[str], source: str, problems: list[str]
) -> tuple[int, dict[str, int]] | None:
    """Header row of a sheet and its columns by key; None where it has no column `id_key`. Faults of its cells are noted."""
    top = next(
        (row for row in sorted(grid.rows)[:HEADER_DEPTH] if id_key in map(key_of, grid.rows[row].values())), None
    )
    if top is None:
        return None
    titles = {column: key_of(text) for column, text in grid.rows[top].items()}
    keys = [key for key in titles.values() if key]
    for key in sorted({one for one in keys if keys.count(one) > 1 and one in known}):
        problems.append(f"{source} 第 {top} 行：列 [{key}] 出现两次 / row {top}: column [{key}] stands there twice")
    at = {key: column for column, key in titles.items() if key in known}
    for fault in grid.faults:
        if fault.row > top and (key := titles.get(fault.column if fault.column is not None else -1, "")) in known:
            cell = f"{source}!{column_letters(at[key])}{fault.row}"
            problems.append(f"{cell}：{fault.zh}，请改为数值 / {fault.en}: write the value")
    return top, at


def read_date(text: str | None, cell: Callable[[str], str], problems: list[str]) -> str:
    """A date as 2026-03-01; empty where there is none or it cannot be read, which is noted."""
    if text is None or is_blank(text):
        return ""
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        return dt.date(int(found[1]), int(found[2]), int(found[3])).isoformat()
    except ValueError:
        problems.append(f"{cell(DATE_KEY)}：日期“{text[:20]}”应写作 2026-03-01 / the date should be written 2026-03-01")
        return ""


def bare(text: str | None) -> str | None:
    """A cell's text without the apostrophe that keeps a spreadsheet from running it."""
    return None if text is None else text.removeprefix("'").strip()


def meaning_of(one: Field, text: str) -> str | None:
    """What a filled cell says; None where that cannot be told."""
    if one.words:
        wanted = fold(text)
        return next((key for key, words in one.words.items() if wanted in map(fold, (key, *words))), None)
    number = parse_number(re.sub(r"(?i)\s*(?:km/h|公里/小时|公里|米|条|车道|m)$", "", text))
    if number is None or number.about or not one.least <= number.value <= one.most:
        return None
    if one.whole and number.value != int(number.value):
        return None
    return f"{number.value:g}"


def wanted_of(one: Field) -> tuple[str, str]:
    """What a cell should hold, in Chinese and English."""
    if one.words:
        return "：" + "、".join(one.offered), "choose " + ", ".join(one.offered)
    whole = ("整数", "whole number") if one.whole else ("数", "number")
    return f" {one.least:g}–{one.most:g} 的{whole[0]}", f"a {whole[1]} from {one.least:g} to {one.most:g}"


class OtherSheet(Protocol):
    """Reads a sheet of the workbook that is not a school's."""

    def read(self, grid: Grid, source: str, problems: list[str]) -> int | None:
        """Number of values read; None where the sheet is none of its kind."""

    def settle(self, problems: list[str], quality: Quality) -> None:
        """After all sheets: contradictions are problems, and ids that nothing bears any more are noted if there are none."""


def read_field_sheets(
    paths: Sequence[Path], known: Known, tagged: Tagged, quality: Quality, *, other: OtherSheet | None = None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """What surveyors filled in: `street_survey`, unsorted, and the number of values by file name.

    A cell that repeats the default counts as confirmed. A survey is what one person saw on one day.

    Parameters
    ----------
    paths : sequence of Path
        XLSX, XLS or CSV, sorted, split or copied together as offices do; a column is known by the key in brackets at the end of
        its title, a row by its item id.
    known : Known
        Ids in the data. Others are listed, and not applied.
    tagged : callable
        (item_id, item_type, field) to what the map says, or None.
    other : OtherSheet, optional
        Takes the sheets 视线测量; its faults are told together with those of the other sheets.

    Raises
    ------
    InputDataError
        Cells that cannot be read, do not belong to the item, or contradict each other without dates that tell which is later; all
        are listed with file, sheet and cell.
    """
    reader = _Reader(known)
    counts: dict[str, int] = {}
    for path in sorted(dict.fromkeys(paths), key=lambda one: (one.name, str(one))):
        before = len(reader.values)
        try:
            grids = read_grids(read_bytes(path), path.name, None)
        except XiqingError as error:
            reader.problems.append(str(error).replace("\n", " "))
            continue
        read, more = [], 0
        for one in grids:
            source = f"{path.name}[{one.name}]" if one.name else path.name
            number = other.read(one, source, reader.problems) if other is not None else None
            more += number or 0
            read.append(number is not None or reader.grid(one, source))
        if not any(read):
            reader.problems.append(
                f"{path.name}：没有踏勘表（表头须有 [item_id] 列）/ no field sheet: a column [item_id] is needed"
            )
        counts[path.name] = counts.get(path.name, 0) + len(reader.values) - before + more
    kept = agree(reader.values, reader.problems, quality)
    if other is not None:
        other.settle(reader.problems, quality)
    if reader.problems:
        raise InputDataError(
            f"踏勘表有 {len(reader.problems)} 处需要改正，未读入任何内容 / {len(reader.problems)} cells of the field sheets must be "
            "corrected; nothing was read",
            where="、".join(sorted(counts) or [path.name for path in paths]), first=reader.problems,
            todo="按单元格改正后重新运行；不清楚的留空 / correct these cells and run again; leave blank what is not known",
        )  # fmt: skip
    for (item, file, cell), count in sorted(reader.gone.items()):
        quality.add("field_item_unknown", source=file, row=cell, id=item, item=item[:80], n=count)
    return _rows(kept, tagged, quality), counts


def agree(values: Sequence[Value], problems: list[str], quality: Quality) -> list[Value]:
    """One value for each item and field: the latest by its date; contradictions without dates are noted with both cells."""
    groups: dict[tuple[str, str], list[Value]] = {}
    for one in values:
        groups.setdefault((one.item, one.name), []).append(one)
    kept = []
    for (item, name), group in sorted(groups.items()):
        ordered = sorted(group, key=lambda one: (one.date, one.cell))
        last = ordered[-1]
        rivals = [one for one in ordered if one.value != last.value]
        if any(not one.date or one.date == last.date for one in rivals) or (rivals and not last.date):
            cells = "、".join(f"{one.cell}“{one.text[:20]}”" for one in sorted(group, key=lambda one: one.cell))
            problems.append(
                f"{cells}：同一对象的填写互相矛盾；重测的请填日期 / they contradict each other; date them if one is later"
            )
        elif rivals:
            quality.add("field_later", source=last.cell.partition("[")[0], row=last.cell, id=item, item=item[:80], cell=last.cell,
                        what=_title(name, last.item_type))  # fmt: skip
        kept.append(last)
    return kept


def _title(name: str, item_type: str) -> tuple[str, str]:
    one = load_sheet_words().named(name, item_type)
    return (one.zh.partition("（")[0], one.en.partition(" (")[0]) if one else (name, name)


def _rows(values: list[Value], tagged: Tagged, quality: Quality) -> pd.DataFrame:
    rows = []
    for one in values:
        was = tagged(one.item, one.item_type, one.name)
        conflict = was is not None and _differs(one.name, one.value, was)
        if conflict and was is not None:
            field_ = load_sheet_words().named(one.name, one.item_type)
            shown = (field_.shown(one.value), field_.shown(was)) if field_ else (one.value, was)
            title = _title(one.name, one.item_type)
            quality.add("field_conflict", source=one.cell.partition("[")[0], row=one.cell, id=one.item, now=shown[0], was=shown[1],
                        cell=one.cell, what=(f"{one.item} 的{title[0]}", f"{title[1]} of {one.item}"))  # fmt: skip
        rows.append((one.item, one.item_type, one.name, one.value, was, conflict, one.date or None, one.cell))
    return pd.DataFrame(rows, columns=list(SURVEY_COLUMNS), dtype=object)


def _differs(name: str, value: str, was: str) -> bool:
    """Whether map and survey cannot both be right: a mapped sidewalk says that there is one, not how far from the traffic."""
    if name in _SIDEWALKS:
        bare = ("none", "informal_wide", "informal_narrow")
        return (value in bare) != (was in bare)
    try:
        return abs(float(value) - float(was)) > 1e-6
    except ValueError:
        return value != was


def with_guards(survey: pd.DataFrame, guards: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """Field sheets and lists of guards as one table; where both speak of an item the field sheet holds."""
    if guards.empty:
        return survey
    said = {
        (item, name): (value, cell)
        for item, name, value, cell in survey[["item_id", "field", "value", "source"]].itertuples(index=False)
    }
    new = []
    for one in guards.drop_duplicates(["item_id", "field"]).itertuples(index=False):
        value, cell = said.get((one.item_id, one.field), (None, ""))
        new.append(value is None)
        if value == "no":
            quality.add("guard_contradicted", source=str(one.source).rpartition(":")[0], row=str(one.source), id=one.item_id,
                        item=str(one.item_id)[:80], cell=cell)  # fmt: skip
    kept = guards.drop_duplicates(["item_id", "field"])[new]
    return pd.concat([one for one in (survey, kept) if len(one)] or [survey], ignore_index=True)
