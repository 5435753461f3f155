"""OpenStreetMap online, through osmnx: the place's boundary, and the raw elements of everything that the readers look for.

Only what osmnx offers publicly is used. With `settings.cache_only_mode` it downloads, politely and in parts, into its cache and
stops there; what lies in the cache is Overpass' own answers, which `osm_json` turns into an extract. So streets and features keep
the ids and tags that an extract has, and a fetch that was cut short goes on where it stopped. A graph saved by osmnx would have
lost the tags of nodes, the gates, and every relation.
"""

from __future__ import annotations

import json
import re
import socket
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely

from xiqing_space import __version__
from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.barriers import barrier_pairs
from xiqing_space.ingest.facilities import facility_pairs
from xiqing_space.ingest.online import FetchError, Watch, network_fault
from xiqing_space.ingest.population import home_pairs

CACHE_DAYS = 3.0  # older answers are asked for anew: parts of one extract should be of nearly the same day
_OUTLINE_M = 100.0  # the outline sent to the server may be so much wider, and has fewer corners
_OSM_ID = re.compile(r"[WR]\d{1,18}")
# of these keys every value is fetched: one condition costs the server less than twenty, and later readers look for more
_WHOLE_KEYS = ("landuse", "building")
_STREETS = "streets"
_ZH = {
    _STREETS: "街道",
    "facilities": "设施",
    "land": "用地与水系",
    "barriers": "围墙、铁路与路口",
    "buildings": "建筑",
}


@dataclass(frozen=True)
class Place:
    """A place that Nominatim found. `geometry` in degrees; `osm_id` such as R1234."""

    name: str
    osm_id: str
    geometry: Any


def plan_steps(catalogue: Catalogue) -> dict[str, dict[str, bool | list[str]]]:
    """What is fetched, step by step: tags as osmnx takes them; all that the readers look for, and nothing twice.

    Streets have no tags of their own here: every way with a `highway` is fetched, as an extract holds it.
    """
    facilities = {key for key, _ in facility_pairs(catalogue)}
    values: dict[str, set[str]] = {}
    for key, value in (*barrier_pairs(catalogue), *home_pairs(catalogue)):
        if key not in facilities:
            values.setdefault(key, set()).add(value)
    listed: dict[str, bool | list[str]] = {
        key: True if key in _WHOLE_KEYS else sorted(values[key]) for key in sorted(values)
    }
    land = ("landuse", "natural", "waterway", "aeroway")
    return {
        _STREETS: {},
        "facilities": dict.fromkeys(sorted(facilities), True),
        "land": {key: listed[key] for key in listed if key in land},
        "barriers": {key: listed[key] for key in listed if key not in (*land, "building")},
        "buildings": {"building": listed["building"]},
    }


def find_place(place: str, watch: Watch, cache: Path) -> Place:
    """Ask Nominatim for a place's boundary.

    Parameters
    ----------
    place : str
        A name, then it must be an administrative unit; or an OSM id such as R1234 or W5678, then any area will do.
    watch : Watch
        Holds addresses and limits.
    cache : Path
        Folder for the answer.

    Raises
    ------
    FetchError
        No such place, no polygon, not an administrative unit, or the server is at fault.
    """
    by_id = _OSM_ID.fullmatch(place) is not None
    todo = "在 [fetch] place 中写全称（省市区）或 OSM 编号（如 R1234），或在 [area] boundary 中给出边界文件 / write the full name or an OSM id (R1234) as place in [fetch], or give a boundary file"
    with _session(cache, watch) as ox:
        try:
            row = ox.geocode_to_gdf(place, by_osmid=by_id).iloc[0]
        except TypeError as error:
            raise FetchError(f"“{place}”只有点位，没有边界 / only a point, no boundary", todo=todo) from error
        except ox._errors.InsufficientResponseError as error:
            raise FetchError(
                f"找不到“{place}” / no such place", where=_host(watch.limits.nominatim_url), todo=todo
            ) from error
    shape = shapely.make_valid(row["geometry"])
    if shape.geom_type not in ("Polygon", "MultiPolygon", "GeometryCollection"):
        raise FetchError(f"“{place}”只有点位或线，没有边界 / only a point or a line, no boundary", todo=todo)
    sort = f"{row.get('class')}={row.get('type')}"
    if not by_id and sort != "boundary=administrative":
        raise FetchError(
            f"“{place}”不是行政区，而是 {sort[:60]} / not an administrative unit but {sort[:60]}", todo=todo
        )
    return Place(str(row.get("display_name", place))[:200], f"{str(row['osm_type'])[:1].upper()}{row['osm_id']}", shape)


def query_outline(area: Area) -> Any:
    """The polygon to ask for, in degrees: the buffered area without its holes, with few corners, never smaller."""
    parts = [shapely.Polygon(one.exterior) for one in shapely.get_parts([area.buffered])]
    wider = shapely.union_all(parts).buffer(_OUTLINE_M).simplify(_OUTLINE_M)
    if wider.geom_type != "Polygon":
        wider = wider.convex_hull  # as osmnx would take it anyway
    return project_geometry(shapely.Polygon(wider.exterior), area.metric_epsg, GEOGRAPHIC)


def download(
    outline: Any,
    steps: Mapping[str, Mapping[str, bool | list[str]]],
    watch: Watch,
    cache: Path,
) -> dict[str, list[Path]]:
    """Fetch all steps into `cache`; what lies there already is not asked for again.

    Parameters
    ----------
    outline : shapely Polygon
        What to ask for, degrees.
    steps : mapping
        Of `plan_steps`.
    watch : Watch
        Holds addresses and limits.
    cache : Path
        A folder of this outline and these steps alone: every answer in it counts.

    Returns
    -------
    dict of str to list of Path
        Overpass' answers as they came, by step, in the order of their names.

    Raises
    ------
    FetchError
        A server is at fault, cannot be reached, or a limit is passed; answers that came whole stay in `cache`.
    """
    found = {}
    for number, (step, tags) in enumerate(steps.items(), 1):
        folder = cache / step
        kept = tidy_cache(folder)
        watch.say(
            f"[{number}/{len(steps)}] 下载{_ZH.get(step, step)} / fetching {step}"
            + (f"（已有 {kept} 份 / {kept} kept）" if kept else "")
        )
        with _session(folder, watch) as ox:
            try:
                if step == _STREETS:
                    ox.graph_from_polygon(outline, custom_filter='["highway"]')
                else:
                    ox.features_from_polygon(outline, tags=dict(tags))
            except ox._errors.CacheOnlyInterruptError:
                pass  # how cache_only_mode ends
            else:  # pragma: no cover
                raise AssertionError("cache_only_mode did not stop osmnx")
        found[step] = sorted(folder.glob("*.json"))
    return found


def tidy_cache(folder: Path) -> int:
    """Remove answers that are old or, cut short while written, unreadable; returns how many are left."""
    kept = 0
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        try:
            whole = isinstance(json.loads(path.read_text(encoding="utf-8")), (dict, list))
        except ValueError:
            whole = False
        if whole and time.time() - path.stat().st_mtime <= CACHE_DAYS * 86400:
            kept += 1
        else:
            path.unlink()
    return kept


@contextmanager
def _session(cache: Path, watch: Watch) -> Iterator[Any]:
    """Osmnx with our settings, its own put back afterwards; faults of the network become one message."""
    import osmnx as ox
    import requests

    limits = watch.limits
    ours: dict[str, Any] = {
        "cache_folder": cache,
        "cache_only_mode": True,
        "use_cache": True,
        "doh_url_template": None,  # else osmnx asks a name server abroad when the local one does not answer
        "http_accept_language": "zh-CN,zh,en",
        "http_user_agent": f"xiqing_space/{__version__} (OSMnx {ox.__version__})",
        "http_referer": "xiqing_space",
        "max_query_area_size": limits.max_query_km2 * 1e6,
        "nominatim_url": limits.nominatim_url,
        "overpass_rate_limit": limits.rate_limit,
        "overpass_url": limits.overpass_url,
        "overpass_settings": "[out:json][timeout:{timeout}]{maxsize}",
        "requests_kwargs": {"hooks": {"response": watch}, "allow_redirects": False},
        "requests_timeout": limits.timeout_s,
    }
    theirs = {key: getattr(ox.settings, key) for key in ours}
    resolver = socket.getaddrinfo  # osmnx puts its own in place and leaves it there
    try:
        for key, value in ours.items():
            setattr(ox.settings, key, value)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, module=r"osmnx|xiqing_space")  # "many sub-queries"
            yield ox
    except FetchError:
        raise
    except requests.exceptions.RequestException as error:
        raise network_fault(error) from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise FetchError(
            f"服务器的回答无法使用 / the server's answer cannot be used: {type(error).__name__} {str(error)[:200]}",
            todo="检查 [fetch] 中的地址 / check the addresses in [fetch]",
        ) from error
    finally:
        socket.getaddrinfo = resolver
        for key, value in theirs.items():
            setattr(ox.settings, key, value)


def _host(url: str) -> str:
    return url.split("//", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1]
