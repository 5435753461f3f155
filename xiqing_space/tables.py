"""Checks every frame against its schema before it is written, and writes the data dictionary from the schemas."""

from __future__ import annotations

from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import geographic
from xiqing_space.errors import TableError
from xiqing_space.schemas import TABLES, Table
from xiqing_space.texts import as_texts

__all__ = ["TABLES", "dictionary_markdown", "empty", "finish"]

_LARGEST = 2**62


@cache
def _schema(table: Table) -> Any:
    """Ranges, vocabularies and what may not be missing; the types are those that `finish` has just made."""
    import pandera.pandas as pa

    columns = {}
    for column in table.columns:
        if column.dtype == "geometry":
            continue
        checks = []
        if column.least is not None:
            checks.append(pa.Check.ge(column.least))
        if column.most is not None:
            checks.append(pa.Check.le(column.most))
        if column.among:
            checks.append(pa.Check.isin(column.among))
        if checks or not column.null:
            columns[column.name] = pa.Column(checks=checks, nullable=column.null)
    return pa.DataFrameSchema(columns)


def empty(name: str) -> pd.DataFrame:
    """A table with no rows and the right columns."""
    return finish(name, {})


def finish(name: str, data: pd.DataFrame | dict[str, Any]) -> pd.DataFrame:
    """A frame as its file will hold it: columns and types of the schema, rounded, sorted by key, checked.

    Parameters
    ----------
    name : str
        Table of `TABLES`.
    data : DataFrame or mapping of columns
        Columns that are not in the schema are an error, missing ones too (save for an empty table).
        Geometry is a column of shapely geometries in EPSG:4326, already rounded.

    Returns
    -------
    DataFrame, or GeoDataFrame for a spatial table
        New frame with a fresh index.

    Raises
    ------
    TableError
        The frame breaks the schema: a fault of the program.
    """
    table = TABLES[name]
    frame = pd.DataFrame(data, copy=False)
    wanted = [column.name for column in table.columns]
    bare = len(frame) == 0 and len(frame.columns) == 0
    if not bare and set(frame.columns) != set(wanted):
        raise TableError(f"{name}: columns {sorted(set(frame.columns) ^ set(wanted))} are missing or unknown")
    if len(frame) == 0:  # a run without lists has a dozen such tables
        return _no_rows(table).copy()
    result = _typed(table, frame)
    if not _rises(result, table.key):  # many a table comes in order
        rank = _ranks([pd.factorize(result[column], sort=True)[0] for column in table.key])
        order = np.argsort(rank, kind="stable")
        result = result.take(order).reset_index(drop=True)
        _refuse_twice(table, result, rank[order])
    _check(table, result)
    return result


@cache
def _no_rows(table: Table) -> pd.DataFrame:
    return _typed(table, pd.DataFrame({column.name: [] for column in table.columns}))


def _typed(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of the schema, in its order and its types, rounded."""
    out: dict[str, Any] = {}
    for column in table.columns:
        values = frame[column.name]
        if column.dtype == "text":
            values = values.astype("str") if values.dtype != "category" else values.astype(object).astype("str")
            # put together from many frames it is in as many pieces, among which each row would have to be looked for
            out[column.name] = pd.array(as_texts(values), dtype="str")
        elif column.dtype == "number":
            # adding zero turns -0.0 into 0.0, which would otherwise differ in bytes
            out[column.name] = np.round(values.to_numpy(dtype="float64", na_value=np.nan), column.digits) + 0.0
        elif column.dtype == "whole":
            out[column.name] = values.astype("Int64").array
        elif column.dtype == "flag":
            out[column.name] = values.astype("bool").array
        else:
            out[column.name] = gpd.array.from_shapely(values.to_numpy(), crs=geographic())
    return gpd.GeoDataFrame(out, geometry="geometry") if table.spatial else pd.DataFrame(out)


def _rises(frame: pd.DataFrame, key: tuple[str, ...]) -> bool:
    """Whether each row's key is greater than that of the row before; `False` where one is missing."""
    above, same = np.zeros(max(len(frame) - 1, 0), dtype=bool), np.ones(max(len(frame) - 1, 0), dtype=bool)
    for column in key:
        if str(frame[column].dtype) == "str":
            values = as_texts(frame[column])
            if values.null_count:
                return False
            more = pc.greater(values[1:], values[:-1]).to_numpy(zero_copy_only=False)
            equal = pc.equal(values[1:], values[:-1]).to_numpy(zero_copy_only=False)
        else:
            numbers = frame[column].to_numpy(dtype=float, na_value=np.nan)
            more, equal = numbers[1:] > numbers[:-1], numbers[1:] == numbers[:-1]
        above |= same & more
        same &= equal
    return bool(above.all())


def _ranks(codes: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """One number for each row, in the order of its codes (-1 or more), the first of which counts most."""
    rank = codes[0]
    for code in codes[1:]:
        wide = int(code.max(initial=-1)) + 2
        if (int(rank.max(initial=0)) + 1) * wide > _LARGEST:
            rank = np.unique(rank, return_inverse=True)[1]
        rank = rank * wide + code + 1
    return rank


def _refuse_twice(table: Table, frame: pd.DataFrame, rank: NDArray[np.int64]) -> None:
    """Rows are sorted by the key, so equal ones are neighbours."""
    if (twice := np.flatnonzero(rank[1:] == rank[:-1])).size:
        raise TableError(
            f"{table.name}: key given twice", first=[str(frame.iloc[i][list(table.key)].tolist()) for i in twice]
        )


def _check(table: Table, frame: pd.DataFrame) -> None:
    from pandera.errors import SchemaErrors

    try:
        schema = _schema(table)
        schema.validate(pd.DataFrame(frame)[list(schema.columns)], lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases[["column", "check", "failure_case"]].drop_duplicates().head(5)
        raise TableError(f"{table.name} breaks its schema", first=[str(row) for row in cases.to_numpy()]) from error
    for column in table.columns:
        if column.dtype == "geometry":
            shapes = frame["geometry"].to_numpy()
            there = ~shapely.is_missing(shapes)
            _, examples = np.unique(shapely.get_type_id(shapes[there]), return_index=True)
            found = {shape.geom_type for shape in shapes[there][examples]} - {column.geometry}
            if found or not (column.null or there.all()):
                raise TableError(f"{table.name}: geometry is {found or 'missing'}, not {column.geometry}")


def dictionary_markdown() -> str:
    """docs/data_dictionary.md, generated from the schemas."""
    lines = [
        "# 数据字典 · Data dictionary",
        "",
        "Generated from `xiqing_space/schemas.py`; change it there. 由程序生成，请勿手改。",
        "",
        "Geometry is EPSG:4326 (GeoParquet). Lengths and areas were measured in the metric system that the `area` table names.",
        "Missing is never zero: an empty cell has its reason beside it.",
    ]
    for table in TABLES.values():
        lines += ["", f"## {table.name}", "", f"One row: {table.row}. Key: {', '.join(table.key)}.", ""]
        lines += ["| column | type | unit | may be missing | values | meaning |", "|---|---|---|---|---|---|"]
        for column in table.columns:
            kind = column.geometry or column.dtype
            values = ", ".join(f"`{value}`" for value in column.among if value)
            if not values and (column.least, column.most) != (None, None):
                values = f"≥ {column.least:g}" if column.most is None else f"{column.least:g} – {column.most:g}"
            meaning = column.meaning.replace("|", "\\|")
            missing = "yes" if column.null else ""
            lines.append(f"| {column.name} | {kind} | {column.unit} | {missing} | {values} | {meaning} |")
    return "\n".join(lines) + "\n"
