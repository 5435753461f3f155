"""What every stage may look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xiqing_space.catalog import Catalogue
from xiqing_space.config import Config
from xiqing_space.ingest.quality import Quality
from xiqing_space.store import Store


@dataclass(frozen=True)
class Context:
    """What every stage may look at."""

    config: Config
    catalogue: Catalogue
    store: Store
    quality: Quality
    synthetic: bool
    run_key: str
    maps: Path
    reports: Path
    inputs: list[dict[str, Any]]
    doubts: list[dict[str, str]]
    rows_read: dict[str, int] = field(default_factory=dict)  # by the role of the input file
    before_survey: dict[str, Any] = field(default_factory=dict)  # facilities, doubts before returned sheets
    # made by one stage of this run, from tables alone, for a later one; whoever finds nothing makes it again
    held: dict[str, Any] = field(default_factory=dict)
