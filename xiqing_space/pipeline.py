"""A run: which stages are made anew, which are taken over, and how results are put in place whole."""

from __future__ import annotations

import errno
import platform
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiqing_space.approval import require_approval
from xiqing_space.config import Config, plain, read_config
from xiqing_space.errors import ConfigError, XiqingError
from xiqing_space.fetch import RAW
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
from xiqing_space.run_inputs import Inputs, settle_inputs
from xiqing_space.schedule import Helpers, Place, Schedule
from xiqing_space.sections import SurveyConfig
from xiqing_space.stage_list import Stage, choose_stages, waited_for
from xiqing_space.workplaces import PROCESSED, Here, Record, RunFacts, open_context

if TYPE_CHECKING:
    from xiqing_space.data_checkup import CheckOutcome

Progress = Callable[[str], None]
_DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}


@dataclass(frozen=True)
class Outcome:
    """What a run did: folder, whether it was changed, stages computed, whether the data are the sample, sources, pages."""

    out: Path
    changed: bool
    computed: tuple[str, ...]
    synthetic: bool
    sources: tuple[str, ...]
    pages: tuple[Path, ...]


def run(
    config_path: Path,
    out: Path,
    *,
    only: Sequence[str] = (),
    lang: str | None = None,
    progress: Progress = lambda _: None,
    workers: int = 1,
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
    workers : int
        Processes that share the work; the results are the same for each number. With more than one, a script that calls this
        function needs the guard `if __name__ == "__main__"`, as `multiprocessing` says.

    Raises
    ------
    XiqingError
        Something that the user can mend; the earlier run is untouched.
    """
    config = read_config(config_path)
    if lang is not None:
        config = config.model_copy(update={"output": config.output.model_copy(update={"language": lang})})
    chosen = choose_stages(only)
    if any("output" in stage.config for stage in chosen):
        require_approval(config.output)
    folder = RunFolder(out)
    with folder.locked():
        folder.open()
        try:
            with collection_paused():  # frames and their strings, a million at a time: collection took a sixth of a run
                return _run(config, folder, chosen, progress, _raw_folders(config_path, out), workers)
        except OSError as error:
            if isinstance(error, XiqingError) or error.errno not in _DISK_FAULTS:
                raise
            raise cannot_write(out, error) from error
        finally:
            folder.close()


def _raw_folders(config_path: Path, out: Path) -> tuple[Path, ...]:
    """Where `make data` may have left the district: in the run's own folder, else beside the configuration's folder."""
    return (out / RAW).resolve(), config_path.resolve().parent.parent / RAW


def _run(
    config: Config,
    folder: RunFolder,
    chosen: tuple[Stage, ...],
    progress: Progress,
    raws: tuple[Path, ...],
    workers: int,
) -> Outcome:
    inputs = settle_inputs(config, folder.work / "sample", raws)
    _keep_apart(inputs.config, folder)
    run_key = hash_of([_dump(inputs.config), inputs.records, code_hash(), library_versions()])
    earlier = read_json(folder.out / PROCESSED / "manifest.json")
    clerk = _Clerk(inputs, folder, run_key, earlier.get("stages", {}), chosen, progress, workers)
    records = clerk.make_all()
    manifest: dict[str, Any] = {"run_key": run_key, "stages": records, "files": _files_of(records)}
    pages = tuple(folder.out / name for name in sorted(manifest["files"]) if name.endswith(".html"))
    computed = tuple(stage.name for stage in chosen if stage.name in clerk.computed)
    sources = tuple(dict.fromkeys(one["file"] for one in inputs.records))
    outcome = Outcome(folder.out, True, computed, inputs.synthetic, sources, pages)
    if (
        not computed
        and set(earlier.get("stages", {})) == set(manifest["stages"])
        and _intact(folder, {"files": _tail(earlier)})
    ):
        return replace(outcome, changed=False)
    _write_records(inputs, folder, manifest, clerk.seconds)
    for name in folder.swap():
        progress(f"您改动过的文件已另存 / a file that you had changed was kept as: {folder.out / name}")
    return outcome


class _Clerk:
    """Decides of each stage whether it is taken over from the earlier run or made, and writes down how long it took."""

    def __init__(
        self, inputs: Inputs, folder: RunFolder, run_key: str, earlier: dict[str, Record], chosen: tuple[Stage, ...],
        progress: Progress, workers: int,
    ) -> None:  # fmt: skip
        self._inputs, self._folder, self._run_key, self._earlier = inputs, folder, run_key, earlier
        self._progress, self._began = progress, time.perf_counter()
        self._stages, self._schedule = chosen, Schedule(chosen, self._make)
        self._facts = RunFacts(inputs.config, inputs.records, inputs.synthetic, run_key, folder.new)
        self._helpers = Helpers(self._facts, workers - 1)
        self._lock = threading.Lock()
        self.seconds: dict[str, float] = {}
        self.computed: set[str] = set()

    def make_all(self) -> dict[str, Record]:
        """The records of all stages, in order."""
        try:
            self._schedule.run(Here(self._facts))
        finally:
            self._helpers.end()
        return {stage.name: self._schedule.records[stage.name] for stage in self._stages}

    def _make(self, stage: Stage, records: dict[str, Record], place: Place) -> Record:
        started = time.perf_counter()
        doubts = [
            row
            for one in self._stages
            if one.leaves and one.name in waited_for(stage)
            for row in records[one.name]["quality"]
        ]
        key = _stage_key(stage, self._inputs, self._run_key, records, doubts)
        record = self._earlier.get(stage.name, {})
        # no trace is kept of a local grid's parameters, so lists in it are read anew each time
        known = stage.name != "ingest" or not self._inputs.config.has_secret_datum
        if known and record.get("key") == key and _intact(self._folder, record):
            _take_over(self._folder, record)
            word = "未变 unchanged"
        else:
            if self._schedule.left():
                self._helpers.call(self._schedule)
            record = place.make(stage, key, doubts)
            self.computed.add(stage.name)
            word = "完成 done"
        with self._lock:
            now = time.perf_counter()
            self.seconds[stage.name] = round(now - started, 3)
            self._progress(
                f"[{len(self.seconds)}/{len(self._stages)}] {stage.zh} {stage.name}: {word}, {now - self._began:.1f} s"
            )
        return record


def _keep_apart(config: Config, folder: RunFolder) -> None:
    """Refuse inputs that this very run would write over: the answers in them would hold once and be gone the next time."""
    written = {(folder.out / name).resolve() for name in folder.written()}
    if both := [f"{role}: {path.name}" for role, path in config.files().items() if path.resolve() in written]:
        raise ConfigError(
            "设置中的输入文件在结果文件夹中，会被本次运行覆盖 / an input is a file of the results, which this run would write over",
            where=str(folder.out), first=both,
            todo="另存到 data/raw，并改写设置中的路径 / save it in data/raw and name it there",
        )  # fmt: skip


def _tail(manifest: dict[str, Any]) -> dict[str, str]:
    """The files that no stage wrote: quality.csv and run.json."""
    of_stages = {name for record in manifest["stages"].values() for name in record["files"]}
    return {name: digest for name, digest in manifest["files"].items() if name not in of_stages and digest}


def _dump(config: Config) -> dict[str, Any]:
    # [fetch] is for `make data` alone: what it left counts by its content
    return {name: plain(getattr(config, name)) for name in type(config).model_fields if name != "fetch"}


def _files_of(records: dict[str, Record]) -> dict[str, str]:
    return {name: digest for record in records.values() for name, digest in record["files"].items()}


def _stage_key(
    stage: Stage, inputs: Inputs, run_key: str, records: dict[str, Record], doubts: list[dict[str, str]]
) -> str:
    """Hash of all that a stage depends on: code, libraries, its parts of the configuration, and what it reads."""
    files = _files_of({name: records[name] for name in waited_for(stage)})
    tables = [files[f"{PROCESSED}/{name}.parquet"] for name in stage.needs]
    read = [digest for name in stage.after for digest in records[name]["files"].values()]
    # evidence ids name the whole run, so figures are made anew whenever anything changed
    whole = run_key if stage.name == "indicators" else ""
    sections = [plain(getattr(inputs.config, name)) for name in stage.config]
    shown = [inputs.records, doubts] if stage.doubts else [inputs.records] if stage.name == "ingest" else []
    return hash_of([stage.name, code_hash(), library_versions(), sections, tables, read, whole, shown])


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
        if one["role"] in ("osm", "streets") else {**one, "rows": ingest.get("read", {}).get(one["role"])}
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

    keys = ["indicator_id", "kind", "zone_id", "measure", "standard_id", "age_band", "variant"]
    frame = pd.read_parquet(home / "indicators.parquet", columns=["evidence_id", *keys])
    return {row[0]: dict(zip(keys, row[1:], strict=True)) for row in frame.itertuples(index=False, name=None)}


def check(
    config_path: Path, out: Path, progress: Progress = lambda _: None, returned: Sequence[Path] = ()
) -> CheckOutcome:
    """Read and check every input; write `quality.csv` and the data check-up into `out`; compute nothing.

    Parameters
    ----------
    out : Path
        Gets quality.csv, reports/data_checkup.xlsx and reports/data_checkup.html; an earlier quality.csv there is what the doubts are
        compared with.
    returned : sequence of Path
        Return sheets that departments filled in.

    Raises
    ------
    XiqingError
        Something that the user can mend; files of the earlier check are untouched.
    """
    config = read_config(config_path)
    folder = RunFolder(out)
    with folder.locked():
        folder.open()
        try:
            return _check(config, folder, progress, _raw_folders(config_path, out), returned)
        except OSError as error:
            if isinstance(error, XiqingError) or error.errno not in _DISK_FAULTS:
                raise
            raise cannot_write(out, error) from error
        finally:
            folder.close()


def _check(
    config: Config, folder: RunFolder, progress: Progress, raws: tuple[Path, ...], returned: Sequence[Path]
) -> CheckOutcome:
    from xiqing_space import stages
    from xiqing_space.data_checkup import write_checkup

    inputs = settle_inputs(config, folder.work / "sample", raws)
    progress("读取并检查数据 / reading and checking")
    sheets = SurveyConfig(sheets=(*inputs.config.survey.sheets, *returned))
    inputs = replace(inputs, config=inputs.config.model_copy(update={"survey": sheets}))
    context = open_context(RunFacts(inputs.config, inputs.records, inputs.synthetic, "", folder.new))
    info = stages.ingest(context)
    done = write_checkup(context, info, folder.out / "quality.csv", folder.new)
    for path in (*done.files, done.quality):  # quality.csv last: it is what the next check compares with
        target = folder.out / path.relative_to(folder.new)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    moved = tuple(folder.out / path.relative_to(folder.new) for path in done.files)
    return replace(done, quality=folder.out / "quality.csv", files=moved)
