"""The tags of all streets: each different set of them is read once."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from xiqing_space.safety.tag_values import TagReader, WayTags

_MOTORWAY = "motorway"  # one-way by itself
_OTHER = ("direction", "roundabout", "is_sidewalk", "is_crossing")


@dataclass(frozen=True)
class Ways:
    """What the tags say; arrays by row of the streets.

    Attributes
    ----------
    motor : bool (n,)
        Motor roads.
    said : dict of str to object (n,)
        Attributes of `street_attributes`; None where the tags say nothing.
    direction : int8 (n,)
        1 driven along the line, -1 against it, 0 both ways or unknown.
    roundabout, sidewalk, crossing : bool (n,)
        Tagged as such.
    """

    motor: NDArray[np.bool_]
    said: dict[str, NDArray[np.object_]]
    direction: NDArray[np.int8]
    roundabout: NDArray[np.bool_]
    sidewalk: NDArray[np.bool_]
    crossing: NDArray[np.bool_]


def read_ways(streets: pd.DataFrame, street_tags: pd.DataFrame, rules: dict[str, Any]) -> tuple[Ways, pd.DataFrame]:
    """Tags of each street, and those that could not be read or contradict each other (osm_id, key, value, why)."""
    texts = pa.array(street_tags["tags"].to_numpy(dtype=object), type=pa.string()).dictionary_encode()
    at = pd.Index(street_tags["osm_id"].to_numpy(dtype=object)).get_indexer(
        pd.Index(streets["osm_id"].to_numpy(dtype=object))
    )
    codes = np.append(texts.indices.to_numpy(), -1)[at]  # -1 and so the last: untagged
    kinds, names = pd.factorize(streets["highway"].to_numpy(dtype=object))
    sets, row = np.unique((codes.astype(np.int64) + 1) * max(len(names), 1) + kinds, return_inverse=True)
    read = [{}, *(json.loads(one) for one in texts.dictionary.to_pylist())]
    motor_names = set(rules["roads"]["order"])
    found: list[WayTags] = []
    wrong: list[tuple[int, str, str, str]] = []
    for number, one in enumerate(sets.tolist()):
        name = names[one % len(names)]
        reader = TagReader(read[one // len(names)], name in motor_names, name == _MOTORWAY, rules)
        found.append(reader.read())
        wrong += [(number, *what) for what in reader.wrong]
    columns = {
        one.name: np.asarray([*(getattr(tags, one.name) for tags in found), None], dtype=object)[:-1][row]
        for one in fields(WayTags)
    }
    other = {name: columns.pop(name) for name in _OTHER}
    motor = (
        np.asarray([name in motor_names for name in names], dtype=bool)[kinds]
        if len(names)
        else np.zeros(0, dtype=bool)
    )
    ways = Ways(motor, columns, other["direction"].astype(np.int8), *(other[name].astype(bool) for name in _OTHER[1:]))
    return ways, _listed(wrong, row, streets["osm_id"].to_numpy(dtype=object))


def _listed(
    wrong: list[tuple[int, str, str, str]], row: NDArray[np.integer], osm_id: NDArray[np.object_]
) -> pd.DataFrame:
    """A row per way and what is wrong with it."""
    of_set = pd.DataFrame(wrong, columns=["set", "key", "value", "why"])
    way = pd.DataFrame({"set": row, "osm_id": osm_id})
    way = way[way["set"].isin(of_set["set"])].drop_duplicates()
    return way.merge(of_set, on="set")[["osm_id", "key", "value", "why"]].drop_duplicates()
