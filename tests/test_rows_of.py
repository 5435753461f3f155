"""`rows_of` and `among` beside pandas' own index and `isin`, which say the same in ten times the time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from xiqing_space.network.graph import rows_of
from xiqing_space.texts import among


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_rows_of_is_what_the_index_of_pandas_says(dtype: str) -> None:
    ids = pd.Series(["b", "a", "桥", "c"], dtype=dtype)
    wanted = pd.Series(["c", None, "a", "x", "桥", "c"], dtype=dtype)
    plain = pd.Index(ids).get_indexer(pd.Index(wanted))
    assert rows_of(wanted, ids).tolist() == plain.tolist() == [3, -1, 1, -1, 2, 3]
    assert rows_of(wanted.to_numpy(dtype=object), ids).tolist() == plain.tolist()


def test_a_missing_id_is_found_by_nobody_and_empty_tables_are_no_trouble() -> None:
    assert rows_of(pd.Series([None, "a"], dtype="str"), pd.Series([None, "a"], dtype="str")).tolist() == [-1, 1]
    assert rows_of(pd.Series([], dtype="str"), pd.Series(["a"])).dtype == np.int64
    assert rows_of(pd.Series(["a"]), pd.Series([], dtype=object)).tolist() == [-1]
    assert rows_of(pd.concat([pd.Series(["a"]), pd.Series(["b"])]), np.array(["b", "a"], dtype=object)).tolist() == [
        1,
        0,
    ]


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_among_is_what_isin_of_pandas_says(dtype: str) -> None:
    column = pd.Series(["a", "桥", "b", "a"], dtype=dtype)
    for wanted in (["a", "x", "a"], [], ["桥"]):
        assert among(column, wanted).tolist() == column.isin(wanted).tolist()
        assert (
            among(column.to_numpy(dtype=object), pd.Series(wanted, dtype=dtype)).tolist()
            == column.isin(wanted).tolist()
        )
    assert among(column[:0], ["a"]).dtype == bool


def test_a_missing_text_is_among_none() -> None:
    assert among(pd.Series(["a", None], dtype="str"), pd.Series([None, "a"], dtype="str")).tolist() == [True, False]
