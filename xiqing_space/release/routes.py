"""Ways to school for a public release: numbers of pupils in steps, no route of few, nothing of special schools, no list of unguarded gates."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.release import ReleaseRules
from xiqing_space.release.suppress import in_steps, is_small

_OF_ROUTES = [
    "length_mean_m",
    "route_score_mean",
    "route_score_p10",
    "share_acceptable",
    "worst_cross",
    "share_defaulted",
]
_IN_WORDS = ["worst_crossing_id", "worst_zh", "worst_en", "grade"]


def stepped(frame: pd.DataFrame, columns: list[str], floor: float) -> pd.DataFrame:
    """Numbers of persons in whole floors; relative weights stay, for they are no persons."""
    frame = frame.copy()
    persons = (frame["weight_kind"] == "persons").to_numpy(dtype=bool)
    for column in columns:
        values = frame[column].to_numpy(dtype=float)
        frame[column] = np.where(persons, in_steps(values, floor), values)
    return frame


def release_forest(forest: pd.DataFrame, private: set[str], floor: float, rules: ReleaseRules) -> pd.DataFrame:
    """One row for each stretch and crossing of a school that enough of its pupils take; where a way begins is not told."""
    mine = forest[(forest["children"] > 0) & ~forest["school_id"].isin(private)]
    parts = []
    for taken in ("next_edge_id", "next_crossing_id"):
        some = mine[mine[taken].notna()]
        if len(some):
            added = some.groupby(["school_id", taken], sort=True, as_index=False)["children"].sum()
            first = some.drop_duplicates(["school_id", taken]).drop(columns="children")
            parts.append(first.merge(added, on=["school_id", taken], how="inner"))
    if not parts:
        return forest.head(0)
    both = pd.concat(parts, ignore_index=True)[list(forest.columns)]
    most = both.groupby("school_id")["children"].transform("max")
    persons = both["weight_kind"] == "persons"
    kept = (persons & (both["children"] >= floor)) | (~persons & (both["children"] >= rules.least_flow_share * most))
    done = stepped(both[kept], ["children"], floor)
    return done.sort_values(["school_id", "tree", "node_id", "corner"], kind="stable", ignore_index=True)


def release_flows(
    flows: pd.DataFrame, forest: pd.DataFrame, released: pd.DataFrame, private: set[str], floor: float
) -> pd.DataFrame:
    """Pupils on streets and crossings in steps; stretches of fewer than the floor are left out.

    Where a school stands that is not to be shown, or weights are relative, the flows are added up from the schools that are.

    Parameters
    ----------
    forest, released : DataFrame
        `school_forest` as the run has it, and as it is released.
    private : set of str
        Schools that are left out.
    """
    relative = bool((flows["weight_kind"] == "relative").any())
    served = flows["school_ids"].str.split("|")
    if relative or any(not private.isdisjoint(some) for some in served):
        source = released if relative else forest[~forest["school_id"].isin(private)]
        sums = pd.concat(
            [source.dropna(subset=[one]).groupby(one)["children"].sum() for one in ("next_edge_id", "next_crossing_id")]
        )
        flows = flows.assign(children=flows["item_id"].map(sums).fillna(0.0), school_ids=_without(served, private))
    done = stepped(flows, ["children"], floor)
    return done[done["children"] > 0].reset_index(drop=True)


def _without(ids: pd.Series, private: set[str]) -> list[str]:
    return ["|".join(one for one in some if one not in private) for some in ids]


def release_schools(
    schools: gpd.GeoDataFrame, private: set[str], floor: float, rules: ReleaseRules
) -> gpd.GeoDataFrame:
    """Schools with their pupils in steps; of fewer pupils than the floor nothing of their routes is told."""
    frame = schools[~schools["school_id"].isin(private)].reset_index(drop=True)
    few = (frame["weight_kind"] == "persons").to_numpy(dtype=bool) & is_small(
        frame["children_routed"].to_numpy(dtype=float), floor
    )
    frame = stepped(frame, ["children", "children_routed", "worst_children"], floor)
    frame["share_acceptable"] = np.round(np.round(frame["share_acceptable"] / rules.share_step) * rules.share_step, 6)
    frame.loc[few, _OF_ROUTES] = np.nan
    frame.loc[few, _IN_WORDS] = None
    return frame


def release_gate_rules(found: gpd.GeoDataFrame, catalogue: Catalogue, private: set[str]) -> gpd.GeoDataFrame:
    """Rules whose finding at one gate may be told; guards and premises are not among them."""
    shown = {rule.id for rule in catalogue.gate_rules.values() if rule.public}
    return found[found["rule_id"].isin(shown) & ~found["site_id"].isin(private)].reset_index(drop=True)


def release_fixes(fixes: gpd.GeoDataFrame, rules: ReleaseRules, private: set[str], floor: float) -> gpd.GeoDataFrame:
    """The list, without works that tell which gates lack a guard and without special schools; ranks count on."""
    frame = fixes[fixes["rank"].notna() & ~fixes["treatment"].isin(rules.withheld_treatments)].reset_index(drop=True)
    served = frame["school_ids"].str.split("|")
    left = pd.Series(_without(served, private), index=frame.index, dtype=object)
    frame = frame.assign(school_ids=left)[(left != "") | (frame["school_ids"] == "")]
    frame = stepped(frame, ["children_helped", "children_acceptable"], floor).sort_values(
        ["rank", "fix_id"], kind="stable"
    )
    frame["risk_removed"] = frame["risk_removed"].where(
        frame["weight_kind"] != "persons"
    )  # ÷ the change of score it is the children
    frame["rank"] = pd.array(range(1, len(frame) + 1), dtype="Int64")
    return frame.sort_values("fix_id", kind="stable", ignore_index=True)


def release_openings(openings: gpd.GeoDataFrame, private: set[str], floor: float) -> gpd.GeoDataFrame:
    """Gates to open, children helped in steps."""
    frame = openings[~openings["owner_id"].isin(private)].reset_index(drop=True)
    return stepped(frame, ["children_helped", "children_covered"], floor)
