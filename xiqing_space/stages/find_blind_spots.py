"""Stage blind_spots: where children live who have a kind of facility beyond its default limit."""

from __future__ import annotations

from typing import Any

from xiqing_space.catalog.blind_spots import load_blind_spots
from xiqing_space.coverage.blind_spots import SpotInputs, find_blind_spots
from xiqing_space.stages.context import Context


def blind_spots(context: Context) -> dict[str, Any]:
    """Clusters of children beyond the default limit, per kind and for the complete circle."""
    store = context.store
    inputs = SpotInputs(
        store.get("demand"), store.get("zones"), store.get("access"), store.get("bridge"), store.get("facilities"),
        store.get("unlocated"), store.get("compounds"), store.get("streets"), int(store.get("area")["metric_epsg"].iloc[0]),
    )  # fmt: skip
    frame = store.put("blind_spots", find_blind_spots(inputs, context.catalogue, load_blind_spots()))
    return {"rows": {"blind_spots": len(frame)}}
