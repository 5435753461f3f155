"""`xiqing-space compare`: what differs between two runs, figure by figure, and which inputs and settings stand behind it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xiqing_space.catalog import Catalogue, load_catalogue
from xiqing_space.catalog.column_words import load_column_words
from xiqing_space.errors import InputDataError, InputFileError
from xiqing_space.provenance import read_json
from xiqing_space.schemas import TABLES

PROCESSED = "data/processed"
KEY = TABLES["indicators"].key
NUMBERS = ("value", "value_low", "value_high", "numerator", "denominator", "n_unknown")
TEXTS = ("verdict", "reason", "unit", "weight_kind", "threshold", "threshold_unit", "target", "status")
_PEOPLE = {"persons", "relative"}
STATES = {"changed": "改变", "not_comparable": "口径不同，不可比", "added": "新增", "gone": "消失", "same": "未变"}
_ORDER = {state: number for number, state in enumerate(STATES)}
_SETTLED = {"meets": 3, "below_recommended": 1, "fails_mandatory": 0}


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its figures and its record."""

    folder: Path
    indicators: pd.DataFrame
    record: dict[str, Any]

    @property
    def name(self) -> str:
        """How messages call it."""
        return str(self.folder)

    @property
    def area(self) -> str:
        """Name of the study area as configured."""
        return str(self.record.get("config", {}).get("area", {}).get("name", ""))


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    `rows`: every figure of either run (see `compare_indicators`); `behind`: settings, inputs and versions that differ, columns
    what, name, before, after; `warnings`: what a reader must know before any number, (Chinese, English).
    """

    before: Run
    after: Run
    rows: pd.DataFrame
    behind: pd.DataFrame
    warnings: tuple[tuple[str, str], ...]

    def count(self, state: str) -> int:
        """Figures in a state of `STATES`."""
        return int((self.rows["state"] == state).sum())


def read_run(folder: Path) -> Run:
    """Figures and record of a run.

    Parameters
    ----------
    folder : Path
        The --out folder of a run, or its data/processed.

    Raises
    ------
    InputFileError
        There is no finished run with figures.
    InputDataError
        Its files cannot be read.
    """
    home = folder / PROCESSED if (folder / PROCESSED).is_dir() else folder
    table, record = home / "indicators.parquet", home / "run.json"
    if missing := [path.name for path in (table, record) if not path.is_file()]:
        raise InputFileError(
            f"这里没有算完指标的运行结果，缺 {'、'.join(missing)} / no run with figures here: {', '.join(missing)} missing",
            where=str(folder), todo="给出 run 的 --out 文件夹 / name the --out folder of a run",
        )  # fmt: skip
    try:
        frame = pd.read_parquet(table)
    except (OSError, ValueError) as error:
        raise InputDataError(
            "指标表无法读取 / the table of figures cannot be read", where=str(table), todo="重新运行 / run again"
        ) from error
    frame = frame.assign(**{column: "" for column in ("variant",) if column not in frame})  # runs of earlier versions
    if lacking := [column for column in (*KEY, *NUMBERS, "weight_kind", "unit") if column not in frame]:
        raise InputDataError(
            "指标表缺少列，可能来自过早的版本 / the table of figures lacks columns: a version too old?",
            where=str(table), first=lacking, todo="用当前版本重新运行 / run it again with this version",
        )  # fmt: skip
    return Run(home.parent.parent if home != folder else folder, frame, read_json(record))


def compare_runs(before: Run, after: Run) -> Comparison:
    """Two runs figure by figure, and what stands behind the differences.

    A difference says that a figure moved, not why: a newer extract may only be better mapped.
    """
    rows = compare_indicators(before.indicators, after.indicators)
    return Comparison(before, after, rows, _behind(before.record, after.record), _warnings(before, after, rows))


def compare_indicators(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Every figure of two `indicators` tables side by side.

    Relative weights and persons are never held against each other: where one run has the one and the other the other, the rows
    are `not_comparable`, without differences.

    Returns
    -------
    DataFrame
        KEY, label_zh, label_en, zone_name, state (of `STATES`), note_zh, <column>_a and <column>_b for NUMBERS and TEXTS, and
        <number>_difference; sorted: new verdicts first, then the largest moves, the district before its zones.
    """
    sides = [_side(frame, end) for frame, end in ((before, "_a"), (after, "_b"))]
    both = sides[0].merge(sides[1], on=list(KEY), how="outer", indicator="which")
    only_b = (both["which"] == "right_only").to_numpy()
    for column in ("label_zh", "label_en", "zone_name"):
        both[column] = both[f"{column}_b"].where(both["which"] != "left_only", both[f"{column}_a"])
    gone = (both["which"] == "left_only").to_numpy()
    apart = ~(gone | only_b) & (both["weight_kind_a"] != both["weight_kind_b"]).to_numpy(dtype=bool)
    apart |= ~(gone | only_b) & (both["unit_a"] != both["unit_b"]).to_numpy(dtype=bool)
    moved = np.zeros(len(both), dtype=bool)
    for column in NUMBERS:
        a, b = (both[f"{column}{end}"].to_numpy(dtype=float) for end in ("_a", "_b"))
        moved |= ~((a == b) | (np.isnan(a) & np.isnan(b)))
        both[f"{column}_difference"] = np.where(apart | gone | only_b, np.nan, np.round(b - a, 9) + 0.0)
    for column in TEXTS:
        a, b = both[f"{column}_a"], both[f"{column}_b"]
        moved |= ~((a == b) | (a.isna() & b.isna())).to_numpy(dtype=bool)
    state = np.select([gone, only_b, apart, moved], ["gone", "added", "not_comparable", "changed"], "same")
    both["state"] = state
    both["note_zh"] = [_note(row) for row in both.to_dict("records")]
    return both.iloc[_ranked(both)].drop(columns="which").reset_index(drop=True)


def _side(frame: pd.DataFrame, end: str) -> pd.DataFrame:
    """One run's columns with its mark."""
    kept = frame.reindex(columns=[*KEY, "label_zh", "label_en", "zone_name", *NUMBERS, *TEXTS])
    return kept.rename(columns={column: f"{column}{end}" for column in kept.columns if column not in KEY})


def _note(row: dict[str, Any]) -> str:
    """What a reader must mind before the difference."""
    if row["state"] == "not_comparable":
        if {row["weight_kind_a"], row["weight_kind_b"]} == _PEOPLE:
            return "一次为人数、一次为相对权重：不可相减"
        return (
            f"计量不同（{row['unit_a']}、{row['weight_kind_a']} → {row['unit_b']}、{row['weight_kind_b']}）：不可相减"
        )
    notes = []
    if row["state"] == "changed":
        if _differs(row["threshold_a"], row["threshold_b"]):
            notes.append(f"限值 {row['threshold_a']:g} → {row['threshold_b']:g}：不是同一标准下的变化")
        if row["weight_kind_a"] == "relative" and _differs(row["numerator_a"], row["numerator_b"]):
            notes.append("分子分母为相对权重，不代表人数")
        if _is_missing(row["value_a"]) != _is_missing(row["value_b"]):
            notes.append("由数据不足变为有数值" if _is_missing(row["value_a"]) else "由有数值变为数据不足")
    return "；".join(notes)


def _is_missing(value: Any) -> bool:
    return value is None or value != value


def _differs(a: Any, b: Any) -> bool:
    return a != b and not (_is_missing(a) and _is_missing(b))


def _ranked(rows: pd.DataFrame) -> Any:
    """Positions of the rows: what changed first, and of that new verdicts, then shares by how far they moved."""
    state = rows["state"].map(_ORDER).to_numpy(dtype=float)
    a, b = (_texts(rows[f"verdict{end}"]) for end in ("_a", "_b"))
    verdict = np.where((state == 0) & (a != b), 0.0, 1.0)
    share = (rows["unit_a"] == "share").to_numpy(dtype=bool)
    size = np.nan_to_num(np.abs(rows["value_difference"].to_numpy(dtype=float)))
    relative = size / np.maximum(np.nan_to_num(np.abs(rows["value_a"].to_numpy(dtype=float))), 1.0)
    zones = (rows["zone_id"] != "*").to_numpy(dtype=float)
    names = [pd.factorize(_texts(rows[column]), sort=True)[0].astype(float) for column in KEY]
    return np.lexsort([*names[::-1], zones, -np.where(share, size, relative), verdict, state])


def _texts(column: pd.Series) -> Any:
    """Texts, empty where missing; a column without any may have any type."""
    return column.astype(object).where(column.notna(), "").to_numpy(dtype=object)


def _warnings(before: Run, after: Run, rows: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    found = []
    synthetic = [bool(run.record.get("synthetic")) for run in (before, after)]
    if any(synthetic):
        found.append(
            ("两次都是示例数据", "both runs are of the synthetic sample") if all(synthetic)
            else ("一次是示例数据、一次是真实数据：比较没有意义", "one run is of the synthetic sample and the other is not: nothing follows from a comparison")
        )  # fmt: skip
    if before.area != after.area:
        found.append((f"评估范围不同：{before.area} → {after.area}", f"the areas differ: {before.area} → {after.area}"))
    kinds = [set(run.indicators["weight_kind"]) & _PEOPLE for run in (before, after)]
    if kinds[0] != kinds[1]:
        found.append(
            ("一次为人数、一次为相对权重：以儿童计的指标并列给出，不相减", "one run counts persons, the other relative weights: figures of children stand side by side and are not subtracted")
        )  # fmt: skip
    elif "relative" in kinds[0]:
        found.append(
            (
                "两次都是相对权重：只能比较比例，分子分母不是人数",
                "both runs have relative weights: shares can be compared, numerators are no persons",
            )
        )
    if (rows["state"] == "not_comparable").any() and kinds[0] == kinds[1]:
        found.append(("部分指标计量不同，不可比", "some figures are in different units and cannot be compared"))
    return tuple(found)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """A nested record as names with dots."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _flat(value[key], f"{name}.{key}" if name else key)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for number, one in enumerate(value, 1):
            yield from _flat(one, f"{name}-{number}")
    else:
        yield name, value


def _behind(before: dict[str, Any], after: dict[str, Any]) -> pd.DataFrame:
    """Settings, inputs and versions that differ."""
    rows: list[tuple[str, str, str, str]] = []
    parts = [
        ("程序 program", {key: record.get(key) for key in ("version", "code")}, record.get("libraries", {}), record.get("config", {}))
        for record in (before, after)
    ]  # fmt: skip
    for what, at in (("程序 program", 1), ("程序库 library", 2), ("设置 setting", 3)):
        a, b = dict(_flat(parts[0][at])), dict(_flat(parts[1][at]))
        rows += [
            (what, key, _shown(a.get(key)), _shown(b.get(key)))
            for key in sorted(a.keys() | b.keys())
            if a.get(key) != b.get(key)
        ]
    files = [{one["role"]: one for one in record.get("inputs", [])} for record in (before, after)]
    for role in sorted(files[0].keys() | files[1].keys()):
        one, other = (side.get(role, {}) for side in files)
        if one.get("sha256") != other.get("sha256"):
            rows.append(("输入文件 input", role, _file(one), _file(other)))
    return pd.DataFrame(rows, columns=["what", "name", "before", "after"], dtype="str")


def _shown(value: Any) -> str:
    return "—" if value is None or value == "" else str(value)


def _file(record: dict[str, Any]) -> str:
    if not record:
        return "—"
    date = (
        f", {record['data_date']}" if record.get("data_date") else f", {record['date']}" if record.get("date") else ""
    )
    return f"{record['file']} ({record['sha256'][:12]}{date})"


def summary(found: Comparison, top: int = 20) -> list[str]:
    """The comparison as lines of text: warnings, what stands behind, counts, and the largest changes."""
    words, catalogue = load_column_words(), load_catalogue()
    lines = [f"前 A: {found.before.name}", f"后 B: {found.after.name}"]
    lines += [f"注意 / mind: {zh} / {en}" for zh, en in found.warnings]
    counts = "，".join(f"{zh} {found.count(state)}" for state, zh in STATES.items())
    lines.append(f"指标 figures: {counts}")
    if len(found.behind):
        lines.append(f"输入、设置与版本的不同 / inputs, settings and versions that differ: {len(found.behind)}")
        lines += [
            f"  {row.what}  {row.name}: {row.before} → {row.after}"
            for row in found.behind.itertuples(index=False, name="Behind")
        ]
    else:
        lines.append("输入、设置与版本相同 / same inputs, settings and version")
    changed = found.rows[found.rows["state"] != "same"]
    if len(changed):
        lines.append(f"主要变化（{min(top, len(changed))} / {len(changed)}）/ chief changes:")
        heads = ("状态", "指标", "分区", "前", "后", "差", "判定、说明")
        lines += _aligned([heads, *(_line(row, words, catalogue) for row in changed.head(top).to_dict("records"))])
        lines += [f"  * {note}" for note in dict.fromkeys(changed.head(top)["note_zh"]) if note]
    return lines


def _line(row: dict[str, Any], words: Any, catalogue: Catalogue) -> tuple[str, ...]:
    told = []
    for column, head in (("verdict", ""), ("reason", "说明：")):
        pair = [words.value(column, row[f"{column}{end}"], catalogue) for end in ("_a", "_b")]
        if row["state"] == "changed" and _differs(*pair):
            told.append(head + " → ".join("—" if _is_missing(one) else str(one) for one in pair))
    return (
        STATES[row["state"]], str(row["label_zh"]), str(row["zone_name"]), shown_number(row["value_a"], row["unit_a"]),
        shown_number(row["value_b"], row["unit_b"]), shown_number(row["value_difference"], row["unit_a"], sign=True), "；".join(told),
    )  # fmt: skip


def shown_number(value: Any, unit: Any, *, sign: bool = False) -> str:
    """A figure as text: shares in per cent, missing as a dash; with `sign` a difference, of shares in percentage points."""
    if _is_missing(value):
        return "—"
    if sign:
        if value == 0:
            return "0"
        return f"{100 * value:+.2f} 百分点" if unit == "share" else f"{value:+,.6g}"
    return f"{value:.1%}" if unit == "share" else f"{value:,.6g}"


def _width(text: str) -> int:
    """Columns of a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    cut = [[text if _width(text) <= 60 else text[:29] + "…" for text in row] for row in rows]
    widths = [max(_width(row[at]) for row in cut) for at in range(len(cut[0]))]
    return [
        "  " + "  ".join(text + " " * (widths[at] - _width(text)) for at, text in enumerate(row)).rstrip()
        for row in cut
    ]
