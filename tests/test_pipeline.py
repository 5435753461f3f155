"""What a stage says that it reads is what it reads: else a change would not reach the results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from helpers import call, write_config

from xiqing_space import stages
from xiqing_space.provenance import RunFolder
from xiqing_space.stage_list import STAGES, Stage
from xiqing_space.store import Store

BY_NAME = {stage.name: stage for stage in STAGES}


class Watched:
    """Hands out another object's attributes and remembers which."""

    def __init__(self, other: Any, seen: set[str]) -> None:
        self._other, self._seen = other, seen

    def __getattr__(self, name: str) -> Any:
        self._seen.add(name)
        return getattr(self._other, name)


@dataclass
class Seen:
    """Tables and settings that a stage asked for."""

    tables: set[str] = field(default_factory=set)
    settings: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def seen(hamlet_osm: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """What each stage of a whole run looked at; one that may take results over from another was also made without it."""
    found = {stage.name: Seen() for stage in STAGES}
    folder = tmp_path_factory.mktemp("watched")
    config = write_config(folder / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}})
    plain_get = Store.get

    def watched(stage: Stage, made: Callable[[stages.Context], Any], patch: pytest.MonkeyPatch) -> None:
        def get(self: Store, name: str) -> Any:
            found[stage.name].tables.add(name)
            return plain_get(self, name)

        def make(context: stages.Context) -> Any:
            with pytest.MonkeyPatch.context() as inner:
                inner.setattr(Store, "get", get)
                return made(replace(context, config=Watched(context.config, found[stage.name].settings)))

        patch.setattr(stages, stage.name, make)

    with pytest.MonkeyPatch.context() as patch:
        for stage in STAGES:
            watched(stage, getattr(stages, stage.name), patch)
        for name in ("", *(stage.name for stage in STAGES if stage.reuses)):
            only = ["--only", name] if name else []
            result = call("run", "--config", config, "--out", folder / f"out{name}", *only)
            assert result.code == 0, result.err[-300:]
            assert not name or f" {BY_NAME[name].reuses}: " not in result.out
    return found


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_reads_no_table_and_no_setting_that_it_does_not_name(stage: Stage, seen: dict[str, Seen]) -> None:
    tables, settings = seen[stage.name].tables, seen[stage.name].settings
    assert tables - set(stage.leaves) <= set(stage.needs)
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
