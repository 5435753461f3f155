"""Strips along reached streets as polygons: dissolved square by square, what catchments share once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from os import cpu_count
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from xiqing_space.coverage.stretches import Stretches, Strips
from xiqing_space.crs import GEOGRAPHIC, project
from xiqing_space.network.graph import spread

_SQUARES_M = (
    500.0,
    250.0,
    125.0,
    62.5,
)  # strips are cut at the borders of the first, and dissolved within the others on the way
# squares begin off whole metres, so that no side of a strip runs along a border; exact in binary, as borders must be
_OFF_M = 0.40625
_BATCH = 32
DIGITS = 10  # of a degree, about a hundredth of a millimetre: coarser, and rounding alone would undo the nesting
_Key = tuple[int, int, bytes]


@dataclass(frozen=True)
class _Pieces:
    """Strips cut into squares: piece, row of its edge, its square of each size; ordered by squares and edge."""

    shape: NDArray[np.object_]
    edge: NDArray[np.int64]
    squares: tuple[NDArray[np.int64], ...]


@dataclass
class _Share:
    """What a catchment has of one square: a key to what is reached of whole edges, and strips of parts of edges."""

    whole: _Key | None = None
    cut: list[Any] = field(default_factory=list)
    told: bytes = b""


def _into_squares(strips: NDArray[np.object_], edge: NDArray[np.int64]) -> _Pieces:
    """Cut strips at the borders of squares: at the same place for the squares on both sides of a border."""
    size = _SQUARES_M[0]
    bounds = shapely.bounds(strips)
    low, high = (np.floor((bounds[:, part] - _OFF_M) / size).astype(np.int64) for part in (slice(0, 2), slice(2, 4)))
    wide, tall = (high - low + 1).T
    row = np.repeat(np.arange(len(strips)), wide * tall)
    step = spread(np.zeros(len(strips), dtype=np.int64), wide * tall).astype(np.int64)
    at = np.column_stack([low[row, 0] + step % wide[row], low[row, 1] + step // wide[row]])
    shape = strips[row]
    many = np.flatnonzero((wide * tall)[row] > 1)
    corner = at[many] * size + _OFF_M
    cut = shapely.intersection(shape[many], shapely.box(*corner.T, *(corner + size).T))
    shape[many] = shapely.transform(cut, _on_borders)
    kept = shapely.area(shape) > 0
    row, at, shape = row[kept], at[kept], shape[kept]
    middle = shapely.get_coordinates(shapely.centroid(shape)) - _OFF_M
    within = [at, *(np.floor(middle / smaller).astype(np.int64) for smaller in _SQUARES_M[1:])]
    squares = [_number(one) for one in within]
    order = np.lexsort((edge[row], *squares[::-1]))
    return _Pieces(shape[order], edge[row][order], tuple(one[order] for one in squares))


def _number(at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Column and row of a square as one number."""
    return (at[:, 0] + (1 << 30)) << 32 | (at[:, 1] + (1 << 30))


def _on_borders(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates on a border exactly on it, at a tenth of a millimetre: strips that cross it together do so at one place."""
    border = np.round((xy - _OFF_M) / _SQUARES_M[0]) * _SQUARES_M[0] + _OFF_M
    on = np.abs(xy - border) < 1e-6
    return np.where(on, border, np.where(on[:, ::-1], np.round(xy, 4), xy))


class ReachedLand:
    """Makes polygons of reached stretches.

    Squares of a catchment meet along their borders exactly, so that they join without another overlay. A square of which
    the same is reached in two catchments is dissolved once, and so is each smaller square in it.

    Parameters
    ----------
    strips : Strips
        Of all edges that stretches may lie on.
    """

    def __init__(self, strips: Strips) -> None:
        self.strips = strips
        self._pieces = _into_squares(strips.whole, np.arange(len(strips.whole)))
        squares = self._pieces.squares
        changes = np.zeros(len(self._pieces.edge), dtype=bool)
        changes[:1] = True
        self._bounds: list[list[int]] = []
        for one in squares:
            changes[1:] |= one[1:] != one[:-1]
            self._bounds.append([*np.flatnonzero(changes).tolist(), len(changes)])
        self._inner = [
            np.searchsorted(inner, outer).tolist() for outer, inner in zip(self._bounds, self._bounds[1:], strict=False)
        ]
        self._number = squares[0][self._bounds[0][:-1]].tolist()
        self._todo: list[dict[_Key, list[Any]]] = [{} for _ in squares]
        self._done: dict[_Key, Any] = {}

    def polygons(self, groups: Sequence[Sequence[Stretches]]) -> list[list[Any]]:
        """MultiPolygons of catchments, metric.

        Parameters
        ----------
        groups : sequence of sequences of Stretches
            Each group from the smallest limit to the largest; edges are rows of the strips' `edge_id`.

        Returns
        -------
        list of lists of MultiPolygon
            In the order given. Those of a group nest.
        """
        with ThreadPoolExecutor(min(4, cpu_count() or 1)) as pool:
            plans = [[self._plan(*one) for one in group] for group in pool.map(self._cut_ends, groups)]
            for level in range(len(self._bounds) - 1, -1, -1):
                todo, self._todo[level] = self._todo[level], {}
                self._done.update(zip(todo, _each(pool, self._dissolve, list(todo.values())), strict=True))
            every = {
                (number, share.whole, share.told): share
                for group in plans
                for plan in group
                for number, share in plan.items()
            }
            square = dict(zip(every, _each(pool, self._share, list(every.values())), strict=True))
            return [
                list(pool.map(_join, [[square[number, share.whole, share.told] for number, share in sorted(plan.items())]
                                      for plan in group]))
                for group in plans
            ]  # fmt: skip

    def _cut_ends(self, group: Sequence[Stretches]) -> list[tuple[Stretches, Stretches, _Pieces]]:
        """Stretches of a group, those of them that are a part of their edge only, and the strips of these in squares."""
        outer: tuple[Stretches, NDArray[np.object_]] | None = None
        found = []
        for stretches in reversed(group):
            outer = part, strips = self._parts(stretches, outer)
            found.append((stretches, part, _into_squares(strips, np.arange(len(part)))))
        return found[::-1]

    def _whole(self, stretches: Stretches) -> NDArray[np.bool_]:
        whole: NDArray[np.bool_] = (stretches.begin_m <= 0.0) & (
            stretches.end_m >= self.strips.length_m[stretches.edge]
        )
        return whole

    def _parts(
        self, stretches: Stretches, outer: tuple[Stretches, NDArray[np.object_]] | None
    ) -> tuple[Stretches, NDArray[np.object_]]:
        """Stretches of edges that are not reached as a whole, with their strips.

        At a bend the round end of a strip may stand out by inches from the strip of the longer stretch in which it lies.
        It is cut there.
        """
        cut = np.flatnonzero(~self._whole(stretches))
        part = Stretches(stretches.edge[cut], stretches.begin_m[cut], stretches.end_m[cut])
        around = self.strips.whole[part.edge]
        if outer is not None and len(outer[0]):
            longer, strips = outer
            first, last = (
                np.searchsorted(longer.edge, part.edge, "left"),
                np.searchsorted(longer.edge, part.edge, "right"),
            )
            for step in range(int((last - first).max(initial=0))):  # one, or two for an edge reached from both ends
                at = np.minimum(first + step, len(longer) - 1)
                within = (first + step < last) & (longer.begin_m[at] <= part.begin_m) & (part.end_m <= longer.end_m[at])
                around[within] = strips[at[within]]
        strips, bent = self.strips.along(part), ~self.strips.plain[part.edge]
        strips[bent] = shapely.intersection(strips[bent], around[bent])
        return part, strips

    def _plan(self, stretches: Stretches, part: Stretches, cut: _Pieces) -> dict[int, _Share]:
        """What is reached of every square."""
        state = np.zeros(len(self.strips.whole), dtype=np.uint8)
        state[stretches.edge[self._whole(stretches)]] = 1
        here = state[self._pieces.edge]
        reached = np.add.reduceat(here, self._bounds[0][:-1], dtype=np.int64) if len(here) else here
        told = here.tobytes()
        shares = {self._number[row]: _Share(self._visit(0, row, told)) for row in np.flatnonzero(reached).tolist()}
        if len(part):
            numbers, first = np.unique(cut.squares[0], return_index=True)
            places = np.column_stack([part.edge, part.begin_m, part.end_m])
            for number, rows in zip(numbers.tolist(), np.split(np.arange(len(cut.edge)), first[1:]), strict=True):
                share = shares.setdefault(number, _Share())
                share.cut = list(cut.shape[rows])
                share.told = places[np.sort(cut.edge[rows])].tobytes()
        return shares

    def _visit(self, level: int, row: int, told: bytes) -> _Key:
        """Key to what is reached of a square; where nobody asked for the same before, it is noted to be dissolved."""
        low, high = self._bounds[level][row : row + 2]
        mine = told[low:high]
        key = (level, row, mine)
        if key in self._done or key in self._todo[level]:
            return key
        if level == len(self._bounds) - 1:
            parts: list[Any] = [low + at for at, one in enumerate(mine) if one]
        else:
            inner = self._bounds[level + 1]
            parts = [self._visit(level + 1, one, told) for one in range(*self._inner[level][row : row + 2])
                     if 1 in told[inner[one] : inner[one + 1]]]  # fmt: skip
        self._todo[level][key] = parts
        return key

    def _dissolve(self, parts: list[Any]) -> Any:
        """One square: pieces by their number, or smaller squares by their key."""
        shapes = [self._pieces.shape[part] if isinstance(part, int) else self._done[part] for part in parts]
        return shapes[0] if len(shapes) == 1 else shapely.union_all(np.array(shapes, dtype=object))

    def _share(self, share: _Share) -> Any:
        shapes = share.cut if share.whole is None else [self._done[share.whole], *share.cut]
        return shapes[0] if len(shapes) == 1 else shapely.union_all(np.array(shapes, dtype=object))


def _each(pool: ThreadPoolExecutor, work: Callable[[Any], Any], things: list[Any]) -> list[Any]:
    """Results in the order of the things, whoever does them when."""
    batches = [things[at : at + _BATCH] for at in range(0, len(things), _BATCH)]
    return [one for batch in pool.map(lambda some: [work(thing) for thing in some], batches) for one in batch]


def _polygons(shapes: Sequence[Any] | NDArray[np.object_]) -> NDArray[np.object_]:
    """The polygons among shapes and their parts."""
    parts = shapely.get_parts(shapely.get_parts(shapes))
    found: NDArray[np.object_] = parts[
        (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & (shapely.area(parts) > 0)
    ]
    return found


def _join(squares: Sequence[Any]) -> Any:
    """Squares that meet along their borders as one MultiPolygon."""
    parts = _polygons(squares)
    try:
        joined = shapely.coverage_union_all(parts)
    except shapely.errors.GEOSException:  # squares whose borders differ by a rounding
        joined = shapely.union_all(parts)
    return shapely.multipolygons(_polygons([joined]))


def to_written(polygons: NDArray[np.object_], metric_epsg: int) -> NDArray[np.object_]:
    """Polygons in EPSG:4326, as the table holds them."""
    shapes: NDArray[np.object_] = shapely.transform(
        polygons, lambda xy: np.round(project(xy, metric_epsg, GEOGRAPHIC), DIGITS)
    )
    for row in np.flatnonzero(~shapely.is_valid(shapes)).tolist():
        # a wedge between two strips that is narrower than the bending of straight lines by the projection
        parts = shapely.get_parts(shapes[row])
        bad = ~shapely.is_valid(parts)
        parts = np.concatenate([parts[~bad], shapely.make_valid(parts[bad], method="structure", keep_collapsed=False)])
        shapes[row] = shapely.multipolygons(_polygons(parts))
        if not shapely.is_valid(shapes[row]):
            shapes[row] = shapely.multipolygons(_polygons([shapely.union_all(parts)]))
    return shapes
