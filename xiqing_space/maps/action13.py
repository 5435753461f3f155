"""The Action 13 review map: how safe the ways to school are, as one file that opens without a network."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.maps.page import page_data, write_page
from xiqing_space.maps.school_layers import (
    crossing_layer,
    crossing_table,
    edge_layer,
    fix_marks,
    gate_marks,
    kinds_of,
    school_figures,
    school_marks,
    scored_edges,
)  # fmt: skip
from xiqing_space.release import Reader
from xiqing_space.sections import OutputConfig

FILE = "action13_school_routes_review.html"
TITLE = "title_action13"


def draw_action13(
    store: Reader, catalogue: Catalogue, output: OutputConfig, folder: Path, doubts: pd.DataFrame
) -> Path:
    """Write the page; every figure on it comes from a table of the run.

    The score is derived and unofficial, and the page says so at its head. A planner may not read a low class as "safe": what OSM does
    not know (parked cars, e-bikes on the path, lorries turning right) is not in it.

    Parameters
    ----------
    store : Reader
        Tables of the run.
    folder : Path
        `maps/` of the run.
    doubts : DataFrame
        quality.csv so far; what is graver than a remark stands on the page.
    """
    edges, crossings, schools = scored_edges(store), crossing_table(store), store.get("schools")
    safety = catalogue.safety
    streets = store.get("streets")
    data = page_data(store, catalogue, output, TITLE, doubts, streets[pd.Index(edges["edge_id"]).get_indexer(pd.Index(streets["edge_id"])) < 0]) | {
        "kinds": kinds_of(catalogue, schools),
        "score_name": [safety["name_zh"], safety["name_en"]],
        "acceptable": safety["routes"]["acceptable"],
        "weak": safety["factors"]["weak_zone"],
        "edges": edge_layer(edges),
        "crossings": crossing_layer(crossings),
        "schools": school_marks(store, edges, crossings),
        "gates": gate_marks(store.get("gate_rules"), {rule.id for rule in catalogue.gate_rules.values() if rule.public}),
        "rules": {rule.id: [rule.zh, rule.en] for rule in catalogue.gate_rules.values() if rule.public},
        "fixes": fix_marks(store.get("fixes")),
        "treatments": {one.id: [one.zh, one.en] for one in catalogue.treatments.values()},
        "figures": school_figures(store),
        "evidence": _evidence(store),
    }  # fmt: skip
    return write_page(store, output, folder / FILE, data, ("action13.js", "action13_panels.js"))


def _evidence(store: Reader) -> str:
    """Evidence id under which run.json keeps the figures of routes; the page's marks rest on the same inputs."""
    table = store.get("indicators")
    mine = table[(table["action"] == "13") & (table["zone_id"] == "*")]
    return str(mine["evidence_id"].iloc[0]) if len(mine) else ""
