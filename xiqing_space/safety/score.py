"""Risk scores of streets and crossings: iRAP-style, derived, unofficial; for comparison inside the district only.

Equations and factors: `catalog/safety.toml`. Everything that the equations know beyond these columns (curves, sight, grade, heavy
vehicles, school-zone beacons, quality of crossing and junction) is taken at its factor of 1: no map tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.safety.plausible import FAVOURABLE, UNFAVOURABLE, observed, plausible_crossings, plausible_segments

Floats = NDArray[np.float64]
Words = NDArray[np.object_]
UNSIGNALISED = ("none", "marked")
CONTROLS = ("none", "marked", "signals", "grade_separated")
# names in [factors.facility]: a row per control; plain, raised, with an island, with both
_FACILITIES = (
    ("none", "raised", "island", "raised_island"),
    ("marked", "raised_marked", "marked_island", "raised_marked_island"),
    ("signals", "signals", "signals_island", "signals_island"),
    ("grade_separated",) * 4,
)
_DIGITS = 4  # scores are classed as written


def speed_factor(speed_kmh: ArrayLike, factors: Mapping[str, Any]) -> Floats:
    """S(v): a logistic curve, 1 at 45 km/h.

    Below 25 km/h it is stretched beyond what it was fitted to.

    Parameters
    ----------
    speed_kmh : float (n,)
        Operating speed, km/h.
    factors : mapping
        `catalogue.safety["factors"]`.
    """
    curve = factors["speed"]
    away = np.asarray(speed_kmh, dtype=float) - curve["middle_kmh"]
    return np.asarray(curve["top"] / (1.0 + np.exp(-curve["slope"] * away)))


def flow_factor(flow_per_lane: ArrayLike, factors: Mapping[str, Any]) -> Floats:
    """F(q): steps of a thousand vehicles a day and lane.

    Parameters
    ----------
    flow_per_lane : float (n,)
        Vehicles a day and lane.
    factors : mapping
        `catalogue.safety["factors"]`.
    """
    steps = np.asarray(factors["flow"], dtype=float)
    flow = np.asarray(flow_per_lane, dtype=float)
    step = np.clip(np.nan_to_num(flow) // factors["flow_step"], 0, len(steps) - 1).astype(int)
    return np.where(np.isnan(flow), np.nan, steps[step])


def along_score(values: Mapping[str, Any], factors: Mapping[str, Any]) -> Floats:
    """Score of walking along a street for 100 m; no part of it may be read as a number of accidents.

    Parameters
    ----------
    values : DataFrame or mapping of columns
        speed_kmh, lanes_per_dir, sidewalk_left, sidewalk_right, flow_per_lane, lit, surface, calming, median as in
        `street_attributes`. A footway beside a road has its group in both sidewalk columns.
    factors : mapping
        `catalogue.safety["factors"]`.

    Returns
    -------
    float64 (n,)
        Both sides' mean sidewalk factor × lanes × median × light × calming × surface × speed × flow; NaN where one is missing.
    """
    sides = (
        _picked(values["sidewalk_left"], factors["sidewalk"]) + _picked(values["sidewalk_right"], factors["sidewalk"])
    ) / 2
    lanes_table = np.asarray(factors["lanes_per_dir"], dtype=float)
    lanes = np.clip(np.asarray(values["lanes_per_dir"], dtype=float), 1, len(lanes_table))
    lanes_factor = np.interp(lanes, np.arange(1, len(lanes_table) + 1), lanes_table)
    return np.asarray(
        factors["along_base"]
        * sides
        * lanes_factor
        * _picked(values["median"], factors["median"])
        * _both(values, factors)
    )


def cross_score(values: Mapping[str, Any], factors: Mapping[str, Any], *, speed_rule: bool = True) -> Floats:
    """Score of getting over a road once; a whole crossing, both carriageways where two make up the road.

    Parameters
    ----------
    values : DataFrame or mapping of columns
        place, legs, road_highway, arterial, speed_kmh, lanes_crossed, control, island, raised, guard, flow_per_lane, lit, surface,
        parking, calming as in `crossings`.
    factors : mapping
        `catalogue.safety["factors"]`.
    speed_rule : bool
        Whether a crossing on the level without signals counts `no_control_high_speed.factor` times from its speed on.

    Returns
    -------
    float64 (n,)
        Facility × lanes crossed × junction × guard × parking × light × calming × surface × speed × flow; NaN where one is missing.
    """
    lanes = np.maximum(np.asarray(values["lanes_crossed"], dtype=float), 1.0)
    score: Floats = factors["cross_base"] * lanes
    score = score * facility_factor(values["control"], values["island"], values["raised"], factors)
    score = score * _junction_factor(values, factors) * _guard_factor(values, factors)
    score = score * _picked(values["parking"], factors["parking"]) * _both(values, factors)
    if speed_rule:
        rule = factors["no_control_high_speed"]
        fast = np.asarray(values["speed_kmh"], dtype=float) >= rule["from_kmh"]
        score = np.where(fast & _is_in(values["control"], UNSIGNALISED), score * rule["factor"], score)
    return np.asarray(score)


def facility_factor(control: Any, island: Any, raised: Any, factors: Mapping[str, Any]) -> Floats:
    """FAC by control × island × raised; a signal's own factor holds whether or not the crossing is raised.

    Parameters
    ----------
    control : object (n,)
        none, marked, signals or grade_separated.
    island, raised : bool (n,)
        Refuge island; raised over the road.
    factors : mapping
        `catalogue.safety["factors"]`.
    """
    numbers = np.array([[factors["facility"][name] for name in row] for row in _FACILITIES])
    row = _picked(control, {name: at for at, name in enumerate(CONTROLS)})
    column = 2 * np.asarray(island, dtype=bool) + np.asarray(raised, dtype=bool)
    return np.where(np.isnan(row), np.nan, numbers[np.nan_to_num(row).astype(int), column])


def decimal_star(total: ArrayLike, catalogue: Catalogue) -> Floats:
    """Whole star of the band plus how far up in it, floored to a tenth; 5.9 at best, 1.0 above the last band.

    The bands belong to the sum of along and cross: for one of them alone the star flatters.

    Parameters
    ----------
    total : float (n,)
        Score.
    catalogue : Catalogue
        `safety.stars`.

    Returns
    -------
    float64 (n,)
        NaN where the score is missing.
    """
    rules = catalogue.safety["stars"]
    ends = np.asarray([0.0, *rules["bands"]], dtype=float)
    score = np.asarray(total, dtype=float)
    band = np.clip(np.searchsorted(ends[1:], np.nan_to_num(score), side="right"), 0, len(ends) - 2)
    star = len(ends) - 1 - band + (ends[band + 1] - score) / (ends[band + 1] - ends[band])
    floored = np.round(np.floor(star * 10.0 + 1e-9) / 10.0, 1)
    best = len(ends) - 1 + 0.9
    return np.where(np.isnan(score), np.nan, np.clip(floored, rules["least"], best))


def risk_class(score: ArrayLike, of: str, catalogue: Catalogue) -> Words:
    """One of low, medium, high, very_high; a class begins at the end of the one before.

    Parameters
    ----------
    score : float (n,)
        Along or cross.
    of : {"along", "cross"}
        Which of the two.
    catalogue : Catalogue
        `safety.risks`.

    Returns
    -------
    object (n,)
        None where the score is missing.
    """
    ends = catalogue.safety["risks"][of]
    values = np.asarray(score, dtype=float)
    names = np.array([*ends, "very_high"], dtype=object)
    found = names[np.searchsorted(np.asarray(list(ends.values()), dtype=float), np.nan_to_num(values), side="right")]
    found[np.isnan(values)] = None
    return np.asarray(found, dtype=object)


def score_segments(street_attributes: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """The `segment_scores` table: what a walk along each edge scores, and how far that rests on what was seen.

    A high score does not say that somebody was hurt there, a low one not that nobody will be.

    Parameters
    ----------
    street_attributes : DataFrame
        The table of that name. Ways away from roads (`road_class` foot) score 0.
    catalogue : Catalogue
        `safety`: factors, defaults and what else is plausible.

    Returns
    -------
    DataFrame
        A row per edge, in the order given.
    """
    table, factors = street_attributes, catalogue.safety["factors"]
    foot = _is_in(table["road_class"], ("foot",))
    along = np.where(foot, 0.0, along_score(table, factors)).round(_DIGITS)
    cases = [
        np.where(foot, 0.0, along_score(plausible_segments(table, catalogue.safety, end), factors)).round(_DIGITS)
        for end in (FAVOURABLE, UNFAVOURABLE)
    ]
    guessed = {
        name: ~observed(table, name)
        for name in ("speed_kmh", "lanes_per_dir", "sidewalk_left", "sidewalk_right", "lit")
    }
    sidewalks = (guessed["sidewalk_left"].astype(float) + guessed["sidewalk_right"]) / 2
    share = (guessed["speed_kmh"].astype(float) + guessed["lanes_per_dir"] + sidewalks + guessed["lit"]) / 4
    weak = catalogue.safety["factors"]["weak_zone"]
    return pd.DataFrame({
        "edge_id": table["edge_id"].to_numpy(dtype=object),
        "along": along,
        "risk": risk_class(along, "along", catalogue),
        "decimal_star": decimal_star(along, catalogue),
        "share_defaulted": np.where(foot, 0.0, share),
        "low_along": cases[0],
        "high_along": cases[1],
        "weak_zone": ~foot & _is_weak(table["speed_kmh"], table["lanes_per_dir"], weak),
    })  # fmt: skip


def score_crossings(crossings: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """The `crossing_scores` table: what getting over scores at each crossing, and how far that rests on what was seen.

    Nothing is known of turning traffic, of waiting times, or of whether drivers yield.

    Parameters
    ----------
    crossings : DataFrame
        The table of that name; each row scores as the whole crossing, whatever its share.
    catalogue : Catalogue
        `safety`: factors, defaults and what else is plausible.

    Returns
    -------
    DataFrame
        A row per crossing, in the order given.
    """
    table, factors = crossings, catalogue.safety["factors"]
    cross = cross_score(table, factors).round(_DIGITS)
    cases = [
        cross_score(plausible_crossings(table, catalogue.safety, end), factors).round(_DIGITS)
        for end in (FAVOURABLE, UNFAVOURABLE)
    ]
    guessed = [~observed(table, name) for name in ("speed_kmh", "lanes_crossed", "control", "lit")]
    return pd.DataFrame({
        "crossing_id": table["crossing_id"].to_numpy(dtype=object),
        "cross": cross,
        "risk": risk_class(cross, "cross", catalogue),
        "decimal_star": decimal_star(cross, catalogue),
        "share_defaulted": np.mean(guessed, axis=0) if len(table) else np.zeros(0),
        "low_cross": cases[0],
        "high_cross": cases[1],
        "cross_no_speed_rule": cross_score(table, factors, speed_rule=False).round(_DIGITS),
        "weak_zone": _is_weak(table["speed_kmh"], table["lanes_crossed"], factors["weak_zone"]),
    })  # fmt: skip


def scored_per_second(street_attributes: pd.DataFrame, catalogue: Catalogue) -> float:
    """Edges that `score_segments` scores in a second on this machine.

    Parameters
    ----------
    street_attributes : DataFrame
        The table of that name.
    catalogue : Catalogue
    """
    begin = perf_counter()
    score_segments(street_attributes, catalogue)
    return len(street_attributes) / (perf_counter() - begin)


def _both(values: Mapping[str, Any], factors: Mapping[str, Any]) -> Any:
    """The factors that along and cross have in common: light, calming, surface, speed, flow."""
    lit = np.where(np.asarray(values["lit"], dtype=bool), factors["lit"]["yes"], factors["lit"]["no"])
    calm = np.where(np.asarray(values["calming"], dtype=bool), factors["calming"], 1.0)
    moving = speed_factor(values["speed_kmh"], factors) * flow_factor(values["flow_per_lane"], factors)
    return lit * calm * _picked(values["surface"], factors["surface"]) * moving


def _junction_factor(values: Mapping[str, Any], factors: Mapping[str, Any]) -> Floats:
    """INT: legs of the junction; 1 between junctions and over or under the road."""
    table = factors["legs"]
    most = max(int(legs) for legs in table)
    by_legs = np.array([1.0 if legs < 2 else table[str(legs)] for legs in range(most + 1)])
    legs = np.clip(np.asarray(values["legs"], dtype=float), 0, most).astype(int)
    return np.where(_is_in(values["place"], ("junction",)), by_legs[legs], 1.0)


def _guard_factor(values: Mapping[str, Any], factors: Mapping[str, Any]) -> Floats:
    """SUP: the main road's factor on arterials and tertiary roads, else the side road's."""
    main = np.asarray(values["arterial"], dtype=bool) | _is_in(values["road_highway"], ("tertiary", "tertiary_link"))
    guard = np.asarray(values["guard"], dtype=bool)
    return np.where(guard, np.where(main, factors["guard"], factors["guard_minor"]), 1.0)


def _is_weak(speed_kmh: Any, lanes: Any, zone: Mapping[str, float]) -> NDArray[np.bool_]:
    fast = np.asarray(speed_kmh, dtype=float) >= zone["speed_kmh"]
    return np.asarray(fast | (np.asarray(lanes, dtype=float) >= zone["lanes"]))


def _is_in(words: Any, among: tuple[str, ...]) -> NDArray[np.bool_]:
    codes, names = pd.factorize(np.asarray(words, dtype=object))
    return np.asarray(np.array([*(name in among for name in names), False])[codes])


def _picked(words: Any, table: Mapping[str, float]) -> Floats:
    """The number of each word; NaN where it is missing. A word that the table does not hold is a KeyError."""
    codes, names = pd.factorize(np.asarray(words, dtype=object))
    return np.asarray(np.array([*(table[name] for name in names), np.nan])[codes])
