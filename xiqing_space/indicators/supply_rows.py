"""Rows of places: within reach on foot (supply), and in the zone itself."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import IndicatorSpec
from xiqing_space.indicators.claims import Claims
from xiqing_space.indicators.equity_rows import equity_rows
from xiqing_space.indicators.places import Sites
from xiqing_space.indicators.rows import Row, Writer, at
from xiqing_space.indicators.rules import Numbers
from xiqing_space.indicators.tables import Tables
from xiqing_space.schemas.coverage import METHODS, OPERATORS

MAIN_METHOD = "e2sfca"
RUN_BY = {"all": None, "public": {"public"}, "public_inclusive": {"public", "inclusive_private"}}


class Supply:
    """The `supply` table by kind, method and operators, in the order of the homes."""

    def __init__(self, tables: Tables) -> None:
        self._frame, self._demand = tables.supply, tables.demand["demand_id"]

    @cached_property
    def _rows(self) -> dict[tuple[Any, ...], NDArray[np.int64]]:
        """Rows of each part of the table, found with one sort."""
        coded = [pd.factorize(self._frame[name]) for name in ("kind", "method", "operators")]
        code = np.zeros(len(self._frame), dtype=np.int64)
        for codes, names in coded:
            code = code * max(len(names), 1) + codes
        order = np.argsort(code, kind="stable")
        firsts = np.flatnonzero(np.diff(code[order], prepend=-1))
        parts = np.split(order, firsts[1:])
        return {tuple(names[codes[part[0]]] for codes, names in coded): part for part in parts if len(part)}

    @cached_property
    def _columns(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], Any]:
        """Row of the home, places per child, inferred share, and reason as a code with its words."""
        frame = self._frame
        codes, words = pd.factorize(frame["reason"])
        home = pd.Index(self._demand).get_indexer(pd.Index(frame["demand_id"])).astype(np.int64)
        return (home, frame["places_per_child"].to_numpy(dtype=float), frame["share_inferred"].to_numpy(dtype=float),
                codes.astype(np.int64), words)  # fmt: skip

    def of(
        self, kind: str, method: str, operators: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], str | None] | None:
        """Places per child and the inferred share of them of each home, and the commonest reason for none; None: no rows."""
        rows = self._rows.get((kind, method, operators)) if len(self._frame) else None
        if rows is None:
            return None
        home, places, shares, reason, words = self._columns
        rows = rows[home[rows] >= 0]
        level, inferred = (np.full(len(self._demand), np.nan) for _ in range(2))
        level[home[rows]], inferred[home[rows]] = places[rows], shares[rows]
        often = np.bincount(reason[rows][reason[rows] >= 0], minlength=len(words))
        commonest = min(words[often == often.max()]) if often.sum() else None
        return level, inferred, commonest


def _children(tables: Tables, writer: Writer, kind: str) -> NDArray[np.float64]:
    """Children of the target bands in each home."""
    catalogue = writer.catalogue
    bands = catalogue.target_bands(kind) or tuple(catalogue.bands.values())
    total: NDArray[np.float64] = sum(
        (tables.demand[band.column].to_numpy(dtype=float) for band in bands), np.zeros(len(tables.demand))
    )
    return total


def supply_rows(
    tables: Tables, supply: Supply, spec: IndicatorSpec, kind: str, writer: Writer, claims: Claims
) -> list[Row]:
    """Mean places per child within reach, weighted by children: zones by the main method, the district by all; and how equal.

    Numerator and denominator are places and children of the homes whose level is known; the others stand in `n_unknown`.
    """
    groups = tables.groups
    unmet = claims.unmet(spec, kind)
    if unmet:
        variant = f"{MAIN_METHOD}|all"
        return [
            writer.row(
                spec, "*", {}, kind=kind, variant=variant, weight_kind="persons", verdict="no_data", reason=unmet
            )
        ]
    people = _children(tables, writer, kind)
    rows: list[Row] = []
    for method in METHODS:
        for operators in OPERATORS:
            found = supply.of(kind, method, operators)
            if found is None:
                continue
            level, inferred, why = found
            known = ~np.isnan(level)
            held, there = groups.sums(np.where(known, people * np.nan_to_num(level), 0.0)), groups.sums(people * known)
            guessed = groups.sums(people * np.nan_to_num(level) * np.nan_to_num(inferred))
            value = np.where(there > 0, held / np.where(there > 0, there, 1.0), np.nan)
            apart = groups.sums(people * ~known)
            words = _words(writer, method, operators)
            variant = f"{method}|{operators}"
            numbers: Numbers = {"value": value, "value_low": value, "value_high": value, "numerator": held, "denominator": there,
                                "n_unknown": apart}  # fmt: skip
            for place, zone_id in enumerate(groups.ids if method == MAIN_METHOD else groups.ids[:1]):
                reason = None if there[place] > 0 else ("no_children" if apart[place] == 0 else why)
                rows.append(
                    writer.row(spec, zone_id, at(numbers, place), kind=kind, variant=variant, words=words, weight_kind="persons",
                               verdict=None if there[place] > 0 else "no_data", reason=reason,
                               share_inferred=guessed[place] / held[place] if held[place] > 0 else np.nan)
                )  # fmt: skip
            if method == MAIN_METHOD:
                rows += equity_rows(value, groups.sums(people), groups, writer, claims, kind, variant=f"supply|{variant}",
                                    words=words, why=why)  # fmt: skip
    return rows


def _words(writer: Writer, method: str, operators: str) -> tuple[str, str]:
    both = [writer.catalogue.word(f"method_{method}"), writer.catalogue.word(f"operators_{operators}")]
    return "，".join(one[0] for one in both), ", ".join(one[1] for one in both)


def place_rows(
    tables: Tables, sites: Sites, spec: IndicatorSpec, kind: str, writer: Writer, claims: Claims
) -> list[Row]:  # fmt: skip
    """Stated places of the zone's own facilities ÷ its children, or its residents in thousands.

    Nothing is filled in for facilities that state no places: they stand in `n_unknown` (facilities), and the high value is
    missing then, as the figure is a least one. So it is where a facility's zone is unknown.
    """
    unmet = claims.unmet(spec, kind)
    if unmet:
        return [
            writer.row(spec, "*", {}, kind=kind, variant="all", weight_kind="persons", verdict="no_data", reason=unmet)
        ]
    groups, mine = tables.groups, sites.of(kind)
    per_resident = "residents" in spec.needs
    people = (
        tables.demand["pop_total"].to_numpy(dtype=float) / 1000.0 if per_resident else _children(tables, writer, kind)
    )
    below = groups.sums(people)
    zone = mine["zone"].to_numpy(dtype=np.int64)
    operator = mine["operator"].fillna("unknown").to_numpy(dtype=object)
    places = mine["capacity_places"].to_numpy(dtype=float)
    sure = mine["sure"].to_numpy(dtype=bool)
    rows: list[Row] = []
    for operators in OPERATORS:
        wanted = RUN_BY[operators]
        counts = np.ones(len(mine), dtype=bool) if wanted is None else np.isin(operator, list(wanted))
        maybe = counts | ((operator == "unknown") if wanted is not None else False)
        nobody = wanted is not None and bool((operator == "unknown").all())
        silent = np.isnan(places)
        held = groups.sums_by_zone(np.where(counts & sure & ~silent, places, 0.0), zone)
        most = groups.sums_by_zone(np.where(maybe & ~silent, places, 0.0), zone)
        without = groups.sums_by_zone((maybe & silent).astype(float), zone)
        stated = groups.sums_by_zone((maybe & ~silent).astype(float), zone)
        adrift = int((maybe & (zone < 0)).sum())
        for place, zone_id in enumerate(groups.ids):
            reason = None
            if below[place] <= 0:
                reason = "no_residents" if per_resident else "no_children"
            elif nobody:
                reason = "operators_unknown"
            elif without[place] > 0 and stated[place] == 0:
                reason = "no_places_known"
            numbers: dict[str, float] = {"denominator": float(below[place]), "n_unknown": float(without[place])}
            if reason is None:
                value, high = held[place] / below[place], most[place] / below[place]
                least = without[place] > 0 or (adrift > 0 and place > 0)
                numbers |= {
                    "value": value,
                    "value_low": value,
                    "value_high": np.nan if least else high,
                    "numerator": float(held[place]),
                }
                if least:
                    reason = "places_unknown" if without[place] > 0 else "positions_unknown"
            rows.append(
                writer.row(spec, zone_id, numbers, kind=kind, variant=operators, weight_kind="persons", reason=reason,
                           words=writer.catalogue.word(f"operators_{operators}"),
                           verdict=None if "value" in numbers else "no_data")
            )  # fmt: skip
    return rows
