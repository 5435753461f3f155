"""What a new user follows: the configuration that is shipped, with every line switched on; and the notebooks, run."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import nbformat
import pytest
from nbclient import NotebookClient
from pydantic import BaseModel

from xiqing_space.config import Config, read_config

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SHIPPED = ROOT / "config" / "xiqing.toml"


def switched_on(text: str) -> dict[str, Any]:
    """The file with each commented setting on; of boundary and bbox only one may be given."""
    lines = [
        re.sub(r"^# (?=\[|[a-z0-9_.]+ = )", "", line) for line in text.splitlines() if not line.startswith("# bbox")
    ]
    return tomllib.loads("\n".join(lines))


def keys(model: type[BaseModel], at: str = "") -> Iterator[str]:
    for name, one in model.model_fields.items():
        kinds = [kind for kind in (one.annotation, *get_args(one.annotation)) if isinstance(kind, type)]
        inner = [kind for kind in kinds if issubclass(kind, BaseModel)]
        yield from keys(inner[0], f"{at}{name}.") if inner else [at + name]


def given(value: Any, at: str = "") -> Iterator[str]:
    for name, one in value.items():
        yield at + name
        for part in one if isinstance(one, list) else [one]:
            if isinstance(part, dict):
                yield from given(part, f"{at}{name}.")


def test_every_commented_setting_is_a_valid_one() -> None:
    Config.model_validate(switched_on(SHIPPED.read_text("utf-8")))


def test_every_setting_is_in_the_file_that_is_shipped() -> None:
    listed = set(given(switched_on(SHIPPED.read_text("utf-8"))))
    # bbox stands there beside boundary
    assert set(keys(Config)) - listed == {"area.bbox"}
    assert "# bbox = " in SHIPPED.read_text("utf-8")


def test_as_shipped_no_list_is_on() -> None:
    found = read_config(SHIPPED)
    assert found.files() == {}
    assert found.population.counted is None


# ---- notebooks


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS] == [
        "01_look_at_the_data.ipynb",
        "02_coverage_step_by_step.ipynb",
        "03_school_route_safety.ipynb",
        "04_one_metre_view.ipynb",
        "05_bring_your_own_data.ipynb",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_what_it_printed(path: Path) -> None:
    cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells)


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> Path:
    """What the notebooks read: the results in the folder that XIQING_RUN names, else those of the sample district."""
    named = Path(os.environ.get("XIQING_RUN") or "nowhere").resolve()
    there = (named / "data/processed/indicators.parquet").is_file()
    return named if there else Path(request.getfixturevalue("district_run"))


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_cell_by_cell(path: Path, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIQING_RUN", str(results))
    book = nbformat.read(path, as_version=4)
    # a cell that fails raises here
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    assert all(cell["execution_count"] for cell in book["cells"] if cell["cell_type"] == "code")
