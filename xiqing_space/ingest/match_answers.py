"""待确认匹配表.xlsx read back: which answers hold, which are stale, and where each row of the list then lies."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xiqing_space.errors import InputDataError, InputFileError
from xiqing_space.ingest.match_workbook import (
    ACCEPTED_SHEET,
    ASK_SHEET,
    CHOICES,
    DATUMS,
    WORKBOOK,
    by_id,
    place_print,
    row_print,
)  # fmt: skip
from xiqing_space.ingest.matching import CANDIDATE_COLUMNS, PLACE_KINDS, ROW_COLUMNS
from xiqing_space.ingest.quality import Quality

MAX_MB, MAX_INFLATED_MB, MAX_LINES, MAX_COLUMNS = 50, 300, 200_000, 100
ANSWER_COLUMNS = ("row_id", "decision", "candidate_id", "lon", "lat", "datum", "note", "cell")
LOCATED_COLUMNS = ("row_id", "state", "candidate_id", "lon", "lat", "datum", "located_by", "confirmed", "score", "note")
FILLED = ("choice", "lon", "lat", "revoke", "note", "datum")  # cells that the office fills in
_NONE_WORDS = ("都不是", "none", "none of them", "0")
_UNSURE_WORDS = ("暂不确定", "不确定", "unsure", "not sure", "?")
_YES_WORDS = ("是", "y", "yes", "1", "撤销", "√")
_WRONG = "不是可用的 xlsx 工作簿 / not a usable xlsx workbook"
_TODO = f"请用本工具写出的{WORKBOOK}，填写后存为 xlsx / fill in the workbook that this tool wrote and save it as xlsx"
Line = dict[str, Any]


@dataclass(frozen=True)
class Decisions:
    """What the office answered.

    Attributes
    ----------
    answers : DataFrame
        row_id, decision (`matched`, `by_hand`, `none`, `unsure`, `revoked`), candidate_id, lon, lat, datum, note, cell; one line
        for each answered row, in the order of row_id. Coordinates are as typed, in `datum`.
    stale : DataFrame
        row_id, cell, reason_zh, reason_en: answers to rows or candidates that have changed since; they are not applied.
    """

    answers: pd.DataFrame
    stale: pd.DataFrame


def no_decisions() -> Decisions:
    """The answers of an office that has not been asked yet."""
    return Decisions(
        pd.DataFrame([], columns=list(ANSWER_COLUMNS)),
        pd.DataFrame([], columns=["row_id", "cell", "reason_zh", "reason_en"]),
    )


def read_match_workbook(path: Path, rows: pd.DataFrame, candidates: pd.DataFrame) -> Decisions:
    """Read the answers; lines and columns may have been sorted, filtered, moved or deleted.

    Parameters
    ----------
    rows, candidates : DataFrame
        Those of this run: an answer to a row or candidate that has changed since is stale.

    Raises
    ------
    InputFileError, InputDataError
        The file is missing, is no workbook, or holds answers that contradict each other or cannot be read; every such cell is
        named, and nothing is applied.
    """
    by_row, by_place = by_id(rows, ROW_COLUMNS, "row_id"), by_id(candidates, CANDIDATE_COLUMNS, "candidate_id")
    problems: list[str] = []
    stale: list[tuple[str, str, str, str]] = []
    given: dict[str, list[Line]] = {}
    for lines_of_sheet in _sheets(path, problems):
        blocks: dict[str, list[Line]] = {}
        for line in lines_of_sheet:
            blocks.setdefault(line["row_id"], []).append(line)
        for row_id, lines in blocks.items():
            for line in lines:
                if _said(line) and not _row_changed(line, by_row.get(row_id), stale):
                    answer = _answer(line, problems)
                    if answer is not None and _resolve(answer, line, lines, by_place, problems, stale):
                        given.setdefault(row_id, []).append(answer)
    answers = [one for row_id in sorted(given) if (one := _agree(given[row_id], problems)) is not None]
    if problems:
        raise InputDataError(
            f"有 {len(problems)} 处回答无法采用 / {len(problems)} answers cannot be used",
            where=path.name,
            first=sorted(problems),
            todo="改正所列单元格后重新运行 / mend the cells named and run again",
        )
    late = pd.DataFrame(sorted(set(stale)), columns=["row_id", "cell", "reason_zh", "reason_en"])
    return Decisions(pd.DataFrame(answers, columns=list(ANSWER_COLUMNS)), late)


def _sheets(path: Path, problems: list[str]) -> list[list[Line]]:
    """Lines of the two sheets, where they are there; the file is closed again."""
    book = _open(path)
    try:
        kinds = {one.title: _kind_of(one) for one in book.worksheets}
        found = [
            _lines(book[title], title, kind, problems, _unstored(path, title)) for title, kind in kinds.items() if kind
        ]
        if not found:
            raise InputDataError(
                f"没有“{ASK_SHEET}”或“{ACCEPTED_SHEET}”表，也没有表头含 [row_id] 的工作表 / no sheet of questions or of accepted rows",
                where=path.name, todo=_TODO,
            )  # fmt: skip
        return found
    except InputDataError:
        raise
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError, AttributeError) as error:
        raise InputDataError(_WRONG, where=path.name, todo=_TODO) from error
    finally:
        book.close()


def _open(path: Path) -> Any:
    """The workbook, its size looked at before anything is unpacked."""
    if not path.is_file():
        raise InputFileError("找不到文件 / there is no such file", where=path.name, todo="检查路径 / check the path")
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    todo = (
        f"请用本工具写出的{WORKBOOK}，填写后存为 xlsx / fill in the workbook that this tool wrote and save it as xlsx"
    )
    try:
        with zipfile.ZipFile(path) as archive:
            inflated = sum(item.file_size for item in archive.infolist())
        if path.stat().st_size <= MAX_MB * 2**20 and inflated <= MAX_INFLATED_MB * 2**20:
            return load_workbook(path, data_only=True, read_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, TypeError, SyntaxError) as error:
        raise InputDataError(
            "不是可用的 xlsx 工作簿 / not a usable xlsx workbook", where=path.name, todo=todo
        ) from error
    raise InputDataError("文件过大 / the file is too large", where=path.name, todo=_TODO)


def _keys_of(values: tuple[Any, ...]) -> dict[int, str]:
    """Keys by column position where a line is the header: titles end in [key]."""
    titles = {at: re.search(r"\[(\w+)\]\s*$", str(value or "")) for at, value in enumerate(values)}
    return {at: match[1] for at, match in titles.items() if match}


def _kind_of(sheet: Any) -> str:
    """Whether a sheet holds questions or accepted rows, by its name, else by its header: offices rename sheets."""
    sheet.reset_dimensions()  # WPS may state a wrong extent
    if sheet.title in (ASK_SHEET, ACCEPTED_SHEET):
        return str(sheet.title)
    for values in sheet.iter_rows(values_only=True, max_row=20, max_col=MAX_COLUMNS):
        keys = set(_keys_of(values).values())
        if "row_id" in keys and keys & {"revoke", "choice"}:
            return ACCEPTED_SHEET if "revoke" in keys else ASK_SHEET
    return ""


def _unstored(path: Path, title: str) -> set[tuple[int, int]]:
    """Line and position of cells whose formula has no stored result: such an answer would look like none."""
    from openpyxl import load_workbook

    book = load_workbook(path, data_only=False, read_only=True)
    try:
        sheet = book[title]
        sheet.reset_dimensions()
        lines = sheet.iter_rows(values_only=True, max_row=MAX_LINES + 1, max_col=MAX_COLUMNS)
        return {
            (number, at) for number, values in enumerate(lines, 1) for at, value in enumerate(values)
            if isinstance(value, str) and value.startswith("=")
        }  # fmt: skip
    finally:
        book.close()


def _lines(sheet: Any, title: str, kind: str, problems: list[str], formulas: set[tuple[int, int]]) -> list[Line]:
    """Lines of a sheet by key, each with the addresses of its cells; the header is looked for in the first twenty lines."""
    from openpyxl.utils import get_column_letter

    keys: dict[int, str] = {}
    found: list[Line] = []
    for number, values in enumerate(sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS), 1):
        if number > MAX_LINES:
            problems.append(f"{title}：超过 {MAX_LINES} 行 / more than {MAX_LINES} lines")
            break
        if not keys:
            keys = _keys_of(values)
            names = list(keys.values())
            problems += [f"{title}!{number}：列 [{one}] 出现两次 / column [{one}] stands there twice"
                         for one in sorted(set(names)) if names.count(one) > 1]  # fmt: skip
            if number > 20:
                break
            continue
        line: Line = {keys[at]: _plain(value) for at, value in enumerate(values) if at in keys}
        line["cells"] = {key: f"{title}!{get_column_letter(at + 1)}{number}" for at, key in keys.items()}
        problems += [
            f"{line['cells'][key]}：公式没有存下结果，请改为数值 / a formula without a stored result: write the value"
            for at, key in keys.items() if key in FILLED and (number, at) in formulas and not line[key]
        ]  # fmt: skip
        if line.get("row_id"):
            found.append(line)
        elif _said(line):
            problems.append(f"{title}!{number}：有回答而没有名录行号 / an answer without a row_id")
    needed = {"row_id", "rank", "candidate_id", "fingerprint"}
    needed |= {"revoke"} if kind == ACCEPTED_SHEET else {"choice", "lon", "lat", "datum"}
    if missing := needed - set(keys.values()):
        problems.append(f"{title}：缺少列 / columns are missing: {', '.join(sorted(missing))}")
        return []
    return found


def _plain(value: Any) -> str:
    """A cell as text: Excel gives 2 back as 2.0, and a full-width ２ is a 2."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return unicodedata.normalize("NFKC", str(value)).strip()[:500]


def _said(line: Line) -> bool:
    return any(line.get(key) for key in FILLED if key != "datum")


def _cell(line: Line, *keys: str) -> str:
    """Address of the first filled cell among `keys`, for messages."""
    cells = line["cells"]
    return str(next((cells[key] for key in keys if line.get(key)), next(iter(cells.values()))))


def _row_changed(line: Line, row: Any, stale: list[tuple[str, str, str, str]]) -> bool:
    """Whether the row of an answer is gone or has changed since; noted where it is."""
    if row is not None and line.get("fingerprint", "").partition("-")[0] == row_print(row):
        return False
    why = ("名录中已无此行", "the list no longer has this row") if row is None else (
        "名录中这一行已改动", "the row has changed in the list")  # fmt: skip
    stale.append((line["row_id"], _cell(line, "choice", "lon", "lat", "revoke", "note"), *why))
    return True


def _answer(line: Line, problems: list[str]) -> Line | None:
    """One line's answer; None where it is at fault (then noted)."""
    answer: Line = {
        "row_id": line["row_id"], "candidate_id": None, "lon": float("nan"), "lat": float("nan"), "datum": None,
        "note": line.get("note") or None, "cell": _cell(line, "choice", "lon", "lat", "revoke", "note"), "rank": "",
    }  # fmt: skip
    choice, revoke = line.get("choice", "").casefold(), line.get("revoke", "").casefold()
    if revoke and revoke not in _YES_WORDS:
        problems.append(f"{answer['cell']}：“{revoke[:20]}”不是“是” / is not 是")
        return None
    if revoke:
        return answer | {"decision": "revoked", "rank": line.get("rank", "")}
    if choice and choice not in (*CHOICES[:3], *_NONE_WORDS, *_UNSURE_WORDS):
        problems.append(f"{answer['cell']}：“{choice[:20]}”不是 {'/'.join(CHOICES)} 之一 / is none of the choices")
        return None
    if line.get("lon") or line.get("lat"):
        if choice in CHOICES[:3]:
            problems.append(
                f"{answer['cell']}、{_cell(line, 'lon', 'lat')}：既选了候选又填了坐标 / a candidate and coordinates"
            )
            return None
        place = _typed_place(line, problems)
        return None if place is None else answer | place | {"decision": "by_hand"}
    if choice in CHOICES[:3]:
        return answer | {"decision": "matched", "rank": choice}
    # a note alone is an open question with a remark
    return answer | {"decision": "none" if choice in _NONE_WORDS else "unsure"}


def _typed_place(line: Line, problems: list[str]) -> Line | None:
    """Coordinates written by hand, with the datum they must state."""
    cell = _cell(line, "lon", "lat")
    try:
        lon, lat = float(line.get("lon") or "nan"), float(line.get("lat") or "nan")
    except ValueError:
        lon = lat = float("nan")
    if not (np.isfinite(lon) and np.isfinite(lat) and -180 <= lon <= 180 and -90 <= lat <= 90):
        problems.append(f"{cell}：经纬度不完整或不是度 / longitude and latitude are not both given in degrees")
        return None
    datum = {name.casefold(): name for name in DATUMS}.get(line.get("datum", "").casefold())
    if datum is None:
        problems.append(f"{cell}：未注明坐标系 / the datum of the coordinates is not stated")
        return None
    return {"lon": lon, "lat": lat, "datum": datum}


def _resolve(
    answer: Line,
    line: Line,
    block: Sequence[Line],
    places: Any,
    problems: list[str],
    stale: list[tuple[str, str, str, str]],
) -> bool:
    """Put the candidate that a number means into the answer; False where it is not to be had (then noted)."""
    if answer["decision"] not in ("matched", "revoked"):
        return True
    meant = [one for one in block if one.get("rank") == answer["rank"] and one.get("candidate_id")]
    if not meant:
        problems.append(f"{answer['cell']}：没有候选 {answer['rank']} / there is no candidate {answer['rank']}")
        return False
    candidate_id = meant[0]["candidate_id"]
    place = places.get(candidate_id)
    if answer["decision"] == "matched" and (
        place is None or meant[0].get("fingerprint", "").partition("-")[2] != place_print(place)
    ):
        why = ("候选地点已改动或不再存在", "the candidate has changed or is gone")
        stale.append((line["row_id"], answer["cell"], *why))
        return False
    answer["candidate_id"] = candidate_id
    return True


def _agree(answers: list[Line], problems: list[str]) -> Line | None:
    """The one answer of a row; a contradiction is noted with every cell."""
    firm = [one for one in answers if one["decision"] != "unsure"] or answers
    # 都不是 beside coordinates says the same twice; a new place overrules the taking back of the old one
    overruled = {"matched": {"revoked"}, "by_hand": {"revoked", "none"}}
    beaten = {word for one in firm for word in overruled.get(one["decision"], ())}
    kept = sorted((one for one in firm if one["decision"] not in beaten), key=lambda one: str(one["cell"]))
    if (
        len({(one["decision"], one["candidate_id"], repr(one["lon"]), repr(one["lat"]), one["datum"]) for one in kept})
        > 1
    ):
        cells = "、".join(sorted(one["cell"] for one in answers))
        problems.append(f"{cells}：同一行的回答互相矛盾 / answers for one row contradict each other")
        return None
    notes = [one["note"] for one in sorted(answers, key=lambda one: str(one["cell"])) if one["note"]]
    return {key: kept[0][key] for key in ANSWER_COLUMNS} | {"note": "；".join(dict.fromkeys(notes)) or None}


def locate_rows(
    rows: pd.DataFrame, matches: pd.DataFrame, candidates: pd.DataFrame, decisions: Decisions
) -> pd.DataFrame:
    """Where each row of a list lies after the answers: every row is there, those without a place as `to_verify` (位置待核).

    A planner may not drop the rows to verify from a total: they exist, only their place is unknown.

    Parameters
    ----------
    rows, matches, candidates : DataFrame
        The list, `match_list`'s answer, and the places (WGS-84).
    decisions : Decisions
        `read_match_workbook`'s answers, or `no_decisions()`.

    Returns
    -------
    DataFrame
        `LOCATED_COLUMNS` in the order of row_id. `state`: `accepted` (by score), `confirmed` (by the office), `by_hand`
        (coordinates typed, in `datum`: convert them), `to_verify`. `located_by` is `matched` or `file`, missing where unlocated.
    """
    first = matches[(matches["rank"] == 1) & (matches["decided"] == "accepted")]
    taken = dict(zip(first["row_id"].astype(str), first["candidate_id"], strict=True))
    scores = {(str(a), b): c for a, b, c in matches[["row_id", "candidate_id", "score"]].itertuples(index=False)}
    places = by_id(candidates, CANDIDATE_COLUMNS, "candidate_id")
    answers = {one.row_id: one for one in decisions.answers.itertuples(index=False)}
    lines: list[tuple[Any, ...]] = []
    for row_id in sorted(rows["row_id"].astype(str)):
        answer, chosen, state = answers.get(row_id), taken.get(row_id), "accepted"
        note = answer.note if answer is not None else None
        if answer is not None and answer.decision == "by_hand":
            lines.append((row_id, "by_hand", None, answer.lon, answer.lat, answer.datum, "file", True, np.nan, note))
            continue
        if answer is not None and answer.decision == "matched":
            chosen, state = answer.candidate_id, "confirmed"
        elif answer is not None and answer.decision in ("revoked", "none"):
            chosen = None
        if chosen is None:
            lines.append((row_id, "to_verify", None, np.nan, np.nan, None, None, False, np.nan, note))
            continue
        place = places[str(chosen)]
        score = scores.get((row_id, chosen), np.nan)
        sure = state == "confirmed" and place.kind not in PLACE_KINDS
        lines.append((row_id, state, chosen, place.lon, place.lat, "WGS-84", "matched", sure, score, note))
    return pd.DataFrame(lines, columns=list(LOCATED_COLUMNS))


def note_answers(decisions: Decisions, source: str, quality: Quality) -> None:
    """Put stale answers into the quality collector."""
    for one in decisions.stale.itertuples(index=False):
        reason = (one.reason_zh, one.reason_en)
        quality.add("match_answer_stale", source=source, row=one.row_id, id=one.cell, reason=reason)
