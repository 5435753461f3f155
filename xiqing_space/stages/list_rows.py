"""Part of stage ingest: the rows of every facility list, each with an id of its own and the datum of its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from xiqing_space.datums import WGS84, Datum, parse_datum
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.ingest.cells import clean_text
from xiqing_space.ingest.lists import check_rows, read_facility_list
from xiqing_space.ingest.table_files import is_table
from xiqing_space.ingest.vector_sheets import sheet_of_points
from xiqing_space.sections import FacilityListConfig
from xiqing_space.stages.context import Context


def _told_apart(paths: Sequence[Path]) -> list[str]:
    """What ids of each list's rows are made with: the stem, and as much more as lists of one stem need."""
    stems = [path.stem for path in paths]
    for more in (lambda path, _: path.name, lambda path, _: f"{path.parent.name}/{path.name}",
                 lambda path, others: f"{path.parent.name}/{path.name}~{sorted(others).index(path) + 1}"):  # fmt: skip
        of_stem: dict[str, set[Path]] = {}
        for path, stem in zip(paths, stems, strict=True):
            of_stem.setdefault(stem, set()).add(path)
        stems = [
            more(path, of_stem[stem]) if len(of_stem[stem]) > 1 else stem
            for path, stem in zip(paths, stems, strict=True)
        ]
    return stems


def _rows_of(given: FacilityListConfig, stem: str, context: Context) -> tuple[pd.DataFrame, Datum | None]:
    """Rows of one list, with the datum of its numbers where it has any."""
    datum = parse_datum(given.datum) if given.datum else None
    if datum is not None and datum.is_secret and not is_table(given.file):
        raise ConfigError(
            "地方坐标系参数文件只能用于表格名录 / a parameter file is for lists that are tables", where=given.file.name,
            todo="将 GIS 文件导出为带 x、y 列的表格 / export the GIS file as a table with columns x and y",
        )  # fmt: skip
    if is_table(given.file):
        rows = read_facility_list(
            given.file, columns=given.columns, kind=given.kind, sheet=given.sheet, header_row=given.header_row,
            encoding=given.encoding, quality=context.quality, catalogue=context.catalogue,
        )  # fmt: skip
    else:
        # a GIS file's places come out in WGS-84; displaced ones (GCJ-02, BD-09) are still displaced then
        stated = datum.epsg if datum is not None and datum.epsg is not None else None
        sheet = sheet_of_points(
            given.file, layer=given.layer, crs=stated, encoding=given.encoding, quality=context.quality
        )
        rows = check_rows(sheet, clean_text(given.file.stem), columns=given.columns, kind=given.kind, quality=context.quality,
                          catalogue=context.catalogue)  # fmt: skip
        if datum is None or datum.epsg is not None:
            datum = WGS84
    if rows["x"].notna().any() and datum is None:
        raise ConfigError(
            "名录有坐标，但未写明坐标系 / the list has coordinates but its datum is not stated",
            where=given.file.name,
            todo='在该 [[facilities]] 中写 datum = "GCJ-02"（高德、腾讯）、"BD-09"（百度）、"WGS-84" 或 "EPSG:4548" 等 / '
            'state datum = "GCJ-02", "BD-09", "WGS-84", "EPSG:4548" … in this [[facilities]]',
        )
    if stem != given.file.stem:
        rows = rows.assign(
            row_id="file:" + stem + rows["row_id"].str.removeprefix(f"file:{clean_text(given.file.stem)}")
        )
    # whom a list does not say that it serves, and whether it is open at all, another source may know
    told = {field: rows[field].astype(object).where(rows[f"{field}_stated"], None) for field in ("serves", "status")}
    bare = rows.drop(columns=["serves_stated", "status_stated"])
    return bare.assign(**told, list_id=rows["row_id"], priority=given.trust), datum


def read_all(context: Context) -> list[tuple[FacilityListConfig, pd.DataFrame, Datum | None]]:
    """All lists, every row with an id of its own: the further kinds of a row carry theirs.

    Raises
    ------
    InputDataError
        A list is named twice, so that rows are there twice.
    """
    lists = context.config.facilities
    stems = _told_apart([one.file.parent.resolve() / one.file.name for one in lists])
    read, seen, twice = [], set[str](), []
    for at, (given, stem) in enumerate(zip(lists, stems, strict=True), 1):
        rows, datum = _rows_of(given, stem, context)
        context.rows_read[f"facilities-{at}"] = rows["list_id"].nunique()
        ids = []
        for identity, kind in rows[["row_id", "kind"]].itertuples(index=False):
            whole = f"{identity}#{kind}"
            if whole in seen:
                twice.append(f"{given.file.name}: {identity.removeprefix('file:')} {kind}")
            ids.append(whole if identity in seen else identity)
            seen |= {identity, whole}
        read.append((given, rows.assign(row_id=ids), datum))
    if twice:
        raise InputDataError(
            "同一名录写了两次 / a list is named twice in [[facilities]]", where=lists[-1].file.name, first=twice,
            todo="删去重复的 [[facilities]]，或写明不同的 sheet、layer / remove one, or state another sheet or layer",
        )  # fmt: skip
    return read
