"""Checks every frame against its schema before it is written, and writes the data dictionary from the schemas."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from xiqing_space.crs import GEOGRAPHIC
from xiqing_space.errors import TableError
from xiqing_space.schemas import TABLES, Table

__all__ = ["TABLES", "dictionary_markdown", "empty", "finish"]

_PANDAS = {"text": "str", "number": "float64", "whole": "Int64", "flag": "bool"}


def _schema(table: Table) -> Any:
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
        columns[column.name] = pa.Column(_PANDAS[column.dtype], checks, nullable=column.null)
    return pa.DataFrameSchema(columns, strict="filter")


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
    if len(frame) == 0 and len(frame.columns) == 0:
        frame = pd.DataFrame({column: [] for column in wanted})
    if set(frame.columns) != set(wanted):
        raise TableError(f"{name}: columns {sorted(set(frame.columns) ^ set(wanted))} are missing or unknown")
    out: dict[str, Any] = {}
    for column in table.columns:
        values = frame[column.name]
        if column.dtype == "text":
            values = values.astype("str") if values.dtype != "category" else values.astype(object).astype("str")
        elif column.dtype == "number":
            # adding zero turns -0.0 into 0.0, which would otherwise differ in bytes
            values = pd.Series(np.round(values.to_numpy(dtype="float64", na_value=np.nan), column.digits) + 0.0)
        elif column.dtype == "whole":
            values = values.astype("Int64")
        elif column.dtype == "flag":
            values = values.astype("bool")
        out[column.name] = values.to_numpy() if column.dtype == "geometry" else values.array
    result = pd.DataFrame({key: value for key, value in out.items() if key != "geometry"})
    if table.spatial:
        result = gpd.GeoDataFrame(result, geometry=gpd.array.from_shapely(out["geometry"], crs=GEOGRAPHIC))
        result = result[wanted]
    codes = [pd.factorize(result[column], sort=True)[0] for column in table.key]
    order = np.lexsort(codes[::-1]) if len(result) else np.zeros(0, dtype=np.intp)
    if (order[1:] < order[:-1]).any():  # many a table comes in order
        result = result.iloc[order].reset_index(drop=True)
    _check(table, result, np.column_stack(codes)[order])
    return result


def _check(table: Table, frame: pd.DataFrame, key: np.ndarray[Any, np.dtype[Any]]) -> None:
    from pandera.errors import SchemaErrors

    try:
        _schema(table).validate(pd.DataFrame(frame.drop(columns="geometry", errors="ignore")), lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases[["column", "check", "failure_case"]].drop_duplicates().head(5)
        raise TableError(f"{table.name} breaks its schema", first=[str(row) for row in cases.to_numpy()]) from error
    # rows are sorted by the key, so equal ones are neighbours
    if len(frame) > 1 and (twice := np.flatnonzero((key[1:] == key[:-1]).all(axis=1))).size:
        raise TableError(
            f"{table.name}: key given twice", first=[str(frame.iloc[i][list(table.key)].tolist()) for i in twice]
        )
    for column in table.columns:
        if column.dtype == "geometry":
            found = set(frame.geometry.dropna().geom_type) - {column.geometry}
            if found or (not column.null and frame.geometry.isna().any()):
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
