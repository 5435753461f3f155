"""When a distance is covered, what a share is, and when a share may be judged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xiqing_space.catalog import Standard

_SEEN = {"U": "text_not_seen", "P": "proposal_of_this_project"}
Numbers = dict[str, NDArray[np.float64]]


def covered(distance_m: NDArray[np.float64], limit_m: float) -> NDArray[np.bool_]:
    """Whether a distance, as written, is within the limit. Missing is not covered; callers count what is unknown."""
    return np.round(distance_m, 2) <= limit_m


def verdict_of(
    standard: Standard, measure: str, share: float, n_unknown: float, settlements: set[str | None]
) -> tuple[str | None, str | None]:
    """Verdict and the reason for none, for a share of one zone.

    Only the clause's own measure (the straight line) under a rule in force whose text was seen carries a verdict, and urban
    standards only judge urban zones. 宜 and 可 cannot be failed, only be stayed below of.
    """
    if measure != "radius" or standard.unit != "m":
        return None, None
    if np.isnan(share):
        return "no_data", None
    if standard.status != "in_force":
        return None, f"reference_{standard.status}"
    if not standard.gives_verdict:
        return "unknown", _SEEN.get(standard.seen, "wording_not_seen")
    if settlements != {"urban"}:
        return "unknown", "settlement_unknown" if None in settlements else "not_all_urban"
    if share >= standard.target:
        return ("unknown", "homes_unknown") if n_unknown > 0 else ("meets", None)
    return ("fails_mandatory" if standard.wording == "应" else "below_recommended"), None


def share_numbers(
    met: NDArray[np.float64], lower: NDArray[np.float64], higher: NDArray[np.float64], total: NDArray[np.float64],
    unknown: NDArray[np.float64],
) -> Numbers:  # fmt: skip
    """Shares with range, numerator, denominator and unknown, one of each per zone; no share where nothing is known.

    Who is unknown stays in the denominator, so that covered, uncovered and unknown sum to one.
    """
    known = total > unknown
    below = np.where(known, total, 1.0)
    shares = {"value": met, "value_low": lower, "value_high": higher}
    return {name: np.where(known, one / below, np.nan) for name, one in shares.items()} | {
        "numerator": met, "denominator": total, "n_unknown": unknown,
    }  # fmt: skip


def one_number(value: float, **more: float) -> dict[str, float]:
    """A figure without a range; `more`: numerator, denominator, n_unknown."""
    missing = dict.fromkeys(("numerator", "denominator", "n_unknown"), np.nan)
    return {"value": value, "value_low": value, "value_high": value} | missing | more
