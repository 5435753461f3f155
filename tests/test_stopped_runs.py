"""A run that cannot write, is interrupted or fails: the earlier run untouched, and it is said whose fault it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import call, files_of
from refusals import area_config, earlier

from xiqing_space import stages

__all__ = ["earlier"]

# ---- the folder for results


def test_a_file_in_place_of_the_folder(tmp_path: Path, hamlet_osm: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    config = area_config(tmp_path, hamlet_osm, {})
    result = call("run", "--config", config, "--out", tmp_path / "out")
    assert result.code == 1
    assert str(tmp_path / "out") in result.err
    assert "→" in result.err
    assert "Traceback" not in result.err
    assert (tmp_path / "out").read_text("utf-8") == "mine"


def test_a_folder_that_may_not_be_written(tmp_path: Path, hamlet_osm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    plain = Path.mkdir

    def refuse(self: Path, *args: Any, **options: Any) -> None:
        # the superuser may write anywhere, so that a mode of the folder would refuse nothing
        if out in self.parents:
            raise PermissionError(13, "Permission denied", str(self))
        plain(self, *args, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    result = call("run", "--config", area_config(tmp_path, hamlet_osm, {}), "--out", out)
    assert result.code == 1
    assert str(out) in result.err
    assert "Traceback" not in result.err


def test_a_disk_that_fills_up(earlier: Path, tmp_path: Path, hamlet_osm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(context: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stages, "network", full)
    before = files_of(earlier)
    config = area_config(tmp_path, hamlet_osm, {"name": "other"})
    result = call("run", "--config", config, "--out", earlier)
    assert files_of(earlier) == before
    assert result.code == 1, "results that cannot be written are no fault of the program"
    assert "Traceback" not in result.err


# ---- stopped in the middle


@pytest.mark.parametrize("stage", ["ingest", "network", "indicators"])
def test_an_interrupted_run(
    earlier: Path, tmp_path: Path, hamlet_osm: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def interrupted(context: Any) -> None:
        (context.store.folder / "half.parquet").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, stage, interrupted)
    before = files_of(earlier)
    config = area_config(tmp_path, hamlet_osm, {"name": "other"})
    result = call("run", "--config", config, "--out", earlier, "--only", stage)
    assert result.code == 1
    assert files_of(earlier) == before
    assert not (earlier / ".xiqing_space").exists()
    assert "Traceback" not in result.err
    assert "untouched" in result.err, f"the message does not say that earlier results stand: {result.err!r}"


def test_a_fault_of_the_program(
    earlier: Path, tmp_path: Path, hamlet_osm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(context: Any) -> None:
        raise RuntimeError("seven")

    monkeypatch.setattr(stages, "coverage", broken)
    before = files_of(earlier)
    result = call("run", "--config", area_config(tmp_path, hamlet_osm, {"name": "other"}), "--out", earlier)
    assert result.code == 3
    assert files_of(earlier) == before
    assert not (earlier / ".xiqing_space").exists()
    assert "seven" in result.err
    assert "Traceback" in result.err, "a fault of the program is to be reported, with its lines"


def test_a_stage_that_breaks_its_own_schema_is_a_fault_of_the_program(
    earlier: Path, tmp_path: Path, hamlet_osm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "xiqing_space.stages.read_layers.read_crossings", lambda *_: pd.DataFrame({"crossing_id": ["a"]})
    )
    result = call("run", "--config", area_config(tmp_path, hamlet_osm, {"name": "other"}), "--out", earlier)
    assert result.code == 3
    assert "mapped_crossings" in result.err


def test_a_broken_manifest_is_no_reason_to_stop(tmp_path: Path, hamlet_osm: Path) -> None:
    config = area_config(tmp_path, hamlet_osm, {})
    assert call("run", "--config", config, "--out", tmp_path / "out", "--only", "ingest").code == 0
    manifest = tmp_path / "out/data/processed/manifest.json"
    good = json.loads(manifest.read_text("utf-8"))
    for content in ("{", "[]", '{"stages": {}}'):
        manifest.write_text(content, encoding="utf-8")
        result = call("run", "--config", config, "--out", tmp_path / "out", "--only", "ingest")
        assert result.code == 0, result.err[-300:]
        assert json.loads(manifest.read_text("utf-8")) == good
