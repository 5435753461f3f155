"""What works do to the routes of pupils: on the way they go today, and on the way they would go then."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.network.graph import spread
from xiqing_space.safety.forest import Pieces
from xiqing_space.safety.route_sums import METRES_PER_CROSSING, judge_routes, sum_routes
from xiqing_space.safety.routes import Nearest, SchoolWalks, choose_routes
from xiqing_space.safety.school_routes import SchoolRoutes
from xiqing_space.safety.works import Works

_LEAST = 1e-9  # a route gets safer where its risk falls by more than what adding up in another order makes


@dataclass(frozen=True)
class Passages:
    """What pairs of home and school pass, sorted by pair and item; an item passed twice is one passage.

    Attributes
    ----------
    pair, item : int64 (k,)
        Items as in `Works`.
    risk : float64 (k,)
        How much of its score counts in the route's risk: metres / 100, or the part of a crossing that it is.
    worst : float64 (k,)
        How much of a crossing's score counts as the worst one; 0 for streets.
    """

    pair: NDArray[np.int64]
    item: NDArray[np.int64]
    risk: NDArray[np.float64]
    worst: NDArray[np.float64]


def exposure_of(routes: SchoolRoutes) -> NDArray[np.float64]:
    """Pupils × how much of each item's score counts in the risk of their routes; float64 (edges + crossings,)."""
    edges = len(routes.walks.graph.edge_id)
    total = np.zeros(edges + len(routes.walks.graph.crossing_id))
    for _, pieces, passing, used in routes.passing:
        edge, crossing, risk, _ = _of_pieces(pieces, routes.walks)
        for item, counted in zip((edge, crossing), risk.T, strict=True):
            here = used & (item >= 0)
            total += _sums(item[here], (passing.sum(axis=1) * counted)[here], len(total))
    return total


def find_passages(routes: SchoolRoutes, items: NDArray[np.bool_], pairs: NDArray[np.bool_]) -> Passages:
    """Where the routes of all pairs pass some items, and where those of some pairs pass anything.

    Parameters
    ----------
    routes : SchoolRoutes
    items : bool (edges + crossings,)
    pairs : bool (pairs,)
    """
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]] = []
    size = len(items)
    for pieces in routes.routed.pieces.values():
        edge, crossing, risk, worst = _of_pieces(pieces, routes.walks)
        wanted = np.append(items, False)[edge] | np.append(items, False)[crossing]
        further = pieces.sums(wanted[:, None].astype(float))[:, 0] > 0
        pair = np.flatnonzero(pieces.leaf >= 0)
        at = pieces.leaf[pair]
        while len(at):
            kept = pairs[pair] | further[at]
            pair, at = pair[kept], at[kept]
            hit = pairs[pair] | wanted[at]
            found.append((pair[hit], at[hit], np.full(int(hit.sum()), len(parts))))
            on = pieces.parent[at] >= 0
            pair, at = pair[on], pieces.parent[at[on]]
        parts.append((edge, crossing, risk, worst))
    if not found:
        none = np.zeros(0, dtype=np.int64)
        return Passages(none, none, np.zeros(0), np.zeros(0))
    pair, at, tree = (np.concatenate(one) for one in zip(*found, strict=True))
    columns = []
    for number, (edge, crossing, risk, worst) in enumerate(parts):
        mine = tree == number
        for item, column in ((edge, 0), (crossing, 1)):
            here = item[at[mine]]
            there = here >= 0
            weight = worst[at[mine]] if column else np.zeros(len(here))
            columns.append((pair[mine][there], here[there], risk[at[mine], column][there], weight[there]))
    pair, item, risk, worst = (np.concatenate(one) for one in zip(*columns, strict=True))
    key, place = np.unique(pair * size + item, return_inverse=True)
    most = np.zeros(len(key))
    np.maximum.at(most, place, worst)
    return Passages(key // size, key % size, _sums(place, risk, len(key)), most)


def _of_pieces(
    pieces: Pieces, walks: SchoolWalks
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Of each piece: its street and crossing as items (-1: none), how much of both counts, and of the crossing as the worst."""
    edge = np.where(pieces.metres > 0, pieces.edge, -1)
    crossing = np.where(pieces.crossing >= 0, pieces.crossing + len(walks.graph.edge_id), -1)
    share = np.append(walks.graph.share, 0.0)[pieces.crossing] * pieces.part
    return edge, crossing, np.column_stack([pieces.metres / METRES_PER_CROSSING, share]), pieces.part


@dataclass(frozen=True)
class Effects:
    """Works on routes, sorted by work and pair: those that get safer.

    Attributes
    ----------
    work, pair : int64 (k,)
    removed : float64 (k,)
        By how much the route's risk falls.
    acceptable : bool (k,)
        Whether a route that was not acceptable becomes so.
    """

    work: NDArray[np.int64]
    pair: NDArray[np.int64]
    removed: NDArray[np.float64]
    acceptable: NDArray[np.bool_]

    def of(self, work: int) -> Effects:
        """Those of one work."""
        low, high = np.searchsorted(self.work, (work, work + 1))
        mine = slice(int(low), int(high))
        return Effects(self.work[mine], self.pair[mine], self.removed[mine], self.acceptable[mine])


NO_EFFECTS = Effects(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=bool))


def measure_effects(works: Works, routes: SchoolRoutes, catalogue: Catalogue) -> Effects:
    """What each work changes on the routes as they are; nobody goes another way.

    Risk is that of standards §B1.4: Σ along · length / 100 m + Σ cross. It is no number of accidents.
    """
    changed = np.zeros(len(works.before), dtype=bool)
    changed[works.item] = True
    usual = (routes.routed.tree >= 0) & ~routes.sums["acceptable"].to_numpy(dtype=bool)
    passages = find_passages(routes, changed, usual)
    order = np.argsort(works.item, kind="stable")
    low, high = (np.searchsorted(works.item[order], passages.item, side) for side in ("left", "right"))
    entry = order[spread(low, high - low)]
    passage = np.repeat(np.arange(len(passages.pair)), high - low)
    fall = (works.before[works.item[entry]] - works.after[entry]) * passages.risk[passage]
    pairs = max(len(routes.home), 1)
    key, place = np.unique(works.work[entry] * pairs + passages.pair[passage], return_inverse=True)
    removed = _sums(place, fall, len(key))
    kept = removed > _LEAST
    work, pair = key[kept] // pairs, key[kept] % pairs
    better = np.zeros(len(work), dtype=bool)
    maybe = np.flatnonzero(usual[pair])
    better[maybe] = _acceptable(works, work[maybe], pair[maybe], passages, catalogue)
    return Effects(work, pair, removed[kept], better)


def _acceptable(
    works: Works, work: NDArray[np.int64], pair: NDArray[np.int64], passages: Passages, catalogue: Catalogue
) -> NDArray[np.bool_]:
    """Whether routes are acceptable with a work done; the passages hold all that these pairs pass."""
    if not len(work):
        return np.zeros(0, dtype=bool)
    low, high = (np.searchsorted(passages.pair, pair, side) for side in ("left", "right"))
    at, case = spread(low, high - low), np.repeat(np.arange(len(pair)), high - low)
    item = passages.item[at]
    score = works.before[item]
    size = len(works.before)
    key, wanted = works.work * size + works.item, work[case] * size + item
    place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    done = key[place] == wanted
    score = np.where(done, works.after[place], score)
    street = item < works.edges
    metres = np.where(street, passages.risk[at], 0.0) * METRES_PER_CROSSING
    walked, along = _sums(case, metres, len(pair)), _sums(case, metres * score, len(pair))
    worst = np.zeros(len(pair))
    np.maximum.at(worst, case, np.where(street, 0.0, passages.worst[at] * score))
    mean = np.divide(along, walked, out=np.zeros(len(pair)), where=walked > 0)
    return judge_routes(mean, worst, catalogue)[1]


def route_again(
    routes: SchoolRoutes,
    walks: SchoolWalks,
    nearest: Nearest,
    pairs: NDArray[np.int64],
    before: Effects,
    catalogue: Catalogue,
) -> Effects:
    """What a work changes when pupils choose their routes anew.

    Whoever then goes a shorter but riskier way could as well have kept the old one, which is no worse than before: that way counts,
    and so a work that makes nothing worse never counts as harm.

    Parameters
    ----------
    routes : SchoolRoutes
        As they are.
    walks : SchoolWalks
        With the work done.
    nearest : Nearest
        Shortest walks of the pairs in `pairs`.
    pairs : int64 (p,)
        Pairs routed again: all those of the schools concerned.
    before : Effects
        Of the work, on the routes as they are.
    """
    routed = choose_routes(walks, routes.home[pairs], routes.school[pairs], nearest)
    sums = sum_routes(routed, walks, catalogue)
    now = routes.sums.iloc[pairs]
    fixed, fit = np.zeros(len(routes.home)), np.zeros(len(routes.home), dtype=bool)
    fixed[before.pair], fit[before.pair] = before.removed, before.acceptable
    fall = now["route_risk"].to_numpy(dtype=float) - sums["route_risk"].to_numpy(dtype=float)
    other = np.nan_to_num(fall, nan=0.0) > fixed[pairs] + _LEAST
    removed = np.where(other, fall, fixed[pairs])
    was = now["acceptable"].to_numpy(dtype=bool)
    better = ~was & (fit[pairs] | sums["acceptable"].to_numpy(dtype=bool))
    kept = np.flatnonzero((removed > _LEAST) & (np.append(routes.routed.tree, -1)[pairs] >= 0))
    none = np.zeros(len(kept), dtype=np.int64)
    return Effects(none, pairs[kept], removed[kept], better[kept])


def of_pairs(nearest: Nearest, pairs: NDArray[np.int64]) -> Nearest:
    """The shortest walks of some pairs."""
    return Nearest(
        nearest.length_m[pairs], nearest.apart[pairs], replace(nearest.pieces, leaf=nearest.pieces.leaf[pairs])
    )


def summed(effects: Effects, works: int, pupils: NDArray[np.float64]) -> pd.DataFrame:
    """Children helped, of these with a route that becomes acceptable, and risk removed; a row per work."""
    children = pupils[effects.pair]
    return pd.DataFrame(
        {
            "children_helped": _sums(effects.work, children, works),
            "children_acceptable": _sums(effects.work, children * effects.acceptable, works),
            "risk_removed": _sums(effects.work, children * effects.removed, works),
        }
    )


def _sums(place: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.bincount(place, weights=values, minlength=size).astype(np.float64)
