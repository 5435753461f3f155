"""Figures of every source, ages and all: what a source does not state comes from the zone above it, and is marked so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from xiqing_space.catalog.cohort import load_cohort
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.ages import (
    AGES_FROM,
    CHILD_YEARS,
    MISSING,
    PARENT,
    SPLIT,
    STATED,
    Years,
    band_ages,
    fill_years,
)
from xiqing_space.ingest.people_sources import SLACK, PeopleSources, numbers_of, read_figures
from xiqing_space.ingest.people_steps import DISTRICT, Figures, columns
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.sharing import group_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BANDS_ZH = {"pop_0_2": "0–2", "pop_3_5": "3–5", "pop_6_11": "6–11", "pop_12_14": "12–14", "pop_15_17": "15–17"}


@dataclass(frozen=True)
class Known:
    """Resolved sources.

    `loose`: people of zones that have no polygon, or whose name nobody knows: zone, value, reason, ages. `share_zone`: zones
    that no row states, and the zone above them whose rest they share.
    """

    compounds: Figures
    zones: Figures
    cells: Figures
    district: Figures
    loose: tuple[tuple[str, NDArray[np.float64], str, str], ...]
    share_zone: dict[str, str]
    without_ages: bool


@dataclass
class _Part:
    source: str
    frame: pd.DataFrame
    key: NDArray[np.object_]
    total: NDArray[np.float64]
    years: Years


@dataclass(frozen=True)
class _Structure:
    years: NDArray[np.float64]
    total: float
    households: float


_NOTHING = _Structure(np.full(CHILD_YEARS, np.nan), math.nan, math.nan)


def resolve_people(sources: PeopleSources, homes: pd.DataFrame, zones: pd.DataFrame, quality: Quality) -> Known:
    """Every source's figures with nothing missing but totals of people.

    Parameters
    ----------
    sources : PeopleSources
    homes : DataFrame
        compound_id, zone_id, weight: they tell in which zone a compound lies.
    zones : DataFrame
        zone_id, parent_id.
    quality : Quality

    Raises
    ------
    InputDataError
        Figures at fault, or ages that nothing tells while they are known elsewhere.
    """
    empty = pd.DataFrame({"row": []})
    listed = {
        "zones": (sources.zones, "zone_id", empty if sources.zones is None else _ordered(sources.zones.frame, "zone_id")),
        "compounds": (sources.compounds, "compound_id",
                      empty if sources.compounds is None else _ordered(sources.compounds.frame, "compound_id")),
        "cells": (sources.raster, "", empty if sources.raster is None else sources.raster.cells.frame),
        "district": (sources.district, "",
                     empty if sources.district is None else pd.DataFrame([{"row": "1", **sources.district.figures}])),
    }  # fmt: skip
    parts = {name: _part(one.source if one else "", frame, key) for name, (one, key, frame) in listed.items()}
    _refuse_doubles(parts["compounds"])
    of_compound = _zone_of_compounds(parts["compounds"], homes)
    _from_households(parts, of_compound, quality)
    top = _top_structure(parts)
    above = _parents(parts["zones"], zones)
    _fill(parts["zones"], above, top)
    structure = _structures(parts["zones"])
    mine = [structure.get(one or "", _NOTHING) for one in of_compound]
    _from_children(parts["compounds"], mine, top)
    _fill(parts["compounds"], mine, top)
    for name in ("cells", "district"):
        _fill(parts[name], [_NOTHING] * len(parts[name].total), top)
    bare = all(np.isnan(one.years.count).all() for one in parts.values())
    _require_complete(parts, bare)
    _note(parts, bare, quality)
    placed, loose, share_zone = _split_loose(parts["zones"], zones, bare, quality)
    return Known(_figures(parts["compounds"], bare), placed, _figures(parts["cells"], bare),
                 _figures(parts["district"], bare), loose, share_zone, bare)  # fmt: skip


def _ordered(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """Rows by id and figures, so that the file's own order leaves no trace."""
    numeric = sorted(one for one in map(str, frame.columns) if one not in ("geometry", "row"))
    text = [np.asarray([str(one) for one in frame[name]], dtype=object) for name in [*reversed(numeric), key]]
    return frame.iloc[np.lexsort(text)].reset_index(drop=True)


def _part(source: str, frame: pd.DataFrame, key: str) -> _Part:
    total, years = read_figures(frame, source)
    keys = frame[key].to_numpy(dtype=object) if key in frame.columns else np.full(len(frame), "", dtype=object)
    return _Part(source, frame, keys, total, years)


def _row(part: _Part, place: int) -> str:
    row = part.frame["row"].iloc[place] if "row" in part.frame.columns else place + 1
    return f"第 {row} 行 / row {row} ({part.key[place]})" if part.key[place] else f"第 {row} 行 / row {row}"


def _refuse_doubles(part: _Part) -> None:
    twice = pd.Series(part.key).duplicated(keep=False).to_numpy()
    if twice.any():
        raise InputDataError(
            "小区重复 / compounds given twice", where=part.source,
            first=[_row(part, one) for one in np.flatnonzero(twice).tolist()], todo="合并这些行 / merge these rows",
        )  # fmt: skip


def _zone_of_compounds(part: _Part, homes: pd.DataFrame) -> list[str | None]:
    """The zone that holds most of a compound's floor area; else the one that its row names."""
    inner = homes[homes["compound_id"].isin(part.key)].dropna(subset=["zone_id"])
    best: dict[str, str] = {}
    if len(inner):
        codes, pairs = pd.factorize(pd.MultiIndex.from_frame(inner[["compound_id", "zone_id"]]), sort=True)
        sums = group_sums(codes.astype(np.intp), inner["weight"].to_numpy(dtype=float), len(pairs))
        for (compound, zone), _ in sorted(zip(pairs, sums.tolist(), strict=True), key=lambda one: (one[1], one[0][1])):
            best[compound] = zone
    named = part.frame["zone_id"].tolist() if "zone_id" in part.frame.columns else [None] * len(part.key)
    return [
        best.get(str(key)) or (zone if isinstance(zone, str) else None)
        for key, zone in zip(part.key, named, strict=True)
    ]


def _structures(part: _Part) -> dict[str, _Structure]:
    """Sums of each key's rows; NaN where one of them does not tell."""
    households = numbers_of(part.frame, "households")
    rows: dict[str, list[int]] = {}
    for place, key in enumerate(part.key.tolist()):
        rows.setdefault(key, []).append(place)
    return {
        key: _Structure(
            np.asarray([math.fsum(column) for column in part.years.count[mine].T.tolist()]),
            math.fsum(part.total[mine].tolist()), math.fsum(households[mine].tolist()),
        )
        for key, mine in rows.items()
    }  # fmt: skip


def _parent_ids(zones: pd.DataFrame) -> dict[str, str]:
    if "parent_id" not in zones.columns:
        return {}
    return {
        zone: parent for zone, parent in zip(zones["zone_id"], zones["parent_id"], strict=True)
        if isinstance(parent, str) and parent != zone
    }  # fmt: skip


def _parents(part: _Part, zones: pd.DataFrame) -> list[_Structure]:
    parent, own = _parent_ids(zones), _structures(part)
    return [own.get(parent.get(str(key), ""), _NOTHING) for key in part.key]


def _top_structure(parts: dict[str, _Part]) -> _Structure:
    """The district's own figures; else those of the rows that state every age, zones before cells before compounds."""
    district = parts["district"]
    if len(district.total) and not np.isnan(district.years.count).any():
        return _Structure(district.years.count[0], float(district.total[0]), math.nan)
    for name in ("zones", "cells", "compounds"):
        part = parts[name]
        whole = ~np.isnan(part.years.count).any(axis=1)
        if whole.any():
            years = np.asarray([math.fsum(column) for column in part.years.count[whole].T.tolist()])
            return _Structure(years, math.fsum(part.total[whole].tolist()), math.nan)
    if len(district.total):
        return _Structure(district.years.count[0], float(district.total[0]), math.nan)
    return _NOTHING


def _fill(part: _Part, first: Sequence[_Structure], top: _Structure) -> None:
    for structures in (first, [top] * len(part.total)):
        if len(part.total):
            part.years = fill_years(part.years, part.total, np.stack([one.years for one in structures]),
                                    np.asarray([one.total for one in structures]))  # fmt: skip


def _from_households(parts: dict[str, _Part], of_compound: list[str | None], quality: Quality) -> None:
    """People from households where no people are stated: the zone's mean size, else the district's, else the catalogue's."""

    def size(people: float, households: float) -> float:
        return people / households if households > 0 and people > 0 else math.nan

    zones = {key: size(one.total, one.households) for key, one in _structures(parts["zones"]).items()}
    district = parts["district"]
    top = size(district.total[0], numbers_of(district.frame, "households")[0]) if len(district.total) else math.nan
    if math.isnan(top):
        both = ~np.isnan(parts["zones"].total) & (numbers_of(parts["zones"].frame, "households") > 0)
        top = size(
            math.fsum(parts["zones"].total[both]), math.fsum(numbers_of(parts["zones"].frame, "households")[both])
        )
    default = load_cohort().household.mean_size if math.isnan(top) else top
    for name, keys in (("zones", list(parts["zones"].key)), ("compounds", of_compound)):
        part = parts[name]
        households = numbers_of(part.frame, "households")
        lacking = np.isnan(part.total) & ~np.isnan(households)
        if not lacking.any():
            continue
        sizes = np.asarray([zones.get(key or "", math.nan) for key in keys], dtype=float)
        sizes = np.where(np.isnan(sizes), default, sizes)
        part.total = np.where(lacking, households * sizes, part.total)
        low, high = (f"{one:.2f}" for one in (sizes[lacking].min(), sizes[lacking].max()))
        quality.add("people_households_inferred", source=part.source, n=int(lacking.sum()), low=low, high=high)


def _from_children(part: _Part, first: Sequence[_Structure], top: _Structure) -> None:
    """Compounds that state only their children (0–17): by the age structure round them, else evenly by year."""
    children = numbers_of(part.frame, "children")
    count, how = part.years.count.copy(), part.years.how.copy()
    for place in np.flatnonzero(~np.isnan(children) & np.isnan(count).all(axis=1)).tolist():
        ages = next((one.years for one in (first[place], top) if one.years.sum() > 0), None)
        shape = np.full(CHILD_YEARS, 1 / CHILD_YEARS) if ages is None else ages / math.fsum(ages)
        count[place], how[place] = children[place] * shape, SPLIT if ages is None else PARENT
    part.years = Years(count, how, part.years.faults, part.years.doubts)


def _require_complete(parts: dict[str, _Part], bare: bool) -> None:
    problems = []
    for name, part in parts.items():
        if name == "compounds":
            continue  # what a compound does not tell, its zone does
        lacking = np.isnan(part.total)[:, None] if bare else np.column_stack(
            [np.isnan(part.years.count[:, low : high + 1]).any(axis=1) for low, high in band_ages().values()]
        )  # fmt: skip
        names = ["总人口 / people"] if bare else [_BANDS_ZH[one] for one in band_ages()]
        for place in np.flatnonzero(lacking.any(axis=1))[:1000].tolist():
            missing = ", ".join(one for one, gap in zip(names, lacking[place].tolist(), strict=True) if gap)
            problems.append(f"{part.source}: {_row(part, place)}: {missing}")
    if problems:
        raise InputDataError(
            "以下各行的年龄段无从得知 / nothing tells these rows' ages", first=problems,
            todo="补充年龄列，或给出全区分年龄人口作参照 / add age columns, or the district's people by age as a reference",
        )  # fmt: skip


def _note(parts: dict[str, _Part], bare: bool, quality: Quality) -> None:
    if bare:
        quality.add("people_no_ages")
    for part in parts.values():
        for place, text in part.years.doubts:
            zh, en = text.split(" / ")
            quality.add(
                "people_ages_contradict", source=part.source, row=str(part.frame["row"].iloc[place]), text=(zh, en)
            )
        if bare or not len(part.total):
            continue
        worst = part.years.how.max(axis=1)
        for how, words in ((SPLIT, ("跨段年龄组按每岁均分", "groups across bands divided per year")),
                           (PARENT, ("采用上级分区的年龄结构", "age structure of the zone above"))):  # fmt: skip
            if many := int((worst == how).sum()):
                quality.add("people_ages_inferred", source=part.source, n=many, how=words)
    without_total = int(np.isnan(parts["zones"].total).sum())
    if without_total and not bare:
        quality.add("people_no_total", source=parts["zones"].source, n=without_total)


def _values(part: _Part, bare: bool) -> NDArray[np.float64]:
    if bare:  # relative weights: the bands by their years, as for homes without any figure
        years = np.asarray([high - low + 1 for low, high in band_ages().values()])
        return np.column_stack([part.total, part.total[:, None] * (years / CHILD_YEARS)])
    return np.column_stack([part.total, part.years.bands()])


def _ages(part: _Part, bare: bool) -> NDArray[np.object_]:
    return np.full(len(part.total), AGES_FROM[MISSING], dtype=object) if bare else part.years.worst()


def _figures(part: _Part, bare: bool) -> Figures:
    return Figures(part.key, _values(part, bare), _ages(part, bare))


def _split_loose(
    part: _Part, zones: pd.DataFrame, bare: bool, quality: Quality
) -> tuple[Figures, tuple[tuple[str, NDArray[np.float64], str, str], ...], dict[str, str]]:
    """Rows summed per zone; those that have no zone on the map; and children that share the rest of the zone above."""
    value, ages = _values(part, bare), _ages(part, bare)
    many = len(part.key)
    flagged = (
        part.frame["unplaced"].to_numpy(dtype=bool) if "unplaced" in part.frame.columns else np.zeros(many, dtype=bool)
    )
    reasons = part.frame["reason"].tolist() if "reason" in part.frame.columns else [None] * many
    parent = _parent_ids(zones)
    zone_ids = set(zones["zone_id"])
    here = np.asarray([key in zone_ids or key in parent.values() for key in part.key.tolist()], dtype=bool)
    loose: list[tuple[str, NDArray[np.float64], str, str]] = []
    for place in np.flatnonzero(flagged | ~here).tolist():
        reason = reasons[place]
        why = reason if flagged[place] and isinstance(reason, str) else "zone_unknown"
        loose.append((str(part.key[place]) if flagged[place] else DISTRICT, value[place], why, str(ages[place])))
        if not flagged[place]:
            people = value[place, 0] if not math.isnan(value[place, 0]) else math.fsum(value[place, 1:])
            row = str(part.frame["row"].iloc[place]) if "row" in part.frame.columns else ""
            quality.add("people_zone_unknown", source=part.source, id=str(part.key[place]), zone=str(part.key[place]), row=row,
                        n=f"{people:.0f}")  # fmt: skip
    kept = np.flatnonzero(here & ~flagged)
    codes, keys = pd.factorize(part.key[kept], sort=True)
    sums = np.column_stack(
        [group_sums(codes.astype(np.intp), value[kept, one], len(keys)) for one in range(len(columns()))]
    )
    worst = np.full(len(keys), STATED)
    np.maximum.at(worst, codes, np.asarray([AGES_FROM.index(one) for one in ages[kept]], dtype=int))
    figures = Figures(np.asarray(keys, dtype=object), sums, np.asarray(AGES_FROM, dtype=object)[worst])
    kept_figures, share_zone = _rest_of_parents(figures, parent, loose, part.source, quality)
    return kept_figures, tuple(loose), share_zone


def _rest_of_parents(
    figures: Figures, parent: dict[str, str], loose: list[tuple[str, NDArray[np.float64], str, str]], source: str,
    quality: Quality,
) -> tuple[Figures, dict[str, str]]:  # fmt: skip
    """A zone above others counts its people once: what its stated children leave goes to the others."""
    place = {key: one for one, key in enumerate(figures.key.tolist())}
    value, drop = figures.value.copy(), []
    share_zone: dict[str, str] = {}
    for above in sorted(set(parent.values()) & set(place)):
        children = sorted(zone for zone, up in parent.items() if up == above)
        told = [figures.value[place[zone]] for zone in children if zone in place]
        told += [one[1] for one in loose if one[0] == above]
        untold = [zone for zone in children if zone not in place]
        parts = np.asarray([math.fsum(column) for column in np.stack(told).T.tolist()]) if told else 0.0
        rest = figures.value[place[above]] - parts
        if (rest < -SLACK).any() or (not untold and (rest > SLACK).any()):
            worst = int(np.nanargmax(np.abs(rest)))
            quality.add("people_totals_differ", source=source, id=above, column=columns()[worst],
                        parts=f"{np.atleast_1d(parts)[worst if np.ndim(parts) else 0]:.0f}",
                        total=f"{figures.value[place[above], worst]:.0f}")  # fmt: skip
        value[place[above]] = np.maximum(rest, 0.0)
        if untold:
            share_zone |= dict.fromkeys(untold, above)
        else:
            drop.append(place[above])
    keep = np.setdiff1d(np.arange(len(figures.key)), drop)
    return Figures(figures.key[keep], value[keep], figures.ages[keep]), share_zone
