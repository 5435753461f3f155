"""The Action 2 review map: who can walk to what, as one file that opens without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.maps.layers import facility_marks, home_points, land_groups, street_groups, views
from xiqing_space.maps.offline import encode_lines, encode_polygons, new_map, own_file, write_map
from xiqing_space.maps.overlays import CIRCLE, minutes_of, opening_marks, reach_shapes, spot_marks
from xiqing_space.sections import OutputConfig
from xiqing_space.store import Store

FILE = "action02_child_space_review.html"


def page_facts(store: Store, catalogue: Catalogue, output: OutputConfig) -> dict[str, Any]:
    """What stands in the head and foot of every page."""
    area = store.get("area").iloc[0]
    text = {key: area[key] if isinstance(area[key], str) else "" for key in ("name", "source", "licence", "data_date")}
    text["source"] = "; ".join(dict.fromkeys(text["source"].split("; ")))  # two sheets of a file are one source
    title = catalogue.word("title_action02")
    return {
        "area": text["name"], "title": [output.title or f"{text['name']} · {title[0]}", output.title or f"{text['name']} · {title[1]}"],
        "source": text["source"], "licence": text["licence"], "date": text["data_date"],
        "synthetic": bool(area["synthetic"]), "organisation": output.organisation, "language": output.language,
    }  # fmt: skip


def grave(doubts: pd.DataFrame, catalogue: Catalogue) -> list[list[str]]:
    """Errors and warnings about the data, in both languages: the first of each check, and how many more there are.

    Errors first. Kinds that nobody mapped say so themselves.
    """
    kept = doubts[(doubts["severity"] != "info") & (doubts["check"] != "kind_unmapped")]
    count = kept["check"].value_counts()
    first = kept.drop_duplicates("check")
    first = first.assign(rank=first["severity"] != "error").sort_values("rank", kind="stable")
    more_zh, more_en = catalogue.word("more_of_kind")
    result = []
    for row in first.itertuples(index=False):
        n = int(count[row.check]) - 1
        tails = (more_zh.format(n=f"{n:,}"), " " + more_en.format(n=f"{n:,}")) if n else ("", "")
        result.append([row.what_zh + tails[0], row.what_en + tails[1]])
    return result


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
    shown = views(store, catalogue)
    data = {
        "facts": facts,
        "words": {key: list(pair) for key, pair in catalogue.words.items()},
        "kinds": [[kind, catalogue.kinds[kind].zh, catalogue.kinds[kind].en] for kind in measured if
                  catalogue.standards_of(kind)] + [[CIRCLE, *catalogue.word("circle")]] * any(
                  view["kind"] == CIRCLE for view in shown),
        "circle": list(catalogue.circle),
        "bands": {band.id: [band.zh, band.en] for band in catalogue.bands.values()},
        "streets": street_groups(store.get("streets")),
        "land": land_groups(store),
        "area": encode_lines(area.geometry.boundary.to_numpy()),
        "zones": [[row.name_, encode_polygons([row.geometry])] for row in
                  zones.rename(columns={"name": "name_"}).itertuples(index=False)],
        "homes": home_points(demand),
        "relative": bool((demand["weight_kind"] == "relative").any()),
        "facilities": facility_marks(facilities[facilities["kind"].isin(measured)]),
        "views": shown,
        "reach": reach_shapes(store.get("catchments"), {view["reach"] for view in shown} - {None}),
        "spots": spot_marks(store.get("blind_spots"), zones),
        "openings": opening_marks(store.get("gate_openings")),
        "minutes": minutes_of(store.get("walk_minutes")),
        "doubts": grave(doubts, catalogue),
        "metric": int(area["metric_epsg"].iloc[0]),
    }  # fmt: skip
    west, south, east, north = (float(value) for value in area.total_bounds)
    path = folder / FILE
    write_map(new_map((west, south, east, north)), path, lang="zh-CN" if output.language == "zh" else "en",
              title=facts["title"][0], style=own_file("page.css"), data=data,
              script=own_file("action02.js") + own_file("action02_overlays.js"))  # fmt: skip
    return path
