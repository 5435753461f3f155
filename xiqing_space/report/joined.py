"""Tables set side by side as a planner reads them: stored figures moved, rows added up, nothing measured."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.column_words import ColumnWords

DISTRICT = "*"
BANDS = ("pop_0_2", "pop_3_5", "pop_6_11", "pop_12_14", "pop_15_17")
Alias = tuple[str, str]  # Chinese heading and unit


def is_relative(demand: pd.DataFrame) -> bool:
    """Whether people are relative weights, which are shares and never persons."""
    return bool((demand["weight_kind"] == "relative").any()) or demand.empty


def people_unit(relative: bool) -> str:
    """The unit in which children are given, in Chinese."""
    return "占全区居民权重" if relative else "人"


def default_kinds(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Kinds with a standard, and the id of the default one, in catalogue order."""
    for kind in catalogue.measured_kinds:
        if standards := catalogue.standards_of(kind):
            yield kind, standards[0].id


def zones_with_figures(
    zones: pd.DataFrame,
    demand: pd.DataFrame,
    indicators: pd.DataFrame,
    catalogue: Catalogue,
    words: ColumnWords,
    *,
    district: bool = False,
) -> tuple[pd.DataFrame, dict[str, Alias]]:
    """Zones with their children per band and the headline shares of the `indicators` table.

    A zone without a share has no data; it is not at 0 %. With `district` the whole district stands before its zones, without
    geometry.

    Returns
    -------
    frame : DataFrame
        Columns of `zones`, then pop_total and pop_* (persons, or relative weights), share_walk_<kind> and share_radius_<kind>
        (shares of the default standard, all target bands).
    aliases : dict
        Chinese heading and unit of each column that is not in the schema.
    """
    frame, aliases = zones.copy(), {}
    inside = demand[demand["inside"].to_numpy(dtype=bool)]
    sums = inside.groupby("zone_id")[["pop_total", *BANDS]].sum(min_count=1)
    if district:
        whole = pd.DataFrame({"zone_id": [DISTRICT], "name": ["全区"]})
        frame = pd.concat([whole, pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))], ignore_index=True)
        sums.loc[DISTRICT] = inside[["pop_total", *BANDS]].sum(min_count=1)
    unit = people_unit(is_relative(demand))
    for column in sums.columns:
        frame[column] = frame["zone_id"].map(
            sums[column]
        )  # missing where no homes are known: not a zone without children
        aliases[column] = (words.heading("demand", column)[0] + ("" if column == "pop_total" else "儿童"), unit)
    shares = indicators[(indicators["indicator_id"] == "A02-coverage") & (indicators["age_band"] == "*")]
    by_key = shares.set_index(["kind", "standard_id", "measure", "zone_id"])["value"].sort_index()
    for kind, standard in default_kinds(catalogue):
        for measure, zh in (("walk", "步行"), ("radius", "半径")):
            try:
                found = by_key.loc[(kind, standard, measure)]
            except KeyError:  # a limit in minutes has no radius
                continue
            frame[f"share_{measure}_{kind}"] = frame["zone_id"].map(found)
            limit = catalogue.standards[standard]
            words_unit = "m" if limit.unit == "m" else "分钟"
            aliases[f"share_{measure}_{kind}"] = (
                f"{catalogue.kinds[kind].zh}{zh}覆盖率（{limit.value:g} {words_unit}）",
                "share",
            )
    return frame, aliases


def cells_with_shares(
    cells: pd.DataFrame, shares: pd.DataFrame, catalogue: Catalogue
) -> tuple[pd.DataFrame, dict[str, Alias]]:
    """Cells of a public release with the share of their children within the default walk, by kind. Missing is withheld, never 0 %."""
    frame, aliases = cells.copy(), {}
    for kind in ("circle", *(kind for kind, _ in default_kinds(catalogue))):
        mine = shares[shares["kind"] == kind].set_index("cell_id")["covered"]
        if len(mine):
            frame[f"share_walk_{kind}"] = frame["cell_id"].map(mine)
            zh = catalogue.kinds[kind].zh if kind in catalogue.kinds else "完整生活圈"
            aliases[f"share_walk_{kind}"] = (f"{zh}步行可达儿童比例", "share")
    return frame, aliases


def homes_with_walks(
    demand: pd.DataFrame, access: pd.DataFrame, catalogue: Catalogue
) -> tuple[pd.DataFrame, dict[str, Alias]]:
    """Homes with the walking distance to each kind that has a standard, on the networks of the bands that need it.

    Missing is beyond the search limit, unreachable or unknown (see `access`); it is neither far nor near.
    """
    frame, aliases = demand.copy(), {}
    networks = {"walk": "步行距离", "pram": "推婴儿车距离"}
    codes = {name: number for number, name in enumerate(frame["demand_id"])}
    place = access["demand_id"].map(codes).to_numpy(dtype=float)
    kind_of, profile_of = access["kind"].to_numpy(dtype=object), access["profile"].to_numpy(dtype=object)
    metres = access["distance_m"].to_numpy(dtype=float)
    known = ~np.isnan(place)
    for kind, _ in default_kinds(catalogue):
        profiles = {band.profile for band in catalogue.target_bands(kind)} or {"walk"}
        for profile in sorted(profiles, reverse=True):
            mine = known & (kind_of == kind) & (profile_of == profile)
            if not mine.any():
                continue
            found = np.full(len(frame), np.nan)
            found[place[mine].astype(np.intp)] = metres[mine]
            frame[f"{profile}_m_{kind}"] = found
            aliases[f"{profile}_m_{kind}"] = (f"到{catalogue.kinds[kind].zh}{networks[profile]}", "m")
    return frame, aliases


def bridge_summary(bridge: pd.DataFrame, demand: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Rows of `bridge` added up by zone (and the district), kind, network, limit and cause.

    Homes of the buffer are left out. What is lost on foot is not lost to the clause, which asks for the radius alone.

    Returns
    -------
    DataFrame
        zone_id, kind, profile, limit_m, cause, homes, children (of the target bands that walk on that network).
    """
    people = demand.set_index("demand_id")
    rows = bridge[bridge["demand_id"].map(people["inside"]).fillna(False).to_numpy(dtype=bool)]
    children = np.zeros(len(rows))
    homes = people.reindex(rows["demand_id"])
    kind_of, profile_of = rows["kind"].to_numpy(dtype=object), rows["profile"].to_numpy(dtype=object)
    for kind in sorted(set(kind_of)):
        for band in catalogue.target_bands(kind) or tuple(catalogue.bands.values()):
            mine = (kind_of == kind) & (profile_of == band.profile)
            children[mine] += homes[band.column].to_numpy(dtype=float)[mine]
    long = rows[["kind", "profile", "limit_m", "cause"]].reset_index(drop=True)
    long = long.assign(zone_id=homes["zone_id"].to_numpy(dtype=object), homes=1, children=children)
    both = pd.concat([long.assign(zone_id=DISTRICT), long[long["zone_id"].notna()]], ignore_index=True)
    keys = ["zone_id", "kind", "profile", "limit_m", "cause"]
    return both.groupby(keys, as_index=False, sort=True)[["homes", "children"]].sum()
