"""People per 街镇 or 社区 from a table's text: numbers read, names reconciled, totals checked."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.ages import CHILD_YEARS, ambiguous_age, read_age_group, years_from_groups
from xiqing_space.ingest.counts import plain, read_count
from xiqing_space.ingest.membership import (
    KINDS,
    PREFIXES,
    RENAMED,
    core_name,
    plain_name,
    reconcile_names,
    settlement_of,
)
from xiqing_space.ingest.people_sources import COUNTED, SLACK, Basis, CompoundPeople, DistrictPeople, ZonePeople
from xiqing_space.ingest.quality import Quality

TOTAL_WORDS = {"合计", "总计", "总数", "共计", "小计", "全区", "全区合计", "合计数", "total", "sum"}
_PLAN_COUNT = (0, 18)


_TOTAL_END = re.compile(r".*(?:合计|总计|共计|总数|小计)(?:[(（].*)?")
_WAN_BELOW = 1000.0  # persons: a table of zones none of which reaches this, with broken numbers, is in 万人
_LEAST_SHARE = 0.01  # of the people: fewer are 0–17 in no district; such age columns hold shares
_MANY = 1000.0  # persons, from which on that can be said


def _total_word(value: Any, district: Collection[str] = ()) -> bool:
    """Whether a name says that its row is a sum: 合计, 西青区合计, or the district's own name."""
    text = re.sub(r"[\s:：]", "", plain(value)).lower()
    return text in TOTAL_WORDS or bool(_TOTAL_END.fullmatch(text)) or text in {plain(one).lower() for one in district}


def read_counts(
    rows: pd.DataFrame, source: str, quality: Quality, fields: tuple[str, ...]
) -> tuple[pd.DataFrame, list[str]]:
    """Numbers of a table's text columns, and what is wrong with them, each with its row.

    Parameters
    ----------
    rows : DataFrame of text
        `row`, any of `fields`, and age columns by their own headings (`0-2岁`, `3岁`, `14岁及以下`).
    source : str
    quality : Quality
        Gets each column that looks like an age group and is none.
    fields : tuple of str
        Known columns of counts.
    """
    problems: list[str] = []
    wanted: dict[str, str] = {}
    for column in map(str, rows.columns):
        shown = plain(column, 40)
        if column in fields or read_age_group(column):
            wanted[column] = shown
        elif ambiguous_age(column):
            problems.append(
                f"列“{shown}”未说明是否含本数，请写作 0-17岁 或 0-18岁 / column {shown!r}: write 0-17岁 or 0-18岁"
            )
        elif re.search(r"岁|年龄|\bage|儿童|未成年|少儿|幼儿|人口", column.lower()):
            quality.add("people_column_unused", source=source, id=shown, column=shown)
    groups: dict[tuple[int, int], str] = {}
    for column, shown in wanted.items():
        group = read_age_group(column)
        if group and group in groups:
            problems.append(f"年龄组重复：“{groups[group]}”与“{shown}” / two columns of one age group: {shown!r}")
        elif group:
            groups[group] = shown
    problems += _crossing(groups)
    numbers: dict[str, list[float]] = {column: [] for column in wanted}
    for place, one in enumerate(rows.to_dict("records")):
        for column, shown in wanted.items():
            value, fault = read_count(one.get(column))
            numbers[column].append(value)
            if fault:
                row = one.get("row", place + 2)
                problems.append(f"第 {row} 行“{shown}” / row {row}, {shown!r}: {fault}")
    frame = pd.DataFrame(numbers, dtype=np.float64, index=range(len(rows)))
    frame.insert(
        0,
        "row",
        [str(one) for one in rows["row"]] if "row" in rows.columns else [str(one + 2) for one in range(len(rows))],
    )
    return frame, problems


def _crossing(groups: Mapping[tuple[int, int], str]) -> list[str]:
    """Age groups that share years while neither holds the other: 0–3岁 beside 3–6岁 would count a year twice, or mean 0–2 and 3–5."""
    ordered = sorted(one for one in groups if one[0] < CHILD_YEARS)
    return [
        f"年龄组“{groups[one]}”与“{groups[other]}”都含 {other[0]} 岁，请写作不重叠的年龄（0-2岁、3-5岁）/ "
        f"age groups {groups[one]!r} and {groups[other]!r} both hold age {other[0]}: write ages that do not overlap"
        for place, one in enumerate(ordered) for other in ordered[place + 1 :]
        if one[0] < other[0] <= one[1] < other[1]
    ]  # fmt: skip


def _check_basis(rows: pd.DataFrame, basis: Basis, problems: list[str]) -> None:
    for column, stated in (("counted", basis.counted), ("base_year", str(basis.base_year))):
        if column not in rows.columns:
            continue
        for place, one in enumerate(rows[column].tolist()):
            text = plain(one).removesuffix("年").removesuffix(".0")
            found = COUNTED.get(text.lower(), text) if column == "counted" else text
            if text and found != stated:
                row = rows["row"].iloc[place] if "row" in rows.columns else place + 2
                problems.append(f"第 {row} 行 / row {row}: {column} = {text[:20]}, 配置为 / configured: {stated}")


def read_zone_people(
    rows: pd.DataFrame, source: str, basis: Basis, zones: pd.DataFrame, quality: Quality, *,
    aliases: pd.DataFrame | None = None, district_names: Collection[str] = PREFIXES,
) -> tuple[ZonePeople, DistrictPeople | None]:  # fmt: skip
    """People per zone, and of the district where the table has a row of totals.

    Parameters
    ----------
    rows : DataFrame of text
        `row` (as the file numbers it); `town` (街镇; a zone_id will do), `community`; `pop_total`, `households`; age columns by
        their own headings; optional `counted` and `base_year`, which must then agree with `basis`.
    source : str
        File, for messages.
    basis : Basis
    zones : DataFrame
        zone_id, name, parent_id.
    quality : Quality
    aliases : DataFrame, optional
        See `reconcile_names`.
    district_names : collection of str
        Names of the whole area: a row of that name is a row of totals, unless a zone has it.

    Raises
    ------
    InputDataError
        Every problem of the table: text that is no count, rows without a figure, rows given twice (by whatever name), headings
        that leave open whether a year counts, age groups that cross, figures in 万人 or per cent that are taken for persons,
        another way of counting or year; and every problem of the alias table.

    Notes
    -----
    A 街镇's own row beside rows of its 社区 is not added to them: where 街镇 are the zones, it is checked and the 社区 count.
    A 0–18 count stands beside the 0–17 sum with a note; the two are never taken for each other.
    """
    numbers, problems = read_counts(rows, source, quality, ("pop_total", "households"))
    _check_basis(rows, basis, problems)
    figures = [one for one in numbers.columns if one != "row"]
    if not figures:
        problems.append("没有人口、户数或年龄列 / there is no column of people, households or ages")
    names = pd.DataFrame({"row": numbers["row"], **{
        one: rows[one].map(plain).to_numpy() if one in rows.columns else "" for one in ("town", "community")
    }})  # fmt: skip
    blank = (names[["town", "community"]] == "").all(axis=1) & numbers[figures].isna().all(axis=1)
    district = set(district_names) - set(zones["zone_id"]) - set(zones["name"].dropna())
    named = {
        one: names[one].map(lambda name: _total_word(name, district)).astype(bool) for one in ("town", "community")
    }
    whole = named["town"] | ((names["town"] == "") & named["community"])
    names.loc[named["community"], "community"] = ""
    for place in np.flatnonzero(~blank & numbers[figures].isna().all(axis=1)).tolist() if figures else []:
        at = numbers["row"].iloc[place]
        problems.append(f"第 {at} 行 / row {at}: 没有任何人数（缺失不等于零）/ no figure at all; missing is not zero")
    body = ~blank & ~whole
    for (town, community), group in names[body].groupby(["town", "community"]):
        if len(group) > 1:
            at = ", ".join(group["row"])
            problems.append(f"第 {at} 行重复：{town} {community} / rows {at} name the same place")
    if int(whole.sum()) > 1:
        problems.append(f"合计行不止一行 / more than one row of totals: {', '.join(names['row'][whole])}")
    if not body.any():
        problems.append("没有分区行 / there are no rows of zones")
    problems += _no_persons(numbers[body], figures)
    if problems:
        raise InputDataError("人口表有误 / the people table is at fault", where=source, first=problems,
                             todo="改正这些行或列后重试 / correct these rows or columns")  # fmt: skip
    reconciled = reconcile_names(names[body], zones, aliases, quality, source=source)
    if reconciled.alias_problems:
        raise InputDataError("名称变更表有误 / the table of old and new names is at fault", where=source,
                             first=reconciled.alias_problems, todo="改正变更表的这些行 / correct these rows of that table")  # fmt: skip
    found = reconciled.mapping
    _refuse_twice(found, zones, source, aliases)
    frame = numbers[body].reset_index(drop=True).assign(
        **{one: found[one].to_numpy() for one in ("zone_id", "unplaced", "reason", "community", "how")}
    )  # fmt: skip
    frame = frame[frame["how"] != "outside"].reset_index(drop=True)
    total = numbers[whole].reset_index(drop=True)
    differing = _check_totals(frame, total, figures, source, quality)
    every_zone = set(zones["zone_id"]) <= set(frame["zone_id"])
    frame = _without_town_rows(frame, figures, zones, source, quality)
    _note_plan_count(frame, figures, source, quality)
    _note_noughts(frame, source, quality)
    kept = ["zone_id", "row", *figures, "unplaced", "reason"]
    of_district = None
    if len(total):
        # where every zone is told, a sum that differs from them is a slip, and nobody more to be placed
        stated = {one: float(total[one].iloc[0]) for one in figures
                  if not math.isnan(total[one].iloc[0]) and not (every_zone and one in differing)}  # fmt: skip
        of_district = DistrictPeople(stated, basis, source) if stated else None
    return ZonePeople(frame[kept], basis, source), of_district


def _no_persons(numbers: pd.DataFrame, figures: list[str]) -> list[str]:
    """Figures that can be no persons: totals in 万人, age columns in per cent or as shares."""
    problems = []
    total = numbers["pop_total"].to_numpy() if "pop_total" in figures else np.full(len(numbers), np.nan)
    known = total[~np.isnan(total)]
    if len(known) and known.max() < _WAN_BELOW and (known != np.floor(known)).any():
        problems.append(
            f"总人口最大为 {known.max():g} 且有小数，像是以万人为单位，请把单位写进表头，如 常住人口（万人） / "
            f"the largest total is {known.max():g}, with decimals: if it is in 万人, say so in the header"
        )
    groups = {column: group for column in figures if (group := read_age_group(column))}
    if groups and len(known):
        years = years_from_groups(list(groups.values()), numbers[list(groups)].to_numpy(dtype=np.float64)).count
        full = ~np.isnan(years).any(axis=1) & ~np.isnan(total)
        children, people = math.fsum(years[full].ravel().tolist()), math.fsum(total[full].tolist())
        if people >= _MANY and 0 < children < _LEAST_SHARE * people:
            problems.append(
                f"0–17 岁合计 {children:g} 人，不足总人口 {people:g} 的 1%，像是百分比，请填人数 / "
                f"0–17 add up to {children:g} of {people:g} people: less than 1 %; state persons, not shares"
            )
    return problems


def _refuse_twice(found: pd.DataFrame, zones: pd.DataFrame, source: str, aliases: pd.DataFrame | None) -> None:
    """Two rows that are one place by another spelling or its old name: its people would count twice. Zones that were joined do add up."""
    own = found[(found["community"] == "") & found["how"].isin(["id", "exact", "suffix"])]
    label = dict(zip(zones["zone_id"], zones["name"], strict=True))
    twice = [
        f"第 {'、'.join(group['row'])} 行都是“{label.get(zone) or zone}” / rows {', '.join(group['row'])} are one zone: {zone}"
        for zone, group in own.groupby("zone_id") if len(group) > 1
    ]  # fmt: skip
    twice += _one_community(found) + _old_beside_new(found, aliases)
    if twice:
        raise InputDataError("人口表有误 / the people table is at fault", where=source, first=twice,
                             todo="合并或删去重复的行 / merge these rows, or remove one")  # fmt: skip


def _one_community(found: pd.DataFrame) -> list[str]:
    """Rows of one 街镇 whose 社区 differ in their suffix alone (甲社区, 甲社区居委会); a 村 and a 社区 of one name are two."""
    inner = found[(found["community"] != "") & (found["how"] != "outside")]
    cores = [core_name(one) for one in inner["community"]]
    kinds = [settlement_of(one) for one in inner["community"]]
    groups: dict[tuple[str, str, str], list[tuple[str, str, str | None]]] = {}
    for row, zone, town, name, core, kind in zip(
        inner["row"], inner["zone_id"], inner["town"], inner["community"], cores, kinds, strict=True
    ):
        groups.setdefault((str(zone), str(town), core), []).append((row, name, kind))
    return [
        f"第 {'、'.join(row for row, *_ in same)} 行像是同一社区：{'、'.join(name for _, name, _ in same)} / "
        f"rows {', '.join(row for row, *_ in same)} seem to be one community"
        for same in groups.values() if len(same) > 1 and len({kind for *_, kind in same if kind}) < 2
    ]  # fmt: skip


def _old_beside_new(found: pd.DataFrame, aliases: pd.DataFrame | None) -> list[str]:
    """A renamed place that has a row under either name."""
    if aliases is None or not len(aliases):
        return []
    rows = {plain_name(name): row for row, town, community in found[["row", "town", "community"]].itertuples(index=False)
            if (name := community or town)}  # fmt: skip
    problems = []
    for one in aliases.to_dict("records"):
        old, new = plain_name(one.get("old")), plain_name(one.get("new"))
        if KINDS.get(plain(one.get("kind")).lower()) in RENAMED and old in rows and new in rows and old != new:
            problems.append(
                f"第 {rows[old]}、{rows[new]} 行是同一地方的旧名“{old}”与新名“{new}” / "
                f"rows {rows[old]} and {rows[new]} are the old and the new name of one place"
            )
    return problems


def _note_noughts(frame: pd.DataFrame, source: str, quality: Quality) -> None:
    """A nought is taken as stated, and said: it often stands for a figure that nobody had."""
    if "pop_total" in frame.columns:
        for row, zone in frame.loc[frame["pop_total"] == 0, ["row", "zone_id"]].itertuples(index=False):
            quality.add("people_nought", source=source, row=str(row), id=str(zone), zone=str(zone))


def _differ(
    parts: pd.DataFrame, stated: Any, figures: list[str], source: str, key: str, quality: Quality
) -> set[str]:  # fmt: skip
    found = set()
    for column in figures:
        held = math.fsum(parts[column]) if len(parts) else math.nan
        if abs(held - stated[column]) > SLACK:
            found.add(column)
            quality.add("people_totals_differ", source=source, id=key, column=plain(column, 40), parts=f"{held:.0f}",
                        total=f"{stated[column]:.0f}")  # fmt: skip
    return found


def _check_totals(
    frame: pd.DataFrame, total: pd.DataFrame, figures: list[str], source: str, quality: Quality
) -> set[str]:  # fmt: skip
    """The row of totals against the rows: towns where every town has a row of its own, else all rows; which columns differ."""
    if not len(total):
        return set()
    towns = frame[frame["community"] == ""]
    inner = frame[frame["community"] != ""]
    parts = (
        towns if len(towns) and set(inner["zone_id"]) <= set(towns["zone_id"]) else frame if not len(towns) else None
    )
    return set() if parts is None else _differ(parts, total.iloc[0], figures, source, "*", quality)


def _without_town_rows(
    frame: pd.DataFrame, figures: list[str], zones: pd.DataFrame, source: str, quality: Quality
) -> pd.DataFrame:
    """Where zones are 街镇 and a 街镇 has rows of 社区, its own row is a check and no further people."""
    above = set(zones["parent_id"].dropna()) if "parent_id" in zones.columns else set()
    drop = []
    for zone, group in frame[~frame["unplaced"]].groupby("zone_id"):
        own = group[group["community"] == ""]
        inner = group[group["community"] != ""]
        if zone not in above and len(own) and len(inner):
            _differ(inner, own.iloc[0], figures, source, str(zone), quality)
            drop += own.index.tolist()
    return frame.drop(index=drop).reset_index(drop=True)


def _note_plan_count(frame: pd.DataFrame, figures: list[str], source: str, quality: Quality) -> None:
    groups = {column: group for column in figures if (group := read_age_group(column))}
    if _PLAN_COUNT not in groups.values():
        return
    finer = [column for column, group in groups.items() if group != _PLAN_COUNT]
    years = years_from_groups([groups[one] for one in finer], frame[finer].to_numpy(dtype=np.float64)).count
    stated = math.fsum(frame[next(one for one, group in groups.items() if group == _PLAN_COUNT)])
    below = math.fsum(years.ravel().tolist())
    if not math.isnan(stated) and not math.isnan(below):
        quality.add(
            "people_plan_count", source=source, stated=f"{stated:.0f}", sum=f"{below:.0f}", more=f"{stated - below:.0f}"
        )


def read_compound_people(
    rows: pd.DataFrame, source: str, basis: Basis, compounds: pd.DataFrame, quality: Quality
) -> CompoundPeople:
    """People of 小区 by id or by name.

    Parameters
    ----------
    rows : DataFrame of text
        `row`; `compound` (name or compound_id); `households`, `children` (0–17), `pop_total`, age columns.
    source : str
    basis : Basis
    compounds : DataFrame
        compound_id, name, geometry.
    quality : Quality
        Gets each name that fits none, or several: such a row is not used, its people are told by its zone.

    Raises
    ------
    InputDataError
        Every problem of the table.
    """
    numbers, problems = read_counts(rows, source, quality, ("pop_total", "households", "children"))
    _check_basis(rows, basis, problems)
    if "compound" not in rows.columns:
        problems.append("没有小区列 / there is no column of compounds")
    ids: dict[str, list[str]] = {}
    for key, name in zip(compounds["compound_id"], compounds["name"], strict=True):
        for text in {plain(key), plain(name)} - {""}:
            ids.setdefault(text, []).append(key)
    found: list[str | None] = []
    for place, one in enumerate(rows["compound"].tolist() if "compound" in rows.columns else []):
        hits = sorted(set(ids.get(plain(one), [])))
        found.append(hits[0] if len(hits) == 1 else None)
        if len(hits) != 1:
            why = (
                (f"可能为：{'、'.join(hits)}", f"may be any of: {', '.join(hits)}")
                if hits
                else ("图层中无此小区", "no such compound")
            )
            quality.add(
                "compound_unmatched", source=source, row=numbers["row"].iloc[place], name=plain(one, 60), why=why
            )
    seen: dict[str, str] = {}
    for row, key in zip(numbers["row"], found, strict=False):
        if key is not None and key in seen:
            problems.append(f"第 {seen[key]}、{row} 行为同一小区 / rows {seen[key]} and {row} are one compound: {key}")
        elif key is not None:
            seen[key] = row
    if problems:
        raise InputDataError("小区表有误 / the compounds' table is at fault", where=source, first=problems,
                             todo="改正这些行或列后重试 / correct these rows or columns")  # fmt: skip
    shape = dict(zip(compounds["compound_id"], compounds["geometry"], strict=True))
    frame = numbers.assign(compound_id=found, geometry=[shape.get(one) for one in found])
    return CompoundPeople(frame[[one is not None for one in found]].reset_index(drop=True), basis, source)
