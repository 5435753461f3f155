"""Lists without coordinates against places with coordinates: candidates, scores, and what may be taken without asking."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.addresses import Address, compare_addresses, read_address
from xiqing_space.ingest.blocking import address_grams, name_grams, nearest_by_grams
from xiqing_space.ingest.name_score import DENIED, DOUBTED, NameAgreement, compare_names, kinds_agree
from xiqing_space.ingest.names import NameParts, load_words, normalise, plain_text
from xiqing_space.ingest.quality import Quality

ACCEPT_SCORE, ASK_SCORE, MARGIN = 0.9, 0.45, 0.05
PLACE_KINDS = frozenset({"compound", "village", "community", "zone"})
PLACE_CEILING = 0.75  # a compound tells where a kindergarten of its name may be, never where it is
SAME_PLACE_M = 150.0
EARTH_M = 6_371_008.8
_NEAREST_NAMES, _NEAREST_ADDRESSES = 30, 5
_WEIGHTS = {"name": 0.70, "zone": 0.13, "address": 0.12, "kind": 0.05}
ROW_COLUMNS = ("row_id", "name", "address", "zone", "kind")
CANDIDATE_COLUMNS = ("candidate_id", "name", "address", "kind", "zone", "lon", "lat", "source")
MATCH_COLUMNS = (
    "row_id", "rank", "candidate_id", "score", "name_score", "address_score", "zone_score", "kind_score", "decided", "why",
)  # fmt: skip


@dataclass(frozen=True)
class _Entry:
    """A row or candidate made ready."""

    id: str
    parts: NameParts
    address: Address
    zone: str
    kind: str


@dataclass(frozen=True)
class _Scored:
    """A row against a candidate (`at` in candidate order)."""

    at: int
    score: float
    name: float
    address: float
    zone: float
    kind: float
    agreement: NameAgreement


def zone_key(text: object) -> str:
    """A town's name without its suffix, so that 杨柳青 is 杨柳青镇."""
    plain = plain_text(text).replace(" ", "")
    for suffix in load_words().zh["zone_suffixes"]:
        if plain.endswith(suffix) and len(plain) - len(suffix) > 1:
            return plain.removesuffix(suffix)
    return plain


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _entries(frame: pd.DataFrame, id_column: str, zones: Sequence[str], areas: Sequence[str]) -> list[_Entry]:
    entries = []
    columns = [frame[column].tolist() for column in (id_column, "name", "address", "zone", "kind")]
    for identity, name, address, zone, kind in zip(*columns, strict=True):
        parts, place = normalise(name, zones, areas), read_address(address, zones, areas)
        where = zone_key(zone) or zone_key(parts.zone) or zone_key(place.zone)
        entries.append(_Entry(str(identity), parts, place, where, _text(kind)))
    return entries


def check_columns(frame: pd.DataFrame, columns: Iterable[str], id_column: str, where: str) -> pd.DataFrame:
    """A frame in id order with text ids and every column.

    Raises
    ------
    InputDataError
        Columns are missing, or an id is missing or given twice.
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise InputDataError(
            f"缺少列：{'、'.join(missing)} / columns are missing: {', '.join(missing)}",
            where=where,
            todo="检查读取设置中的列名 / check the column names of the reader",
        )
    ids = frame[id_column]
    wrong = [str(one) for one in ids[ids.isna() | ids.astype(str).duplicated(keep=False)].astype(str)]
    if wrong:
        raise InputDataError(
            f"{id_column} 为空或重复 / {id_column} is missing or given twice",
            where=where,
            first=sorted(set(wrong)),
            todo="每行须有唯一编号 / every row needs an id of its own",
        )
    return frame.assign(**{id_column: ids.astype(str)}).sort_values(id_column, kind="stable").reset_index(drop=True)


def word_weights(names: Iterable[NameParts]) -> dict[str, float]:
    """How much each Latin word tells: the rarer among `names`, the more; between 1/10 and 1."""
    counts: dict[str, int] = defaultdict(int)
    total = 0
    for parts in names:
        total += 1
        if not parts.chinese:
            for word in set(parts.tokens):
                counts[word] += 1
    ceiling = math.log1p(total) or 1.0
    return {word: max(0.1, math.log((1 + total) / n) / ceiling) for word, n in counts.items()}


def _score(row: _Entry, candidate: _Entry, at: int, weights: dict[str, float]) -> _Scored:
    """The score of one pair; each part is NaN where it is unknown."""
    agreement = compare_names(row.parts, candidate.parts, weights)
    address = compare_addresses(row.address, candidate.address)
    zone = float(row.zone == candidate.zone) if row.zone and candidate.zone else float("nan")
    place = candidate.kind in PLACE_KINDS
    if place or not (row.kind and candidate.kind):
        kind = float("nan")
    elif row.kind == candidate.kind:
        kind = 1.0
    else:
        kind = 0.8 if kinds_agree(row.kind, candidate.kind) else 0.0
    values = {
        "name": agreement.score,
        "zone": 0.5 if np.isnan(zone) else zone,
        "kind": 0.8 if np.isnan(kind) else kind,
    }
    if not np.isnan(address):
        values["address"] = address
    score = sum(_WEIGHTS[part] * value for part, value in values.items()) / sum(_WEIGHTS[part] for part in values)
    if address == 1.0 and row.address.number and kind != 0.0:
        score = max(score, 0.5)  # renamed, perhaps: worth a question, never more
    ceiling = 1.0
    if agreement.doubted or zone == 0.0 or _bare(row, candidate):
        ceiling = DOUBTED
    if place:
        ceiling = min(ceiling, PLACE_CEILING)
    if agreement.denied or kind == 0.0:
        ceiling = DENIED
    return _Scored(at, round(min(score, ceiling), 4), round(agreement.score, 4), address, zone, kind, agreement)


def _other_kind(one: _Scored) -> bool:
    return one.kind == 0.0 or "kind" in one.agreement.denied


def _bare(row: _Entry, candidate: _Entry) -> bool:
    """Whether the name tells a place only together with its town, which one of the two does not give."""
    return not row.parts.core and not (row.zone and candidate.zone)


def _pools(rows: list[_Entry], candidates: list[_Entry]) -> list[list[int]]:
    """Candidates worth an exact look, for each row: alike in name, alike in address, and all of the same bare name."""
    by_key: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for at, one in enumerate(candidates):
        if not one.parts.empty:
            by_key[(one.parts.core, one.parts.numbers)].append(at)
    names = nearest_by_grams([one.parts for one in rows], [one.parts for one in candidates], name_grams, _NEAREST_NAMES)
    addresses = nearest_by_grams(
        [one.address.text for one in rows], [one.address.text for one in candidates], address_grams, _NEAREST_ADDRESSES
    )
    pools = []
    for row, near, there in zip(rows, names, addresses, strict=True):
        same = by_key.get((row.parts.core, row.parts.numbers), []) if not row.parts.empty else []
        pools.append(sorted({*near.tolist(), *there.tolist(), *same}))
    return pools


class _Places:
    """Which candidates stand for one place: near each other, with names that agree."""

    def __init__(self, candidates: list[_Entry], lon: Any, lat: Any) -> None:
        from sklearn.neighbors import BallTree

        self.candidates = candidates
        self.known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        self.radians = np.radians(np.column_stack([lat, lon]))
        self.tree = BallTree(self.radians[self.known], metric="haversine") if len(self.known) else None

    def twins(self, at: int) -> set[int]:
        """The candidate itself and those that stand for the same place."""
        here = self.candidates[at]
        if self.tree is None or not np.isfinite(self.radians[at]).all():
            return {at}
        near = self.known[self.tree.query_radius(self.radians[[at]], SAME_PLACE_M / EARTH_M)[0]]
        return {at} | {int(other) for other in near if _twin(here, self.candidates[int(other)])}


def _twin(one: _Entry, other: _Entry) -> bool:
    agreement = compare_names(one.parts, other.parts)
    return agreement.clear and agreement.score >= 0.85 and kinds_agree(one.kind, other.kind)


def match_list(
    rows: pd.DataFrame,
    candidates: pd.DataFrame,
    *,
    zones: Sequence[str] | None = None,
    areas: Sequence[str] = (),
    accept_score: float = ACCEPT_SCORE,
    ask_score: float = ASK_SCORE,
    margin: float = MARGIN,
) -> pd.DataFrame:
    """The best three places for each row of a list, and whether the first may be taken without asking.

    A planner may not read an accepted row as verified on the ground: it is the one place whose name, town and kind agree.

    Parameters
    ----------
    rows : DataFrame
        row_id, name, address, zone, kind (missing text where unknown).
    candidates : DataFrame
        candidate_id, name, address, kind, zone, lon, lat (WGS-84 degrees, NaN where unknown), source. A kind of `PLACE_KINDS`
        (compound, village, community, zone) is a place that a facility may be named after; such a match is never accepted.
    zones, areas : sequence of str
        Towns and sub-districts; province, city and district: prefixes that names and addresses may begin with.
    accept_score : float
        Least score of a row that is taken without asking.
    ask_score : float
        Least score of a candidate that is worth a question; rows without one are `none`.
    margin : float
        How far the first must be ahead of every other place, and of every other row of its kind that wants the same place.

    Returns
    -------
    DataFrame
        `MATCH_COLUMNS`, in the order of row_id and rank. `decided` (`accepted`, `ask`, `none`) is the row's and stands on each
        of its lines. A row without any candidate has one line of rank 1 with no candidate_id.

    Notes
    -----
    Score = weighted mean of name 0.70, town 0.13, address 0.12, kind 0.05 (an unknown town counts half, an unknown address not
    at all), with ceilings where a telling part of the name differs or is missing. Independent of the order of rows.
    """
    rows = check_columns(rows, ROW_COLUMNS, "row_id", "rows")
    candidates = check_columns(candidates, CANDIDATE_COLUMNS, "candidate_id", "candidates")
    wanted = _entries(rows, "row_id", zones or (), areas)
    stock = _entries(candidates, "candidate_id", zones or (), areas)
    weights = word_weights(one.parts for one in stock)
    lon, lat = (pd.to_numeric(candidates[axis], errors="coerce").to_numpy(dtype=float) for axis in ("lon", "lat"))
    scored: list[list[_Scored]] = []
    for row, pool in zip(wanted, _pools(wanted, stock), strict=True):
        found = [_score(row, stock[at], at, weights) for at in pool]
        # a candidate without a position locates nothing, and what is of another kind and not alike is no answer
        found = [
            one for one in found
            if np.isfinite(lon[one.at]) and np.isfinite(lat[one.at]) and not (_other_kind(one) and one.score < ask_score)
        ]  # fmt: skip
        scored.append(sorted(found, key=lambda one: (-one.score, one.at)))
    decided = _decide(wanted, scored, _Places(stock, lon, lat), accept_score, ask_score, margin)
    lines: list[tuple[Any, ...]] = []
    for row, found, (verdict, reason) in zip(wanted, scored, decided, strict=True):
        if not found:
            lines.append((row.id, 1, None, *[float("nan")] * 5, "none", reason))
        for rank, one in enumerate(found[:3], 1):
            why = _why(one, reason if rank == 1 else "")
            lines.append(
                (row.id, rank, stock[one.at].id, one.score, one.name, one.address, one.zone, one.kind, verdict, why)
            )
    return pd.DataFrame(lines, columns=list(MATCH_COLUMNS))


def _decide(
    rows: list[_Entry],
    scored: list[list[_Scored]],
    places: _Places,
    accept_score: float,
    ask_score: float,
    margin: float,
) -> list[tuple[str, str]]:
    """Verdict and reason of each row; a place that two rows of a kind want alike is nobody's."""
    claims: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for at, found in enumerate(scored):
        for one in found:
            if one.score >= accept_score - margin:
                claims[one.at].append((at, one.score))
    decided = []
    for at, found in enumerate(scored):
        if not found or found[0].score < ask_score:
            decided.append(("none", "没有相近的地点 / no place is near enough in name"))
            continue
        best = found[0]
        if best.score < accept_score:
            decided.append(("ask", ""))
            continue
        twins = places.twins(best.at)
        rival = next((one for one in found if one.at not in twins), None)
        if rival is not None and rival.score > best.score - margin:
            decided.append(("ask", "另有得分相近的地点 / another place scores nearly as high"))
            continue
        others = {
            other
            for twin in twins
            for other, score in claims[twin]
            if other != at and score > best.score - margin and _same_kind(rows[at], rows[other])
        }
        if others:
            names = "、".join(sorted(rows[other].id for other in others)[:3])
            decided.append(("ask", f"名录另有行 {names} 指向同一地点 / rows {names} want the same place"))
        else:
            decided.append(("accepted", ""))
    return decided


def _same_kind(one: _Entry, other: _Entry) -> bool:
    """Rows of two levels may share a campus; rows of one kind may not share a place."""
    return not one.kind or not other.kind or one.kind == other.kind


_PARTS = {
    "number": ("序号", "number"), "branch": ("校区", "campus"), "village": ("村（社区）", "village"),
    "town": ("街镇", "town"), "kind": ("类别", "kind"), "word": ("方位或数字等字", "telling word"),
}  # fmt: skip


def _why(one: _Scored, reason: str = "") -> str:
    """Why the score is what it is, and the row's verdict (中文 / English), in both languages."""
    zh, en = [f"名称 {one.name:.2f}"], [f"name {one.name:.2f}"]
    for parts, verb_zh, verb_en in (
        (one.agreement.denied, "不同", "differs"),
        (one.agreement.doubted, "仅一方注明", "only one states it"),
    ):
        zh += [f"{_PARTS[part][0]}{verb_zh}" for part in parts]
        en += [f"{_PARTS[part][1]} {verb_en}" for part in parts]
    if not np.isnan(one.zone) and not (one.zone == 0.0 and "town" in one.agreement.denied):
        zh.append("街镇一致" if one.zone else "街镇不同")
        en.append("same town" if one.zone else "another town")
    if not np.isnan(one.address):
        zh.append(f"地址 {one.address:.2f}")
        en.append(f"address {one.address:.2f}")
    if one.kind == 0.0 and "kind" not in one.agreement.denied:
        zh.append("类别不同")
        en.append("another kind")
    if reason:
        reason_zh, _, reason_en = reason.partition(" / ")
        return f"{'，'.join(zh)}；{reason_zh} / {', '.join(en)}; {reason_en}"
    return f"{'，'.join(zh)} / {', '.join(en)}"


def note_matches(matches: pd.DataFrame, rows: pd.DataFrame, quality: Quality) -> None:
    """Put the undecided rows of lists into the quality collector, each with its own list (`row_id`, `source`, `source_row`, `name`)."""
    first = matches[matches["rank"] == 1]
    about = {str(one.row_id): one for one in rows.itertuples(index=False)}
    for verdict, check in (("ask", "match_to_confirm"), ("none", "match_none")):
        for row_id in first.loc[first["decided"] == verdict, "row_id"]:
            row = about[str(row_id)]
            quality.add(check, source=str(row.source), row=str(row.source_row), id=str(row_id), name=str(row.name)[:60])
