"""Reads returned sheets back: answers to doubts, and corrections to facilities."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.checkup import CheckupRules
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.doubts import DOUBT_ID
from xiqing_space.ingest.survey_columns import FILL_COLUMNS, fold
from xiqing_space.ingest.survey_files import Line, read_lines

ANSWER_COLUMNS = ("doubt_id", "check", "owner_id", "answer", "note", "organisation", "source")
CORRECTION_COLUMNS = ("owner_id", "field", "value", "datum", "from", "source", "doubt_id")
NO_LONGER_COLUMNS = ("doubt_id", "answer", "source")
GATE_COLUMNS = ("owner_id", "lon", "lat", "datum", "source", "doubt_id")
GATES = "compound_gates_unknown"  # each line that answers it is one gate
FIELDS = ("name", "kind", "status", "operator", "capacity_places", "lon", "lat")
MAX_PLACES = 100_000
MAX_NAME = 100
_PREFILLED = ("what", "organisation")  # stand there although nobody answered
_SPLIT = re.compile(r"[、,，;；/|＋+]")


@dataclass(frozen=True)
class SurveyAnswers:
    """What departments returned.

    Attributes
    ----------
    answers : DataFrame
        `ANSWER_COLUMNS`: one row per doubt that was answered; `answer` is confirmed, wrong, unknown, or empty where only values
        or a remark were given. `source` is file, sheet and cell.
    corrections : DataFrame
        `CORRECTION_COLUMNS`: one row per facility and field of `FIELDS`, value as text; `datum` for lon and lat (degrees, as filled
        in). `kind` may hold several, joined by |.
    no_longer_asked : DataFrame
        `NO_LONGER_COLUMNS`: answers to doubts that are not raised any more.
    unanswered : int
        Rows that came back empty.
    gates : DataFrame
        `GATE_COLUMNS`: one row per gate of a compound, degrees as filled in. A row of the sheet that was copied is a further gate.
    """

    answers: pd.DataFrame
    corrections: pd.DataFrame
    no_longer_asked: pd.DataFrame
    unanswered: int = 0
    gates: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(GATE_COLUMNS), dtype=str))


@dataclass
class _Reply:
    """One line, understood."""

    doubt_id: str
    line: Line
    answer: str
    note: str
    organisation: str
    values: dict[str, tuple[str, str]] = field(default_factory=dict)  # field -> value, cell
    datum: str = ""

    @property
    def cell(self) -> str:
        return self.line.cell("answer")


def no_answers() -> SurveyAnswers:
    """What there is before anything was returned."""
    return SurveyAnswers(
        pd.DataFrame(columns=list(ANSWER_COLUMNS), dtype=str), pd.DataFrame(columns=list(CORRECTION_COLUMNS), dtype=str),
        pd.DataFrame(columns=list(NO_LONGER_COLUMNS), dtype=str),
    )  # fmt: skip


def read_survey(
    paths: Sequence[Path],
    asked: pd.DataFrame,
    facilities: pd.DataFrame,
    catalogue: Catalogue,
    rules: CheckupRules,
    *,
    datum: str | None = None,
    bounds: tuple[float, float, float, float] | None = None,
) -> SurveyAnswers:
    """Answers and corrections of returned sheets, however they were sorted, filtered, renamed or split.

    A department's answer is a statement, not a proof: what it corrects carries `from` survey.

    Parameters
    ----------
    paths : sequence of Path
        Returned .xlsx files. A row is known by its 疑点编号; columns by their titles.
    asked : DataFrame
        Of `build_returns`, from the doubts as they stand before any correction.
    facilities : DataFrame
        The table that corrections are for, to see answers that contradict it.
    datum : str, optional
        Datum of coordinates whose row states none.
    bounds : (west, south, east, north), optional
        Degrees in which every position must lie, whatever its datum; leave a margin.

    Raises
    ------
    InputDataError
        Some cells cannot be understood, contradict each other, or files cannot be read: all of them in one message.
    """
    reader = _Reader(asked, facilities, catalogue, rules, datum, bounds)
    for path in sorted(paths, key=lambda one: (one.name, str(one))):
        for line in read_lines(path, reader.problems):
            reader.take(line)
    answers = reader.finish()
    if reader.problems:
        raise InputDataError(
            f"回执中有 {len(reader.problems)} 处需要改正 / {len(reader.problems)} places in the returned sheets need correcting",
            where="、".join(sorted({path.name for path in paths})),
            first=reader.problems,
            todo="按单元格改正后重新运行；未填的行不受影响 / correct these cells and run again; rows left empty do no harm",
        )
    return answers


class _Reader:
    """Collects replies and problems over all files."""

    def __init__(
        self, asked: pd.DataFrame, facilities: pd.DataFrame, catalogue: Catalogue, rules: CheckupRules,
        datum: str | None, bounds: tuple[float, float, float, float] | None,
    ) -> None:  # fmt: skip
        self.asked = {one.doubt_id: one for one in asked.itertuples(index=False)}
        self.facilities = {one.facility_id: one for one in facilities.itertuples(index=False)}
        self.words = {
            group: {fold(word): value for value, words in table.items() for word in (value, *words)}
            for group, table in rules.words.items()
        }
        self.kinds = {
            fold(part): kind.id
            for kind in catalogue.kinds.values()
            for part in (kind.id, kind.en, kind.zh, *re.split("[／/]", kind.zh))
        }
        self.datum, self.bounds = datum, bounds
        self.problems: list[str] = []
        self.replies: list[_Reply] = []
        self.gone: list[tuple[str, str, str]] = []
        self.gates: list[tuple[str, ...]] = []
        self.unanswered = 0

    def take(self, line: Line) -> None:
        """Understand one line."""
        texts = line.texts
        identity = unicodedata.normalize("NFKC", texts.get("doubt_id", "")).strip()
        filled = [key for key, *_ in FILL_COLUMNS if texts.get(key) and key not in _PREFILLED]
        if not filled:
            self.unanswered += bool(DOUBT_ID.fullmatch(identity))
            return
        if not DOUBT_ID.fullmatch(identity):
            what = "疑点编号为空" if not identity else f"疑点编号“{identity[:30]}”不完整"
            what_en = "no doubt id" if not identity else "the doubt id is not whole"
            self._problem(line, "doubt_id", f"{what}，无法对应", f"{what_en}: the row cannot be told")
            return
        row = self.asked.get(identity)
        if row is None:
            self.gone.append((identity, texts.get("answer", ""), line.cell("answer")))
            return
        answer = self._word(line, "answer", "answer")
        reply = _Reply(identity, line, answer, texts.get("note", ""), texts.get("organisation", ""))
        self._values(line, row, reply)
        if row.check == GATES:
            self._gate(row, reply)
        if row.owner_id not in self.facilities and reply.values:
            told = "；".join(f"{key}={value}" for key, (value, _) in sorted(reply.values.items()))
            reply.note, reply.values = "；".join(filter(None, (reply.note, told))), {}
        self._contradiction(row, reply)
        self.replies.append(reply)

    def _problem(self, line: Line, key: str, zh: str, en: str) -> None:
        self.problems.append(f"{line.cell(key)}：{zh} / {en}")

    def _word(self, line: Line, key: str, group: str) -> str:
        """What a word of a cell means; empty where the cell is, or the word is not known (then noted)."""
        text = line.texts.get(key, "")
        if not text:
            return ""
        found = self.words[group].get(fold(text))
        if found is None:
            known = "、".join(words[0] for words in self._first_words(group))
            self._problem(line, key, f"“{text[:30]}”不认识，请填 {known}", f'"{text[:30]}" is not known; use {known}')
        return found or ""

    def _first_words(self, group: str) -> list[list[str]]:
        table: dict[str, list[str]] = {}
        for word, value in self.words[group].items():
            table.setdefault(value, []).append(word)
        return [words[1:] or words for words in table.values()]

    def _values(self, line: Line, row: Any, reply: _Reply) -> None:
        """The corrections of a line, checked one by one."""
        for key in ("status", "operator"):
            if value := self._word(line, key, key):
                self._put(reply, key, value, key)
        if text := line.texts.get("capacity_places", ""):
            self._parsed(line, "capacity_places", text, "capacity_places", reply)
        if text := line.texts.get("value", ""):
            what = self._word(line, "what", "field")
            asked = row.fields.split("|") if row.fields else []
            target = what or (asked[0] if len(asked) == 1 else "")
            if not target and not line.texts.get("what", "") and row.owner_id:
                self._problem(
                    line, "what", "填了“更正值”而未选“更正项目”", "更正值 without 更正项目: what is corrected?"
                )
            elif target == "place":
                self._problem(
                    line, "value", "位置请填在“经度”“纬度”“坐标系”栏", "a place goes into 经度, 纬度 and 坐标系"
                )
            elif target:
                self._parsed(line, target, text, "value", reply)
            elif not row.owner_id:
                reply.values["value"] = (text, line.cell("value"))
        self._place(line, reply)

    def _put(self, reply: _Reply, name: str, value: str, key: str) -> None:
        cell = reply.line.cell(key)
        if name in reply.values and reply.values[name][0] != value:
            other = reply.values[name][1]
            self.problems.append(f"{cell} 与 {other} 不一致 / {cell} and {other} do not agree")
        reply.values[name] = (value, cell)

    def _parsed(self, line: Line, name: str, text: str, key: str, reply: _Reply) -> None:
        """A free cell as a value of a field."""
        plain = unicodedata.normalize("NFKC", text).strip()
        if name == "capacity_places":
            number = re.sub(r"(个|人|名|座|学位|托位|位)+$", "", plain.replace(",", "")).strip()
            if not re.fullmatch(r"\d{1,6}", number) or int(number) >= MAX_PLACES:
                self._problem(line, key, f"学位数“{text[:20]}”不是整数", f'places "{text[:20]}" are no whole number')
                return
            self._put(reply, name, str(int(number)), key)
        elif name == "kind":
            parts = [fold(part) for part in _SPLIT.split(text) if part.strip()]
            if not parts or not set(parts) <= set(self.kinds):
                self._problem(line, key, f"类别“{text[:30]}”不认识", f'kind "{text[:30]}" is not known')
                return
            self._put(reply, name, "|".join(dict.fromkeys(self.kinds[part] for part in parts)), key)
        elif name == "name":
            if len(text) > MAX_NAME:
                self._problem(line, key, f"名称超过 {MAX_NAME} 字", f"a name of more than {MAX_NAME} characters")
                return
            self._put(reply, name, text, key)
        else:
            found = self.words[name].get(fold(text))
            if found is None:
                self._problem(line, key, f"“{text[:30]}”不认识", f'"{text[:30]}" is not known')
                return
            self._put(reply, name, found, key)

    def _place(self, line: Line, reply: _Reply) -> None:
        """Longitude and latitude: both, in degrees, with a datum, in the district's surroundings."""
        texts = {key: unicodedata.normalize("NFKC", line.texts.get(key, "")).rstrip("°度 ") for key in ("lon", "lat")}
        if not any(texts.values()):
            return
        numbers = [_degree(texts[key]) for key in ("lon", "lat")]
        if any(number is None for number in numbers):
            key = "lon" if numbers[0] is None else "lat"
            self._problem(
                line,
                key,
                "经度、纬度须同时填写，用十进制度",
                "longitude and latitude are needed both, in decimal degrees",
            )
            return
        lon, lat = numbers
        assert lon is not None
        assert lat is not None
        if not _within(lon, lat, self.bounds):
            turned = _within(lat, lon, self.bounds)
            why = ("经度与纬度写反了", "longitude and latitude are the wrong way round") if turned else (
                "不在评估范围附近", "not near the study area")  # fmt: skip
            self._problem(line, "lon", f"{lon:g}, {lat:g} {why[0]}", why[1])
            return
        datum = self._word(line, "datum", "datum") if line.texts.get("datum") else self.datum or ""
        if not datum:
            if not line.texts.get("datum"):
                self._problem(
                    line,
                    "datum",
                    "填了经纬度而未注明坐标系（高德、腾讯为 GCJ-02，百度为 BD-09）",
                    "coordinates without a datum",
                )
            return
        reply.datum = datum
        self._put(reply, "lon", repr(lon), "lon")
        self._put(reply, "lat", repr(lat), "lat")

    def _gate(self, row: Any, reply: _Reply) -> None:
        """A place that is a gate: two of them are two gates, no contradiction."""
        if {"lon", "lat"} <= set(reply.values):
            (lon, cell), (lat, _) = reply.values.pop("lon"), reply.values.pop("lat")
            gate = (row.owner_id, lon, lat, reply.datum, cell, reply.doubt_id)
            if not any(one[:4] == gate[:4] for one in self.gates):
                self.gates.append(gate)
            reply.datum = ""

    def _contradiction(self, row: Any, reply: _Reply) -> None:
        """属实 beside another value than the one that is recorded."""
        facility = self.facilities.get(row.owner_id)
        if reply.answer != "confirmed" or facility is None:
            return
        for name, (value, cell) in sorted(reply.values.items()):
            if name in ("lon", "lat"):
                continue
            recorded = getattr(facility, name)
            recorded = "" if pd.isna(recorded) or recorded == "unknown" else recorded
            recorded = f"{recorded:g}" if isinstance(recorded, float) else str(recorded)
            unsure = name == "kind" and recorded == "school_unknown_level"
            if recorded and not unsure and recorded != value:
                self.problems.append(
                    f"{reply.cell}：答复为“属实”，但 {cell} 另填了不同的值 / 属实, yet {cell} gives another value"
                )

    def finish(self) -> SurveyAnswers:
        """Replies of one doubt put together; contradictions between sheets and between rows noted with both cells."""
        merged: dict[str, _Reply] = {}
        for reply in sorted(self.replies, key=lambda one: (one.doubt_id, one.line.file, one.line.sheet, one.line.row)):
            first = merged.setdefault(reply.doubt_id, reply)
            if first is not reply:
                self._merge(first, reply)
        rows = [self._answer(one) for one in merged.values()]
        corrections = [line for one in merged.values() for line in self._corrections(one)]
        return SurveyAnswers(
            pd.DataFrame(rows, columns=list(ANSWER_COLUMNS), dtype=str),
            self._agreed(pd.DataFrame(corrections, columns=list(CORRECTION_COLUMNS), dtype=str)),
            pd.DataFrame(sorted(self.gone), columns=list(NO_LONGER_COLUMNS), dtype=str),
            self.unanswered,
            pd.DataFrame(sorted(self.gates), columns=list(GATE_COLUMNS), dtype=str),
        )

    def _merge(self, first: _Reply, other: _Reply) -> None:
        if first.answer and other.answer and first.answer != other.answer:
            self.problems.append(
                f"{first.cell} 与 {other.cell} 对同一疑点答复不同 / two different answers to one doubt"
            )
        for name, (value, cell) in sorted(other.values.items()):
            if name in first.values and first.values[name][0] != value:
                self.problems.append(f"{first.values[name][1]} 与 {cell} 的值不同 / two different values for one doubt")
            first.values.setdefault(name, (value, cell))
        if first.datum and other.datum and first.datum != other.datum:
            self.problems.append(
                f"{first.line.cell('datum')} 与 {other.line.cell('datum')} 坐标系不同 / two datums for one place"
            )
        first.answer, first.datum = first.answer or other.answer, first.datum or other.datum
        first.organisation = first.organisation or other.organisation
        if other.note and other.note not in first.note:
            first.note = "；".join(filter(None, (first.note, other.note)))

    def _answer(self, reply: _Reply) -> tuple[str, ...]:
        row = self.asked[reply.doubt_id]
        return (reply.doubt_id, row.check, row.owner_id, reply.answer, reply.note, reply.organisation, reply.cell)

    def _corrections(self, reply: _Reply) -> list[tuple[str, ...]]:
        owner = self.asked[reply.doubt_id].owner_id
        return [
            (owner, name, value, reply.datum if name in ("lon", "lat") else "", "survey", cell, reply.doubt_id)
            for name in FIELDS if name in reply.values
            for value, cell in (reply.values[name],)
        ]  # fmt: skip

    def _agreed(self, corrections: pd.DataFrame) -> pd.DataFrame:
        """One value per facility and field, though several doubts may have asked for it."""
        corrections = corrections.sort_values(["owner_id", "field", "source"], kind="stable", ignore_index=True)
        for (_, _), group in corrections.groupby(["owner_id", "field"], sort=True):
            if group[["value", "datum"]].drop_duplicates().shape[0] > 1:
                cells = " 与 ".join(group.drop_duplicates(["value", "datum"])["source"])
                self.problems.append(f"{cells} 对同一设施给出不同的值 / different values for one facility")
        # every doubt keeps its line, so that each is known to be answered
        return corrections


def _degree(text: str) -> float | None:
    if not re.fullmatch(r"-?\d{1,3}(\.\d+)?", text):
        return None
    return float(text)


def _within(lon: float, lat: float, bounds: tuple[float, float, float, float] | None) -> bool:
    west, south, east, north = bounds or (-180.0, -90.0, 180.0, 90.0)
    return west <= lon <= east and south <= lat <= north
