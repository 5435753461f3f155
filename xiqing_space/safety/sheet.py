"""Attributes of all streets side by side: the first source that knows a value keeps it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.safety.tag_values import PARKING, SURFACES
from xiqing_space.safety.units import read_flag
from xiqing_space.schemas.safety import SIDEWALKS

TAG, DEFAULT, SURVEY, UNKNOWN = 0, 1, 2, -1
_NAMES = np.asarray(["tag", "default", "survey", None], dtype=object)
MEDIANS = ("physical", "oneway", "painted", "none")
# in the order of the table
NUMBERS = ("speed_kmh", "sidewalk_width_m", "carriageway_width_m", "flow_per_lane")
WHOLES = ("lanes_total", "lanes_per_dir")
FLAGS = ("oneway", "lit", "calming")
WORDS = {
    "sidewalk_left": SIDEWALKS,
    "sidewalk_right": SIDEWALKS,
    "surface": SURFACES,
    "parking": PARKING,
    "median": MEDIANS,
}
ATTRIBUTES = ("speed_kmh", "lanes_total", "lanes_per_dir", "oneway", "sidewalk_left", "sidewalk_right", "sidewalk_width_m",
              "carriageway_width_m", "lit", "surface", "parking", "calming", "median", "flow_per_lane")  # fmt: skip


class Sheet:
    """Values (None where unknown) and their sources, by attribute; a row per street."""

    def __init__(self, rows: int) -> None:
        self.values = {name: np.full(rows, None, dtype=object) for name in ATTRIBUTES}
        self.source = {name: np.full(rows, UNKNOWN, dtype=np.int8) for name in ATTRIBUTES}

    def fill(self, name: str, values: Any, source: int, where: NDArray[np.bool_] | None = None) -> None:
        """Values where nothing is known yet, in some rows or all; None leaves it so. One value stands for all rows."""
        open_ = self.source[name] == UNKNOWN
        if where is not None:
            open_ &= where
        if isinstance(values, np.ndarray):
            open_ &= values != None  # noqa: E711  (element-wise)
        self.put(name, values, open_, source)

    def put(self, name: str, values: Any, where: NDArray[np.bool_], source: int) -> None:
        """Values in some rows, whatever is there."""
        self.values[name][where] = values[where] if isinstance(values, np.ndarray) else values
        self.source[name][where] = source

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Values as numbers, NaN where unknown."""
        return self.values[name].astype(np.float64)

    def flags(self, name: str) -> NDArray[np.bool_]:
        """Values as flags, false where unknown."""
        return self.values[name].astype(bool)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Columns of the table, each followed by the one that says where it comes from."""
        found: dict[str, NDArray[Any]] = {}
        for name in ATTRIBUTES:
            values: NDArray[Any] = self.values[name]
            if name in NUMBERS:
                values = values.astype(np.float64)
            elif name in WHOLES:
                values = values.astype(np.int64)
            elif name in FLAGS:
                values = values.astype(bool)
            found |= {name: values, f"{name}_from": _NAMES[self.source[name]]}
        return found


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) and value >= 0 else None


def _whole(text: str) -> int | None:
    value = _number(text)
    return int(value) if value is not None and value >= 1 and value == int(value) else None


def _reader(name: str) -> Callable[[str], Any]:
    if name in FLAGS:
        return read_flag
    if name in WHOLES:
        return _whole
    return _number if name in NUMBERS else lambda text: text if text in WORDS[name] else None


def take_survey(sheet: Sheet, edge_id: NDArray[np.object_], survey: pd.DataFrame) -> pd.DataFrame:
    """Put what field sheets say of streets over what is there.

    Parameters
    ----------
    sheet : Sheet
        Changed in place.
    edge_id : object (n,)
        Its rows, sorted.
    survey : DataFrame
        Table `street_survey`.

    Returns
    -------
    DataFrame
        Values that do not fit the attribute, and are left out: osm_id (the edge), key, value, why.
    """
    wrong: list[tuple[str, str, str, str]] = []
    edges = survey[
        (survey["item_type"] == "edge").to_numpy(dtype=bool) & survey["field"].isin(ATTRIBUTES).to_numpy(dtype=bool)
    ]
    at = pd.Index(edge_id).get_indexer(pd.Index(edges["item_id"].to_numpy(dtype=object)))
    for row, edge, field, text in zip(at.tolist(), edges["item_id"], edges["field"], edges["value"], strict=True):
        if row < 0:
            continue
        value = _reader(field)(str(text).strip())
        if value is None:
            wrong.append((edge, field, str(text), "unread"))
        else:
            sheet.values[field][row], sheet.source[field][row] = value, SURVEY
    return pd.DataFrame(wrong, columns=["osm_id", "key", "value", "why"], dtype=object)
