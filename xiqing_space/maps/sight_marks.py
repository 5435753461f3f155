"""Tables -> lines of sight on the Action 2 map: where a child sees too short, and what stands in the way."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

_SHOWN = 400  # the shortest against what is needed; the table has all


def sight_marks(sightlines: gpd.GeoDataFrame, streets: pd.DataFrame) -> list[dict[str, Any]]:
    """Waiting places where a child does not see as far as a car needs to stop, those that lack most first.

    Parameters
    ----------
    sightlines : GeoDataFrame
        `sightlines`.
    streets : DataFrame
        `edge_id, name, ref`.
    """
    mine = sightlines[sightlines["verdict"] != "enough"]
    lacking = mine["needed_m"] - mine["seen_child_m"]
    mine = (
        mine.assign(lacking=lacking)
        .sort_values(["lacking", "sightline_id"], ascending=[False, True], kind="stable")
        .head(_SHOWN)
    )
    names = streets.set_index("edge_id")[["name", "ref"]].reindex(mine["edge_id"])
    called = names["name"].where(names["name"].notna(), names["ref"]).fillna("").tolist()
    lines = mine.geometry.to_numpy()
    ends = shapely.get_coordinates(lines).reshape(-1, 2, 2) if len(mine) else np.zeros((0, 2, 2))
    return [
        {
            "at": [round(line[0][1], 6), round(line[0][0], 6)], "to": [round(line[1][1], 6), round(line[1][0], 6)],
            "id": row.sightline_id, "road": name, "near": row.near, "speed": round(float(row.speed_kmh)), "needed": round(float(row.needed_m)),
            "child": round(float(row.seen_child_m)), "adult": round(float(row.seen_adult_m)), "gap": round(gap) if (gap := float(row.child_gap_m)) == gap else None,
            "what": row.blocked_what if isinstance(row.blocked_what, str) else "", "by": row.blocked_by if isinstance(row.blocked_by, str) else "",
            "evidence": row.evidence,
        }
        for row, name, line in zip(mine.itertuples(index=False), called, ends.tolist(), strict=True)
    ]  # fmt: skip


def sight_counts(sightlines: pd.DataFrame) -> dict[str, int]:
    """How many were looked at, and how many of each verdict."""
    counts = sightlines["verdict"].value_counts()
    return {
        "all": len(sightlines),
        **{verdict: int(counts.get(verdict, 0)) for verdict in ("enough", "too_short", "to_verify")},
    }
