"""`make data`: the district from OpenStreetMap into data/raw, and what an earlier fetch left there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import shapely

from xiqing_space.config import Config, read_config
from xiqing_space.errors import ConfigError, InputDataError, XiqingError
from xiqing_space.provenance import RunFolder, cannot_write, hash_of, read_json, sha256_of, write_json

if TYPE_CHECKING:
    from xiqing_space.ingest.online import Watch
    from xiqing_space.ingest.osm_json import Elements

RAW = "data/raw"
OSM, BOUNDARY, SOURCE = "district.osm.pbf", "boundary.geojson", "source.json"
LICENCE = "ODbL 1.0, © OpenStreetMap contributors"
_CACHE, _NEW, _SWAP = ".cache", ".fetch_new", ".fetch_swap.json"
_WORLD = (-180.0, -90.0, 180.0, 90.0)
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Fetched:
    """What `make data` left: the extract, the boundary (None where the configuration gave one), and the record of both."""

    osm: Path
    boundary: Path | None
    place: str
    record: dict[str, Any]


def wanted_place(config: Config) -> str:
    """The place that a configuration asks for: `[fetch] place`, else the name of the area."""
    return config.fetch.place or config.area.name


def fetched_sources(raw: Path) -> Fetched | None:
    """What `make data` left in a data/raw folder, or None where it left nothing.

    Raises
    ------
    InputDataError
        A file of it is gone or was changed since: it is no longer what the record says.
    """
    record = read_json(raw / SOURCE)
    files = record.get("files")
    if not isinstance(files, dict) or OSM not in files:
        return None
    changed = [
        name for name, digest in files.items()
        if name not in (OSM, BOUNDARY) or not (raw / name).is_file() or sha256_of(raw / name) != digest
    ]  # fmt: skip
    if changed:
        raise InputDataError(
            "make data 取得的文件缺失或已被改动 / files that make data fetched are gone or were changed",
            where=str(raw / SOURCE),
            first=sorted(changed),
            todo="重新运行 make data；若是您有意修改，请改名并写入 [sources] osm、[area] boundary / run make data again; if you "
            "changed them on purpose, rename them and name them in [sources] osm and [area] boundary",
        )
    boundary = raw / BOUNDARY if BOUNDARY in files else None
    return Fetched(raw / OSM, boundary, str(record.get("place", "")), record)


def use_fetched(config: Config, raws: tuple[Path, ...]) -> Config | None:
    """The configuration with the first fetched district of these folders as its sources, or None where there is none.

    A boundary, box, date or licence that the configuration gives stays.

    Raises
    ------
    ConfigError
        The fetched district is another place than the configuration's.
    """
    found = next((one for one in map(fetched_sources, dict.fromkeys(raws)) if one is not None), None)
    if found is None:
        return None
    if found.place != wanted_place(config):
        raise ConfigError(
            f"data/raw 中是“{found.place}”的数据，设置要的是“{wanted_place(config)}” / data/raw holds another place",
            where=str(found.osm.parent / SOURCE),
            todo="再运行 make data，或改 [area] name、[fetch] place / run make data again, or change name in [area] or place in [fetch]",
        )
    area = config.area
    if area.boundary is None and area.bbox is None and found.boundary is not None:
        area = area.model_copy(update={"boundary": found.boundary})
    return config.model_copy(update={"area": area, "sources": config.sources.model_copy(update={"osm": found.osm})})


def fetch(config_path: Path, out: Path, progress: Progress = lambda _: None) -> Fetched:
    """Fetch the district of a configuration into `out`/data/raw.

    The files are put in place together once all is whole; until then the earlier ones stay. What came is kept in
    data/raw/.cache, so that the next call goes on where this one stopped, and is removed at the end.

    Parameters
    ----------
    config_path : Path
        `[fetch]` says from where and within which limits; `[area]` which place, or which boundary, and how wide a buffer.
    out : Path
        The folder that `run --out` takes.
    progress : callable
        Gets a line per step, answer and pause.

    Raises
    ------
    XiqingError
        Offline, a server's fault, no such place, a limit passed, or files that no fetch wrote are in the way.

    Notes
    -----
    OpenStreetMap holds what volunteers drew. A kindergarten that is not on the map may well exist.
    """
    config = read_config(config_path)
    folder, raw = RunFolder(out), out / RAW
    with folder.locked():
        try:
            raw.mkdir(parents=True, exist_ok=True)
            _check_in_the_way(config, raw)
            return _fetch(config, raw, progress)
        except KeyboardInterrupt:
            progress(
                "已下载的部分已保留，再次运行 make data 会接着下载 / what came is kept; make data goes on from here"
            )
            raise
        except OSError as error:
            if isinstance(error, XiqingError):
                raise
            raise cannot_write(raw, error) from error
        finally:
            shutil.rmtree(raw / _NEW, ignore_errors=True)


def _writes(config: Config) -> tuple[str, ...]:
    given = config.area.boundary is not None or config.area.bbox is not None
    return (OSM,) if given else (OSM, BOUNDARY)


def _check_in_the_way(config: Config, raw: Path) -> None:
    """A planner's own file of the same name is never written over."""
    # the second: a swap that was cut short
    records = [read_json(raw / name).get("files") for name in (SOURCE, _SWAP)]
    ours = {(name, digest) for one in records if isinstance(one, dict) for name, digest in one.items()}
    alien = [
        name for name in _writes(config)
        if (raw / name).exists() and not ((raw / name).is_file() and (name, sha256_of(raw / name)) in ours)
    ]  # fmt: skip
    if alien:
        raise InputDataError(
            "这些文件不是 make data 写的，不会覆盖 / these files were not written by make data and are not overwritten",
            where=str(raw),
            first=alien,
            todo="请改名或移走 / rename or move them",
        )


def _area(config: Config, raw: Path, watch: Watch) -> tuple[Any, dict[str, str]]:
    """The study area: of the configuration, else asked of Nominatim and written as boundary.geojson."""
    from xiqing_space.ingest.area import read_area
    from xiqing_space.ingest.overpass import find_place, tidy_cache
    from xiqing_space.ingest.quality import Quality

    area, found = config.area, {}
    if area.boundary is None and area.bbox is None:
        place = wanted_place(config)
        watch.say(f"查找 / looking up: {place}")
        cache = raw / _CACHE / f"place-{hash_of([place, config.fetch.nominatim_url])}"
        tidy_cache(cache)
        try:
            result = find_place(place, watch, cache)
        except InputDataError:
            shutil.rmtree(cache, ignore_errors=True)  # a place may be put on the map tomorrow
            raise
        watch.say(f"找到 / found: {result.name} ({result.osm_id})")
        found = {"found": result.name, "osm_id": result.osm_id}
        shape = shapely.set_precision(result.geometry, 1e-7)
        parts = [one for one in shapely.get_parts(shapely.get_parts([shape])) if one.geom_type == "Polygon"]
        feature = {
            "type": "Feature",
            "properties": {"name": place, **found, "licence": LICENCE},
            "geometry": json.loads(shapely.to_geojson(shapely.MultiPolygon(parts))),
        }
        path = raw / _NEW / BOUNDARY
        write_json(path, {"type": "FeatureCollection", "features": [feature]})
        area = area.model_copy(update={"boundary": path})
    return read_area(area, _WORLD, "make data", Quality()), found


def _fetch(config: Config, raw: Path, progress: Progress) -> Fetched:
    from xiqing_space.ingest.online import Watch
    from xiqing_space.ingest.osm_json import write_extract
    from xiqing_space.ingest.overpass import download, plan_steps, query_outline

    limits, new = config.fetch, raw / _NEW
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    watch = Watch(limits, progress)
    area, found = _area(config, raw, watch)
    area_km2 = area.buffered.area / 1e6
    if area_km2 > limits.max_area_km2:
        raise InputDataError(
            f"含缓冲区共 {area_km2:,.0f} km²，超过上限 {limits.max_area_km2:g} km² / larger than max_area_km2, buffer included",
            where=found.get("found", config.area.name),
            todo="换小一级的行政区，或增大 [fetch] max_area_km2 / take a smaller unit, or raise max_area_km2 in [fetch]",
        )
    progress(f"范围 / area: {area.metric.area / 1e6:,.1f} km²; 含缓冲 / with buffer {area_km2:,.1f} km²")
    outline = query_outline(area)
    steps = plan_steps(config.catalogue())
    version = metadata.version("osmnx")
    key = hash_of(
        [shapely.to_wkt(outline), steps, limits.overpass_url, limits.max_query_km2, limits.timeout_s, version]
    )
    answers = download(outline, steps, watch, raw / _CACHE / key)
    progress("整理 / putting together")
    try:
        elements = _merged(answers, limits.overpass_url)
    except InputDataError:
        shutil.rmtree(raw / _CACHE / key, ignore_errors=True)  # else the next call would meet the same answers
        raise
    date = elements.dates[0] if elements.dates else ""
    write_extract(elements, new / OSM, outline.bounds, date)
    names = _writes(config)
    write_json(
        new / SOURCE,
        {
            "place": wanted_place(config), **found, "source": "OpenStreetMap (Overpass API)", "licence": LICENCE,
            "overpass": _public(limits.overpass_url), "nominatim": _public(limits.nominatim_url) if found else "",
            "data_date": date[:10], "timestamps": elements.dates, "buffer_m": config.area.buffer_m,
            "area_km2": round(area_km2, 3), "osmnx": version, "answers": {step: len(paths) for step, paths in answers.items()},
            "counts": {"nodes": len(elements.nodes), "ways": len(elements.ways), "relations": len(elements.relations),
                       "missing_nodes": elements.missing_nodes()},
            "files": {name: sha256_of(new / name) for name in names},
        },
    )  # fmt: skip
    _swap(raw, names)
    shutil.rmtree(raw / _CACHE, ignore_errors=True)
    result = fetched_sources(raw)
    assert result is not None
    return result


def _merged(answers: dict[str, list[Path]], url: str) -> Elements:
    from xiqing_space.ingest.osm_json import merge_answers

    elements = merge_answers([path for paths in answers.values() for path in paths])
    if not any("highway" in tags for _, tags in elements.ways.values()):
        raise InputDataError(
            "回答中没有街道 / the answers hold no street",
            where=_public(url),
            todo="检查范围；[fetch] overpass_url 是否包含该地区 / check the area, and whether that server covers it",
        )
    return elements


def _swap(raw: Path, names: tuple[str, ...]) -> None:
    """Put the new files in place. The record comes last and holds their hashes: half a swap never passes for a whole one."""
    new, old = raw / _NEW, read_json(raw / SOURCE).get("files", {})
    shutil.copyfile(new / SOURCE, raw / _SWAP)
    for name in (*names, SOURCE):
        (new / name).replace(raw / name)
    path = raw / BOUNDARY
    if BOUNDARY not in names and path.is_file() and sha256_of(path) == old.get(BOUNDARY):
        path.unlink()  # of the earlier fetch; this one was given its boundary
    (raw / _SWAP).unlink()


def _public(url: str) -> str:
    """An address without user and password."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rsplit("@", 1)[-1], parts.path, "", ""))
