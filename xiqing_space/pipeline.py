"""The stages in order, what each needs and leaves; the only file that sees every room."""

from __future__ import annotations

import errno
import json
import platform
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xiqing_space.config import Config, read_config
from xiqing_space.errors import ConfigError, XiqingError
from xiqing_space.memory import collection_paused
from xiqing_space.provenance import (
    RunFolder,
    cannot_write,
    code_hash,
    hash_of,
    library_versions,
    read_json,
    run_record,
    sha256_of,
    write_json,
)

Progress = Callable[[str], None]
PROCESSED = "data/processed"
_DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}


@dataclass(frozen=True)
class Stage:
    """A stage: the tables it reads and leaves, other files, and the parts of the configuration that it looks at."""

    name: str
    zh: str
    needs: tuple[str, ...]
    leaves: tuple[str, ...]
    config: tuple[str, ...]


_LAYERS = (
    "area",
    "zones",
    "streets",
    "crossings",
    "facilities",
    "grounds",
    "barriers",
    "mapped_points",
    "compounds",
    "demand",
)
STAGES = (
    Stage("ingest", "读取数据", (), _LAYERS, ("area", "sources")),
    Stage("network", "建立步行网络", ("area", "streets", "facilities", "grounds", "barriers", "mapped_points", "compounds", "demand"),
          ("nodes", "gates", "access_links", "barrier_crossings"), ("walking",)),
    Stage("coverage", "计算可达性", ("area", "streets", "facilities", "gates", "access_links", "barrier_crossings", "demand"),
          ("access", "access_low"), ("walking", "standards")),
    Stage("indicators", "计算指标", ("zones", "facilities", "demand", "access", "access_low"), ("indicators",), ("standards",)),
    Stage("maps", "绘制地图", ("area", "zones", "streets", "facilities", "grounds", "barriers", "demand", "access", "indicators"), (),
          ("standards", "output")),
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a run did: folder, whether it was changed, stages computed, whether the data are the sample, sources, pages."""

    out: Path
    changed: bool
    computed: tuple[str, ...]
    synthetic: bool
    sources: tuple[str, ...]
    pages: tuple[Path, ...]


@dataclass(frozen=True)
class Inputs:
    """The configuration with its sources settled, and a record of every input file."""

    config: Config
    synthetic: bool
    records: list[dict[str, Any]]


def settle_inputs(config: Config, workshop: Path) -> Inputs:
    """Decide what data a run uses: what the configuration names, else the synthetic sample.

    The sample is written into `workshop` as real files and read by the same readers as anything else.

    Raises
    ------
    ConfigError
        A boundary or zones are named but no street data: their place is not the sample's.
    """
    synthetic = config.sources.osm is None and config.sources.streets is None
    if synthetic:
        if config.area.boundary or config.area.bbox or config.area.zones:
            raise ConfigError(
                "给出了评估范围，但没有街道数据 / a study area is given but no street data",
                todo="在 [sources] 中填写 osm，或删去范围设置以试用示例数据 / give osm in [sources], or remove the area to try the sample",
            )
        from xiqing_space.sample import write_sample

        sample = read_config(write_sample(workshop))
        area = sample.area.model_copy(
            update={
                key: getattr(config.area, key)
                for key in ("buffer_m", "metric_crs")
                if key in config.area.model_fields_set
            }
        )
        config = config.model_copy(update={"area": area, "sources": sample.sources})
    synthetic = synthetic or _is_sample(config.sources.osm)
    records = [
        {
            "role": role, "file": path.name, "sha256": sha256_of(path), "bytes": path.stat().st_size,
            "licence": config.sources.licence if role in ("osm", "streets") else "", "synthetic": synthetic,
        }
        for role, path in sorted(config.files().items())
    ]  # fmt: skip
    return Inputs(config, synthetic, records)


def _is_sample(osm: Path | None) -> bool:
    """Whether a file that the configuration names is the sample, written out earlier: it says so in its header."""
    if osm is None:
        return False
    from xiqing_space.ingest.osm import read_header
    from xiqing_space.sample import GENERATOR

    return bool(read_header(osm).generator == GENERATOR)


def _section(config: Config, name: str) -> Any:
    """A part of the configuration as plain values; files by name, for their content is hashed apart."""
    values = json.loads(getattr(config, name).model_dump_json())
    for key in ("boundary", "zones", "osm", "streets"):
        if isinstance(values.get(key), str):
            values[key] = values[key].replace("\\", "/").rsplit("/", 1)[-1]
    return values


def run(
    config_path: Path,
    out: Path,
    *,
    only: Sequence[str] = (),
    lang: str | None = None,
    progress: Progress = lambda _: None,
) -> Outcome:
    """Read the configuration, run the stages that changed, and put the results in place whole.

    Parameters
    ----------
    config_path : Path
        A configuration file.
    out : Path
        Will hold data/processed, maps and reports.
    only : sequence of str
        Names of stages; they and what they need are run, later ones are left out. Empty: all.
    lang : {"zh", "en"}, optional
        Instead of the configuration's language.
    progress : callable
        Gets one line per stage.

    Raises
    ------
    XiqingError
        Something that the user can mend; the earlier run is untouched.
    """
    config = read_config(config_path)
    if lang is not None:
        config = config.model_copy(update={"output": config.output.model_copy(update={"language": lang})})
    chosen = _chosen(only)
    folder = RunFolder(out)
    with folder.locked():
        folder.open()
        try:
            with collection_paused():  # frames and their strings, a million at a time: collection took a sixth of a run
                return _run(config, folder, chosen, progress)
        except OSError as error:
            if isinstance(error, XiqingError) or error.errno not in _DISK_FAULTS:
                raise
            raise cannot_write(out, error) from error
        finally:
            folder.close()


def _chosen(only: Sequence[str]) -> tuple[Stage, ...]:
    names = [stage.name for stage in STAGES]
    if unknown := sorted(set(only) - set(names)):
        raise ConfigError(
            f"没有这个阶段 / no such stage: {', '.join(unknown)}", todo=f"可用 / choose from: {', '.join(names)}"
        )
    last = max((names.index(name) for name in only), default=len(names) - 1)
    return STAGES[: last + 1]


def _run(config: Config, folder: RunFolder, chosen: tuple[Stage, ...], progress: Progress) -> Outcome:
    began = time.perf_counter()
    inputs = settle_inputs(config, folder.work / "sample")
    run_key = hash_of([_dump(inputs.config), inputs.records, code_hash(), library_versions()])
    earlier = read_json(folder.out / PROCESSED / "manifest.json")
    manifest: dict[str, Any] = {"run_key": run_key, "stages": {}, "files": {}}
    seconds: dict[str, float] = {}
    computed: list[str] = []
    context: Any = None
    doubts: list[dict[str, str]] = []  # of all stages so far, for the pages
    for number, stage in enumerate(chosen, 1):
        started = time.perf_counter()
        key = _stage_key(stage, inputs, manifest, doubts)
        record = earlier.get("stages", {}).get(stage.name, {})
        if record.get("key") == key and _intact(folder, record):
            _take_over(folder, record)
            word = "未变 unchanged"
        else:
            context = context or _context(inputs, folder, run_key, doubts)
            record = _compute(stage, context, folder, key)
            computed.append(stage.name)
            word = "完成 done"
        manifest["stages"][stage.name] = record
        doubts += record["quality"]
        manifest["files"] |= record["files"]
        seconds[stage.name] = round(time.perf_counter() - started, 3)
        progress(f"[{number}/{len(chosen)}] {stage.zh} {stage.name}: {word}, {time.perf_counter() - began:.1f} s")
    pages = tuple(folder.out / name for name in manifest["files"] if name.endswith(".html"))
    outcome = Outcome(
        folder.out, True, tuple(computed), inputs.synthetic, tuple(one["file"] for one in inputs.records), pages
    )
    if (
        not computed
        and set(earlier.get("stages", {})) == set(manifest["stages"])
        and _intact(folder, {"files": _tail(earlier)})
    ):
        return replace(outcome, changed=False)
    _write_records(inputs, folder, manifest, seconds)
    folder.swap()
    return outcome


def _tail(manifest: dict[str, Any]) -> dict[str, str]:
    """The files that no stage wrote: quality.csv and run.json."""
    of_stages = {name for record in manifest["stages"].values() for name in record["files"]}
    return {name: digest for name, digest in manifest["files"].items() if name not in of_stages and digest}


def _dump(config: Config) -> dict[str, Any]:
    return {name: _section(config, name) for name in type(config).model_fields}


def _stage_key(stage: Stage, inputs: Inputs, manifest: dict[str, Any], doubts: list[dict[str, str]]) -> str:
    """Hash of all that a stage depends on: code, libraries, its parts of the configuration, and what it reads."""
    tables = [manifest["files"][f"{PROCESSED}/{name}.parquet"] for name in stage.needs]
    # evidence ids name the whole run, so figures are made anew whenever anything changed
    whole = manifest["run_key"] if stage.name == "indicators" else ""
    sections = [_section(inputs.config, name) for name in stage.config]
    return hash_of([stage.name, code_hash(), library_versions(), sections, tables, whole,
                    inputs.records if stage.name in ("ingest", "maps") else [],
            doubts if stage.name == "maps" else []])  # fmt: skip


def _intact(folder: RunFolder, record: dict[str, Any]) -> bool:
    files = record.get("files", {})
    return bool(files) and all(
        (folder.out / name).is_file() and sha256_of(folder.out / name) == digest for name, digest in files.items()
    )


def _take_over(folder: RunFolder, record: dict[str, Any]) -> None:
    for name in record["files"]:
        target = folder.new / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder.out / name, target)


def _context(inputs: Inputs, folder: RunFolder, run_key: str, doubts: list[dict[str, str]]) -> Any:
    from xiqing_space.ingest.quality import Quality
    from xiqing_space.stages import Context
    from xiqing_space.store import Store

    return Context(inputs.config, inputs.config.catalogue(), Store(folder.new / PROCESSED), Quality(), inputs.synthetic,
                   run_key, folder.new / "maps", inputs.records, doubts)  # fmt: skip


def _compute(stage: Stage, context: Any, folder: RunFolder, key: str) -> dict[str, Any]:
    from xiqing_space import stages

    before = {path for path in folder.new.rglob("*") if path.is_file()}
    doubts = len(context.quality.rows)
    info = getattr(stages, stage.name)(context)
    fresh = sorted(path for path in folder.new.rglob("*") if path.is_file() and path not in before)
    files = {path.relative_to(folder.new).as_posix(): sha256_of(path) for path in fresh}
    return {"key": key, "files": files, "quality": context.quality.rows[doubts:], "info": info}


def _write_records(inputs: Inputs, folder: RunFolder, manifest: dict[str, Any], seconds: dict[str, float]) -> None:
    """quality.csv, run.json, timing.json and the manifest."""
    from xiqing_space.ingest.quality import Quality
    from xiqing_space.stages import write_csv

    home = folder.new / PROCESSED
    quality = Quality([row for record in manifest["stages"].values() for row in record["quality"]])
    write_csv(quality.frame(), home / "quality.csv")
    info = {name: record["info"] for name, record in manifest["stages"].items()}
    ingest = info.get("ingest", {})
    records = [
        {**one, "data_date": ingest.get("data_date", ""), "rows": ingest.get("rows", {})}
        if one["role"] in ("osm", "streets") else one
        for one in inputs.records
    ]  # fmt: skip
    record = run_record(_dump(inputs.config), records, inputs.synthetic)
    record["run_key"] = manifest["run_key"]
    record["rows"] = {key: value for one in info.values() for key, value in one.get("rows", {}).items()}
    record["tables"] = {name: digest for name, digest in manifest["files"].items() if name.endswith(".parquet")}
    if "indicators" in manifest["stages"]:
        record["evidence"] = _evidence(home)
    write_json(home / "run.json", record)
    for name in ("quality.csv", "run.json"):
        manifest["files"][f"{PROCESSED}/{name}"] = sha256_of(home / name)
    write_json(
        home / "timing.json", {"seconds": seconds, "host": platform.platform(), "python": platform.python_version()}
    )
    for name in ("timing.json", "manifest.json"):
        manifest["files"][f"{PROCESSED}/{name}"] = ""
    write_json(home / "manifest.json", manifest)


def _evidence(home: Path) -> dict[str, dict[str, Any]]:
    """Evidence id -> the indicator's key; inputs, config and code stand once at the head of run.json."""
    import pandas as pd

    keys = ["indicator_id", "kind", "zone_id", "measure", "standard_id", "age_band"]
    frame = pd.read_parquet(home / "indicators.parquet", columns=["evidence_id", *keys])
    return {row[0]: dict(zip(keys, row[1:], strict=True)) for row in frame.itertuples(index=False, name=None)}


def check(config_path: Path, out: Path, progress: Progress = lambda _: None) -> tuple[Path, int]:
    """Read and check every input and write `quality.csv` into `out`; compute nothing.

    Returns
    -------
    Path
        The file.
    int
        How many doubts are graver than a remark.
    """
    config = read_config(config_path)
    folder = RunFolder(out)
    with folder.locked():
        folder.open()
        try:
            return _check(config, folder, progress)
        finally:
            folder.close()


def _check(config: Config, folder: RunFolder, progress: Progress) -> tuple[Path, int]:
    from xiqing_space import stages

    inputs = settle_inputs(config, folder.work / "sample")
    progress("读取并检查数据 / reading and checking")
    context = _context(inputs, folder, "", [])
    stages.ingest(context)
    frame = context.quality.frame()
    stages.write_csv(frame, folder.new / "quality.csv")
    (folder.new / "quality.csv").replace(folder.out / "quality.csv")
    return folder.out / "quality.csv", int((frame["severity"] != "info").sum())
