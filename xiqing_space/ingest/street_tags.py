"""Tags of streets that tell how safe a walk along them is: kept as written, read by the safety room."""

from __future__ import annotations

import json
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from xiqing_space.ingest.osm_streets import STREET_TAGS, StreetWays

_SIDES = ("", ":left", ":right", ":both")
WAY_KEYS = (
    "highway", "foot", "service", "junction", "oneway", "dual_carriageway", "lane_markings", "divider", "lit", "surface",
    "smoothness", "incline", "traffic_calming", "is_sidepath",
    "maxspeed", "maxspeed:forward", "maxspeed:backward", "maxspeed:type", "zone:maxspeed", "source:maxspeed", "zone:traffic",
    "lanes", "lanes:forward", "lanes:backward", "lanes:both_ways",
    "width", "est_width", "width:carriageway", "footway", "path", "cycleway", "footway:width",
    "crossing", "crossing:markings", "crossing:signals", "crossing:island",
    *(f"sidewalk{side}{of}" for side in _SIDES for of in ("", ":width", ":separation")), "sidewalk:est_width",
    *(f"separation{side}" for side in _SIDES),
    *(f"parking{side}" for side in _SIDES[1:]), *(f"parking:lane{side}" for side in _SIDES[1:]),
)  # fmt: skip
READ_KEYS = tuple(dict.fromkeys((*STREET_TAGS, *WAY_KEYS)))  # with what says who may walk: one pass reads both
_KEYS = sorted(WAY_KEYS)


def way_tags(ways: StreetWays) -> pd.DataFrame:
    """The `street_tags` table (unsorted) of street ways that were read with `READ_KEYS`, a row per way."""
    way, first = np.unique(ways.way_id, return_index=True)
    sets, row = np.unique(ways.tag_row[first], return_inverse=True)
    values = zip(*(ways.tags[key][sets] for key in _KEYS), strict=True)
    texts = np.asarray([_json(one) for one in values], dtype=object)
    return pd.DataFrame({"osm_id": [f"osm:w{one}" for one in way.tolist()], "tags": texts[row]})


def _json(values: tuple[str | None, ...]) -> str:
    """Keys in alphabetical order; untagged ones are left out."""
    return json.dumps(
        {key: value for key, value in zip(_KEYS, values, strict=True) if value is not None}, ensure_ascii=False
    )


def osmnx_tags(edges: gpd.GeoDataFrame) -> pd.DataFrame:
    """The `street_tags` table (unsorted) of edges that osmnx saved, with what columns they have.

    osmnx joins the ways of one street: several values are put together as OSM writes them, `2;3`. It draws one-way streets the way
    they are driven, and the `streets` table draws each from the smaller node: `oneway` is told as it fits that, `-1` against the
    line and `-1;yes` where edges of one way differ.
    """
    osmid = edges["osmid"] if "osmid" in edges.columns else pd.Series([None] * len(edges))
    way = [f"osm:w{(_values(one) or ['0'])[0]}" for one in osmid]
    found: dict[str, dict[str, set[str]]] = {one: {} for one in way}
    for key in (key for key in WAY_KEYS if key in edges.columns and key != "oneway"):
        for one, value in zip(way, edges[key].tolist(), strict=True):
            if values := _values(value):
                found[one].setdefault(key, set()).update(values)
    if "oneway" in edges.columns:
        for one, value, u, v in zip(way, edges["oneway"].tolist(), edges["u"].tolist(), edges["v"].tolist(), strict=True):  # fmt: skip
            if _values(value) in (["True"], ["yes"], ["1"]):
                found[one].setdefault("oneway", set()).update(
                    ("yes", "-1") if u == v else ("yes",) if u < v else ("-1",)
                )
    return pd.DataFrame(
        {
            "osm_id": list(found),
            "tags": [
                json.dumps({key: ";".join(sorted(tags[key])) for key in sorted(tags)}, ensure_ascii=False)
                for tags in found.values()
            ],
        }
    )


def _values(cell: Any) -> list[str]:
    """Values of an osmnx cell, which may hold a list written out as text; none where it is empty."""
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return []
    text = str(cell).strip()
    parts = text[1:-1].split(",") if text.startswith("[") and text.endswith("]") else [text]
    plain = [part.strip().strip("'\"") for part in parts]
    return [part for part in plain if part and part.lower() not in ("nan", "none")]
