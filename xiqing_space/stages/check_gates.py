"""Stage gate_rules: school gates against the rules for the street before them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from xiqing_space.safety.gate_rules import GateInputs, check_gates
from xiqing_space.stages.context import Context


def gate_rules(context: Context) -> dict[str, Any]:
    """Every gate of the area's schools under every rule for its kind."""
    store = context.store
    tables = {one.name: store.get(one.name) for one in fields(GateInputs) if one.name != "metric_epsg"}
    inputs = GateInputs(**tables, metric_epsg=int(store.get("area")["metric_epsg"].iloc[0]))
    rows = store.put("gate_rules", check_gates(inputs, context.catalogue))
    return {"rows": {"gate_rules": len(rows), "gates": int(rows["gate_id"].nunique())}}
