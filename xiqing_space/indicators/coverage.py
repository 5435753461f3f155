"""Shares of children, or of residential land, that reach a kind, in every group at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xiqing_space.catalog import Band, Catalogue, Standard
from xiqing_space.catalog.load import LEVELS, UNKNOWN_LEVEL
from xiqing_space.coverage.by_home import AccessByHome, Distances
from xiqing_space.indicators.rules import Numbers, covered, share_numbers
from xiqing_space.indicators.tables import Tables

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Walks:
    """What the homes have to one kind on one profile: as it is, in the low case, to schools that may be of this kind, and safely."""

    main: Distances
    low_m: Floats
    maybe: Distances
    safe: Distances | None = None

    def by(self, measure: str) -> Floats:
        """Distances by a measure."""
        if measure == "safe_walk":
            assert self.safe is not None
            return self.safe.walk_m
        return self.main.walk_m if measure == "walk" else self.main.straight_m


class Coverage:
    """Shares of one kind: homes that no street can be joined to are unknown on foot, and stay in the denominator.

    Covered, uncovered and unknown sum to one, and a walk share never exceeds the radius share. The high value counts the
    unknown as covered, and schools of unknown level as schools of this one.
    """

    indicator, why_empty, by_age = "A02-coverage", "no_homes", True

    def __init__(self, tables: Tables, catalogue: Catalogue, kind: str) -> None:
        self.tables, self.kind, self.groups = tables, kind, tables.groups
        self.bands = catalogue.target_bands(kind) or tuple(catalogue.bands.values())
        self.mapped = kind in tables.located_kinds
        self.n_unlocated = tables.n_unlocated(kind)
        # a school whose level nobody states may be of this kind: the high case counts it
        other = UNKNOWN_LEVEL if kind in LEVELS else kind
        self._may_be_other = other != kind
        self.levels_unknown = kind in LEVELS and UNKNOWN_LEVEL in tables.located_kinds
        self.walks: dict[str, Walks] = {}
        for profile in sorted({band.profile for band in self.bands}):
            main = tables.distances.of(kind, profile)
            maybe = main if other == kind else tables.distances.of(other, profile)
            safe = tables.safe_distances.of(kind, profile) if kind in tables.safe_kinds else None
            self.walks[profile] = Walks(main, tables.low_distances.of(kind, profile).over(main).walk_m, maybe, safe)

    def people(self, band: Band) -> Floats:
        """Children of a band in each home."""
        values: Floats = self.tables.demand[band.column].to_numpy(dtype=float)
        return values

    @property
    def why_unknown(self) -> str:
        """Why nobody's walk is known: the facilities, or all homes, could not be joined to the network."""
        access = self.tables.access
        of_kind = (access["reason"] == "facility_not_linked") & (access["kind"] == self.kind)
        return "facility_not_linked" if bool(of_kind.any()) else "homes_unknown"

    def lost(self, band: Band, measure: str) -> Flags:
        """Homes whose distance is unknown."""
        return ~self.tables.placed if measure == "radius" else self.walks[band.profile].main.unlinked

    def hit(self, band: Band, measure: str, limit_m: float) -> Flags:
        """Homes within a limit."""
        return covered(self.walks[band.profile].by(measure), limit_m)

    def maybe_hit(self, band: Band, measure: str, limit_m: float) -> Flags:
        """Homes that may be: within the limit, unknown, or within that of a school of unknown level."""
        maybe = self.walks[band.profile].maybe
        there = covered(maybe.straight_m if measure == "radius" else maybe.walk_m, limit_m)
        # nobody measured safe walks to schools of unknown level: at most they are as far as any walk
        return self.lost(band, measure) | self.hit(band, measure, limit_m) | (there & self._may_be_other)

    def low_hit(self, band: Band, measure: str, limit_m: float) -> Flags:
        """Homes within the limit in the low case."""
        hit = self.hit(band, measure, limit_m)
        return hit if measure == "radius" else hit & covered(self.walks[band.profile].low_m, limit_m)

    def sums(self, hit_of: Callable[[Band], Flags], bands: tuple[Band, ...] | None = None) -> Floats:
        """Children of the bands (by default the target ones) in homes of which something holds, for every group."""
        met = np.zeros(len(self.tables.demand))
        for band in bands or self.bands:
            met += self.people(band) * hit_of(band)
        return self.groups.sums(met)

    def everyone(self, bands: tuple[Band, ...] | None = None) -> Floats:
        """All children of the bands, for every group."""
        return self.groups.sums(
            sum((self.people(band) for band in bands or self.bands), np.zeros(len(self.tables.demand)))
        )

    def share(self, measure: str, standard: Standard, bands: tuple[Band, ...] | None = None) -> Numbers:
        """Shares with their range, numerator, denominator and unknown, for every group."""
        return share_numbers(
            self.sums(lambda band: self.hit(band, measure, standard.limit_m(band)), bands),
            self.sums(lambda band: self.low_hit(band, measure, standard.limit_m(band)), bands),
            self.sums(lambda band: self.maybe_hit(band, measure, standard.limit_m(band)), bands),
            self.everyone(bands),
            self.sums(lambda band: self.lost(band, measure), bands),
        )

    def other_case(self, case: AccessByHome, measure: str, standard: Standard) -> Numbers:
        """Shares with the distances of another case where it has rows."""

        def found(band: Band) -> Distances:
            return case.of(self.kind, band.profile).over(self.walks[band.profile].main)

        def hit(band: Band) -> Flags:
            mine = found(band)
            return covered(mine.walk_m if measure == "walk" else mine.straight_m, standard.limit_m(band))

        def lost(band: Band) -> Flags:
            return found(band).unlinked if measure == "walk" else ~self.tables.placed

        met, unknown = self.sums(hit), self.sums(lost)
        total = self.everyone()
        return share_numbers(met, met, self.sums(lambda band: hit(band) | lost(band)), total, unknown)

    def gate_share(self, standard: Standard) -> Numbers:
        """Shares by walk if compounds of unknown gates had one gate (low) or are open on all sides (value and high)."""
        guessed = self.tables.gates_unknown

        def hit(band: Band, one: bool) -> Flags:
            mine, main = self.tables.one_gate.of(self.kind, band.profile), self.walks[band.profile].main.walk_m
            return covered(np.where(guessed, mine.walk_m if one else mine.straight_m, main), standard.limit_m(band))

        met, lower = self.sums(lambda band: hit(band, False)), self.sums(lambda band: hit(band, True))
        total = self.everyone()
        return share_numbers(met, lower, met, total, np.zeros(len(total))) | {"n_unknown": self.sums(lambda _: guessed)}


class LandCoverage(Coverage):
    """Shares of residential land: a cell is covered where every target band is, for land has no ages."""

    indicator, why_empty, by_age = "A02-land", "no_residential_land", False

    def share(self, measure: str, standard: Standard, bands: tuple[Band, ...] | None = None) -> Numbers:
        """Shares with their range, and hectares covered, in all, and of cells that no street can be joined to."""
        hectares = self.tables.demand["area_ha"].to_numpy(dtype=float)
        hit, perhaps, least = (np.ones(len(hectares), dtype=bool) for _ in range(3))
        lost = np.zeros(len(hectares), dtype=bool)
        for band in bands or self.bands:
            limit = standard.limit_m(band)
            hit &= self.hit(band, measure, limit)
            perhaps &= self.maybe_hit(band, measure, limit)
            least &= self.low_hit(band, measure, limit)
            lost |= self.lost(band, measure)
        sums = [self.groups.sums(hectares * one) for one in (hit, least, perhaps, np.ones(len(lost)), lost)]
        return share_numbers(*sums)
