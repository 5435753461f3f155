"""How unequal zones are: weighted Gini and the ratio of the best tenth to the worst."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def _sorted(values: ArrayLike, weights: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values in rising order with their weights; what is missing or weighs nothing is left out."""
    x, w = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    kept = ~np.isnan(x) & (w > 0)
    order = np.argsort(x[kept], kind="stable")
    return x[kept][order], w[kept][order]


def gini(values: ArrayLike, weights: ArrayLike) -> float:
    """Weighted Gini index of a level that is not negative: 0 where all are equal.

    A planner may not read a low value as good: all may be equally badly off; and inside a zone people differ too.

    Parameters
    ----------
    values : float (zones,)
        Level of each zone; NaN is left out.
    weights : float (zones,)
        Children of each zone.

    Returns
    -------
    float
        NaN where there are fewer than two zones or every level is zero.

    Notes
    -----
    G = 1 − Σ (X_k − X_{k−1})(Y_k + Y_{k−1}), X and Y the cumulated shares of children and of children × level, in rising
    order of level. The same as Σ Σ w_i w_j |x_i − x_j| ÷ (2 · (Σ w)² · mean).
    """
    x, w = _sorted(values, weights)
    if len(x) < 2 or not (x * w).sum() > 0:
        return float("nan")
    below = np.concatenate([[0.0], np.cumsum(w) / w.sum()])
    held = np.concatenate([[0.0], np.cumsum(x * w) / (x * w).sum()])
    return float(max(0.0, 1.0 - np.sum(np.diff(below) * (held[1:] + held[:-1]))))


def tenth_ratio(values: ArrayLike, weights: ArrayLike) -> float:
    """Mean level of the best-off tenth of the children ÷ that of the worst-off tenth, each child at its zone's level.

    A zone that straddles a tenth counts with the part of its children that falls into it. A planner may not compare ratios of
    different kinds: where nearly nobody is reached they are large.

    Parameters
    ----------
    values, weights
        As of `gini`.

    Returns
    -------
    float
        NaN where there are fewer than two zones or the worst tenth has nothing.
    """
    x, w = _sorted(values, weights)
    if len(x) < 2:
        return float("nan")
    tenth = w.sum() / 10.0
    worst, best = _mean_of_first(x, w, tenth), _mean_of_first(x[::-1], w[::-1], tenth)
    return best / worst if worst > 0 else float("nan")


def _mean_of_first(x: NDArray[np.float64], w: NDArray[np.float64], amount: float) -> float:
    before = np.concatenate([[0.0], np.cumsum(w)[:-1]])
    part = np.clip(amount - before, 0.0, w)
    return float((part * x).sum() / part.sum())
