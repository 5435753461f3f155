"""The `schools` table: each school's pupils, their ways, its weakest link. None is left out: why it has no routes is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.load import LEVELS, UNKNOWN_LEVEL
from xiqing_space.coverage.access import open_to_everyone
from xiqing_space.safety.route_sums import grades
from xiqing_space.safety.routes import parts_of
from xiqing_space.safety.school_routes import Flows, RouteTables, SchoolRoutes, weight_kind_of
from xiqing_space.safety.words import crossing_words
from xiqing_space.schemas.safety import ASSIGNED

_TENTH = 0.9  # of the pupils who reach `route_score_p10`


def schools_table(routes: SchoolRoutes, crossings: Flows, tables: RouteTables, catalogue: Catalogue) -> pd.DataFrame:
    """The `schools` table (unsorted): schools of the routed kinds inside the area, and those outside that serve homes inside.

    A school of unknown level has a row for each kind of which it has pupils; one without pupils a row of its own kind. Means
    are weighted by pupils, so they say nothing of the one child with the worst way.

    Parameters
    ----------
    crossings : Flows
        Of the routes' crossings.
    """
    rows, sites = routes.rows, routes.assigned.site_id
    rows = rows[rows["school"] >= 0]
    facts = tables.assignment.facilities
    facts = facts[open_to_everyone(facts)].sort_values("facility_id")
    served = rows["school"].to_numpy(dtype=np.int64)
    near = tables.assignment.demand["inside"].to_numpy(dtype=bool)[rows["home"].to_numpy(dtype=np.int64)]
    of_site = facts.drop_duplicates("site_id").set_index("site_id").reindex(sites)
    inside = facts[facts["inside"].to_numpy(dtype=bool)]
    wanted = np.isin(sites, inside["site_id"].to_numpy(dtype=object)) | np.isin(np.arange(len(sites)), served[near])
    groups = dict(iter(rows.groupby(["school", "kind"], sort=True)))
    listed = _listed(sites, facts, set(groups), wanted, routes.kinds or routes.walks.settings.kinds)
    lost = _why_nobody(routes)
    sums = {
        name: routes.sums[name].to_numpy(dtype=float)
        for name in ("length_m", "route_score", "acceptable", "share_defaulted")
    }
    out = []
    for school, kind in listed:
        mine = groups.get((school, kind), rows.iloc[:0])
        out.append({"school": school, "kind": kind, **_figures(routes, mine, sums), "reason": None})
        if not (mine["reason"].isna() & (mine["pair"] >= 0)).any():
            out[-1]["reason"] = _reason(mine, lost[school])
    frame = pd.DataFrame(out, columns=["school", "kind", *_FIGURES, "reason"])
    school = frame["school"].to_numpy(dtype=np.int64)
    frame["grade"] = grades(frame["share_defaulted"].to_numpy(dtype=float), catalogue)
    frame = frame.assign(
        school_id=sites[school], name=of_site["name"].to_numpy(dtype=object)[school],
        inside=of_site["inside"].fillna(False).to_numpy(dtype=bool)[school], weight_kind=weight_kind_of(tables.assignment.demand),
        geometry=of_site["geometry"].to_numpy(dtype=object)[school],
    )  # fmt: skip
    frame["zone_id"] = _zone_of(frame["geometry"].to_numpy(dtype=object), tables.assignment.zones)
    worst = _worst(routes, crossings, frame, tables, catalogue)
    return pd.concat([frame.drop(columns="school"), worst], axis=1)


def _listed(
    sites: NDArray[np.object_], facts: pd.DataFrame, served: set[tuple[int, str]], wanted: NDArray[np.bool_], kinds: tuple[str, ...]
) -> list[tuple[int, str]]:  # fmt: skip
    """School and kind of every row."""
    row = {site: number for number, site in enumerate(sites.tolist())}
    own = {(row[site], kind) for site, kind in zip(facts["site_id"], facts["kind"], strict=True) if site in row}
    level = {school for school, kind in own if kind == UNKNOWN_LEVEL}
    taught = {(school, kind) for school, kind in own if kind in kinds and kind != UNKNOWN_LEVEL} | served
    told = {school for school, _ in taught}
    idle = {(school, UNKNOWN_LEVEL) for school in level - told if set(kinds) & set(LEVELS)}
    return sorted(one for one in taught | idle if wanted[one[0]])


_FIGURES = ("assigned_by", "children", "children_routed", "length_mean_m", "route_score_mean", "route_score_p10", "share_acceptable",
            "share_defaulted")  # fmt: skip


def _figures(routes: SchoolRoutes, mine: pd.DataFrame, sums: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    """What a school's rows come to; missing where nobody has a route."""
    children, pair = mine["children"].to_numpy(dtype=float), mine["pair"].to_numpy(dtype=np.int64)
    how = mine["assigned_by"].to_numpy(dtype=object)
    by = {one: float(children[how == one].sum()) for one in ASSIGNED if (how == one).any()}
    found = routes.routed.tree[pair] >= 0
    who, pair = children[found], pair[found]
    total = float(who.sum())
    figures: dict[str, Any] = dict.fromkeys(_FIGURES, np.nan) | {
        "assigned_by": max(by, key=lambda one: by[one]) if by else None, "children": float(children.sum()),
        "children_routed": total,
    }  # fmt: skip
    if total > 0:
        doubt = sums["share_defaulted"][pair]
        known = ~np.isnan(doubt)
        figures |= {
            "length_mean_m": float(who @ sums["length_m"][pair]) / total,
            "route_score_mean": float(who @ sums["route_score"][pair]) / total,
            "route_score_p10": _reached(sums["route_score"][pair], who),
            "share_acceptable": min(1.0, float(who @ sums["acceptable"][pair]) / total),
            "share_defaulted": float(who[known] @ doubt[known]) / float(who[known].sum()) if who[known].sum() > 0 else np.nan,
        }  # fmt: skip
    return figures


def _reached(score: NDArray[np.float64], who: NDArray[np.float64]) -> float:
    """The highest score that nine tenths of the pupils reach."""
    order = np.argsort(-score, kind="stable")
    share = np.cumsum(who[order]) / who.sum()
    return float(score[order][np.searchsorted(share, _TENTH - 1e-12, side="left")])


def _why_nobody(routes: SchoolRoutes) -> list[str]:
    """Of each school without pupils why: not linked, on an island, or nobody lives near."""
    walks = routes.walks
    graph = walks.graph
    part = parts_of(graph)
    length = np.bincount(part[graph.tail], weights=graph.length_m, minlength=1)
    reached = {int(one) for one in walks.schools.owner[part[graph.tail[walks.schools.arc]] == length.argmax()]}
    linked = set(walks.schools.owner.tolist())
    return [
        "school_not_linked" if school not in linked else "no_pupils_near" if school in reached else "island"
        for school in range(len(routes.assigned.site_id))
    ]


def _reason(mine: pd.DataFrame, nobody: str) -> str:
    """Why no pupil of a school has a route."""
    if mine.empty or nobody == "school_not_linked":
        return nobody
    return "island" if (mine["reason"] == "unreachable").all() else "no_route"


def _worst(
    routes: SchoolRoutes, flows: Flows, schools: pd.DataFrame, tables: RouteTables, catalogue: Catalogue
) -> pd.DataFrame:
    """The worst crossing that pupils of each school and kind pass, with how many, in words."""
    crossing_id = routes.walks.graph.crossing_id
    rows = routes.rows[(routes.rows["pair"] >= 0) & (routes.rows["children"] > 0)]
    rows = rows.join(routes.sums[["worst_cross", "worst_crossing"]], on="pair")
    rows = rows[rows["worst_crossing"] >= 0].sort_values(
        ["worst_cross", "worst_crossing"], ascending=[False, True], kind="stable"
    )
    rows = rows.drop_duplicates(["school", "kind"])
    first = {
        (school, kind): (int(item), float(score))
        for school, kind, item, score in rows[["school", "kind", "worst_crossing", "worst_cross"]].itertuples(
            index=False
        )
    }
    key = flows.school * max(len(crossing_id), 1) + flows.item
    out = []
    for place in zip(schools["school"].tolist(), schools["kind"].tolist(), strict=True):
        if place not in first:
            out.append((None, np.nan, np.nan))
            continue
        item, score = first[place]
        at = np.searchsorted(key, place[0] * max(len(crossing_id), 1) + item)
        out.append((crossing_id[item], score, float(flows.children[at, routes.kinds.index(place[1])])))
    frame = pd.DataFrame(out, columns=["worst_crossing_id", "worst_cross", "worst_children"])
    named = tables.crossings[tables.crossings["crossing_id"].isin(set(frame["worst_crossing_id"].dropna()))]
    words = crossing_words(named, catalogue)
    for at, name in enumerate(("worst_zh", "worst_en")):
        frame[name] = [words[one][at] if isinstance(one, str) else None for one in frame["worst_crossing_id"].tolist()]
    return frame


def _zone_of(points: Any, zones: pd.DataFrame) -> list[str | None]:
    """Zone of each point, the first by id where zones overlap."""
    ordered = zones.sort_values("zone_id")
    point, zone = shapely.STRtree(ordered["geometry"].to_numpy(dtype=object)).query(points, predicate="intersects")
    names = ordered["zone_id"].tolist()
    found: list[str | None] = [None] * len(points)
    for one, other in sorted(zip(point.tolist(), zone.tolist(), strict=True), reverse=True):
        found[one] = names[other]
    return found
