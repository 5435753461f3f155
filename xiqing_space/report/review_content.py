"""What the review says, as blocks that a writer of DOCX or HTML sets: every figure in it comes from a table of the run."""

from __future__ import annotations

from typing import Any

import numpy as np

from xiqing_space.report.review_blocks import Block, Grid, Heading, NewPage, Paragraph, Picture
from xiqing_space.report.review_tables import Grids

_FIRST = 3  # repairs and blind spots of the first page


class Review(Grids):
    """The document in its order; see `Wording` for what it is made from."""

    def blocks(self) -> list[Block]:
        """The whole document in order."""
        facts = self.store.get("area").iloc[0]
        parts: list[Block] = [
            Heading(0, self.title),
            Paragraph(self.say["title_sub"], "note"),
        ]
        if bool(facts["synthetic"]):
            parts.append(Paragraph(self.word("synthetic_note"), "stamp"))
        parts += self.summary()
        parts += [NewPage(), *self.indicators()]
        parts += [NewPage(), *self.by_zone()]
        parts += [NewPage(), *self.repairs()]
        parts += [Heading(1, self.say["methods"]), *(Paragraph(text, "bullet") for text in self.say["method_lines"])]
        parts += self.register()
        parts += self.evidence()
        return parts

    def summary(self) -> list[Block]:
        """One page for the leading group."""
        relative = bool((self.store.get("demand")["weight_kind"] == "relative").any())
        weights = self.say["weights_relative" if relative else "weights_persons"]
        parts: list[Block] = [
            Heading(1, self.say["summary"]),
            Paragraph(self.say["about"].format(area=self.area, weights=weights), "about"),
        ]
        parts += [
            Paragraph(text, "bullet") for text in (*self.coverage_lines(), *self.circle_lines(), *self.route_lines())
        ]
        fixes = self.ranked_fixes().head(_FIRST)
        if len(fixes):
            parts.append(self.fix_grid(fixes, self.say["first_fixes"].format(n=len(fixes))))
        spots = self.spots(self.store.get("blind_spots")).head(_FIRST)
        if len(spots):
            parts.append(self.spot_grid(spots, self.say["first_spots"].format(n=len(spots))))
        grave = self.doubts[self.doubts["severity"] != "info"]
        if len(grave):
            first = grave.iloc[0]["what_zh" if self.side == 0 else "what_en"]
            parts.append(Paragraph(self.say["doubts"].format(n=grave["check"].nunique(), first=first), "note"))
        return parts

    def coverage_lines(self) -> list[str]:
        """One sentence for each headline kind: radius, walk, safe walk, and what is lost between the first two."""
        lines = []
        for kind in self.catalogue.review["headline"]["kinds"]:
            standards = self.catalogue.standards_of(kind)
            if not standards:
                continue
            standard = standards[0]
            radius, walk, safe = (
                self.row("A02-coverage", kind, measure=one, standard=standard.id)
                for one in ("radius", "walk", "safe_walk")
            )
            if walk is None or np.isnan(walk["value"]):
                lines.append(self.say["coverage_none"].format(kind=self.kind(kind)))
                continue
            tail = (
                ""
                if safe is None or np.isnan(safe["value"])
                else self.say["coverage_safe"].format(safe=self.value(safe))
            )
            lines.append(self.say["coverage"].format(kind=self.kind(kind), limit=f"{standard.value:g}", radius=self.value(radius),
                                                     walk=self.value(walk), safe=tail, lost=self.lost(kind, standard.id)).strip())  # fmt: skip
        return lines

    def lost(self, kind: str, standard: str) -> str:
        """Why children within the radius are not within the walk."""
        whole = self.row("A02-bridge", kind, measure="walk", standard=standard)
        if whole is None or not whole["value"] > 0:
            return ""
        mine = self.table[(self.table["indicator_id"] == "A02-bridge") & (self.table["kind"] == kind) & (self.table["zone_id"] == "*")
                          & (self.table["standard_id"] == standard) & (self.table["variant"] != "") & (self.table["measure"] == "walk")]  # fmt: skip
        if mine.empty:
            return ""
        chief = mine.sort_values(["value", "variant"], ascending=[False, True], kind="stable").iloc[0]["variant"]
        return str(self.say["coverage_lost"].format(lost=self.value(whole), cause=self.word(f"cause_{chief}")))

    def circle_lines(self) -> list[str]:
        """The complete circle, and the zones that are relatively weak."""
        circle = self.row("A02-circle", "circle", measure="walk", standard="")
        if circle is None:
            found = self.table[
                (self.table["indicator_id"] == "A02-circle")
                & (self.table["zone_id"] == "*")
                & (self.table["age_band"] == "*")
            ]
            circle = found.iloc[0] if len(found) else None
        return [] if circle is None else [self.say["circle"].format(value=self.value(circle))]

    def route_lines(self) -> list[str]:
        """Ways to school."""
        mine = self.table[
            (self.table["action"] == "13") & (self.table["zone_id"] == "*") & (self.table["age_band"] == "*")
        ]
        share, score = (mine[mine["indicator_id"] == one] for one in ("A13-acceptable", "A13-score"))
        whole = [part[part["kind"] == ""] if (part["kind"] == "").any() else part for part in (share, score)]
        if whole[0].empty or whole[0]["value"].isna().all():
            return [self.say["routes_none"]]
        return [
            self.say["routes"].format(
                share=self.value(whole[0].iloc[0]), score=self.value(whole[1].iloc[0] if len(whole[1]) else None)
            )
        ]

    def by_zone(self) -> list[Block]:
        """一图一表一清单 of every zone, after the district's own sheets."""
        parts: list[Block] = [Heading(1, self.say["zones"])]
        for one in self.figures:
            if one.what == "district":
                what = one.title or self.word("title_action13").split("·")[-1].strip()
                parts.append(
                    Picture(
                        self.caption("figure", self.say["district_figure"].format(area=self.area, what=what)), one.png
                    )
                )
        if len(self.zones) < 2:
            return parts
        for zone in self.zones.itertuples(index=False):
            parts.append(Heading(2, str(zone.name)))
            parts += self.picture("reach", "zone", zone.zone_id, self.say["zone_figure"].format(zone=zone.name))
            parts += self.picture("routes", "zone", zone.zone_id, self.say["zone_routes"].format(zone=zone.name))
            parts += self.zone_grid(zone.zone_id, str(zone.name))
            lines = self.zone_list(zone.zone_id)
            parts.append(Paragraph(self.say["zone_list"].format(zone=zone.name)))
            parts += [Paragraph(text, "bullet") for text in lines or [self.say["list_none"]]]
        return parts

    def repairs(self) -> list[Block]:
        """The whole list of what to improve first, by term."""
        fixes = self.ranked_fixes()
        parts: list[Block] = [Heading(1, self.say["fixes"]), Paragraph(self.word("fixes_note"), "note")]
        for term in ("near", "middle", "far"):
            mine = fixes[fixes["term"] == term]
            if len(mine):
                parts.append(self.fix_grid(mine, self.word(f"term_{term}")))
        return parts if len(fixes) else [*parts, Paragraph(self.say["list_none"])]

    def register(self) -> list[Block]:
        """Where the data came from."""
        rows = tuple(
            (str(one["file"]), str(one["role"]), str(one.get("date") or "—"), str(one.get("licence") or "—"), _how_many_rows(one.get("rows")),
             str(one["sha256"])[:16])
            for one in self.inputs
        )  # fmt: skip
        return [
            Heading(1, self.say["register"]),
            Grid(
                self.caption("table", self.say["register"].split("、")[-1]),
                tuple(self.say["register_columns"]),
                rows,
                (0.24, 0.16, 0.12, 0.22, 0.1, 0.16),
            ),
        ]

    def evidence(self) -> list[Block]:
        """The evidence ids of all figures that the text uses."""
        rows = tuple((key, *self.used[key]) for key in sorted(self.used))
        return [Heading(1, self.say["evidence"]), Paragraph(self.say["evidence_note"]),
                Grid(self.caption("table", self.say["evidence"].split("、")[-1]), tuple(self.say["evidence_columns"]), rows, (0.22, 0.44, 0.18, 0.16))]  # fmt: skip


def _how_many_rows(rows: Any) -> str:
    """Rows read of a file; a file of several layers has a number for each."""
    if rows is None:
        return "—"
    return "; ".join(f"{key} {value:,}" for key, value in rows.items()) if isinstance(rows, dict) else f"{rows:,}"
