"""The Action 2 review map: who can walk to what, as one file that opens without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.maps.layers import facility_marks, home_points, land_groups, street_groups, views
from xiqing_space.maps.offline import encode_lines, encode_polygons, new_map, own_file, write_map
from xiqing_space.sections import OutputConfig
from xiqing_space.store import Store

FILE = "action02_child_space_review.html"


def page_facts(store: Store, catalogue: Catalogue, output: OutputConfig) -> dict[str, Any]:
    """What stands in the head and foot of every page."""
    area = store.get("area").iloc[0]
    text = {key: area[key] if isinstance(area[key], str) else "" for key in ("name", "source", "licence", "data_date")}
    title = catalogue.word("title_action02")
    return {
        "area": text["name"], "title": [output.title or f"{text['name']} · {title[0]}", output.title or f"{text['name']} · {title[1]}"],
        "source": text["source"], "licence": text["licence"], "date": text["data_date"],
        "synthetic": bool(area["synthetic"]), "organisation": output.organisation, "language": output.language,
    }  # fmt: skip


def grave(doubts: pd.DataFrame) -> list[list[str]]:
    """Errors and warnings about the data, in both languages; kinds that nobody mapped say so themselves."""
    kept = doubts[(doubts["severity"] != "info") & (doubts["check"] != "kind_unmapped")]
    return [[row.what_zh, row.what_en] for row in kept.itertuples()]


def draw_action02(store: Store, catalogue: Catalogue, output: OutputConfig, folder: Path, doubts: pd.DataFrame) -> Path:
    """Write the page; every figure on it comes from the `indicators` table.

    Parameters
    ----------
    store : Store
        Tables of the run.
    folder : Path
        `maps/` of the run.
    doubts : DataFrame
        quality.csv so far; what is graver than a remark stands on the page.
    """
    area, zones, demand = store.get("area"), store.get("zones"), store.get("demand")
    facts = page_facts(store, catalogue, output)
    measured = catalogue.measured_kinds
    facilities = store.get("facilities")
    data = {
        "facts": facts,
        "words": {key: list(pair) for key, pair in catalogue.words.items()},
        "kinds": [[kind, catalogue.kinds[kind].zh, catalogue.kinds[kind].en] for kind in measured if
                  catalogue.standards_of(kind)],
        "bands": {band.id: [band.zh, band.en] for band in catalogue.bands.values()},
        "streets": street_groups(store.get("streets")),
        "land": land_groups(store),
        "area": encode_lines(area.geometry.boundary.to_numpy()),
        "zones": [[row.name_, encode_polygons([row.geometry])] for row in
                  zones.rename(columns={"name": "name_"}).itertuples(index=False)],
        "homes": home_points(demand),
        "relative": bool((demand["weight_kind"] == "relative").any()),
        "facilities": facility_marks(facilities[facilities["kind"].isin(measured)]),
        "views": views(store, catalogue),
        "doubts": grave(doubts),
        "metric": int(area["metric_epsg"].iloc[0]),
    }  # fmt: skip
    west, south, east, north = (float(value) for value in area.total_bounds)
    path = folder / FILE
    write_map(new_map((west, south, east, north)), path, lang="zh-CN" if output.language == "zh" else "en",
              title=facts["title"][0], style=own_file("page.css"), data=data, script=own_file("action02.js"))  # fmt: skip
    return path
