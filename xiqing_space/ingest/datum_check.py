"""Whether a list lies on the streets as declared, or plainly better as if its coordinates were of another datum.

Every reading of the same numbers (as declared, as WGS-84, GCJ-02, BD-09, with x and y swapped) is scored: how usual are the
points' distances to the nearest road and way, do they stand in buildings, is a known facility of equal name or kind near. A
score means nothing by itself, for a dense street net suits any place. So the whole list is also moved as far as each other
reading would move it, but in many other directions; a reading counts only if it scores higher than all of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from xiqing_space.crs import GEOGRAPHIC, project
from xiqing_space.datums import BD09, GCJ02, WGS84, Datum, to_wgs84
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.datum_evidence import Reference, build_reference, find_groups, weigh

__all__ = ["DatumFinding", "Reading", "Reference", "build_reference", "check_datum"]

Floats = NDArray[np.float64]
Verdict = Literal["fits", "unclear", "plainly_better"]

FEWEST = 5  # points below which nothing is said
MOST = 400  # points beyond which an even sample is enough
DIRECTIONS = (
    400  # places on the ring of each other reading: a chance of 1 in 401 each that the highest is the reading's
)
_SAME_M = 50.0  # readings nearer to each other are one
_CLEAR_M = 120.0  # ring places keep so far from every reading
_FITS_P = 0.01
_LEAST_SCORE = 3.0  # standard deviations of the ring
_SHARE = 0.6  # the declared reading must stay below this share of the better one's score


@dataclass(frozen=True)
class Reading:
    """How a list lies under one reading of its numbers.

    Parameters
    ----------
    datum, swapped
        The reading.
    shift_m : float
        How far it moves the list from where the declared one puts it; NaN where x and y change places.
    score, declared_score : float
        How far this reading, and the declared one, stand above the places of this reading's ring, in their standard deviations.
    p_value : float
        Share of the ring's places that score as high; the least possible is 1 / (places + 1).
    road_median_m : float
        Median distance to the nearest road.
    near_known : int
        Points within 100 m of a known facility of equal name or kind.
    """

    datum: Datum
    swapped: bool
    shift_m: float
    score: float
    declared_score: float
    p_value: float
    road_median_m: float
    near_known: int


@dataclass(frozen=True)
class DatumFinding:
    """The verdict on a list, with its numbers. `better` is the reading that plainly fits better, where there is one."""

    verdict: Verdict
    declared: Datum
    n_points: int
    readings: tuple[Reading, ...]
    better: Reading | None = None

    @property
    def words(self) -> tuple[str, str]:
        """The verdict in Chinese and English, with the figures it rests on."""
        zh, en = [], []
        for one in self.readings:
            swap, swap_en = ("（x/y 对调）", " (x and y swapped)") if one.swapped else ("", "")
            if one.swapped:
                zh.append(f"{one.datum.zh}{swap}：落在街道范围内，原样则不在")
                en.append(f"{one.datum}{swap_en}: among the streets, as read not")
                continue
            zh.append(
                f"{one.datum.zh}：位移 {one.shift_m:.0f} m，得分 {one.score:.1f}，p={one.p_value:.3f}，"
                f"距道路中位 {one.road_median_m:.0f} m，邻近已知设施 {one.near_known}"
            )
            en.append(
                f"{one.datum}: moved {one.shift_m:.0f} m, score {one.score:.1f}, p={one.p_value:.3f}, "
                f"median to a road {one.road_median_m:.0f} m, near a known facility {one.near_known}"
            )
        return f"{self.n_points} 点；" + "；".join(zh), f"{self.n_points} points; " + "; ".join(en)

    def error(self, where: str) -> InputDataError:
        """What the reader raises on `plainly_better`, unless the planner overrides it with a written reason."""
        assert self.better is not None
        best, zh, en = self.better, *self.words
        swap, swap_en = ("且 x/y 对调", " with x and y swapped") if best.swapped else ("", "")
        return InputDataError(
            f"坐标声明为 {self.declared.zh}，但按 {best.datum.zh}{swap} 明显更符合街道 / declared as {self.declared}, but "
            f"read as {best.datum}{swap_en} the points plainly fit the streets better",
            where=where,
            first=[zh, en],
            todo="改正 datum；若确认无误，请写明理由 / correct the datum, or state in writing why it is right",
        )


def _ring(shift: Floats, readings: Floats) -> Floats:
    """Shifts about as long as `shift` in directions that no reading has, on a spiral by the golden angle."""
    turn = np.arange(4 * DIRECTIONS) * (np.pi * (3.0 - np.sqrt(5.0)))
    radius = np.hypot(*shift) * np.sqrt(0.45 + 1.35 * (np.arange(4 * DIRECTIONS) % 97) / 96.0)
    all_shifts = np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
    apart = np.hypot(*(all_shifts[:, None] - readings[None]).transpose(2, 0, 1)).min(axis=1)
    return np.asarray(all_shifts[apart >= _CLEAR_M][:DIRECTIONS], dtype=np.float64)


def _positions(raw: tuple[Floats, Floats], datum: Datum, epsg: int) -> Floats:
    lon, lat = to_wgs84(datum, *raw)
    found = project(np.column_stack([lon, lat]), GEOGRAPHIC, epsg)
    return np.asarray(np.where(np.isfinite(found), found, np.nan), dtype=np.float64)


def _thin(reference: Reference, places: Floats, raw: tuple[Floats, Floats]) -> NDArray[np.int64]:
    """Points that some reading puts among the streets, evenly thinned, in an order of their own."""
    near = shapely.contains_xy(reference.hull, places[..., 0], places[..., 1]).any(axis=0)
    rows = np.flatnonzero(near & np.isfinite(places).all(axis=(0, 2)))
    rows = rows[np.lexsort((raw[1][rows], raw[0][rows]))]
    if len(rows) > MOST:
        rows = rows[np.linspace(0, len(rows) - 1, MOST).astype(np.int64)]
    return rows


def _swapped(reference: Reference, raw: tuple[Floats, Floats], declared: Datum, places: Floats) -> Reading | None:
    """The reading with x and y changed, where it brings a list among the streets that lies far from all of them."""
    turned = _positions((raw[1], raw[0]), declared, reference.metric_epsg)
    here = shapely.contains_xy(reference.hull, places[..., 0], places[..., 1]).any(axis=0).mean()
    there = shapely.contains_xy(reference.hull, turned[:, 0], turned[:, 1])
    if not (there.mean() >= 0.5 and here <= 0.1):
        return None
    median = float(np.median(reference.roads.query(turned[there])[0]))
    return Reading(declared, True, np.nan, np.inf, 0.0, 0.0, median, 0)


def check_datum(
    x: ArrayLike,
    y: ArrayLike,
    declared: Datum,
    reference: Reference,
    kinds: Sequence[object] | None = None,
    names: Sequence[object] | None = None,
) -> DatumFinding:
    """Compare a list as declared with the same numbers read otherwise.

    Parameters
    ----------
    x, y : array_like of float64 (n,)
        Coordinates as read, in the declared system; missing ones are passed over.
    declared : Datum
        Of a projected system the degrees are questioned: they may have been worked out of displaced ones.
    reference : Reference
        Streets and what else is known. `facilities` in it must not come from the list itself.
    kinds, names : sequence, optional
        Of each point.

    Returns
    -------
    DatumFinding
        `fits`: no other reading comes near. `plainly_better`: another reading scores higher than all places of its ring
        and than the declared one by far. Else `unclear`, as with fewer than 5 points and wherever readings coincide
        (outside China). A planner may not take `unclear` or `fits` for a proof: few points, or places with streets
        everywhere, tell little. How often it errs is measured in docs/datum_rates.md.
    """
    raw = (np.atleast_1d(np.asarray(x, dtype=np.float64)), np.atleast_1d(np.asarray(y, dtype=np.float64)))
    finite = np.isfinite(raw[0]) & np.isfinite(raw[1])
    kept = np.flatnonzero(finite)
    raw = (raw[0][kept], raw[1][kept])
    if len(kept) < FEWEST:
        return DatumFinding("unclear", declared, len(kept), ())
    degrees = raw if declared in (WGS84, GCJ02, BD09) else to_wgs84(declared, *raw)
    others = [one for one in (WGS84, GCJ02, BD09) if one != declared]
    places = np.stack(
        [_positions(raw, declared, reference.metric_epsg)]
        + [_positions(degrees, one, reference.metric_epsg) for one in others]
    )
    if swapped := _swapped(reference, raw, declared, places):
        return DatumFinding("plainly_better", declared, len(kept), (swapped,), swapped)
    rows = _thin(reference, places, raw)
    if len(rows) < FEWEST:
        return DatumFinding("unclear", declared, len(rows), ())
    places = places[:, rows]
    shifts = np.median(places - places[0], axis=1)
    apart = np.hypot(*shifts.T)
    chosen = [0, *(place for place in range(1, len(places)) if apart[place] >= _SAME_M)]
    readings = [(declared, *others)[place] for place in chosen]
    mine = kept[rows]
    my_kinds = None if kinds is None else [kinds[row] for row in mine]
    groups = find_groups(reference, my_kinds, None if names is None else [names[row] for row in mine], len(rows))
    return _judge(readings, places[chosen], shifts[chosen], reference, my_kinds, groups)


def _judge(
    readings: list[Datum], places: Floats, shifts: Floats, reference: Reference, kinds: list[object] | None,
    groups: list[str],
) -> DatumFinding:  # fmt: skip
    count, n_points = len(readings), places.shape[1]
    if count == 1:
        return DatumFinding("unclear", readings[0], n_points, ())
    rings = [_ring(shift, shifts) for shift in shifts[1:]]
    moved = [places[0][None] + ring[:, None] for ring in rings]
    evidence = weigh(reference, np.concatenate([places, *moved]), count, kinds, groups)
    ends = np.cumsum([count, *(len(one) for one in rings)]).tolist()
    parts = [slice(begin, end) for begin, end in pairwise(ends)]
    everywhere = slice(count, None)
    found = []
    for place, datum in enumerate(readings):
        ring = parts[place - 1] if place else everywhere
        score = _standardised(evidence.sums, ring)
        found.append(
            Reading(
                datum=datum,
                swapped=False,
                shift_m=float(np.hypot(*shifts[place])),
                score=float(score[place]),
                declared_score=float(score[0]),
                p_value=float((1 + (score[ring] >= score[place]).sum()) / (len(score[ring]) + 1)),
                road_median_m=float(evidence.road_median_m[place]),
                near_known=int(evidence.near_known[place]),
            )
        )
    return _decide(tuple(found), n_points, [part.stop - part.start for part in parts])


def _standardised(sums: Floats, ring: slice) -> Floats:
    """Length of the vector of what stands above the ring, each kind of evidence in the ring's standard deviations.

    Squares let one strong kind of evidence speak through several weak ones, which would drown it in a plain sum.
    """
    spread = sums[:, ring].std(axis=1, keepdims=True)
    each = (sums - sums[:, ring].mean(axis=1, keepdims=True)) / np.where(spread > 1e-9, spread, np.inf)
    return np.asarray(np.sqrt((np.maximum(each, 0.0) ** 2).sum(axis=0)), dtype=np.float64)


def _decide(found: tuple[Reading, ...], n_points: int, sizes: list[int]) -> DatumFinding:
    declared, others = found[0], found[1:]
    best = max(range(len(others)), key=lambda place: others[place].score - others[place].declared_score)
    one = others[best]
    alone = one.p_value <= 1.0 / (sizes[best] + 1) and sizes[best] >= DIRECTIONS // 2
    if alone and one.score >= _LEAST_SCORE and one.declared_score <= _SHARE * one.score:
        return DatumFinding("plainly_better", declared.datum, n_points, found, one)
    if declared.p_value <= _FITS_P and all(other.score < other.declared_score for other in others):
        return DatumFinding("fits", declared.datum, n_points, found)
    return DatumFinding("unclear", declared.datum, n_points, found)
