"""Rows of homes put together: what was worked out for all homes, kind by kind, as one table in the order of the homes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from xiqing_space.texts import as_texts, words_at


@dataclass(frozen=True)
class Part:
    """One result for all homes, in their order.

    Attributes
    ----------
    names : dict of str to str
        The rest of the key, the same for all homes of the part.
    numbers : dict of str to float64 (homes,)
    words : dict of str to (texts, int (homes,))
        A text column: all the words, and for each home the row of its own; -1 where it has none.
    """

    names: dict[str, str]
    numbers: dict[str, NDArray[np.float64]]
    words: dict[str, tuple[Any, NDArray[np.int64]]] = field(default_factory=dict)


def rows_by_home(demand_id: pd.Series, parts: Sequence[Part]) -> pd.DataFrame:
    """A row for every home and part; where the homes come in order, so do the rows by home and names.

    Made in order it need not be sorted, which with a million rows costs more than to work them out.

    Parameters
    ----------
    demand_id : Series
        The homes.
    parts : sequence of Part
        All with the same names and columns, in any order; one at least.
    """
    parts = sorted(parts, key=lambda one: tuple(one.names.values()))
    homes, first = len(demand_id), parts[0]
    frame: dict[str, Any] = {"demand_id": words_at(demand_id, np.repeat(np.arange(homes), len(parts)))}
    for key in first.names:
        frame[key] = words_at([one.names[key] for one in parts], np.tile(np.arange(len(parts)), homes))
    for key in first.numbers:
        frame[key] = np.stack([one.numbers[key] for one in parts], axis=1).ravel()
    for key in first.words:
        texts = [as_texts(one.words[key][0]) for one in parts]
        begin = np.cumsum([0, *map(len, texts[:-1])])
        rows = [
            np.where(one.words[key][1] < 0, -1, one.words[key][1] + at) for one, at in zip(parts, begin, strict=True)
        ]
        frame[key] = words_at(pa.concat_arrays(texts), np.stack(rows, axis=1).ravel())
    return pd.DataFrame(frame)
