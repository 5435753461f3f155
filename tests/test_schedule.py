"""Stages on several places: each once, after what it waits for, with the same bytes whoever makes it."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from helpers import Drawing, Result, call, files_of, write_config
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space import errors, workplaces
from xiqing_space.schedule import Place, Schedule
from xiqing_space.stage_list import STAGES, Stage, choose_stages, waited_for
from xiqing_space.workplaces import Beside, PlaceLostError, RunFacts

BY_NAME = {stage.name: stage for stage in STAGES}
Waits = dict[str, list[str]]


def stage(name: str, share: int = 1, reuses: str = "") -> Stage:
    return Stage(name, name, (), (), (), share=share, reuses=reuses)


class Bench:
    """A place that notes what it makes."""

    def __init__(self, notes: list[tuple[str, Bench]] | None = None) -> None:
        self.notes = [] if notes is None else notes

    def make(self, stage: Stage, key: str, doubts: Any) -> dict[str, Any]:
        self.notes.append((stage.name, self))
        return {"key": key}


def scheduled(stages: list[Stage], waits: Waits) -> Schedule:
    def make(one: Stage, records: dict[str, Any], place: Place) -> dict[str, Any]:
        assert set(waits.get(one.name, ())) <= set(records), "begun before what it waits for was there"
        return place.make(one, one.name, [])

    return Schedule(stages, make, lambda one: waits.get(one.name, ()))


def test_what_a_stage_waits_for() -> None:
    assert waited_for(BY_NAME["ingest"]) == ()
    assert waited_for(BY_NAME["network"]) == ("ingest",)
    assert set(waited_for(BY_NAME["gate_rules"])) == {"ingest", "network", "safety"}
    assert set(waited_for(BY_NAME["review"])) == {one.name for one in STAGES if one.leaves} | {"figures"}
    assert "maps" not in waited_for(BY_NAME["report"]), "what leaves neither tables nor doubts keeps nobody waiting"
    for one in STAGES:
        assert not set(one.needs) - {table for name in waited_for(one) for table in BY_NAME[name].leaves}


def test_only_what_a_stage_needs_is_chosen() -> None:
    assert [one.name for one in choose_stages(["coverage"])] == ["ingest", "network", "coverage"]
    assert [one.name for one in choose_stages(["gate_rules", "network"])] == [
        "ingest",
        "network",
        "safety",
        "gate_rules",
    ]
    assert choose_stages([]) == STAGES


def test_the_head_of_the_longest_way_is_begun_first() -> None:
    # ways to the end in shares: a 1 + 5 = 6, b 2, c 4, d 5
    stages = [stage("b", 2), stage("a"), stage("c", 4), stage("d", 5)]
    bench = Bench()
    scheduled(stages, {"d": ["a"]}).work(bench)
    assert [name for name, _ in bench.notes] == ["a", "d", "c", "b"]


def test_who_has_what_a_stage_can_reuse_makes_it() -> None:
    stages = [stage("routes"), stage("fixes", 9, reuses="routes"), stage("other")]
    notes: list[tuple[str, Bench]] = []
    first, second = Bench(notes), Bench(notes)
    schedule = scheduled(stages, {"fixes": ["routes"], "other": ["routes"]})
    schedule._made_at["routes"] = first
    schedule.records = {"routes": {}}
    schedule._open = [one for one in stages if one.name != "routes"]
    assert schedule._take(second).name == "other", "the shorter one, for the longer is quicker elsewhere"  # type: ignore[union-attr]
    assert schedule._take(first).name == "fixes"  # type: ignore[union-attr]


@st.composite
def houses(draw: st.DrawFn) -> tuple[list[Stage], Waits, int]:
    names = [f"s{number}" for number in range(draw(st.integers(1, 9)))]
    waits = {
        name: draw(st.lists(st.sampled_from(names[:place]), unique=True)) for place, name in enumerate(names) if place
    }
    shares = draw(st.lists(st.integers(1, 9), min_size=len(names), max_size=len(names)))
    return [stage(name, share) for name, share in zip(names, shares, strict=True)], waits, draw(st.integers(1, 4))


@settings(max_examples=60, deadline=None)
@given(houses())
def test_each_stage_is_made_once_and_after_what_it_waits_for(house: tuple[list[Stage], Waits, int]) -> None:
    stages, waits, places = house
    notes: list[tuple[str, Bench]] = []
    schedule = scheduled(stages, waits)
    others = [threading.Thread(target=schedule.work, args=(Bench(notes),), daemon=True) for _ in range(places - 1)]
    for other in others:
        other.start()
    schedule.work(Bench(notes))
    for other in others:
        other.join(10)
    assert sorted(name for name, _ in notes) == sorted(one.name for one in stages)
    assert schedule.records == {one.name: {"key": one.name} for one in stages}


class Broken:
    def __init__(self, fault: BaseException) -> None:
        self.fault = fault

    def make(self, stage: Stage, key: str, doubts: Any) -> dict[str, Any]:
        raise self.fault


def test_a_fault_elsewhere_is_raised_where_the_run_was_begun() -> None:
    schedule = scheduled([stage("a"), stage("b")], {"b": ["a"]})
    with pytest.raises(ValueError, match="seven"):
        schedule.work(Broken(ValueError("seven")))
    with pytest.raises(ValueError, match="seven"):
        schedule.run(Bench())


def test_what_a_lost_place_had_begun_is_made_by_another() -> None:
    schedule, bench = scheduled([stage("a"), stage("b")], {"b": ["a"]}), Bench()
    with pytest.raises(PlaceLostError):
        schedule.work(Broken(PlaceLostError()))
    schedule.work(bench)
    assert [name for name, _ in bench.notes] == ["a", "b"]


@pytest.mark.parametrize(
    "kind", ["XiqingError", "InputFileError", "InputDataError", "ConfigError", "CrsError", "OutputError"]
)
def test_a_message_survives_the_way_between_processes(kind: str) -> None:
    error = getattr(errors, kind)("错 / wrong", where="a.csv:3", todo="改 / mend", first=["x", "y"])
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), back.text(), str(back)) == (type(error), error.text(), str(error))


def run_with(workers: int, osm: Path, folder: Path) -> dict[str, str]:
    config = write_config(folder / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(osm)}})
    result = call("run", "--config", config, "--out", folder / "out", "--workers", workers)
    assert result.code == 0, result.err[-900:]
    return left_by(folder / "out")


def left_by(out: Path) -> dict[str, str]:
    return {name: digest for name, digest in files_of(out).items() if not name.endswith("timing.json")}


def test_two_processes_leave_the_same_bytes_as_one(
    hamlet: Drawing, hamlet_run: tuple[Path, Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    osm = hamlet.write(tmp_path / "hamlet.osm.pbf")
    made_beside: list[str] = []
    plain = Beside.make

    def noted(self: Beside, stage: Stage, key: str, doubts: Any) -> dict[str, Any]:
        made_beside.append(stage.name)
        return plain(self, stage, key, doubts)

    for folder in ("two", "lost"):
        (tmp_path / folder).mkdir()
    one = left_by(hamlet_run[1])  # made in one process
    assert one
    monkeypatch.setattr(Beside, "make", noted)
    two = run_with(2, osm, tmp_path / "two")
    assert made_beside, "the other process made nothing"
    assert two == one

    torn: list[Path] = []

    def lost(self: Beside, stage: Stage, key: str, doubts: Any) -> dict[str, Any]:
        files = plain(self, stage, key, doubts)["files"]
        torn.extend(tmp_path / "lost/out/.xiqing_space/new" / name for name in files)
        for path in torn:  # what a process leaves that the system ends in the middle of a stage
            path.write_bytes(path.read_bytes()[:100])
        self._process.kill()
        raise PlaceLostError

    monkeypatch.setattr(Beside, "make", lost)
    assert run_with(2, osm, tmp_path / "lost") == one, "a process that the system ended was missed"
    assert torn, "no stage was lost"


def test_a_fault_of_a_stage_beside_comes_back_as_it_was(tmp_path: Path) -> None:
    from xiqing_space.config import read_config

    config = read_config(write_config(tmp_path / "c.toml", {"area": {"name": "村"}}))
    beside = Beside(RunFacts(config, [], False, "", tmp_path))
    try:
        with pytest.raises(FileNotFoundError) as caught:  # no tables there
            beside.make(BY_NAME["indicators"], "", [])
        assert "stages/write_figures.py" in caught.value.__notes__[0], "a user is asked to report the lines of a fault"
    finally:
        beside.end()
    with pytest.raises(PlaceLostError):
        beside.make(BY_NAME["indicators"], "", [])


def test_no_process_is_started_where_nothing_is_to_be_done(
    hamlet: Drawing, hamlet_run: tuple[Path, Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    osm = hamlet.write(tmp_path / "hamlet.osm.pbf")
    shutil.copytree(hamlet_run[1], tmp_path / "out")

    def never(*_: Any) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(workplaces.Beside, "__init__", never)
    assert run_with(2, osm, tmp_path) == left_by(hamlet_run[1])


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a terminal are another thing there")
def test_ctrl_c_ends_every_process(tmp_path: Path, hamlet_osm: Path) -> None:
    config = write_config(tmp_path / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}})
    command = [
        sys.executable,
        "-m",
        "xiqing_space",
        "run",
        "--config",
        str(config),
        "--out",
        str(tmp_path / "out"),
        "--workers",
        "2",
    ]
    # a job in the background of a shell, as CI may be, ignores the signal, and so would all that it starts
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert run.stdout is not None
    assert "[1/" in run.stdout.readline()
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does it: to each of them
    _, said = run.communicate(timeout=60)
    assert run.returncode == 1, said
    assert "untouched" in said
    assert "Traceback" not in said
    left = time.monotonic() + 10
    with suppress(ProcessLookupError):
        while time.monotonic() < left:
            os.killpg(run.pid, 0)
            time.sleep(0.1)
        raise AssertionError("a process is still running")
    assert not (tmp_path / "out/data/processed/run.json").exists()
