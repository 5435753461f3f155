"""Rows of several sources become facilities and sites; every merge is listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xiqing_space.catalog import load_catalogue
from xiqing_space.ingest.addresses import read_address
from xiqing_space.ingest.duplicates import RADIUS_M, Pair, components, find_duplicates, near_pairs
from xiqing_space.ingest.matching import check_columns, zone_key
from xiqing_space.ingest.name_score import compare_names
from xiqing_space.ingest.names import NameParts, normalise
from xiqing_space.ingest.quality import Quality

NUMBER_FIELDS = ("classes", "enrolled", "capacity_places", "gp_doctors", "child_health_doctors")
TEXT_FIELDS = ("name", "address", "zone", "community", "operator", "status", "serves", "legal_person")
PLACE_FIELDS = ("lon", "lat", "located_by")
SITE_COLUMNS = ("row_id", "name", "kind", "lon", "lat", "source", "priority")
MERGE_COLUMNS = (
    "kept_row_id", "merged_row_id", "distance_m", "name_score", "conflicts", "conflicts_en", "conflict_source", "rule_zh",
    "rule_en",
)  # fmt: skip
_STANDING = ("source", "priority", "survey")  # of the row that stays
CAMPUS_M = 60.0
UNKNOWN_LEVEL = "school_unknown_level"
LEVELS = ("primary_school", "junior_school", "senior_school", "special_school")
# kinds that may share a campus by name alone; others share one only with legal person and address
FAMILIES = (
    frozenset({"kindergarten", "childcare"}),
    frozenset({*LEVELS, UNKNOWN_LEVEL}),
    frozenset({"clinic", "health_station", "hospital", "vaccination", "rehabilitation"}),
    frozenset({"community_service", "family_school", "childrens_place", "culture", "library", "sports"}),
)
_RULES = {
    "duplicate": ("同类、相近、名称一致：各字段取最可信来源的值", "same kind, near, names agree: each field from the most trusted source that has it"),
    "matched": ("名录匹配认定为同一处，或位于其用地内且名称一致", "the matching of the list says that they are one, or it lies in the ground of a site of its name"),
    "level": ("学段不详的记录并入同一校园中学段已知的记录", "a record of unknown level joins the one of known level on its campus"),
}  # fmt: skip


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value)) or value in ("", "unknown")


def _prepare(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order of trust: survey first, then priority (1 is the most trusted), then id."""
    frame = check_columns(rows, SITE_COLUMNS, "row_id", "rows")
    for column in (*TEXT_FIELDS, "located_by", "same_as"):
        if column not in frame:
            frame[column] = None
        frame[column] = frame[column].astype(object).where(frame[column].notna(), None)
    for column in (*NUMBER_FIELDS, "lon", "lat"):
        frame[column] = pd.to_numeric(frame[column], errors="coerce") if column in frame else np.nan
    frame["survey"] = frame["survey"].eq(True) if "survey" in frame else False
    for field in (*TEXT_FIELDS, *NUMBER_FIELDS, "place"):
        known = frame["lon"].notna() & frame["lat"].notna() if field == "place" else ~frame[field].map(_missing)
        given = frame[f"{field}_from"] if f"{field}_from" in frame else pd.Series(None, index=frame.index, dtype=object)
        given = given.astype(object).where(given.notna(), frame["source"].astype(object))
        frame[f"{field}_from"] = given.where(known, None).astype(object)
    frame["_survey"] = ~frame["survey"]
    return (
        frame.sort_values(["_survey", "priority", "row_id"], kind="stable")
        .drop(columns="_survey")
        .reset_index(drop=True)
    )


def _merge(group: list[dict[str, Any]]) -> dict[str, Any]:
    """One record of several, the most trusted first; position and what it rests on go together."""
    kept = dict(group[0])
    for field in (*TEXT_FIELDS, *NUMBER_FIELDS):
        for one in group:
            if not _missing(one[field]):
                kept[field], kept[f"{field}_from"] = one[field], one[f"{field}_from"]
                break
    for one in group:
        if np.isfinite(one["lon"]) and np.isfinite(one["lat"]):
            kept |= {field: one[field] for field in (*PLACE_FIELDS, "place_from")}
            break
    return kept


def _conflicts(kept: dict[str, Any], other: dict[str, Any]) -> tuple[str, str, str]:
    """Values that the merged row states otherwise, in Chinese and English, and the source of the first of them.

    Names and addresses are compared elsewhere.
    """
    zh, en, sources = [], [], [""]
    for field in (*NUMBER_FIELDS, "operator", "status", "serves", "legal_person"):
        mine, its = kept[field], other[field]
        if not _missing(mine) and not _missing(its) and mine != its:
            (one_zh, one_en), (other_zh, other_en) = (_shown(field, value) for value in (mine, its))
            of_one, of_other = kept[f"{field}_from"], other[f"{field}_from"]
            label_zh, label_en = load_catalogue().word(f"site_{field}")
            zh.append(f"{label_zh}：{one_zh}（{of_one}）≠ {other_zh}（{of_other}）")
            en.append(f"{label_en}: {one_en} ({of_one}) ≠ {other_en} ({of_other})")
            sources.append(str(of_other))
    return "；".join(zh), "; ".join(en), sources[min(1, len(sources) - 1)]


def _shown(field: str, value: Any) -> tuple[str, str]:
    """A value in words of both languages."""
    if isinstance(value, float):
        return f"{value:g}", f"{value:g}"
    words = load_catalogue().words
    for key in (f"site_{field}_{value}", f"checkup_{field}_{value}", str(value) if field == "status" else ""):
        if key in words:
            zh, en = load_catalogue().word(key)
            return zh, en.lower()
    return str(value), str(value)


def _merge_groups(
    records: list[dict[str, Any]], groups: Sequence[Sequence[int]], rule: str, pairs: Mapping[tuple[int, int], Pair]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Merge groups of records (the one that stays stands first; values by trust); what remains, and a line for each that went."""
    merges, gone = [], set[int]()
    whole = list(records)
    for group in groups:
        first = group[0]
        merged = _merge([records[at] for at in sorted(group)])
        whole[first] = merged | {key: records[first][key] for key in ("row_id", "kind", "same_as", *_STANDING)}
        for at in group[1:]:
            pair = pairs.get((min(first, at), max(first, at)))
            gone.add(at)
            conflicts = _conflicts(whole[first], records[at])
            merges.append(
                {
                    "kept_row_id": records[first]["row_id"],
                    "merged_row_id": records[at]["row_id"],
                    "distance_m": pair.distance_m if pair else float("nan"),
                    "name_score": pair.name_score if pair else float("nan"),
                    "conflicts": conflicts[0],
                    "conflicts_en": conflicts[1],
                    "conflict_source": conflicts[2],
                    "rule_zh": _RULES[rule][0],
                    "rule_en": _RULES[rule][1],
                }
            )
    return [one for at, one in enumerate(whole) if at not in gone], merges


def _names(records: list[dict[str, Any]], zones: Sequence[str], areas: Sequence[str]) -> list[NameParts]:
    named = {name: normalise(name, zones, areas) for name in {one["name"] for one in records}}
    return [named[one["name"]] for one in records]


def _base(parts: NameParts, zone: object) -> tuple[Any, ...]:
    """What a kindergarten and its 托班, or the two halves of a nine-year school, have in common."""
    return (*parts.key, zone_key(parts.zone) or zone_key(zone))


def _campus_links(
    records: list[dict[str, Any]], names: list[NameParts], zones: Sequence[str], areas: Sequence[str]
) -> dict[tuple[int, int], float]:
    """Pairs of records of different kinds on one campus, with metres (NaN where by legal person and address)."""
    lon, lat = (np.array([one[axis] for one in records], dtype=float) for axis in ("lon", "lat"))
    links: dict[tuple[int, int], float] = {}
    for a, b, metres in near_pairs(lon, lat, CAMPUS_M):
        kinds = {records[a]["kind"], records[b]["kind"]}
        same = _same_base(_base(names[a], records[a]["zone"]), _base(names[b], records[b]["zone"]))
        if len(kinds) == 2 and same and not names[a].empty and any(kinds <= family for family in FAMILIES):
            links[a, b] = metres
    by_owner: dict[tuple[str, str], list[int]] = {}
    by_place: dict[str, list[int]] = {}
    for at, one in enumerate(records):
        by_place.setdefault(str(one["same_as"] or one["row_id"]), []).append(at)
        address = read_address(one["address"], zones, areas)
        if one["legal_person"] and address.text:
            by_owner.setdefault((str(one["legal_person"]).strip(), address.zone + address.text), []).append(at)
    for group in (*by_owner.values(), *by_place.values()):
        for first, other in ((a, b) for at, a in enumerate(group) for b in group[at + 1 :]):
            if records[first]["kind"] != records[other]["kind"]:
                links.setdefault((first, other), float("nan"))
    return links


def _same_base(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Equal but for a town that one of them does not state."""
    return one[:-1] == other[:-1] and (one[-1] == other[-1] or not one[-1] or not other[-1])


def build_sites(
    rows: pd.DataFrame,
    *,
    zones: Sequence[str] = (),
    areas: Sequence[str] = (),
    radius_m: Mapping[str, float] = RADIUS_M,
    quality: Quality | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Facilities with their sites from the rows of all sources, and the list of merges.

    A planner may not take a merge as proof that a facility exists once; each is listed with distance and names to be looked at.

    Parameters
    ----------
    rows : DataFrame
        row_id (unique over all sources), name, kind, lon, lat (WGS-84 degrees; NaN where the place is to be verified), source,
        priority (1 is the most trusted); optional: address, zone, operator, status, serves, classes, enrolled (persons),
        capacity_places (places), legal_person, located_by, survey (a surveyed row is trusted before any priority), same_as (the
        row_id that this row was matched to: they are one whatever their names).
    zones, areas : sequence of str
        Prefixes that names may begin with, as in `matching.match_list`.
    radius_m : mapping of kind to metres
        How near two rows of a kind must lie to be one facility; 100 m for kinds not named.

    Returns
    -------
    sites : DataFrame
        One line per facility (site × kind): the columns of `rows`, `<field>_from` with the source of each value, and site_id, the
        row_id of the campus's most trusted row. In the order of row_id.
    merges : DataFrame
        `MERGE_COLUMNS`: one line for each row that went into another.

    Notes
    -----
    Rows without coordinates, and rows without a name, are never merged. A group that only a chain holds together is not merged
    but put into `quality` (`duplicate_unclear`). Every row is kept or listed as merged once; doing it again merges nothing.
    """
    frame = _prepare(rows)
    columns = list(dict.fromkeys([*frame.columns, "site_id"]))
    records: list[dict[str, Any]] = frame.to_dict("records")
    merges: list[dict[str, Any]] = []
    again = True
    while again:  # a record may take its position from one that joined it, and then lie near another
        groups, contested = _matched_groups(records)
        unclear = [[str(records[at]["row_id"]) for at in group] for group in contested]
        records, matched = _merge_groups(records, groups, "matched", {})
        records, more, chained = _join_duplicates(records, zones, areas, radius_m)
        records, levelled = _join_unknown_levels(records, zones, areas)
        merges += [*matched, *more, *levelled]
        again = bool(matched or more or levelled)
    for ids in (*unclear, *chained):
        _note_unclear("duplicate_unclear", [one for one in records if one["row_id"] in ids], quality)
    _give_sites(records, zones, areas, quality)
    went = {one["merged_row_id"]: one["kept_row_id"] for one in merges}
    for one in merges:
        while one["kept_row_id"] in went:
            one["kept_row_id"] = went[one["kept_row_id"]]
    sites = pd.DataFrame(records, columns=columns).sort_values("row_id", kind="stable")
    listed = pd.DataFrame(merges, columns=list(MERGE_COLUMNS)).sort_values(
        ["kept_row_id", "merged_row_id"], kind="stable"
    )
    return sites.reset_index(drop=True), listed.reset_index(drop=True)


def _matched_groups(records: list[dict[str, Any]]) -> tuple[list[list[int]], list[list[int]]]:
    """A row and the row it was matched to: the row of the place's own kind, else the most trusted of any level of school.

    Second: places that several rows of their kind were matched to; nothing says which of them it is.
    """
    by_id = {one["row_id"]: at for at, one in enumerate(records)}
    pointing: dict[int, list[int]] = {}
    for at, one in enumerate(records):
        target = by_id.get(one["same_as"])
        if target is not None and target != at and not records[target]["same_as"]:
            pointing.setdefault(target, []).append(at)
    groups: list[list[int]] = []
    contested: list[list[int]] = []
    for target, rows in pointing.items():
        kind = records[target]["kind"]
        same = [at for at in rows if records[at]["kind"] == kind]
        levels = [at for at in rows if kind == UNKNOWN_LEVEL and records[at]["kind"] in LEVELS]
        if len(same) > 1:
            contested.append([target, *same])
        elif same:
            groups.append(sorted([target, same[0]]))
        elif levels:
            groups.append([levels[0], target])
    return groups, contested


def _join_duplicates(
    records: list[dict[str, Any]], zones: Sequence[str], areas: Sequence[str], radius_m: Mapping[str, float]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[list[str]]]:
    """Records with duplicates joined, the lines of the merges, and the ids of groups that were left alone."""
    lon, lat = (np.array([one[axis] for one in records], dtype=float) for axis in ("lon", "lat"))
    kinds = [str(one["kind"]) for one in records]
    groups, chained, pairs = find_duplicates(_names(records, zones, areas), kinds, lon, lat, radius_m)
    left = [[str(records[at]["row_id"]) for at in group] for group in chained]
    records, merges = _merge_groups(records, groups, "duplicate", pairs)
    return records, merges, left


def _join_unknown_levels(
    records: list[dict[str, Any]], zones: Sequence[str], areas: Sequence[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A school of unknown level on the campus of one whose level is known is that school."""
    names = _names(records, zones, areas)
    links = _campus_links(records, names, zones, areas)
    groups: dict[int, list[int]] = {}
    pairs: dict[tuple[int, int], Pair] = {}
    taken = set[int]()
    for (one, other), metres in sorted(links.items()):
        for vague, known in ((one, other), (other, one)):
            fits = records[vague]["kind"] == UNKNOWN_LEVEL and records[known]["kind"] in LEVELS
            if fits and vague not in taken:
                taken.add(vague)
                groups.setdefault(known, [known]).append(vague)
                score = round(compare_names(names[one], names[other]).score, 4)
                pairs[one, other] = Pair(one, other, metres, score)
    # the record of known level keeps its id and kind, even where the other is trusted more
    return _merge_groups(records, list(groups.values()), "level", pairs)


def _give_sites(
    records: list[dict[str, Any]], zones: Sequence[str], areas: Sequence[str], quality: Quality | None
) -> None:
    """Put site_id into records: the id of the most trusted record of a campus, else the record's own."""
    links = _campus_links(records, _names(records, zones, areas), zones, areas)
    for one in records:
        one["site_id"] = one["row_id"]
    for group in components(len(records), list(links)):
        kinds = [records[at]["kind"] for at in group]
        if len(group) < 2:
            continue
        if len(set(kinds)) < len(kinds):  # two kindergartens and one 托班: whose is it?
            _note_unclear("campus_unclear", [records[at] for at in group], quality)
            continue
        for at in group:
            records[at]["site_id"] = records[group[0]]["row_id"]


def _note_unclear(check: str, group: list[dict[str, Any]], quality: Quality | None) -> None:
    if quality is not None:
        ids = sorted(str(one["row_id"]) for one in group)
        for one in group:
            others = "、".join(other for other in ids if other != one["row_id"])
            quality.add(check, source=str(one["source"]), row=str(one["row_id"]), others=others)


def note_merges(merges: pd.DataFrame, sources: Mapping[str, str], quality: Quality) -> None:
    """Put every merge, and every contradiction found by it, into the quality collector, each with the source that says otherwise.

    Parameters
    ----------
    merges : DataFrame
        Of `build_sites`.
    sources : mapping of row_id to source
    """
    for one in merges.itertuples(index=False):
        about = {"row": one.merged_row_id, "id": one.kept_row_id}
        source = sources.get(one.merged_row_id, "")
        quality.add("rows_merged", source=source, **about, rule=(one.rule_zh, one.rule_en))
        if one.conflicts:  # the merged row may have taken its value from a third one that went into it before
            quality.add("merge_conflict", source=one.conflict_source or source, **about,
                        conflicts=(one.conflicts, one.conflicts_en))  # fmt: skip
