"""The command line: what it says, how it ends, what it leaves."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from helpers import Result, call, files_of, table, write_config

from xiqing_space import __version__
from xiqing_space.stage_list import STAGES, choose_stages

ROOT = Path(__file__).parent.parent
NAMES = [stage.name for stage in STAGES]
HEAVY = ("geopandas", "osmium", "pandas", "shapely", "scipy", "folium", "pyproj", "pyogrio", "networkx")


def process(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, encoding="utf-8", cwd=ROOT, check=False,
        env={"PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip


@pytest.fixture
def config(hamlet_osm: Path, tmp_path: Path) -> Path:
    shutil.copy(hamlet_osm, tmp_path / "hamlet.osm.pbf")
    return write_config(tmp_path / "c.toml", {"area": {"name": "村"}, "sources": {"osm": "hamlet.osm.pbf"}})


@pytest.fixture
def finished(hamlet_run: tuple[Path, Path, Result], tmp_path: Path) -> tuple[Path, Path]:
    """Configuration and a folder of one's own with a whole run."""
    config, out, _ = hamlet_run
    return config, Path(shutil.copytree(out, tmp_path / "copy"))


# ---- help, version, usage


def test_help_answers_without_heavy_imports() -> None:
    code = f"""
import sys
from xiqing_space.cli import main
try:
    main(["--help"])
except SystemExit as end:
    print("code", end.code)
print("heavy", [name for name in {HEAVY!r} if name in sys.modules])
"""
    done = process("-c", code)
    assert done.returncode == 0, done.stderr
    assert "code 0" in done.stdout
    assert "heavy []" in done.stdout
    assert all(command in done.stdout for command in ("run", "check", "sample", "--version"))


@pytest.mark.parametrize("command", ["run", "check", "sample"])
def test_help_of_each_command(command: str) -> None:
    result = call(command, "--help")
    assert result.code == 0
    assert "--out" in result.out


def test_python_dash_m() -> None:
    done = process("-m", "xiqing_space", "--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"xiqing_space {__version__}")


def test_version() -> None:
    result = call("--version")
    assert (result.code, result.out.strip()) == (0, f"xiqing_space {__version__}")


@pytest.mark.parametrize("args", [["walk"], ["run", "--speed", "3"], ["run", "--config"], ["run", "--lang", "fr"],
                                  ["check", "--only", "ingest"], ["run", "extra"]])  # fmt: skip
def test_wrong_usage(args: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(*args)
    assert result.code == 2
    assert "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []


def test_no_arguments_show_the_help() -> None:
    result = call()
    assert "run" in result.out + result.err
    assert "Traceback" not in result.err


def test_errors_go_to_stderr_through_the_real_program(tmp_path: Path) -> None:
    done = process("-m", "xiqing_space", "run", "--config", str(tmp_path / "none.toml"), "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "none.toml" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


# ---- check and sample


def test_check_writes_doubts_and_computes_nothing(config: Path, tmp_path: Path) -> None:
    result = call("check", "--config", config, "--out", tmp_path / "out")
    assert result.code == 0, result.err[-300:]
    assert list(files_of(tmp_path / "out")) == ["quality.csv", "reports/data_checkup.html", "reports/data_checkup.xlsx"]
    frame = pd.read_csv(tmp_path / "out/quality.csv")
    assert {"area_from_extent", "date_unknown"} <= set(frame["check"])
    graver = int((frame["severity"] != "info").sum())
    assert f"{graver} 项" in result.out
    assert "quality.csv" in result.out


def test_check_leaves_an_earlier_run_alone(config: Path, tmp_path: Path) -> None:
    assert call("run", "--config", config, "--out", tmp_path / "out", "--only", "ingest").code == 0
    before = files_of(tmp_path / "out")
    assert call("check", "--config", config, "--out", tmp_path / "out").code == 0
    after = files_of(tmp_path / "out")
    for name in ("quality.csv", "reports/data_checkup.html", "reports/data_checkup.xlsx"):
        assert after.pop(name)
    assert after == before


def test_sample_writes_files_that_can_be_checked(district_files: Path, district_checked: Path) -> None:
    # the fixtures look at what the program said; that the files are the same each time, tests/test_district.py
    assert sorted(district_files.rglob("*.toml")) == [district_files / "config.toml"]
    assert next(iter(files_of(district_checked))) == "quality.csv"


def test_without_data_the_sample_is_used_and_named(district_run: Path) -> None:
    # the fixture looks at what the program said
    assert table(district_run, "area")["synthetic"].tolist() == [True]


# ---- run


def stage_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(r"\[\d+/\d+\] ", line)]


def stages_told(text: str) -> dict[str, bool]:
    """Stages that a line speaks of, each once, and whether it says that they are unchanged."""
    lines = stage_lines(text)
    told = {re.search(r" (\w+): ", line)[1]: "unchanged" in line for line in lines}  # type: ignore[index]
    assert len(lines) == len(told)
    return told


def test_one_line_per_stage_and_then_data_and_pages(hamlet_run: tuple[Path, Path, Result]) -> None:
    _, _, result = hamlet_run
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    stages = stage_lines(result.out)
    assert lines[: len(stages)] == stages
    assert sorted(stages_told(result.out)) == sorted(NAMES)
    assert all(re.search(r"\d+\.\d s$", line) for line in stages)
    rest = lines[len(stages) :]
    assert "hamlet.osm.pbf" in rest[0]
    assert "示例数据" not in result.out
    opened = [Path(line.split("open: ", 1)[1]) for line in rest if "open: " in line]
    assert opened
    assert all(path.is_file() for path in opened)


def test_an_unchanged_second_run_says_so_and_touches_nothing(finished: tuple[Path, Path]) -> None:
    config, out = finished
    before = {path: path.stat().st_mtime_ns for path in sorted(out.rglob("*"))}
    result = call("run", "--config", config, "--out", out)
    assert result.code == 0
    assert "nothing changed" in result.out
    assert all("unchanged" in line for line in stage_lines(result.out))
    assert {path: path.stat().st_mtime_ns for path in sorted(out.rglob("*"))} == before


def test_a_table_that_someone_changed_is_made_anew(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call("run", "--config", config, "--out", out, "--only", "ingest").code == 0
    before = files_of(out)
    (out / "data/processed/streets.parquet").write_bytes(b"spoilt")
    result = call("run", "--config", config, "--out", out, "--only", "ingest")
    assert result.code == 0
    assert "nothing changed" not in result.out
    after = files_of(out)
    assert {name for name in after if after[name] != before.get(name)} <= {"data/processed/timing.json"}


@pytest.mark.parametrize("name", ["quality.csv", "run.json"])
def test_a_record_that_is_gone_is_written_again(config: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    assert call("run", "--config", config, "--out", out, "--only", "ingest").code == 0
    before = (out / "data/processed" / name).read_bytes()
    (out / "data/processed" / name).unlink()
    assert call("run", "--config", config, "--out", out, "--only", "ingest").code == 0
    assert (out / "data/processed" / name).read_bytes() == before


def test_only_runs_a_stage_and_what_it_needs(config: Path, tmp_path: Path) -> None:
    earlier: set[str] = set()
    for name in NAMES:
        needed = [stage.name for stage in choose_stages([name])]
        result = call("run", "--config", config, "--out", tmp_path / "out", "--only", name)
        assert result.code == 0, result.err[-300:]
        assert stages_told(result.out) == {one: one in earlier for one in needed}
        earlier = set(needed)
        left = {table for stage in choose_stages([name]) for table in stage.leaves}
        assert {path.stem for path in (tmp_path / "out/data/processed").glob("*.parquet")} == left


def test_only_a_stage_that_does_not_exist(config: Path, tmp_path: Path) -> None:
    result = call("run", "--config", config, "--out", tmp_path / "out", "--only", "netwrok")
    assert result.code == 1
    assert "netwrok" in result.err
    assert all(name in result.err for name in NAMES)
    assert not (tmp_path / "out").exists()


def test_only_twice_takes_the_later(config: Path, tmp_path: Path) -> None:
    result = call("run", "--config", config, "--out", tmp_path / "out", "--only", "network", "--only", "ingest")
    assert result.code == 0
    assert len(stage_lines(result.out)) == 2


def test_a_run_that_drops_earlier_pages_does_not_say_that_nothing_changed(finished: tuple[Path, Path]) -> None:
    config, out = finished
    before = files_of(out)
    result = call("run", "--config", config, "--out", out, "--only", "ingest")
    assert result.code == 0
    if "nothing changed" in result.out:
        assert files_of(out) == before


def test_language_of_the_pages(finished: tuple[Path, Path]) -> None:
    config, out = finished
    pages = []
    for language in ("zh", "en"):
        result = call("run", "--config", config, "--out", out, "--lang", language)
        assert result.code == 0, result.err[-300:]
        pages.append((out / "maps/action02_child_space_review.html").read_text("utf-8"))
    assert 'lang="zh' in pages[0]
    assert 'lang="en' in pages[1]
    # only the figures, whose evidence names the whole run, pages and reports are made anew
    anew = {name for name, unchanged in stages_told(result.out).items() if not unchanged}
    assert anew == {"indicators", "school_map", "maps", "figures", "report", "review"}


def test_what_a_user_put_into_the_folders_survives(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call("run", "--config", config, "--out", out, "--only", "ingest").code == 0
    own = {"maps/meeting.txt": "a", "maps/photos/gate.jpg": "b", "reports/letter.docx": "c", "data/raw/list.csv": "d"}
    for name, text in own.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8")
    for settings in (["--only", "ingest"], ["--only", "network"]):
        result = call("run", "--config", config, "--out", out, *settings)
        assert result.code == 0, result.err[-300:]
        assert {name: (out / name).read_text("utf-8") for name in own} == own


def test_a_table_of_an_earlier_run_does_not_linger(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call("run", "--config", config, "--out", out, "--only", "network").code == 0
    assert call("run", "--config", config, "--out", out, "--only", "ingest").code == 0
    assert not (out / "data/processed/access_links.parquet").exists()
