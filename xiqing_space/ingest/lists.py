"""Facility lists of offices: checked rows, with or without coordinates. Where a row lies is decided elsewhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.ingest.cells import clean_text
from xiqing_space.ingest.columns import Cells, find_columns, read_numbers, read_places, read_words
from xiqing_space.ingest.kind_words import kinds_of_row
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.sheets import Sheet, read_sheet

FIELDS = (
    "name", "code", "address", "zone", "community", "kind", "level", "operator", "status", "serves", "classes", "enrolled",
    "capacity_places", "gp_doctors", "child_health_doctors", "legal_person", "campus_of", "lon", "lat", "lonlat", "x", "y",
    "serial", "credit_code",
)  # fmt: skip
_TEXTS = ("address", "zone", "community", "legal_person", "campus_of", "credit_code")
_COUNTS = ("classes", "enrolled", "capacity_places", "gp_doctors", "child_health_doctors")
COLUMNS = (
    "row_id", "source", "source_row", "name", "code", "address", "zone", "community", "kind", "operator", "status", "serves",
    "classes", "enrolled", "capacity_places", "gp_doctors", "child_health_doctors", "legal_person", "campus_of", "credit_code",
    "x", "y", "serves_stated", "status_stated",
)  # fmt: skip


def read_facility_list(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    kind: str | None = None,
    sheet: str | int | None = None,
    header_row: int | None = None,
    encoding: str | None = None,
    quality: Quality,
    catalogue: Catalogue,
) -> pd.DataFrame:
    """The rows of a facility list, checked: one per kind of each facility.

    A planner may not read the number of rows as a number of sites: a nine-year school is two rows with one `row_id`, and one
    school may stand in two lists.

    Parameters
    ----------
    path : Path
        CSV, XLSX or XLS; see `read_sheet`.
    columns : mapping of field to header, optional
        What the synonyms of columns.toml cannot tell.
    kind : str, optional
        Kind of every row; by default each row's own column of kinds, or its name, tells.
    sheet, header_row, encoding
        See `read_sheet`.
    quality : Quality
        Takes the doubts: unknown words, approximate numbers, swapped coordinates, rows of no known kind.

    Returns
    -------
    DataFrame
        `COLUMNS`; text is str or None, counts are NaN where nothing is stated, `x` and `y` (east, north) are in the datum that
        the source declares, NaN where there is none. `operator` is "unknown" where nothing is stated; `status` is "operating"
        and `serves` "everyone" where the list has no such column or leaves it empty, as a list of existing facilities means it
        (`status_stated`, `serves_stated` are False there: another source that states it is heard).
        Sorted by source row, then kind.

    Raises
    ------
    ConfigError
        `kind` or a field of `columns` does not exist.
    InputDataError
        Everything that makes the file unusable, in one message: cells with errors in columns that are used, rows without a
        name, doubled codes, numbers out of range, metres as degrees, unknown status words, no row of a known kind.
    """
    if kind is not None and kind not in catalogue.kinds:
        raise ConfigError(
            f'不认识的设施类别“{kind}” / unknown kind "{kind}"',
            where=path.name,
            todo=f"可用：{'、'.join(catalogue.kinds)} / use one of these, or leave kind out",
        )
    table = read_sheet(path, sheet=sheet, header_row=header_row, encoding=encoding, keep_faults=True)
    stem = clean_text(path.stem) + table.source.removeprefix(path.name)
    return check_rows(table, stem, columns=columns, kind=kind, quality=quality, catalogue=catalogue)


def check_rows(
    table: Sheet,
    stem: str,
    *,
    columns: Mapping[str, str] | None,
    kind: str | None,
    quality: Quality,
    catalogue: Catalogue,
) -> pd.DataFrame:
    """Checked rows of a list that is a table already; see `read_facility_list`. `stem` begins every `row_id`."""
    found = find_columns(table, FIELDS, columns, required=("name",))
    table.note_doubts(quality)
    _note_unused_faults(table, found, quality)
    problems = table.fault_lines(found.values())
    frame, more = _rows(table, found, quality)
    problems += more
    told = [
        kinds_of_row(kind, text, level, name or "", catalogue)
        for name, text, level in frame[["name", "kind", "level"]].itertuples(index=False)
    ]
    identities, more = _identities(frame, stem, [kinds for kinds, _ in told])
    frame["row_id"] = identities
    problems += more
    if problems:
        raise InputDataError(
            f"名录有 {len(problems)} 处需要改正 / {len(problems)} places in the list must be corrected",
            where=table.source,
            first=sorted(problems, key=_row_of),
            todo="在名录中改正上列各行后重新运行；公式与错误值请“选择性粘贴”为数值 / correct these rows in the list and run again; "
            "paste formulas and errors as values",
        )  # fmt: skip
    return _by_kind(frame, told, table, found, quality, catalogue)


def _row_of(line: str) -> tuple[int, str]:
    number = line.removeprefix("第 ").split(" ", 1)[0]
    return (int(number) if number.isdigit() else 0), line


def _note_unused_faults(table: Sheet, found: Mapping[str, str], quality: Quality) -> None:
    """Cells that cannot be read in columns that nobody needs stop nothing, but are said."""
    used = set(found.values())
    for fault, header in table.faults:
        if header is not None and header not in used:
            quality.add(
                "cell_unread", source=table.source, row=str(fault.row), column=header, what=(fault.zh, fault.en)
            )


def _rows(table: Sheet, found: Mapping[str, str], quality: Quality) -> tuple[pd.DataFrame, list[str]]:
    cells = Cells(table, quality)
    problems: list[str] = []
    values: dict[str, Any] = {
        "source_row": list(table.rows),
        "name": cells.text(found["name"]),
        "code": cells.text(found.get("code")),
    }
    for field in (*_TEXTS, "kind", "level"):
        values[field] = cells.text(found.get(field))
    operator = read_words(table, found.get("operator"), "operator", quality)
    values["operator"] = [meaning or "unknown" for meaning, _ in operator]
    status = read_words(table, found.get("status"), "status")
    values["status"] = [meaning or "operating" for meaning, _ in status]
    values["status_stated"] = [meaning is not None for meaning, _ in status]
    for place, (meaning, text) in enumerate(status):
        if text is not None and meaning is None:  # it decides whether the facility counts: no guess
            problems.append(
                cells.line(place, f"状态“{text[:30]}”不认识（在营、在建、规划、停办）", f"unknown status “{text[:30]}”")
            )
    serves = read_words(table, found.get("serves"), "serves", quality)
    values["serves"] = [meaning or "everyone" for meaning, _ in serves]
    values["serves_stated"] = [meaning is not None for meaning, _ in serves]
    for field in _COUNTS:
        values[field], more = read_numbers(table, found.get(field), field, quality)
        problems += more
    values["x"], values["y"], more = read_places(table, found, quality)
    problems += more
    frame = pd.DataFrame(values)
    texts = ["name", "code", *_TEXTS, "kind", "level"]
    frame[texts] = frame[texts].astype(object)
    for field in texts:
        frame[field] = pd.Series(
            [None if pd.isna(one) else one for one in frame[field]], dtype=object, index=frame.index
        )
    keep, more = _nameless(table, found, frame, quality)
    return frame[keep].reset_index(drop=True), problems + more


def _nameless(
    table: Sheet, found: Mapping[str, str], frame: pd.DataFrame, quality: Quality
) -> tuple[list[bool], list[str]]:
    """Rows without a name: left out where they hold a running number only, else a problem."""
    keep, problems = [], []
    faulty = {fault.row for fault, _ in table.faults}
    serial = found.get("serial")
    numbers = table.frame[serial].tolist() if serial else [""] * len(table.rows)
    others = [header for header in table.frame.columns if header != serial]
    content = table.frame[others].notna().any(axis=1).tolist()
    for row, name, number, filled in zip(table.rows, frame["name"], numbers, content, strict=True):
        keep.append(name is not None or filled)
        if name is None and row not in faulty:
            if filled:
                problems.append(f"第 {row} 行：没有名称 / row {row}: no name")
            else:
                quality.add("row_left_out", source=table.source, row=str(row), text=str(number))
    return keep, problems


def _identities(frame: pd.DataFrame, stem: str, kinds: list[tuple[str, ...]]) -> tuple[list[str], list[str]]:
    """Ids by the list's own code, else by row. One code for two rows is right only where they are of different kinds."""
    problems: list[str] = []
    seen: dict[tuple[str, str], list[int]] = defaultdict(list)
    for code, row, mine in zip(frame["code"], frame["source_row"], kinds, strict=True):
        if code is not None:
            for one in mine or ("",):
                seen[code, one].append(row)
    doubled = {(code, *rows): rows for (code, _), rows in seen.items() if len(rows) > 1}
    for (code, *_), rows in sorted(doubled.items(), key=lambda item: item[1]):
        listed = "、".join(str(row) for row in rows[:5])
        problems.append(
            f"第 {rows[0]} 行：编码“{str(code)[:40]}”重复（第 {listed} 行） / row {rows[0]}: the code is used in rows {listed}"
        )
    codes = frame["code"].tolist()
    identities = [
        f"file:{stem}:{row if code is None else code}" for code, row in zip(codes, frame["source_row"], strict=True)
    ]
    # a bare row number must not meet another row's code
    taken = Counter(code for code in codes if code is not None)
    identities = [
        f"file:{stem}:row{row}" if code is None and str(row) in taken else identity
        for identity, code, row in zip(identities, codes, frame["source_row"], strict=True)
    ]
    return identities, problems


def _by_kind(
    frame: pd.DataFrame,
    told: list[tuple[tuple[str, ...], str]],
    table: Sheet,
    found: Mapping[str, str],
    quality: Quality,
    catalogue: Catalogue,
) -> pd.DataFrame:
    """One row per kind; rows of no known kind are left out, each with a doubt, unless that leaves nothing."""
    kinds = [mine for mine, _ in told]
    shown = frame[["source_row", "name", "kind"]].itertuples(index=False)
    for (row, name, text), (mine, denied) in zip(shown, told, strict=True):
        if denied:
            word = catalogue.kinds[denied]
            key = "kind_denied" if mine else "kind_excluded"
            quality.add(key, source=table.source, row=str(row), name=name[:60], kind=(word.zh, word.en))
        elif not mine:
            quality.add("kind_unknown", source=table.source, row=str(row), name=name[:60], value=(text or "—")[:40])
    if not any(kinds):
        column = f"“{found['kind']}”" if "kind" in found else ""
        raise InputDataError(
            f"没有一行能判断设施类别{column} / no row tells what kind of facility it is",
            where=table.source,
            first=[
                f"第 {row} 行：{name[:40]} / row {row}"
                for row, name in frame[["source_row", "name"]].itertuples(index=False)
            ],
            todo="在配置中写明 kind（如 kindergarten），或加“类别”列 / state kind in the config, or add a column of kinds",
        )
    frame = frame.assign(source=table.source, kind=kinds).explode("kind").dropna(subset=["kind"])
    _note_twins(frame, quality, table.source)
    return frame[list(COLUMNS)].reset_index(drop=True)


def _note_twins(frame: pd.DataFrame, quality: Quality, source: str) -> None:
    """Rows with one name, address and kind: perhaps one facility entered twice. They are kept."""
    first: dict[tuple[str, str, str], int] = {}
    for name, address, kind, row in frame[["name", "address", "kind", "source_row"]].itertuples(index=False):
        key = (name, address or "", kind)
        if key in first:
            quality.add("row_twice", source=source, row=str(row), name=name[:60], other=str(first[key]))
        else:
            first[key] = row
