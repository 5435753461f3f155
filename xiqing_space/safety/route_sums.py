"""What adds up along routes, and their worst links; all routes at once, down the trees of their pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.safety.forest import Pieces
from xiqing_space.safety.routes import Routed, SchoolWalks
from xiqing_space.safety.score import decimal_star
from xiqing_space.schemas.safety import GRADES, RISKS, TREES

METRES_PER_CROSSING = 100.0  # of street that weigh as much as one crossing, in risk and in reliability


@dataclass(frozen=True)
class PieceScores:
    """Scores of pieces of way; NaN where a piece has no street, or no crossing.

    Attributes
    ----------
    along, cross : float64 (p,)
        `cross` of the whole crossing, even where the piece is one carriageway of two; half of it before a door whose side of
        the street is not known, for it may never be crossed.
    """

    along: NDArray[np.float64]
    cross: NDArray[np.float64]


def score_pieces(pieces: Pieces, walks: SchoolWalks) -> PieceScores:
    """Scores of each piece."""
    walked, over = pieces.metres > 0, pieces.crossing >= 0
    along = np.where(walked & (pieces.edge >= 0), np.append(walks.values.along, np.nan)[pieces.edge], np.nan)
    cross = np.where(over, np.append(walks.values.cross, np.nan)[pieces.crossing] * pieces.part, np.nan)
    return PieceScores(along, cross)


def sum_routes(routed: Routed, walks: SchoolWalks, catalogue: Catalogue) -> pd.DataFrame:
    """A row per pair of home and school: length, scores, metres by class, worst links.

    The score says how much safer one way is than another; it is no probability of an accident.

    Parameters
    ----------
    routed : Routed
    walks : SchoolWalks
    catalogue : Catalogue
        `safety.routes` and `safety.stars`.

    Returns
    -------
    DataFrame
        Columns of `school_routes` from `tree` to `reliability`, with `gate` (way into the school), `worst_edge` and
        `worst_crossing` (rows of the graph's ids, -1: none) in place of ids. NaN and -1 where there is no route.
    """
    count = len(routed.tree)
    names = (
        "length_m",
        "walked",
        "along",
        "crossings",
        "cross_sum",
        "defaulted",
        *(f"m_{risk}" for risk in RISKS),
        "m_beside_water",
    )
    sums = np.full((count, len(names)), np.nan)
    worst = np.full((count, 2), np.nan)
    where = np.full((count, 3), -1, dtype=np.int64)
    for pieces in routed.pieces.values():
        mine = np.flatnonzero(pieces.leaf >= 0)
        leaf = pieces.leaf[mine]
        scores = score_pieces(pieces, walks)
        sums[mine] = pieces.sums(_summed(pieces, scores, walks))[leaf]
        for column, (score, item) in enumerate(((scores.along, pieces.edge), (scores.cross, pieces.crossing))):
            best, at = pieces.greatest(np.where(np.isnan(score), -np.inf, score))
            found = np.isfinite(best[leaf])
            worst[mine[found], column] = best[leaf[found]]
            where[mine[found], column] = item[at[leaf[found]]]
        where[mine, 2] = pieces.way_in()[leaf]
    found = pd.DataFrame(dict(zip(names, sums.T, strict=True)))
    return _scored(found, routed, worst, where, catalogue)


def _summed(pieces: Pieces, scores: PieceScores, walks: SchoolWalks) -> NDArray[np.float64]:
    """What of each piece is added up, a column each."""
    values, metres = walks.values, pieces.metres
    walked = np.where(pieces.edge >= 0, metres, 0.0)
    part = np.append(walks.graph.share, 0.0)[pieces.crossing] * pieces.part
    cross, doubt = (np.append(one, 0.0)[pieces.crossing] for one in (values.cross, values.cross_defaulted))
    defaulted, water, risk = (np.append(one, 0)[pieces.edge] for one in (values.defaulted, values.water, values.risk))
    columns = [
        metres + pieces.leg_m, walked, walked * np.nan_to_num(scores.along), part, part * cross,
        walked / METRES_PER_CROSSING * defaulted + part * doubt,
        *(walked * (risk == one) for one in range(len(RISKS))), walked * water,
    ]  # fmt: skip
    return np.column_stack(columns)


def _scored(
    found: pd.DataFrame, routed: Routed, worst: NDArray[np.float64], where: NDArray[np.int64], catalogue: Catalogue
) -> pd.DataFrame:
    """Means, scores and judgements from the sums."""
    routes = routed.tree >= 0
    walked = found["walked"].to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(walked > 0, found["along"].to_numpy() / walked, np.nan)
        weight = walked / METRES_PER_CROSSING + found["crossings"].to_numpy()
        doubt = np.where(weight > 0, found["defaulted"].to_numpy() / weight, np.nan)
        detour = found["length_m"].to_numpy() / routed.shortest_m
    cross = np.where(routes, np.nan_to_num(worst[:, 1]), np.nan)
    score, within = judge_routes(mean, cross, catalogue)
    tree = pd.Series(list(TREES), dtype=object).reindex(routed.tree).to_numpy(dtype=object)
    return found.drop(columns=["walked", "along", "crossings", "defaulted"]).assign(
        tree=tree, shortest_m=routed.shortest_m, detour_ratio=np.where(np.isfinite(detour), np.maximum(detour, 1.0), np.nan),
        along_mean=mean, worst_along=worst[:, 0], worst_cross=cross, worst_edge=where[:, 0], worst_crossing=where[:, 1],
        gate=where[:, 2], route_risk=(found["along"] / METRES_PER_CROSSING + found["cross_sum"]).to_numpy(), route_score=score,
        acceptable=within & routes, share_defaulted=np.minimum(doubt, 1.0), reliability=grades(doubt, catalogue),
    )  # fmt: skip


def judge_routes(
    along_mean: NDArray[np.float64], worst_cross: NDArray[np.float64], catalogue: Catalogue
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Score of routes, 0 to 100, and whether both it and the worst crossing are acceptable."""
    accept, stars = catalogue.safety["routes"]["acceptable"], catalogue.safety["stars"]
    star = decimal_star(np.nan_to_num(along_mean) + worst_cross, catalogue)
    score = np.round(20.0 * np.clip(star, stars["least"], stars["most_route"]), 1)
    within = (score >= accept["route_score_min"]) & (np.round(worst_cross, 4) <= accept["worst_cross_max"])
    return score, within


def grades(share_defaulted: NDArray[np.float64], catalogue: Catalogue) -> Any:
    """How far scores rest on what was seen: high, middle, low; None where the share is missing."""
    rules = catalogue.safety["routes"]["reliability"]
    ends = [rules["high_max_defaulted"], rules["middle_max_defaulted"]]
    place = np.searchsorted(ends, np.round(np.nan_to_num(share_defaulted), 4), side="left")
    named = np.array(GRADES, dtype=object)[place]
    return pd.Series(named, dtype=object).where(~np.isnan(share_defaulted), None).to_numpy(dtype=object)
