"""One row of the table of figures: labels, rule, units, and the plan's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from xiqing_space.catalog import Band, Catalogue, IndicatorSpec, Standard
from xiqing_space.catalog.load import Reported
from xiqing_space.indicators.rules import Numbers

ALL_BANDS = "*"
Row = dict[str, Any]
_NUMBERS = ("value", "value_low", "value_high", "numerator", "denominator", "n_unknown")
_NO_RULE = {
    "standard_id": "", "threshold": np.nan, "threshold_unit": "", "target": np.nan, "document": "", "clause": "",
    "wording": "", "status": "",
}  # fmt: skip


def at(numbers: Numbers, group: int) -> dict[str, float]:
    """The numbers of one group."""
    return {name: float(values[group]) for name, values in numbers.items()}


def without_value(numbers: Mapping[str, float]) -> dict[str, float]:
    """The same without a figure: denominator and unknown may still be known."""
    return dict(numbers) | dict.fromkeys(("value", "value_low", "value_high", "numerator"), np.nan)


@dataclass(frozen=True)
class Writer:
    """Writes rows of one run; `weight_kind`: persons or relative weights."""

    catalogue: Catalogue
    weight_kind: str

    def row(
        self, spec: IndicatorSpec, zone_id: str, numbers: Mapping[str, float], *, kind: str = "", standard: Standard | None = None,
        measure: str = "", band: Band | None = None, variant: str = "", words: tuple[str, str] | None = None,
        weight_kind: str | None = None, verdict: str | None = None, reason: str | None = None, share_inferred: float = np.nan,
    ) -> Row:  # fmt: skip
        """A row; `words` says in both languages which of several figures it is, and goes into its label."""
        return (
            {
                "indicator_id": spec.id, "zone_id": zone_id, "kind": kind, "age_band": band.id if band else ALL_BANDS,
                "measure": measure, "variant": variant, "basis": spec.basis, "weight_kind": weight_kind or self.weight_kind,
                "verdict": verdict, "reason": reason, "share_inferred": share_inferred,
            }
            | dict.fromkeys(_NUMBERS, np.nan)
            | dict(numbers)
            | self._labels(spec, kind, standard, measure, band, words)
            | self._plan(spec, kind)
            | (_NO_RULE if standard is None else _rule(standard))
        )  # fmt: skip

    def reported(self, figure: Reported) -> Row:
        """The row of a figure that the responsible unit reports (填报)."""
        return (
            {
                "indicator_id": figure.id, "zone_id": "*", "kind": "", "age_band": ALL_BANDS, "measure": "", "variant": "",
                "basis": "reported", "weight_kind": "count", "verdict": None, "share_inferred": np.nan,
                "reason": "measured_later" if figure.later else "non_spatial", "label_zh": figure.zh, "label_en": figure.en,
                "formula_zh": self.catalogue.word("why_non_spatial")[0],
            }
            | dict.fromkeys(_NUMBERS, np.nan)
            | self._plan(figure, "")
            | _NO_RULE
        )  # fmt: skip

    def _labels(
        self, spec: IndicatorSpec, kind_id: str, standard: Standard | None, measure: str, band: Band | None,
        words: tuple[str, str] | None,
    ) -> Row:  # fmt: skip
        known = self.catalogue.kinds.get(kind_id)
        names = (known.zh, known.en) if known else ("", "")
        if kind_id == "circle":
            names = self.catalogue.word("circle")
        how = self.catalogue.word(f"measure_{measure}") if measure else None
        zh, en = ([how[0]], [how[1].lower()]) if how else ([], [])
        limit = ("", "")
        if standard is not None:
            unit = ("m", "m") if standard.unit == "m" else ("分钟", "min")
            limit = (f"{standard.value:g} {unit[0]}", f"{standard.value:g} {unit[1]}")
            zh.append(limit[0])
            en.append(limit[1])
        for pair in ((band.zh, band.en) if band else None, words):
            if pair:
                zh.append(pair[0])
                en.append(pair[1])
        tail_zh, tail_en = (f"（{'，'.join(zh)}）" if zh else ""), (f" ({', '.join(en)})" if en else "")
        return {
            "label_zh": spec.zh.format(kind=names[0]) + tail_zh, "label_en": spec.en.format(kind=names[1]) + tail_en,
            "formula_zh": spec.formula_zh.format(kind=names[0], limit=limit[0]),
        }  # fmt: skip

    def _plan(self, figure: IndicatorSpec | Reported, kind: str) -> Row:
        action = self.catalogue.actions[figure.action]
        return {
            "action": figure.action, "facility_action": self.catalogue.action_of(kind), "responsible": action.responsible,
            "unit": figure.unit, "direction": figure.direction,
            "target_plan": np.nan if figure.target is None else figure.target, "target_plan_zh": figure.target_zh,
            "now_plan": np.nan if figure.now is None else figure.now, "now_plan_zh": figure.now_zh,
        }  # fmt: skip


def _rule(standard: Standard) -> Row:
    return {
        "standard_id": standard.id, "threshold": standard.value, "threshold_unit": standard.unit, "target": standard.target,
        "document": standard.document, "clause": standard.clause, "wording": standard.wording, "status": standard.status,
    }  # fmt: skip
