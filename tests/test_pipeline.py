"""What a stage says that it reads is what it reads: else a change would not reach the results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import call, write_config

from xiqing_space import stages
from xiqing_space.provenance import RunFolder
from xiqing_space.stage_list import STAGES, Stage
from xiqing_space.store import Store


class Watched:
    """Hands out another object's attributes and remembers which."""

    def __init__(self, other: Any, seen: set[str]) -> None:
        self._other, self._seen = other, seen

    def __getattr__(self, name: str) -> Any:
        self._seen.add(name)
        return getattr(self._other, name)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_reads_no_table_and_no_setting_that_it_does_not_name(
    stage: Stage, hamlet_osm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables: set[str] = set()
    settings: set[str] = set()
    plain_get, plain_stage = Store.get, getattr(stages, stage.name)

    def watched(context: stages.Context) -> dict[str, Any]:
        def get(self: Store, name: str) -> Any:
            tables.add(name)
            return plain_get(self, name)

        monkeypatch.setattr(Store, "get", get)
        try:
            return plain_stage(replace(context, config=Watched(context.config, settings)))
        finally:
            monkeypatch.setattr(Store, "get", plain_get)

    monkeypatch.setattr(stages, stage.name, watched)
    config = write_config(tmp_path / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}})
    result = call("run", "--config", config, "--out", tmp_path / "out", "--only", stage.name)
    assert result.code == 0, result.err[-300:]
    written = set(stage.leaves)
    assert tables - written <= set(stage.needs)
    # the catalogue, as the standards of the configuration changed it, reaches coverage, indicators and maps
    assert settings <= set(stage.config)
    assert tables or stage.name == "ingest"


def test_a_change_of_a_standard_reaches_the_search(hamlet_osm: Path, tmp_path: Path) -> None:
    base = {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}}
    far = {"standards": {"override": [{"standard": "park_300m", "value": 9000.0, "reason": "远处试算"}]}}
    out = tmp_path / "out"
    call("run", "--config", write_config(tmp_path / "a.toml", base), "--out", out, "--only", "coverage")
    again = call("run", "--config", write_config(tmp_path / "b.toml", base | far), "--out", out, "--only", "coverage")
    assert "coverage: 完成 done" in again.out
    assert "network: 未变 unchanged" in again.out


def test_one_run_in_a_folder_at_a_time(hamlet_osm: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}})
    out = tmp_path / "out"
    with RunFolder(out).locked():
        for command in ("run", "check"):
            second = call(command, "--config", config, "--out", out)
            assert second.code == 1
            assert "another run is using this folder" in second.err
    assert list(out.iterdir()) == []
    assert call("check", "--config", config, "--out", out).code == 0


def test_links_and_empty_folders_of_the_user_survive(hamlet_osm: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}})
    out = tmp_path / "out"
    (out / "maps/空文件夹").mkdir(parents=True)
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    (out / "reports").mkdir()
    (out / "reports/link").symlink_to(tmp_path / "mine.txt")
    assert call("run", "--config", config, "--out", out, "--only", "ingest").code == 0
    assert (out / "maps/空文件夹").is_dir()
    assert (out / "reports/link").is_symlink()
    assert (out / "reports/link").read_text("utf-8") == "mine"
