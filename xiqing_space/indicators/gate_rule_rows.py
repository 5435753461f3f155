"""Rows of school gates: how many of those known to be pupils' gates meet each rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.indicators.rows import Row, Writer
from xiqing_space.indicators.tables import Tables

JUDGED = ("meets", "below_recommended", "fails_mandatory")
SPEED, GUARD, PREMISES = "speed_limit_30", "guard_50m", "internet_cafes_200m"


def gate_rule_rows(tables: Tables, writer: Writer) -> list[Row]:
    """Share of pupils' gates that meet a rule, by rule, for the district and every zone; what is unknown stands apart.

    A gate that was guessed, or a rule that the data cannot decide, is neither met nor not: it is in `n_unknown` and not in the
    denominator. Vehicle gates, and gates of which a rule asks nothing, do not count for it. Guards are told of the district
    alone: in a zone with one gate a share would say which gate has none.
    """
    frame = tables.gate_rules
    if frame.empty:
        return []
    rules, specs = writer.catalogue.gate_rules, writer.catalogue.indicators
    ours = frame[
        ((frame["gate_use"] != "vehicle") & (frame["reason"].fillna("") != "does_not_apply")).to_numpy(dtype=bool)
    ]
    zone = pd.Index(tables.zones["zone_id"]).get_indexer(pd.Index(ours["zone_id"]))
    rule_of = ours["rule_id"].to_numpy(dtype=object)
    rows: list[Row] = []
    for rule_id in sorted(set(rule_of) & set(rules)):
        rule, mine = rules[rule_id], rule_of == rule_id
        if rule.gives_verdict and rule_id != GUARD:
            spec, variant = (specs["A16-speed"], "") if rule_id == SPEED else (specs["A13-gates"], rule_id)
            counts = _counts(ours[mine], zone[mine], tables)
            words = None if rule_id == SPEED else (rule.zh, rule.en)
            rows += [_share(writer, spec.id, tables.groups.ids[place], counts[:, place], variant, words)
                     for place in tables.groups.plain]  # fmt: skip
    guards = ours[rule_of == GUARD]
    reason = "no_gates_known" if (guards["reason"] == "gate_guessed").all() else "no_guard_list"
    whole = _counts(guards, np.full(len(guards), -1), tables)[:, 0]
    rows.append(_share(writer, "A20-guard-gates", "*", whole, "", None, reason))
    return rows + _premises(ours[rule_of == PREMISES], tables, writer)


def _counts(mine: pd.DataFrame, zone: NDArray[np.integer], tables: Tables) -> NDArray[np.float64]:
    """Gates that meet the rule, that are judged, and all of them: a row each, a column per group."""
    met, judged = (mine["verdict"].eq("meets"), mine["verdict"].isin(JUDGED))
    columns = (met.to_numpy(dtype=float), judged.to_numpy(dtype=float), np.ones(len(mine)))
    return np.stack([tables.groups.sums_by_zone(one, zone) for one in columns])


def _share(
    writer: Writer, name: str, zone: str, counts: NDArray[np.float64], variant: str, words: tuple[str, str] | None,
    reason: str = "no_gates_known",
) -> Row:  # fmt: skip
    met, of, gates = (float(one) for one in counts)
    spec, unknown = writer.catalogue.indicators[name], gates - of
    if of == 0:
        return writer.row(spec, zone, {"n_unknown": unknown}, variant=variant, words=words, weight_kind="count", verdict="no_data",
                          reason=reason)  # fmt: skip
    numbers = {"value": met / of, "value_low": met / gates, "value_high": (met + unknown) / gates, "numerator": met, "denominator": of,
               "n_unknown": unknown}  # fmt: skip
    return writer.row(spec, zone, numbers, variant=variant, words=words, weight_kind="count")


def _premises(mine: pd.DataFrame, tables: Tables, writer: Writer) -> list[Row]:
    """Schools with points to verify near a gate: how many, never which premises.

    A school is known where something was found at one of its gates, or all of them could be looked at. Its zone is its first
    gate's.
    """
    spec = writer.catalogue.indicators["A17-premises"]
    by_site = mine.assign(unseen=mine["measured"].isna()).groupby("site_id", sort=True)
    most, unseen = by_site["measured"].max().to_numpy(dtype=float), by_site["unseen"].any().to_numpy(dtype=bool)
    found = most > 0
    known = found | ~unseen
    zone = pd.Index(tables.zones["zone_id"]).get_indexer(pd.Index(by_site["zone_id"].first()))
    met, of, schools = (
        tables.groups.sums_by_zone(one.astype(float), zone) for one in (found, known, np.ones(len(known)))
    )
    rows = []
    for place in tables.groups.plain:
        unknown = float(schools[place] - of[place])
        if of[place] == 0:
            rows.append(writer.row(spec, tables.groups.ids[place], {"n_unknown": unknown}, weight_kind="count", verdict="no_data",
                                   reason="no_premises_mapped"))  # fmt: skip
            continue
        value = float(met[place])
        numbers = {"value": value, "value_low": value, "value_high": value + unknown, "numerator": value, "denominator": float(of[place]),
                   "n_unknown": unknown}  # fmt: skip
        rows.append(writer.row(spec, tables.groups.ids[place], numbers, weight_kind="count"))
    return rows
