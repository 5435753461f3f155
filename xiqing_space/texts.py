"""Columns of texts, looked at in Arrow: pandas makes a Python object of each text for the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def as_texts(column: Any) -> pa.Array:
    """Texts as one Arrow array; those of a table without making a Python object of each."""
    if not len(column):  # whatever type pandas gave to nothing
        return pa.array([], type=pa.large_string())
    texts = pa.array(column, type=pa.large_string(), from_pandas=True)
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def among(column: Any, wanted: Any) -> NDArray[np.bool_]:
    """Which texts of a column are among those wanted; a missing one never is."""
    found = pc.is_in(as_texts(column), value_set=as_texts(wanted), skip_nulls=True)
    flags: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return flags


def words_at(words: Any, row: NDArray[np.int64]) -> Any:
    """A text column that names a row of `words` each time; missing where that is -1. No Python object is made for a row."""
    taken = as_texts(words).take(pa.array(row, mask=row < 0))
    return pd.array(taken, dtype="str")
