"""School crossing guards (护学岗) at gates: which crossings near them are guarded too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project_geometry

WITHIN_M = 50.0  # 行动20: 护学岗 within 50 m of the school gate
_YES = ("yes", "true", "1", "是", "有")


def guarded_gates(gates: pd.DataFrame, survey: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows of `gates` have a guard: named themselves, or by their school's site_id, which means all its gates.

    What is said of a gate itself counts before what is said of its school. A gate that nobody names may have one all the same.

    Parameters
    ----------
    gates : DataFrame
        gate_id, owner_id.
    survey : DataFrame
        Table `street_survey`.
    """
    mine = survey[((survey["item_type"] == "gate") & (survey["field"] == "guard")).to_numpy(dtype=bool)]
    said = dict(zip(mine["item_id"], mine["value"].astype(str).str.lower().isin(_YES), strict=True))
    own, school = gates["gate_id"].map(said), gates["owner_id"].map(said)
    found: NDArray[np.bool_] = own.where(own.notna(), school).eq(True).to_numpy(dtype=bool)
    return found


def with_guards_of_gates(
    crossings: pd.DataFrame, gates: pd.DataFrame, survey: pd.DataFrame, metric_epsg: int
) -> pd.DataFrame:
    """Crossings with `guard` where a guarded gate lies within 50 m in a straight line.

    A crossing of which a field sheet speaks itself keeps what it says; footbridges and underpasses have no guard.

    Parameters
    ----------
    crossings : DataFrame
        The `crossings` table, EPSG:4326.
    gates : DataFrame
        The `gates` table: gate_id, owner_id, geometry.
    survey : DataFrame
        Table `street_survey`.
    """
    at = gates["geometry"].to_numpy(dtype=object)[guarded_gates(gates, survey)]
    if not len(at) or crossings.empty:
        return crossings
    points = project_geometry(crossings["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    posts = project_geometry(at, GEOGRAPHIC, metric_epsg)
    near = np.zeros(len(crossings), dtype=bool)
    near[shapely.STRtree(points).query(posts, predicate="dwithin", distance=WITHIN_M)[1]] = True
    near &= (crossings["guard_from"] != "survey").to_numpy(dtype=bool)
    near &= (crossings["control"] != "grade_separated").to_numpy(dtype=bool)
    return crossings.assign(
        guard=crossings["guard"].to_numpy(dtype=bool) | near,
        guard_from=np.where(near, "survey", crossings["guard_from"].to_numpy(dtype=object)),
    )
