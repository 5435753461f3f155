"""Stages indicators and maps: the table of figures, and the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from xiqing_space.indicators import Tables, build_indicators
from xiqing_space.ingest.cells import defuse_cell
from xiqing_space.ingest.quality import Quality
from xiqing_space.stages.context import Context


def indicators(context: Context) -> dict[str, Any]:
    """The table of figures, as Parquet and as CSV that Excel opens."""
    store = context.store
    access, low = store.get("access"), store.get("access_low")
    key = ["demand_id", "kind", "profile"]
    changed = low.rename(columns={"distance_m": "low_m"}).assign(changed=True)
    merged = access[[*key, "distance_m"]].merge(changed, on=key, how="left")
    merged["distance_m"] = merged["distance_m"].where(merged["changed"].isna(), merged["low_m"])
    tables = Tables(
        store.get("demand"),
        store.get("zones"),
        store.get("facilities"),
        access,
        merged[[*key, "distance_m"]],
        store.get("unlocated"),
        store.get("gate_range"),
    )
    cells = store.get("land_cells")
    land = tables.of_land(cells, store.get("land_access")) if len(cells) else None
    frame = store.put(
        "indicators", build_indicators(tables, context.catalogue, context.run_key, context.synthetic, land)
    )
    write_csv(frame, store.folder / "indicators.csv")
    return {"rows": {"indicators": len(frame)}}


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """CSV in UTF-8 with a byte-order mark, so that Excel reads Chinese; text that would run as a formula is defused."""
    safe = frame.copy()
    for column in safe.columns:
        if safe[column].dtype == "str" or safe[column].dtype == object:
            safe[column] = safe[column].map(defuse_cell)
    safe.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def maps(context: Context) -> dict[str, Any]:
    """The pages."""
    from xiqing_space.maps import draw_action02, draw_index

    doubts = Quality(list(context.doubts)).frame()
    draw_action02(context.store, context.catalogue, context.config.output, context.maps, doubts)
    draw_index(context.store, context.catalogue, context.config.output, context.maps, doubts)
    return {"rows": {}}
