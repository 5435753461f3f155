"""Small tables for the data check-up: zones with streets and homes, facilities, doubts; a check-up of hostile names."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from helpers import degrees

from xiqing_space.catalog import load_catalogue
from xiqing_space.catalog.checkup import load_checkup
from xiqing_space.crs import project_geometry
from xiqing_space.ingest.doubts import with_doubt_ids
from xiqing_space.ingest.quality import COLUMNS, Quality
from xiqing_space.ingest.questions import build_returns, note_questions
from xiqing_space.network.completeness import street_completeness
from xiqing_space.report import build_checkup

CATALOGUE, RULES = load_catalogue(), load_checkup()
EPSG = 4548
# the lower left corner of a cell of the 200 m grid of EPSG:4548, near the tests' place
ORIGIN = (500_000.0, 4_327_000.0)


def place(x: float, y: float) -> tuple[float, float]:
    """Degrees of a place in metres from `ORIGIN`."""
    point = project_geometry(np.asarray([shapely.Point(ORIGIN[0] + x, ORIGIN[1] + y)]), EPSG, 4326)[0]
    return point.x, point.y


def line(*points: tuple[float, float]) -> Any:
    """A line through places."""
    return shapely.LineString([place(*one) for one in points])


def square(west: float, south: float, east: float, north: float) -> Any:
    """A rectangle of places."""
    return shapely.MultiPolygon(
        [shapely.Polygon([place(west, south), place(east, south), place(east, north), place(west, north)])]
    )


def zones_frame(*shapes: tuple[str, Any]) -> gpd.GeoDataFrame:
    """Zones of name and shape."""
    return gpd.GeoDataFrame(
        {"zone_id": [name for name, _ in shapes], "name": [f"{name}镇" for name, _ in shapes]},
        geometry=[shape for _, shape in shapes], crs=4326,
    )  # fmt: skip


def streets_frame(*lines: tuple[Any, bool]) -> pd.DataFrame:
    """Streets of line and whether one may walk there."""
    return pd.DataFrame(
        {
            "edge_id": [f"e{number}" for number in range(len(lines))], "walk": [walk for _, walk in lines],
            "geometry": [one for one, _ in lines],
        }
    )  # fmt: skip


def homes_frame(*homes: tuple[str, str | None, float, float]) -> pd.DataFrame:
    """Homes of id, zone and place."""
    return pd.DataFrame(
        {
            "demand_id": [name for name, *_ in homes], "zone_id": [zone for _, zone, *_ in homes], "inside": True,
            "geometry": [shapely.Point(*place(x, y)) for *_, x, y in homes],
        }
    )  # fmt: skip


def two_zones() -> tuple[pd.DataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """Zone A is [0, 1000] × [0, 1000], zone B [1000, 2000] × [0, 1000].

    Streets: y = 100 from x = −500 to 2500 (walkable): 1 km in each. x = 300 from 0 to 600 (walkable): 0.6 km in A. A motorway y = 900
    from 0 to 2000 (not walkable): 1 km in each. Homes of A: (50, 50), 50 m from y = 100; (350, 450), 50 m from x = 300; (450, 350),
    150 m from it. B: (1500, 700), 600 m from the nearest.
    """
    streets = streets_frame(
        (line((-500, 100), (2500, 100)), True), (line((300, 0), (300, 600)), True), (line((0, 900), (2000, 900)), False)
    )
    zones = zones_frame(("A", square(0, 0, 1000, 1000)), ("B", square(1000, 0, 2000, 1000)))
    homes = homes_frame(("h1", "A", 50, 50), ("h2", "A", 350, 450), ("h3", "A", 450, 350), ("h4", "B", 1500, 700))
    return streets, zones, homes


def doubts(*rows: dict[str, str]) -> pd.DataFrame:
    """Doubts that differ from a plain one in what is given."""
    base = {"check": "possible_double", "severity": "warning", "source": "a.xlsx", "row": "", "id": "",
            "what_zh": "甲", "what_en": "a", "what_to_do": "查 / look"}  # fmt: skip
    return pd.DataFrame([base | row for row in rows], columns=list(COLUMNS))


def facilities_frame(*rows: dict[str, Any]) -> gpd.GeoDataFrame:
    """Facilities that differ from a plain kindergarten in what is given."""
    base = {
        "facility_id": "osm:n1", "site_id": "osm:n1", "kind": "kindergarten", "name": "甲幼儿园", "operator": "public",
        "status": "operating", "serves": "everyone", "capacity_places": 180.0, "classes": np.nan, "enrolled": np.nan,
        "capacity_from": "tag", "inside": True, "located_by": "node", "source": "a.pbf", "source_row": "osm:n1",
        "datum_in": "EPSG:4326", "geometry": shapely.Point(*degrees(100, 100)),
    }  # fmt: skip
    return gpd.GeoDataFrame([base | row for row in rows], crs=4326)


ZONES = gpd.GeoDataFrame(
    {"zone_id": ["z1", "z2"], "name": ["一街", "二镇"]},
    geometry=[
        shapely.MultiPolygon([shapely.Polygon([degrees(x, 0), degrees(x + 500, 0), degrees(x + 500, 500), degrees(x, 500)])])
        for x in (0, 500)
    ],
    crs=4326,
)  # fmt: skip


def asked(facilities: gpd.GeoDataFrame, quality: Quality | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The doubts of facilities, and what departments are asked of them."""
    quality = quality or Quality()
    note_questions(facilities, CATALOGUE, RULES, quality)
    found = with_doubt_ids(quality.frame())
    return found, build_returns(found, facilities, ZONES, CATALOGUE, RULES)


HOSTILE = '=HYPERLINK("http://x")<script>alert(1)</script>\x07\u202e&amp;'


def checkup(**changes: Any) -> Any:
    """A check-up of facilities with hostile names; `changes`: other parts."""
    frame = facilities_frame(
        {"name": HOSTILE, "status": "building"}, {"facility_id": "f2", "name": None, "operator": "unknown"},
        {"facility_id": "f3", "kind": "school_unknown_level", "name": "@SUM(A1)"},
    )  # fmt: skip
    found, returns = asked(frame)
    table = street_completeness(*two_zones(), None, EPSG, RULES.completeness)
    sources = pd.DataFrame(
        [{"source": "+a.pbf", "role": "街道", "rows": 3, "date": "", "licence": "<b>", "datum": "GCJ-02"}]
    )
    values = {
        "area": HOSTILE, "sources": sources, "doubts": found, "returns": returns, "catalogue": CATALOGUE, "rules": RULES,
        "completeness": table,
    }  # fmt: skip
    return build_checkup(**(values | changes))
