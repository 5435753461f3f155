"""Stage catchments: land within reach of every kind at its limits."""

from __future__ import annotations

from typing import Any

from xiqing_space.coverage.catchments import CatchmentInputs, measure_catchments
from xiqing_space.stages.context import Context


def catchments(context: Context) -> dict[str, Any]:
    """Land, children and streets within reach of every kind, at each of its limits and on each of its profiles."""
    store = context.store
    inputs = CatchmentInputs(
        store.get("streets"), store.get("barriers"), store.get("facilities"), store.get("access_links"), store.get("demand"),
        store.get("access"), store.get("land_cells"), store.get("land_access"), int(store.get("area")["metric_epsg"].iloc[0]),
    )  # fmt: skip
    frame = store.put("catchments", measure_catchments(inputs, context.catalogue))
    return {"rows": {"catchments": len(frame)}}
