"""`verify`: a run that holds, one that was touched, inputs that are gone or changed, and what cannot be made again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import Drawing, call, files_of, hamlet_zones, write_config

from xiqing_space.config import Config, plain, read_config
from xiqing_space.local_grid import LABEL
from xiqing_space.provenance import sha256_of
from xiqing_space.verify import _toml, _with_paths, verify_run

FIGURES = "data/processed/indicators.parquet"


@pytest.fixture(scope="module")
def finished(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the hamlet with zones up to its figures; inputs in `data`, results in `out`. Take copies."""
    base = tmp_path_factory.mktemp("finished")
    (base / "data").mkdir()
    hamlet.write(base / "data/hamlet.osm.pbf")
    hamlet_zones(base / "data/zones.geojson")
    config = write_config(base / "c.toml", {"area": {"name": "村", "zones": "data/zones.geojson"},
                                            "sources": {"osm": "data/hamlet.osm.pbf"}, "walking": {"max_leg_m": 90.0}})  # fmt: skip
    result = call("run", "--config", config, "--out", base / "out", "--only", "indicators")
    assert result.code == 0, result.err[-300:]
    return base


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_run_holds_wherever_its_inputs_went(copied: Path, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    shutil.move(copied / "data/hamlet.osm.pbf", tmp_path / "moved/another name.osm.pbf")
    before = files_of(copied)
    result = call("verify", copied / "out", "--inputs", tmp_path / "moved", "--config", "")
    assert result.code != 0  # an empty --config is a file that is not there
    result = call("verify", copied / "out", "--inputs", tmp_path / "moved", "--inputs", copied / "data")
    assert result.code == 0, result.out + result.err
    assert "结论：成立" in result.out
    assert "逐字节相同" in result.out
    assert files_of(copied) == before


def test_a_forged_figure_no_longer_holds(copied: Path) -> None:
    out = copied / "out"
    frame = pd.read_parquet(out / FIGURES)
    at = frame.index[(frame["kind"] == "park") & (frame["measure"] == "walk") & (frame["zone_id"] == "*")][0]
    old = frame.loc[at, "value"]
    frame.loc[at, "value"] = 0.987654
    frame.to_parquet(out / FIGURES, index=False)
    # the forger knows the manifest too
    manifest = json.loads((out / "data/processed/manifest.json").read_text("utf-8"))
    manifest["files"][FIGURES] = sha256_of(out / FIGURES)
    (out / "data/processed/manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    found = verify_run(out)
    assert (found.files, found.inputs) == ([], [])
    assert len(found.figures) == 1
    assert found.figures[0].endswith(f": 98.8% → {old:.1%}")
    assert not found.holds


def test_a_tampered_and_a_lost_file_are_named(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = copied / "out"
    with (out / "data/processed/access.parquet").open("ab") as file:
        file.write(b"x")
    (out / "data/processed/zones.parquet").unlink()
    (copied / "data/hamlet.osm.pbf").unlink()  # so that nothing is made again
    result = call("verify", out)
    assert result.code == 1
    assert "access.parquet: 内容已被改动" in result.out
    assert "zones.parquet: 文件不存在" in result.out
    assert "osm: hamlet.osm.pbf 找不到" in result.out
    assert "结论：不成立" in result.out
    assert result.err == ""


def test_a_changed_input_is_told_from_a_lost_one(copied: Path) -> None:
    zones = copied / "data/zones.geojson"
    zones.write_text(zones.read_text("utf-8").replace("西片", "北片"), encoding="utf-8")
    (copied / "data/hamlet.osm.pbf").unlink()
    for more in ((), ("--inputs", copied / "data")):
        result = call("verify", copied / "out", *more)
        assert result.code == 1
        assert "zones: zones.geojson 内容已改变" in result.out
        assert "osm: hamlet.osm.pbf 找不到" in result.out
        assert "没有重新计算" in result.out


def test_a_local_grid_cannot_be_made_again_and_that_is_said(copied: Path) -> None:
    path = copied / "out/data/processed/run.json"
    record = json.loads(path.read_text("utf-8"))
    record["config"]["facilities"] = [{"file": "a.csv", "datum": LABEL}]
    path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    found = verify_run(copied / "out")
    assert not found.recomputed
    assert any("参数从不记录" in note for note in found.notes)
    assert not found.holds


def test_no_run_and_broken_records_are_errors_to_mend(copied: Path, tmp_path: Path) -> None:
    assert call("verify", tmp_path).code == 1
    assert "没有完整的运行结果" in call("verify", tmp_path).err
    home = copied / "out/data/processed"
    (home / "run.json").write_text("{", encoding="utf-8")
    broken = call("verify", copied / "out")
    assert (broken.code, "run.json 已损坏" in broken.out) == (1, True)
    (home / "manifest.json").write_text("[]", encoding="utf-8")
    assert "manifest.json 已损坏" in call("verify", copied / "out").err
    assert call("verify").code == 2


FULL: dict[str, Any] = {
    "area": {"name": "西青 \"区\"", "bbox": [117.0, 39.0, 117.1, 39.1], "zones": "a/z.geojson", "buffer_m": 500.0},
    "sources": {"osm": "a/x.osm.pbf", "licence": "ODbL"},
    "facilities": [
        {"file": "a/list.csv", "kind": "park", "datum": "GCJ-02", "columns": {"name": "名称"}, "trust": 2},
        {"file": "b/list.csv", "sheet": 0},
    ],
    "matching": {"answers": ["a/one.xlsx", "b/one.xlsx"]},
    "stated": [{"label": "幼儿园", "kinds": ["kindergarten"], "total": 115}],
    "population": {"counted": "resident", "base_year": 2024, "totals": {"pop_total": 10.5}, "zones": {"file": "a/pop.csv"}},
    "standards": {"default": {"park": "park_500m"}, "override": [{"standard": "park_300m", "value": 350.0, "reason": "试算之用"}]},
    "output": {"language": "en", "title": "标题\n第二行"},
}  # fmt: skip


def test_the_recorded_configuration_comes_back_whole(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for name in ("z.geojson", "x.osm.pbf", "list.csv", "one.xlsx", "pop.csv"):
            (tmp_path / folder / name).write_text(f"{folder}{name}", encoding="utf-8")
    placed = Config.model_validate(FULL)
    first = tmp_path / "first.toml"
    first.write_text(_toml(_with_paths(placed, {})), encoding="utf-8")
    config = read_config(first)
    paths = config.files()
    assert len(paths) == 7
    # what run.json holds: names alone; two files of one name stay two
    recorded = {name: plain(getattr(config, name)) for name in Config.model_fields if name != "fetch"}
    again = tmp_path / "again.toml"
    again.write_text(_toml(_with_paths(Config.model_validate(recorded), paths)), encoding="utf-8")
    found = read_config(again)
    assert {name: plain(getattr(found, name)) for name in Config.model_fields if name != "fetch"} == recorded
    assert found.files() == paths
