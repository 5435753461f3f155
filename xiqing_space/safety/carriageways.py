"""Roads drawn as two one-way carriageways: which edge lies opposite, and which side faces it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project
from xiqing_space.errors import TableError
from xiqing_space.network.graph import spread
from xiqing_space.safety.legs import Legs
from xiqing_space.safety.lines import first_of

_LOOK_AT = (0.5, 0.3, 0.7, 0.1, 0.9)  # parts of its length at which an edge looks aside; the first that sees one counts
_STEP_M = 1.0  # either way of such a place, to read the heading off


@dataclass(frozen=True)
class Carriageways:
    """Of each edge the one opposite.

    Attributes
    ----------
    opposite : int64 (e,)
        Row of the nearest edge of the other carriageway, beside this one; -1 where the edge is a road of its own.
    inner : int8 (e,)
        Side that faces it: 1 left, 2 right, 0 none. Nobody walks there.
    """

    opposite: NDArray[np.int64]
    inner: NDArray[np.int8]


def attributes_of(legs: Legs, street_attributes: pd.DataFrame) -> pd.DataFrame:
    """Rows of `street_attributes` in the order of the legs' edges.

    Raises
    ------
    TableError
        An edge has no row: the tables are of different streets.
    """
    rows = pd.Index(street_attributes["edge_id"]).get_indexer(pd.Index(legs.edge_id))
    if (rows < 0).any():
        raise TableError("street_attributes lacks edges", first=[str(one) for one in legs.edge_id[rows < 0][:5]])
    return street_attributes.iloc[rows]


def find_opposite(legs: Legs, attributes: pd.DataFrame, catalogue: Catalogue, metric_epsg: int) -> Carriageways:
    """The opposite edge of each carriageway.

    Parameters
    ----------
    legs : Legs
    attributes : DataFrame (e,)
        `attributes_of` the legs; column pair_id.
    catalogue : Catalogue
        `safety["roads"]["pair_gap_max_m"]`.
    metric_epsg : int

    Notes
    -----
    Opposite is what lies beside an edge, not ahead of it, whichever way the lines are drawn.
    """
    found = Carriageways(np.full(len(legs.edge_id), -1, dtype=np.int64), np.zeros(len(legs.edge_id), dtype=np.int8))
    pair = pa.array(attributes["pair_id"].to_numpy(dtype=object), type=pa.string(), from_pandas=True)
    halves = np.flatnonzero(pair.is_valid().to_numpy(zero_copy_only=False) & legs.road)
    if not len(halves):
        return found
    code = pair.take(pa.array(halves)).dictionary_encode().indices.to_numpy()
    lines = _lines(legs, halves, metric_epsg)
    count, length = len(_LOOK_AT), shapely.length(lines)
    of = np.repeat(np.arange(len(halves)), count)
    along = np.tile(_LOOK_AT, len(halves)) * length[of]
    at = shapely.line_interpolate_point(lines[of], along)
    heading = _places(lines[of], np.minimum(along + _STEP_M, length[of])) - _places(
        lines[of], np.maximum(along - _STEP_M, 0)
    )
    # lines lie in the middle of their carriageways, and the gap is between the rims
    reach = 1.5 * catalogue.safety["roads"]["pair_gap_max_m"]
    look, other = shapely.STRtree(lines).query(at, predicate="dwithin", distance=reach)
    same = (code[of[look]] == code[other]) & (of[look] != other)
    look, other = look[same], other[same]
    leg = shapely.get_coordinates(shapely.shortest_line(at[look], lines[other])).reshape(-1, 2, 2)
    out = leg[:, 1] - leg[:, 0]
    across = heading[look, 0] * out[:, 1] - heading[look, 1] * out[:, 0]
    beside = np.abs(across) > np.abs((heading[look] * out).sum(axis=1))
    # where two carriageways part like a V the other one is seen ahead: it runs the opposite way
    chord = _places(lines, length) - _places(lines, np.zeros(len(lines)))
    parting = (heading[look] * chord[other]).sum(axis=1) < 0
    seen = np.flatnonzero((np.abs(across) > 0) & (beside | parting))
    metres = np.round(np.hypot(*out[seen].T), 3)
    best = seen[first_of(of[look[seen]], ~beside[seen], look[seen] % count, metres, other[seen])]
    mine = halves[of[look[best]]]
    found.opposite[mine] = halves[other[best]]
    found.inner[mine] = np.where(across[best] > 0, 1, 2)
    return found


def _places(lines: NDArray[np.object_], along: NDArray[np.float64]) -> NDArray[np.float64]:
    xy: NDArray[np.float64] = shapely.get_coordinates(shapely.line_interpolate_point(lines, along))
    return xy


def _lines(legs: Legs, edges: NDArray[np.integer], metric_epsg: int) -> NDArray[np.object_]:
    """Lines of some edges, metric."""
    size = np.diff(legs.start)[edges]
    xy = project(legs.vertex[spread(legs.start[edges], size)], GEOGRAPHIC, metric_epsg)
    made: NDArray[np.object_] = shapely.linestrings(xy, indices=np.repeat(np.arange(len(edges)), size))
    return made
