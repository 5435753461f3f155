"""Streets with OSM tags, drawn in metres: what `resolve_attributes` reads, one edge a way, without an extract."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import shapely
from helpers import degrees

from xiqing_space.catalog import load_catalogue
from xiqing_space.safety.attributes import resolve_attributes
from xiqing_space.tables import TABLES

EPSG = 4548
CATALOGUE = load_catalogue()
Place = tuple[float, float]
EAST = [(0.0, 0.0), (200.0, 0.0)]


@dataclass
class Streets:
    """Ways, bumps and what a field sheet said; each way is one edge, named by the number given."""

    ways: list[tuple[int, list[Place], dict[str, str]]] = field(default_factory=list)
    bumps: list[Place] = field(default_factory=list)
    said: list[tuple[int, str, str]] = field(default_factory=list)

    def way(self, number: int, points: Sequence[Place], highway: str = "residential", **tags: str) -> Streets:
        """A way; `__` in a key stands for a colon."""
        named = {key.replace("__", ":"): value for key, value in tags.items()}
        self.ways.append((number, list(points), {"highway": highway, **named}))
        return self

    def bump(self, x: float, y: float) -> Streets:
        """A speed bump."""
        self.bumps.append((x, y))
        return self

    def survey(self, number: int, attribute: str, value: str) -> Streets:
        """A row of a returned field sheet."""
        self.said.append((number, attribute, value))
        return self

    def streets(self) -> pd.DataFrame:
        """The `streets` table, unchecked: a schema for each of some hundred drawings takes longer than all else."""
        rows: list[dict[str, Any]] = []
        for number, points, tags in self.ways:
            line = shapely.LineString([degrees(*place) for place in points])
            length = sum(
                ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5 for a, b in zip(points[1:], points[:-1], strict=True)
            )
            rows.append(
                {
                    "edge_id": edge(number), "osm_id": f"osm:w{number}", "u": f"osm:n{number}1", "v": f"osm:n{number}2", "length_m": length,
                    **{key: tags.get(key) for key in ("highway", "name", "ref", "layer")},
                    **{key: tags.get(key, "no") != "no" for key in ("bridge", "tunnel")},
                    "walk": True, "pram": True, "blocked_reason": None, "geometry": line,
                }
            )  # fmt: skip
        return pd.DataFrame(rows)

    def tables(self) -> tuple[pd.DataFrame, ...]:
        """The tables `streets`, `street_tags`, `road_points`, `street_survey`."""
        tags = [{"osm_id": f"osm:w{number}", "tags": json.dumps(tags, sort_keys=True)} for number, _, tags in self.ways]
        bumps = [
            {"point_id": f"osm:n9{number}", "what": "calming", "tags": "{}", "geometry": shapely.Point(degrees(*place))}
            for number, place in enumerate(self.bumps)
        ]
        said = [
            {"item_id": edge(number), "item_type": "edge", "field": name, "value": value, "tag_value": None, "conflict": False,
             "surveyed_on": None, "source": "sheet"} for number, name, value in self.said
        ]  # fmt: skip
        return (
            self.streets(),
            pd.DataFrame(tags),
            pd.DataFrame(bumps, columns=["point_id", "what", "tags", "geometry"]),
            pd.DataFrame(said, columns=[column.name for column in TABLES["street_survey"].columns]),
        )

    def resolve(self) -> pd.DataFrame:
        """The `street_attributes` table by number of the way."""
        frame, _ = resolve_attributes(*self.tables(), CATALOGUE, EPSG)
        return frame.set_index(frame["edge_id"].map({edge(number): number for number, *_ in self.ways}))

    def wrong(self) -> list[tuple[str, ...]]:
        """What could not be read or contradicts itself, without the way's id."""
        _, wrong = resolve_attributes(*self.tables(), CATALOGUE, EPSG)
        return list(wrong[["key", "value", "why"]].itertuples(index=False, name=None))


def edge(number: int) -> str:
    """Id of a way's edge."""
    return f"osm:w{number}:n{number}1-n{number}2"
