"""Rows that count units: health centres by doctors, communities by what they have, totals that an office states."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xiqing_space.catalog import IndicatorSpec
from xiqing_space.indicators.claims import Claims
from xiqing_space.indicators.places import Communities, Sites
from xiqing_space.indicators.rows import Row, Writer, at, without_value
from xiqing_space.indicators.rules import one_number, share_numbers
from xiqing_space.indicators.tables import Tables
from xiqing_space.ingest.reconcile import reconcile

FEWEST_GP, FEWEST_CHILD_HEALTH = 1, 2  # Action 8 of the plan


def doctor_rows(
    tables: Tables, sites: Sites, spec: IndicatorSpec, kind: str, writer: Writer, claims: Claims
) -> list[Row]:
    """Health centres with enough general practitioners, child-health doctors, and both; centres without numbers are unknown.

    Centres that may be another one's twin (to be answered in the workbook) are left out.
    """
    unmet = claims.unmet(spec, kind)
    if unmet:
        return [
            writer.row(spec, "*", {}, kind=kind, variant="both", weight_kind="count", verdict="no_data", reason=unmet)
        ]
    mine = sites.of(kind)
    mine = mine[mine["sure"].to_numpy(dtype=bool)]
    zone, groups = mine["zone"].to_numpy(dtype=np.int64), tables.groups
    gp, child = (mine[name].to_numpy(dtype=float) for name in ("gp_doctors", "child_health_doctors"))
    enough = {"gp": gp >= FEWEST_GP, "child_health": child >= FEWEST_CHILD_HEALTH}
    short = {"gp": gp < FEWEST_GP, "child_health": child < FEWEST_CHILD_HEALTH}
    enough["both"] = enough["gp"] & enough["child_health"]
    short["both"] = short["gp"] | short["child_health"]
    total = groups.sums_by_zone(np.ones(len(mine)), zone)
    rows = []
    for variant, met in enough.items():
        unknown = ~met & ~short[variant]
        above, below, apart = (groups.sums_by_zone(one.astype(float), zone) for one in (met, met | unknown, unknown))
        shares = share_numbers(above, above, below, total, apart)
        for place, zone_id in enumerate(groups.ids):
            numbers = at(shares, place)
            reason = None
            if np.isnan(numbers["value"]):
                reason = "none_in_zone" if total[place] == 0 else "no_doctor_counts"
                numbers = without_value(numbers)
            rows.append(writer.row(spec, zone_id, numbers, kind=kind, variant=variant, weight_kind="count", reason=reason,
                                   words=writer.catalogue.word(f"doctors_{variant}"),
                                   verdict="no_data" if reason else None))  # fmt: skip
    return rows


def community_rows(
    tables: Tables,
    sites: Sites,
    communities: Communities,
    spec: IndicatorSpec,
    kind: str,
    writer: Writer,
    claims: Claims,
) -> list[Row]:
    """Share of the communities (of towns, villages or both) that have at least one facility of a kind, by zone.

    Facilities whose community nobody can tell stand in `n_unknown`: the figure is a least one then, its high value missing.
    """
    settlement = {"A15-urban": "urban", "A15-rural": "rural"}.get(spec.id)
    unmet = claims.unmet(spec, kind)
    frame = communities.frame
    wanted = (
        np.ones(len(frame), dtype=bool)
        if settlement is None
        else (frame["settlement"] == settlement).to_numpy(dtype=bool)
    )
    if unmet or not wanted.any():
        return [
            writer.row(
                spec, "*", {}, kind=kind, weight_kind="count", verdict="no_data", reason=unmet or "no_communities"
            )
        ]
    mine = sites.of(kind)
    owner = communities.owner_of(pd.DataFrame(mine[mine["sure"].to_numpy(dtype=bool)]))
    has = np.zeros(len(frame))
    has[owner[owner >= 0]] = 1.0
    adrift = int((owner < 0).sum()) + int((~mine["sure"].to_numpy(dtype=bool)).sum())
    zone, groups = frame["zone"].to_numpy(dtype=np.int64)[wanted], tables.groups
    met, total = groups.sums_by_zone(has[wanted], zone), groups.sums_by_zone(np.ones(int(wanted.sum())), zone)
    rows = []
    for place in groups.plain:
        if total[place] == 0:
            continue
        share = met[place] / total[place]
        numbers = one_number(
            float(share), numerator=float(met[place]), denominator=float(total[place]), n_unknown=float(adrift)
        )
        if adrift:
            numbers["value_high"] = np.nan
        rows.append(writer.row(spec, groups.ids[place], numbers, kind=kind, weight_kind="count",
                               reason="communities_unknown" if adrift else None))  # fmt: skip
    return rows


def completeness_rows(tables: Tables, writer: Writer, claims: Claims) -> list[Row]:
    """What was found ÷ what an office states, by campus; rows that may be counted twice, and unknown operators, widen the range."""
    spec = writer.catalogue.indicators["A02-completeness"]
    unmet = claims.unmet(spec)
    if unmet:
        return [writer.row(spec, "*", {}, weight_kind="count", verdict="no_data", reason=unmet)]
    facilities = tables.facilities[["facility_id", "site_id", "kind", "operator", "status", "inside"]]
    waiting = tables.unlocated[["facility_id", "kind", "operator", "status", "asked"]]
    waiting = waiting.assign(site_id=waiting["facility_id"], inside=True)
    asked = waiting["asked"].to_numpy(dtype=bool)
    least, most = (
        reconcile(
            pd.concat([pd.DataFrame(facilities), pd.DataFrame(one.drop(columns="asked"))], ignore_index=True),
            tables.stated,
        )
        for one in (waiting[~asked], waiting)
    )
    rows = []
    for one, low, high in zip(tables.stated, least.itertuples(), most.itertuples(), strict=True):
        kinds, reason, verdict = "|".join(one.kinds), None, None
        numbers: dict[str, float] = {"denominator": float(one.total)}
        if low.fits == "no_data" and high.fits == "no_data":
            reason, verdict = "no_facility_mapped", "no_data"
        elif one.total == 0:
            reason, verdict = "no_stated_total", "no_data"
        else:
            share = low.by_site / one.total
            numbers |= {"value": share, "value_low": share, "value_high": high.by_site_high / one.total, "numerator": float(low.by_site),
                        "n_unknown": float(high.by_site_high - low.by_site)}  # fmt: skip
        rows.append(writer.row(spec, "*", numbers, kind=kinds, variant=one.label, words=(one.label, one.label), weight_kind="count",
                               reason=reason, verdict=verdict))  # fmt: skip
    return rows
