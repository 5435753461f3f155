"""One collector for every doubt about the data; becomes quality.csv."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from xiqing_space.catalog import load_catalogue

COLUMNS = ("check", "severity", "source", "row", "id", "what_zh", "what_en", "what_to_do")
_SEVERITIES = {"error": 0, "warning": 1, "info": 2}


@dataclass
class Quality:
    """Collects doubts; each is worded by the catalogue's quality.toml."""

    rows: list[dict[str, str]] = field(default_factory=list)

    def add(self, check: str, *, source: str = "", row: str = "", id: str = "", **fields: Any) -> None:  # noqa: A002
        """Note a doubt. `fields` fill the wording; a pair of strings is (Chinese, English)."""
        wording = load_catalogue().quality[check]
        zh = {key: value[0] if isinstance(value, tuple) else value for key, value in fields.items()}
        en = {key: value[1] if isinstance(value, tuple) else value for key, value in fields.items()}
        self.rows.append(
            {
                "check": check,
                "severity": wording["severity"],
                "source": source,
                "row": row,
                "id": id,
                "what_zh": wording["zh"].format(**zh),
                "what_en": wording["en"].format(**en),
                "what_to_do": wording["todo"],
            }
        )

    def frame(self) -> pd.DataFrame:
        """All doubts, the gravest first, in an order that does not depend on how they were found."""
        frame = pd.DataFrame(self.rows, columns=list(COLUMNS)).astype("str")
        frame = frame.assign(_rank=frame["severity"].map(_SEVERITIES)).sort_values(["_rank", *COLUMNS], kind="stable")
        return frame[list(COLUMNS)].drop_duplicates().reset_index(drop=True)
