"""Figures of a run in words: looked up in the tables, printed one way, each noted with its evidence id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.column_words import load_column_words
from xiqing_space.report.review_blocks import Block, Picture

KEY = ["indicator_id", "kind", "zone_id", "measure", "standard_id", "age_band", "variant"]


class Drawn(Protocol):
    """A sheet under maps/figures/."""

    @property
    def theme(self) -> str:
        """Reach or routes."""

    @property
    def what(self) -> str:
        """District, zone or school."""

    @property
    def about(self) -> str:
        """Kind, zone or school."""

    @property
    def title(self) -> str:
        """What it shows, in words."""

    @property
    def png(self) -> Path:
        """The picture."""


class Reader(Protocol):
    """Hands out tables by name."""

    def get(self, name: str) -> pd.DataFrame:
        """A table of the run."""


class Wording:
    """Tables of a run -> words and figures in the document's language.

    Parameters
    ----------
    store : Reader
        Tables of the run.
    catalogue : Catalogue
        Its `review` sentences and glossary.
    language : {"zh", "en"}
    run : dict
        run.json: inputs, evidence.
    figures : sequence of Drawn
        Sheets to show; those that are missing leave no gap.
    doubts : DataFrame
        quality.csv.
    """

    def __init__(
        self,
        store: Reader,
        catalogue: Catalogue,
        language: str,
        inputs: Sequence[dict[str, Any]],
        figures: Sequence[Drawn],
        doubts: pd.DataFrame,
    ) -> None:
        self.store, self.catalogue, self.language = store, catalogue, language
        self.say: dict[str, Any] = catalogue.review[language]
        self.side = 0 if language == "zh" else 1
        self.inputs, self.doubts = inputs, doubts
        self.columns = load_column_words()
        self.figures = figures
        self.table = store.get("indicators")
        self.rows = self.table.set_index(KEY).sort_index()
        self.area = str(store.get("area")["name"].iloc[0])
        self.zones = store.get("zones").sort_values("zone_id")
        self.numbers = {"table": 0, "figure": 0}
        self.used: dict[str, tuple[str, str, str]] = {}  # evidence id -> indicator, where, value

    @property
    def title(self) -> str:
        """Title of the document."""
        return str(self.say["title"].format(area=self.area))

    def word(self, key: str) -> str:
        """A word of the glossary in the document's language."""
        return self.catalogue.word(key)[self.side]

    def kind(self, kind: str) -> str:
        """Name of a kind of facility."""
        if kind == "circle":
            return self.word("circle")
        known = self.catalogue.kinds.get(kind)
        return "" if known is None else (known.zh, known.en)[self.side]

    def row(
        self, indicator: str, kind: str = "", zone: str = "*", measure: str = "", standard: str = "", variant: str = ""
    ) -> Any:
        """The row of a figure for all its bands, or None."""
        key = (indicator, kind, zone, measure, standard, "*", variant)
        return self.rows.loc[key] if key in self.rows.index else None

    def value(self, row: Any, *, noted: bool = True) -> str:
        """A figure as it is printed; `noted`: for the list of evidence. No data where there is none."""
        if row is None or np.isnan(row["value"]):
            return self.word("no_data")
        text = printed(row["value"], row["unit"])
        if noted:  # a table that prints the ids itself needs no list
            self.used[row["evidence_id"]] = (self._label(row), str(row["zone_name"]), text)
        return text

    def _label(self, row: Any) -> str:
        return str(row["label_zh"] if self.side == 0 else row["label_en"])

    def caption(self, what: str, text: str) -> str:
        """表1-1 and so on: numbered through the document."""
        self.numbers[what] += 1
        return f"{self.say[what].format(n=self.numbers[what])}  {text}"

    def labelled(self, row: Any) -> str:
        """Label of a figure with the kind of facility that it is about."""
        label, kind = self._label(row), self.kind(row["kind"]) if row["kind"] else ""
        parts = [label, *([kind] if kind and kind not in label else [])]
        if row["standard_id"] and not np.isnan(row["threshold"]):
            parts.append(f"{row['threshold']:g} {row['threshold_unit']}")
        # causes and rules stand in the label already; in English only the label has words for them
        if row["variant"] and self.side == 0:
            words = [self.columns.variant(one, self.catalogue) for one in row["variant"].split("|")]
            parts += [word for word in words if word not in label]
        return " · ".join(parts)

    def measured(self, row: Any) -> str:
        """How distance was taken."""
        return self.word(f"measure_{row['measure']}") if row["measure"] else ""

    def unit(self, unit: str) -> str:
        """A unit in words."""
        if unit == "share":
            return "%"
        return self.columns.unit(unit) if self.side == 0 else unit

    def status(self, row: Any) -> str:
        """Verdict, or that the figure is for reference, or why there is none."""
        if isinstance(row["verdict"], str) and row["verdict"]:
            return self.word("verdict_unknown" if row["verdict"] == "unknown" else row["verdict"])
        if row["basis"] == "reported":
            return self.word("reported")
        return self.word("no_data") if np.isnan(row["value"]) else self.word("reference_only")

    def how_many(self, row: Any) -> str:
        """Children of a blind spot, or homes where nobody knows persons."""
        if row.weight_kind == "persons":
            return (
                self.word("withheld")
                if np.isnan(row.children)
                else str(self.say["children_n"].format(n=f"{row.children:,.0f}"))
            )
        return "—" if pd.isna(row.homes) else str(self.say["homes_n"].format(n=f"{row.homes:,}"))

    def counted(self, number: float) -> str:
        """A number of children, or that it is withheld."""
        return self.word("withheld") if np.isnan(number) else f"{number:,.0f}"

    def treatment(self, treatment: str) -> str:
        """Name of a treatment."""
        known = self.catalogue.treatments.get(treatment)
        return treatment if known is None else (known.zh, known.en)[self.side]

    def ranked_fixes(self) -> pd.DataFrame:
        """Repairs of the list in their order."""
        fixes = self.store.get("fixes")
        return fixes[fixes["rank"].notna()].sort_values("rank", kind="stable")

    def spots(self, spots: pd.DataFrame) -> pd.DataFrame:
        """Blind spots of the headline kinds, most children first."""
        mine = spots[spots["kind"].isin(self.catalogue.review["headline"]["kinds"])]
        return mine.sort_values(["children", "spot_id"], ascending=[False, True], kind="stable")

    def picture(self, theme: str, what: str, about: str, text: str) -> list[Block]:
        """The sheet with its caption, nothing where it was not drawn."""
        found = next((one for one in self.figures if (one.theme, one.what, one.about) == (theme, what, about)), None)
        return [] if found is None else [Picture(self.caption("figure", text), found.png)]


def printed(value: float, unit: str) -> str:
    """A figure as it is printed anywhere in a document: shares in per cent to one decimal."""
    if unit == "share":
        return f"{value * 100:.1f} %"
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}"


def signed(value: float, unit: str) -> str:
    """A difference, its sign always shown; shares in percentage points."""
    text = f"{abs(value) * 100:.1f} 个百分点" if unit == "share" else printed(abs(value), unit)
    return ("+" if value >= 0 else "−") + text


def text_of(value: Any) -> str:
    """A text, empty where there is none."""
    return value if isinstance(value, str) else ""
