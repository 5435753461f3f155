"""Stages that show figures: the table of indicators, the pages and the sheets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from xiqing_space.indicators import Stated, Tables, build_coverages, build_indicators, build_sensitivity
from xiqing_space.ingest.cells import defuse_cell
from xiqing_space.ingest.quality import Quality
from xiqing_space.release import tables
from xiqing_space.stages.context import Context


def indicators(context: Context) -> dict[str, Any]:
    """The table of figures, as Parquet and as CSV that Excel opens; and how far the headline shares may move."""
    store = context.store
    tables = Tables(
        demand=store.get("demand"),
        zones=store.get("zones"),
        facilities=store.get("facilities"),
        access=store.get("access"),
        low=store.get("access_low"),
        unlocated=store.get("unlocated"),
        gate_range=store.get("gate_range"),
        inside=store.get("access_inside"),
        no_inferred=store.get("access_no_inferred"),
        no_legs=store.get("access_no_legs"),
        bridge=store.get("bridge"),
        supply=store.get("supply"),
        communities=store.get("communities"),
        safe=store.get("safe_access"),
        safe_bridge=store.get("safe_bridge"),
        routes=store.get("school_routes"),
        crossings=store.get("crossings"),
        gate_rules=store.get("gate_rules"),
        stated=tuple(Stated(one.label, one.kinds, one.total, one.operators) for one in context.config.stated),
    )
    cells = store.get("land_cells")
    land = tables.of_land(cells, store.get("land_access")) if len(cells) else None
    coverages = build_coverages(tables, context.catalogue)
    frame = store.put(
        "indicators", build_indicators(tables, context.catalogue, context.run_key, context.synthetic, land, coverages)
    )
    write_csv(frame, store.folder / "indicators.csv")
    store.put("sensitivity", build_sensitivity(tables, context.catalogue, context.synthetic, coverages))
    return {"rows": {"indicators": len(frame)}}


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """CSV in UTF-8 with a byte-order mark, so that Excel reads Chinese; text that would run as a formula is defused."""
    safe = frame.copy()
    for column in safe.columns:
        if safe[column].dtype == "str" or safe[column].dtype == object:
            safe[column] = safe[column].map(defuse_cell)
    safe.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def school_map(context: Context) -> dict[str, Any]:
    """The page of the ways to school."""
    from xiqing_space.maps import draw_action13

    return _draw(context, draw_action13)


def maps(context: Context) -> dict[str, Any]:
    """The page of spaces and facilities, and the page that leads to all of them."""
    from xiqing_space.maps import draw_action02, draw_index

    return _draw(context, draw_action02, draw_index)


def _draw(context: Context, *pages: Callable[..., Path]) -> dict[str, Any]:
    shown = tables(context.store, context.catalogue, context.config.output)
    doubts = shown.doubts(Quality(list(context.doubts)).frame())
    for draw in pages:
        draw(shown, shown.catalogue, context.config.output, context.maps, doubts)
    return {"rows": {}}


def figures(context: Context) -> dict[str, Any]:
    """The sheets under maps/figures/."""
    from xiqing_space.maps import draw_figures

    shown = tables(context.store, context.catalogue, context.config.output)
    made = draw_figures(shown, shown.catalogue, context.config.output, context.maps / "figures")
    return {"rows": {"figures": len(made)}}
