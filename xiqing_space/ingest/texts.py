"""Columns of texts, looked at in Arrow: pandas makes a Python object of each text for the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def as_texts(column: Any) -> pa.Array:
    """Texts as one Arrow array; those of a table without making a Python object of each."""
    texts = pa.array(column, type=pa.large_string(), from_pandas=True)
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def among(column: Any, wanted: Any) -> NDArray[np.bool_]:
    """Which texts of a column are among those wanted; a missing one never is."""
    found = pc.is_in(as_texts(column), value_set=as_texts(wanted), skip_nulls=True)
    flags: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return flags
