"""The hamlet's office and its stage that reads, for inputs that look right and are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import Drawing
from planner_files import Office

BASIS = {"counted": "resident", "base_year": 2023}
Make = Callable[[Path], object]


@pytest.fixture(scope="module")
def office(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A folder with the hamlet and its two zones."""
    return Office(tmp_path_factory.mktemp("attacks"), hamlet)


def read(office: Office, settings: dict[str, Any], out: str) -> tuple[int, str]:
    """The stage that reads, run; code and what stderr says. A traceback fails at once."""
    result = office.run(settings, "--only", "ingest", out=out, ok=False)
    assert result.code in (0, 1), result.err[-2000:]
    assert "Traceback" not in result.err
    return result.code, result.err
