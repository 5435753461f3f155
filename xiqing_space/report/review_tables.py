"""The tables of the review: indicators, zones, blind spots, repairs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xiqing_space.report.review_blocks import Block, Grid, Heading
from xiqing_space.report.review_words import Wording, printed, signed, text_of

_LEFT_OUT = (
    "A02-bridge",
    "A02-gates",
    "A02-inside",
    "A02-tenth",
    "A02-gini",
)  # of the document's table; tables.xlsx has them
_LISTED = 8  # entries of a zone's list


class Grids(Wording):
    """Tables of the run as tables of the document."""

    def spot_grid(self, spots: pd.DataFrame, caption: str) -> Grid:
        """Blind spots as a table."""
        names = dict(zip(self.zones["zone_id"], self.zones["name"], strict=True))
        rows = tuple(
            (str(number), self.kind(row.kind), text_of(row.near_name) or "—", names.get(row.zone_id, "—"), self.how_many(row),
             self.word(f"cause_{row.cause}") if text_of(row.cause) else "—")
            for number, row in enumerate(spots.itertuples(index=False), 1)
        )  # fmt: skip
        return Grid(
            self.caption("table", caption), tuple(self.say["spot_columns"]), rows, (0.08, 0.28, 0.16, 0.16, 0.16, 0.16)
        )

    def fix_grid(self, fixes: pd.DataFrame, caption: str) -> Grid:
        """Repairs as a table."""
        rows = []
        for row in fixes.itertuples(index=False):
            persons = row.weight_kind == "persons"
            rows.append((str(int(row.rank)), self.treatment(row.treatment), row.place_zh if self.side == 0 else row.place_en,
                         self.counted(row.children_helped) if persons else "—", self.counted(row.children_acceptable) if persons else "—",
                         f"{row.risk_removed:,.1f}" if persons and not np.isnan(row.risk_removed) else "—", self.word(f"cost_{row.cost_class}"), self.word(f"term_{row.term}")))  # fmt: skip
        return Grid(
            self.caption("table", caption),
            tuple(self.say["fix_columns"]),
            tuple(rows),
            (0.06, 0.15, 0.32, 0.09, 0.11, 0.13, 0.07, 0.07),
        )

    def zone_grid(self, zone: str, name: str) -> list[Block]:
        """The chief figures of a zone: default standards on foot, by radius and safely, and the ways to school."""
        defaults = {
            standard.id
            for kind in self.catalogue.review["headline"]["kinds"]
            for standard in self.catalogue.standards_of(kind)[:1]
        }
        mine = self.table[(self.table["zone_id"] == zone) & (self.table["age_band"] == "*")]
        chief = mine["indicator_id"].isin(["A02-coverage"]) & mine["standard_id"].isin(defaults)
        chief |= (mine["indicator_id"] == "A02-circle") | mine["indicator_id"].str.startswith("A13-")
        rows = []
        for row in mine[chief].to_dict("records"):
            low, high = row["value_low"], row["value_high"]
            wide = not np.isnan(low) and not np.isnan(high) and printed(low, row["unit"]) != printed(high, row["unit"])
            span = f"{printed(low, row['unit'])} – {printed(high, row['unit'])}" if wide else ""
            rows.append(
                (
                    self.labelled(row),
                    self.measured(row),
                    self.value(row, noted=False),
                    span,
                    self.status(row),
                    row["evidence_id"],
                )
            )
        if not rows:
            return []
        return [
            Grid(
                self.caption("table", self.say["zone_table"].format(zone=name)),
                tuple(self.say["zone_columns"]),
                tuple(rows),
                (0.34, 0.16, 0.12, 0.14, 0.1, 0.14),
            )
        ]

    def zone_list(self, zone: str) -> list[str]:
        """Blind spots, gates to open and repairs in a zone."""
        spots = self.store.get("blind_spots")
        lines = []
        for row in self.spots(spots[spots["zone_id"] == zone]).head(_LISTED).itertuples(index=False):
            lines.append(
                self.say["list_spot"].format(
                    kind=self.kind(row.kind), place=text_of(row.near_name) or "—", children=self.how_many(row)
                )
            )
        gates = self.store.get("gate_openings")
        for row in (
            gates[gates["zone_id"] == zone].sort_values("rank").drop_duplicates("rank").head(3).itertuples(index=False)
        ):
            lines.append(self.say["list_gate"].format(owner=text_of(row.owner_name) or row.gate_id))
        fixes = self.ranked_fixes()
        for row in fixes[fixes["zone_id"] == zone].head(_LISTED).itertuples(index=False):
            lines.append(
                self.say["list_fix"].format(
                    treatment=self.treatment(row.treatment), place=row.place_zh if self.side == 0 else row.place_en
                )
            )
        return lines

    def chief(self) -> pd.Series:
        """Rows that the document's table holds: default standards, one method of supply; reports/tables.xlsx has all."""
        table, catalogue = self.table, self.catalogue
        defaults = {catalogue.standards_of(kind)[0].id for kind in catalogue.kinds if catalogue.standards_of(kind)} | {
            "",
            "circle",
        }
        methods = table["variant"].str.contains("2sfca|gaussian", regex=True)
        kept = ~table["indicator_id"].isin(_LEFT_OUT) & table["standard_id"].isin(defaults)
        return kept & (~methods | table["variant"].isin(["e2sfca", "e2sfca|all", "all|e2sfca"]))

    def indicators(self) -> list[Block]:
        """行动|指标|口径|单位|基期|现状|目标|差距|数据来源|责任单位|状态 for the district."""
        mine = self.table[(self.table["zone_id"] == "*") & (self.table["age_band"] == "*") & self.chief()]
        mine = mine.assign(number=pd.to_numeric(mine["action"], errors="coerce")).sort_values(
            ["number", "indicator_id", "kind", "standard_id", "measure"], kind="stable"
        )
        source = str(self.store.get("area")["data_date"].iloc[0] or "")
        rows = []
        for row in mine.to_dict("records"):
            reported = row["basis"] == "reported"
            target, unit = row["target_plan"] if not np.isnan(row["target_plan"]) else row["target"], row["unit"]
            gap = (
                row["value"] - target
                if not reported and not np.isnan(row["value"]) and not np.isnan(target)
                else np.nan
            )
            rows.append((
                row["action"], self.labelled(row), str(row["formula_zh"]) if self.side == 0 else self.measured(row), self.unit(unit),
                row["now_plan_zh"] or self.say["no_base"], self.word("reported") if reported else self.value(row),
                row["target_plan_zh"] or ("—" if np.isnan(target) else printed(target, unit)),
                "—" if np.isnan(gap) else signed(gap, unit), source if not reported else "—", row["responsible"], self.status(row),
            ))  # fmt: skip
        widths = (0.05, 0.14, 0.17, 0.05, 0.08, 0.08, 0.13, 0.06, 0.07, 0.11, 0.06)
        return [
            Heading(1, self.say["indicators"]),
            Grid(
                self.caption("table", self.say["indicators"].split("、")[-1]),
                tuple(self.say["columns"]),
                tuple(rows),
                widths,
            ),
        ]
