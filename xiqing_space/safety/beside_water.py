"""How much of each street lies beside open water."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.network.links import Segments

_STEP_M = 2.0  # a street is looked at in pieces of about this length


def shares_beside_water(
    streets: pd.DataFrame, barriers: pd.DataFrame, within_m: float, metric_epsg: int
) -> dict[str, float]:
    """Share of every walkable edge's length that lies within some metres of a bank; edges that have none are left out.

    Whether a railing stands between is not known. Water carried on a bridge does not count.

    Parameters
    ----------
    streets, barriers : DataFrame
        Tables, EPSG:4326.
    within_m : float
    metric_epsg : int

    Returns
    -------
    dict of edge_id to float
        To about two metres of the edge.
    """
    mine = barriers[(barriers["barrier"] == "water").to_numpy() & ~barriers["bridge"].to_numpy(dtype=bool)]
    walked = streets[streets["walk"].to_numpy(dtype=bool)]
    if mine.empty or walked.empty:
        return {}
    banks = Segments(project_geometry(mine["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)).tree
    lines = project_geometry(walked["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    near = np.unique(banks.query(lines, predicate="dwithin", distance=within_m)[0])
    lines = lines[near]
    many = np.maximum(np.ceil(shapely.length(lines) / _STEP_M), 1.0).astype(np.int64)
    line = np.repeat(np.arange(len(near)), many)
    number = np.arange(len(line)) - np.repeat(np.cumsum(many) - many, many)
    middles = shapely.line_interpolate_point(lines[line], (number + 0.5) / many[line], normalized=True)
    wet = np.unique(banks.query(middles, predicate="dwithin", distance=within_m)[0])
    share: NDArray[np.float64] = np.bincount(line[wet], minlength=len(near)) / many
    return {
        edge: part
        for edge, part in zip(walked["edge_id"].to_numpy(dtype=object)[near].tolist(), share.tolist(), strict=True)
        if part
    }
