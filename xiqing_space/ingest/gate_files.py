"""Surveyed gates of the planner's own files, and what gates that nobody knows mean for a home's walk."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.ingest.compound_files import column_of, plain
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.vectors import Where, points_of_layer, read_vector, rows_text, text_of

SNAP_M = 30.0  # a surveyed gate lies this near to its owner's outline
STATUS = {
    **dict.fromkeys(("开放", "open", "常开", "是", "1"), "open"),
    **dict.fromkeys(("关闭", "closed", "封闭", "停用", "否", "0"), "closed"),
    **dict.fromkeys(("仅居民", "residents", "居民", "刷卡", "门禁"), "residents"),
    **dict.fromkeys(("分时", "timed", "分时开放", "限时", "限时开放"), "timed"),
    "": "unknown",
}
GATE_COLUMNS = ("gate_id", "owner_id", "owner_type", "through", "resolved_by", "status", "source_row", "geometry")


def read_gate_file(
    path: Path,
    compounds: pd.DataFrame,
    *,
    metric_epsg: int,
    quality: Quality,
    sites: pd.DataFrame | None = None,
    columns: Mapping[str, str] | None = None,
    layer: str | None = None,
    crs: int | str | None = None,
    encoding: str | None = None,
    where_filter: Where | None = None,
) -> pd.DataFrame:
    """Surveyed gates of a file of points; see `build_gates` for what comes back."""
    named = dict(columns or {})
    if unknown := sorted(set(named) - {"owner", "status", "gate_id"}):
        raise ConfigError(f"columns：未知的项 {unknown} / unknown roles {unknown}", where=path.name)
    read = read_vector(path, layer=layer, crs=crs, encoding=encoding, quality=quality, where_filter=where_filter)
    frame = points_of_layer(read)
    owner = column_of(frame, "owner", named, path.name)
    if owner is None:
        raise InputDataError(
            "没有所属小区或设施的列 / there is no column of owners",
            where=path.name,
            first=[str(one)[:60] for one in frame.columns if one != "geometry"],
            todo='用 columns = { owner = "…" } 写明 / state it by columns = { owner = "…" }',
        )
    status, gate = (column_of(frame, role, named, path.name) for role in ("status", "gate_id"))
    points = pd.DataFrame(
        {
            "owner": [text_of(one) for one in frame[owner]],
            "status": [text_of(one) for one in frame[status]] if status else "",
            "code": [text_of(one) for one in frame[gate]] if gate else "",
            "source_row": read.rows,
            "geometry": frame.geometry.to_numpy(),
        }
    )
    return build_gates(points, compounds, sites, metric_epsg=metric_epsg, source=path.name,
                       quality=quality)  # fmt: skip


def build_gates(
    points: pd.DataFrame,
    compounds: pd.DataFrame,
    sites: pd.DataFrame | None,
    *,
    metric_epsg: int,
    source: str,
    quality: Quality,
) -> pd.DataFrame:
    """Surveyed gates with their owners, moved onto the owners' outlines.

    Parameters
    ----------
    points : DataFrame
        `owner` (id or name), `status` (开放/关闭/仅居民/分时 or open/closed/residents/timed, blank where not known), `code` (own
        id or blank), `source_row`, `geometry` (Point, EPSG:4326).
    compounds : DataFrame
        `compound_id, name, geometry`.
    sites : DataFrame, optional
        `site_id, name, geometry`: ground (polygon) or None where a site has none.

    Returns
    -------
    DataFrame
        Columns of the `gates` table (resolved_by `survey`, through None) with `status` and `source_row`: open, residents,
        timed, unknown, closed. A closed gate is no way in; residents' and timed ones let a compound's own homes pass.
        A gate farther than 30 m from its owner's outline is left out, with a doubt.

    Raises
    ------
    InputDataError
        Owners that nobody knows or that several share, words that are no status, ids given twice; all are listed.
    """
    owners = _owners(compounds, sites, metric_epsg)
    places = project_geometry(points["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    problems: list[str] = []
    rows: list[tuple[Any, ...]] = []
    stem = Path(source).stem
    doubts: dict[str, list[int]] = {"gate_status_unknown": [], "gate_not_open": []}
    for at, (owner, word, code, row) in enumerate(
        zip(points["owner"], points["status"], points["code"], points["source_row"].tolist(), strict=True)
    ):
        status = STATUS.get(plain(word))
        if status is None:
            problems.append(
                f"{rows_text([row])}：状态 {word[:30]!r}（开放、关闭、仅居民、分时 · open, closed, residents, timed）"
            )
        chosen = _owner_of(owner, places[at], owners, row, problems)
        if status is None or chosen is None:
            continue
        identity, kind, ring = chosen
        place = places[at]
        if ring is not None:
            away = float(shapely.distance(place, ring))
            if away > SNAP_M:
                quality.add("gate_far", source=source, row=rows_text([row]), id=identity, distance_m=f"{away:.0f}",
                            limit_m=f"{SNAP_M:g}")  # fmt: skip
                continue
            place = shapely.line_interpolate_point(ring, shapely.line_locate_point(ring, place))
        for check, words in (("gate_status_unknown", ("unknown",)), ("gate_not_open", ("closed", "timed"))):
            if status in words:
                doubts[check].append(row)
        rows.append((f"file:{stem}:{code or row}", identity, kind, None, "survey", status, row, place))
    ids = [one[0] for one in rows]
    for name in sorted({one for one in ids if ids.count(one) > 1}):
        twice = [one[6] for one in rows if one[0] == name]
        problems.append(f"{rows_text(twice)}：编号重复 / id given twice: {name[:60]}")
    if problems:
        raise InputDataError("大门文件有误 / the gates file is at fault", where=source, first=problems,
                             todo="按行改正名称或状态 / correct names or states in these rows")  # fmt: skip
    for check, found in doubts.items():
        if found:
            quality.add(check, source=source, row=rows_text(found), n=len(found))
    frame = pd.DataFrame(rows, columns=list(GATE_COLUMNS))
    frame["geometry"] = to_degrees(frame["geometry"].to_numpy(dtype=object), metric_epsg)
    return frame.sort_values("gate_id", ignore_index=True)


def _owners(
    compounds: pd.DataFrame, sites: pd.DataFrame | None, metric_epsg: int
) -> dict[str, list[tuple[str, str, Any]]]:
    """By id and by plain name: (id, what it is, outline or None)."""
    found: dict[str, list[tuple[str, str, Any]]] = {}
    tables = [(compounds, "compound_id", "compound")]
    tables += [(sites, "site_id", "site")] if sites is not None else []
    for table, key, kind in tables:
        ordered = table.sort_values(key, kind="stable").drop_duplicates(key)
        shapes = project_geometry(ordered["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
        areal = shapely.get_dimensions(shapes) == 2
        for identity, name, shape, ground in zip(ordered[key], ordered["name"], shapes, areal, strict=True):
            one = (str(identity), kind, shapely.boundary(shape) if ground else None)
            for word in dict.fromkeys((plain(identity), plain(name))):
                if word:
                    found.setdefault(word, []).append(one)
    return found


def _owner_of(
    owner: str, place: Any, owners: dict[str, list[tuple[str, str, Any]]], row: int, problems: list[str]
) -> tuple[str, str, Any] | None:
    named = owners.get(plain(owner), [])
    if len(named) > 1:  # a name that several bear: the one whose outline the gate lies on
        near = [one for one in named if one[2] is not None and shapely.distance(place, one[2]) <= SNAP_M]
        named = near if len(near) == 1 else named
    if len(named) == 1:
        return named[0]
    if named:
        which = ", ".join(one[0] for one in named[:5])
        problems.append(f"{rows_text([row])}：{owner[:40]!r} 有多个同名 / several bear this name: {which}")
    else:
        close = difflib.get_close_matches(plain(owner), list(owners), n=1, cutoff=0.6) if owner else []
        hint = f"；是否为 / did you mean {close[0][:40]}?" if close else ""
        problems.append(
            f"{rows_text([row])}：没有名为 {owner[:40]!r} 的小区或设施 / no compound or site of this name{hint}"
        )
    return None


# ---- gates that nobody knows


def one_gate_range(distances: pd.DataFrame) -> pd.DataFrame:
    """How far a home's walk can lie apart where its compound's gates are not known.

    Each candidate (a place where a street meets the wall) may be the only gate, or all of them may be open. With all open a
    home takes the nearest: that is also the best single gate. The worst single gate is the other end. It is a range of what
    is not known, no error bar, and the worst cases of several homes need not happen together.

    Parameters
    ----------
    distances : DataFrame
        `owner_id` (home), `gate_id`, `distance_m` (walk from the home over that gate alone; NaN where it leads nowhere within
        the search limit). One kind and profile at a time.

    Returns
    -------
    DataFrame
        In order of `owner_id`: `best_m` (NaN only where no gate leads anywhere), `worst_m` (NaN where some gate leads
        nowhere), `gates`, `best_gate`, `worst_gate` (the first by id among equals), `reason` of a missing `worst_m`
        (`no_gate_leads_there`, `one_gate_leads_nowhere`).
    """
    table = distances.sort_values(["owner_id", "gate_id"], kind="stable").reset_index(drop=True)
    if (twice := table.duplicated(["owner_id", "gate_id"])).any():
        raise ValueError(
            f"owner and gate given twice: {table.loc[twice, ['owner_id', 'gate_id']].to_numpy().tolist()[:5]}"
        )
    walk = table["distance_m"].to_numpy(dtype=np.float64)
    table["far"] = np.where(np.isnan(walk), np.inf, walk)
    groups = table.groupby("owner_id", sort=True)["far"]
    best, worst = table.loc[groups.idxmin()], table.loc[groups.idxmax()]
    best_m, worst_m = best["far"].to_numpy(), worst["far"].to_numpy()
    reason = np.full(len(best_m), None, dtype=object)
    reason[np.isinf(worst_m)] = "one_gate_leads_nowhere"
    reason[np.isinf(best_m)] = "no_gate_leads_there"
    first = best["gate_id"].to_numpy(dtype=object).copy()
    first[np.isinf(best_m)] = None
    return pd.DataFrame(
        {
            "owner_id": best["owner_id"].to_numpy(),
            "best_m": np.where(np.isinf(best_m), np.nan, best_m),
            "worst_m": np.where(np.isinf(worst_m), np.nan, worst_m),
            "gates": groups.size().to_numpy(),
            "best_gate": pd.Series(first, dtype=object),
            "worst_gate": pd.Series(worst["gate_id"].to_numpy(dtype=object), dtype=object),
            "reason": pd.Series(reason, dtype=object),
        }
    )
