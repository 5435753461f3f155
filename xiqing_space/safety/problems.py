"""What to look at first: schools by pupils without an acceptable route, and at each school the crossings to mend."""

from __future__ import annotations

import numpy as np
import pandas as pd


def school_problems(forest: pd.DataFrame, crossings: pd.DataFrame, most: int) -> pd.DataFrame:
    """The crossings of each school's routes with the greatest pupils × cross; those of low risk are no problem.

    One order for every page and sheet, so that a number means the same crossing on both.

    Parameters
    ----------
    forest : DataFrame
        `school_id, next_crossing_id, children` of `school_forest`.
    crossings : DataFrame
        `crossing_id, risk, cross`: crossings with their scores.
    most : int
        How many of a school.

    Returns
    -------
    DataFrame
        `school_id, number` (from 1), `crossing_id, children`, by school and number.
    """
    known = crossings.loc[crossings["risk"] != "low", ["crossing_id", "cross"]]
    passed = forest[(forest["children"] > 0) & forest["next_crossing_id"].isin(known["crossing_id"])]
    sums = passed.groupby(["school_id", "next_crossing_id"], sort=True)["children"].sum().reset_index()
    found = sums.rename(columns={"next_crossing_id": "crossing_id"}).merge(known, on="crossing_id")
    weight = -(found["children"].to_numpy(dtype=float) * found["cross"].to_numpy(dtype=float))
    order = np.lexsort((found["crossing_id"].to_numpy(dtype=object), weight, found["school_id"].to_numpy(dtype=object)))
    found = found.iloc[order].reset_index(drop=True)
    found["number"] = found.groupby("school_id").cumcount() + 1
    return found.loc[found["number"] <= most, ["school_id", "number", "crossing_id", "children"]].reset_index(drop=True)


def first_schools(schools: pd.DataFrame, most: int) -> pd.DataFrame:
    """The schools of the area to look at first: most pupils without an acceptable route.

    Parameters
    ----------
    schools : DataFrame
        `schools`.
    most : int
        How many.
    """
    mine = schools[schools["inside"] & schools["share_acceptable"].notna()]
    left = mine["children_routed"] * (1 - mine["share_acceptable"])
    ordered = mine.assign(left=left).sort_values(
        ["left", "school_id", "kind"], ascending=[False, True, True], kind="stable"
    )
    return ordered.drop_duplicates("school_id").head(most)
