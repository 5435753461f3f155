"""Runs that must be refused: one clear message, and an earlier run that stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import Result, call, files_of, write_config

Settings = Mapping[str, Any]


@pytest.fixture(scope="module")
def earlier(hamlet_run: tuple[Path, Path, Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The --out folder of a run that went well; every bad run is aimed at it."""
    return Path(shutil.copytree(hamlet_run[1], tmp_path_factory.mktemp("earlier") / "out"))


def refused(out: Path, config: Path, *names: str, remedy: str = "→", command: str = "run") -> str:
    """Run, expect a refusal that names all of `names`, and check that the earlier run is byte-identical."""
    before = files_of(out)
    result = call(command, "--config", config, "--out", out)
    assert result.code == 1, f"exit code {result.code}; the end of stderr: {result.err[-300:]}"
    assert "Traceback" not in result.err + result.out
    assert result.err.startswith("错误 / error: "), result.err
    assert result.err.count("错误 / error") == 1
    for name in names:
        assert name in result.err, f"the message does not say {name!r}:\n{result.err}"
    assert remedy in result.err, f"the message names no remedy:\n{result.err}"
    assert files_of(out) == before
    assert not (out / ".xiqing_space").exists()
    return result.err


def area_config(folder: Path, osm: Path, area: Settings, **sections: Any) -> Path:
    """A configuration of an extract with these settings of its area."""
    return write_config(folder / "c.toml", {"area": {"name": "x", **area}, "sources": {"osm": str(osm)}, **sections})
