"""Tables -> what the Action 13 page draws: scored stretches and crossings, schools with their forests, gates, repairs."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.column_words import load_column_words
from xiqing_space.maps.offline import encode_points, encode_steps
from xiqing_space.release import Reader
from xiqing_space.safety.problems import school_problems
from xiqing_space.schemas.safety import CONTROLS, FROM, RISKS

_CROSSINGS_SHOWN = 12_000  # most pupils first; the table has all
_UNITS_EN = {"count": "", "index": ""}  # numbers that speak for themselves
PROBLEMS = 6  # numbered at a school, on the page and on its sheet


def _codes(values: pd.Series, order: tuple[str, ...]) -> list[int]:
    return [int(code) for code in pd.Categorical(values, categories=list(order)).codes]


def _digits(codes: list[int]) -> str:
    """Codes below nine as one text, a character each; 9 where the value is missing."""
    return "".join("9" if code < 0 else str(code) for code in codes)


def _steps(numbers: list[int]) -> list[int]:
    """The first number, then differences: neighbours in a list are often near each other."""
    return [number - before for before, number in zip([0, *numbers], numbers, strict=False)]


def _ways(osm_id: pd.Series) -> list[int | str]:
    """Numbers of OSM ways as differences from the last one; an id of another source stays as it is."""
    result: list[int | str] = []
    last = 0
    for text in osm_id:
        digits = text.removeprefix("osm:w")
        if digits.isdigit():
            result.append(int(digits) - last)
            last = int(digits)
        else:
            result.append(text)
    return result


def _texts(values: pd.Series) -> tuple[list[int], list[str]]:
    """Each text as a number into a list of the different ones; 0 is none."""
    filled = values.fillna("")
    names = ["", *sorted(set(filled) - {""})]
    place = {name: number for number, name in enumerate(names)}
    return [place[value] for value in filled], names


def scored_edges(store: Reader) -> gpd.GeoDataFrame:
    """Scored edges that walkers use, with pupils, in id order; the page speaks of them by row."""
    streets = store.get("streets")
    flows = store.get("pupil_flows")
    pupils = flows[flows["item_type"] == "edge"].set_index("item_id")["children"]
    attributes = store.get("street_attributes")[
        ["edge_id", "road_class", "speed_kmh", "speed_kmh_from", "lanes_total", "lanes_total_from"]
    ]
    edges = streets.loc[streets["walk"], ["edge_id", "osm_id", "highway", "name", "ref", "geometry"]]
    edges = edges.merge(store.get("segment_scores"), on="edge_id", how="inner").merge(
        attributes, on="edge_id", how="left"
    )
    edges["pupils"] = edges["edge_id"].map(pupils).fillna(0.0)
    # ways of their own, away from roads and with nobody on them, are the ground layer's
    kept = (edges["road_class"] != "foot") | (edges["pupils"] > 0)
    return edges[kept].sort_values("edge_id", ignore_index=True)


def edge_layer(edges: gpd.GeoDataFrame) -> dict[str, Any]:
    """The scored edges as columns of numbers, lines as steps on the grid."""
    name, names = _texts(edges["name"].where(edges["name"].notna(), edges["ref"]))
    highway, highways = _texts(edges["highway"])
    return {
        "line": encode_steps(edges.geometry.to_numpy()),
        "risk": _digits(_codes(edges["risk"], RISKS)),
        **_spread(edges, "along"),
        "guess": _quarters(edges["share_defaulted"]),
        "pupils": _pupils(edges["pupils"]),
        "way": _ways(edges["osm_id"]),
        "weak": _rows_where(edges["weak_zone"]),
        "name": name, "names": names, "highway": highway, "highways": highways,
    }  # fmt: skip


def _spread(table: pd.DataFrame, score: str) -> dict[str, list[int]]:
    """A score in hundredths, how much lower it may be and how much higher."""
    low, value, high = (_hundredths(table[name]) for name in (f"low_{score}", score, f"high_{score}"))
    return {
        score: value,
        "low": [one - least for one, least in zip(value, low, strict=True)],
        "high": [most - one for one, most in zip(value, high, strict=True)],
    }


def _quarters(shares: pd.Series) -> str:
    return _digits([round(4 * float(share)) for share in shares])


def _hundredths(values: pd.Series) -> list[int]:
    return [int(value) for value in np.round(values.to_numpy(dtype=float) * 100)]


def _pupils(values: pd.Series) -> list[float]:
    """Pupils to three figures; 0 where nobody passes."""
    numbers = values.to_numpy(dtype=float)
    with np.errstate(divide="ignore"):
        digits = np.where(numbers > 0, 2 - np.floor(np.log10(np.where(numbers > 0, numbers, 1.0))), 0)
    return [0 if not value else (int(value) if value >= 100 else round(float(value), int(digit))) for value, digit in
            zip(np.where(numbers >= 100, np.round(numbers), numbers), np.maximum(digits, 0), strict=True)]  # fmt: skip


def _rows_where(flags: pd.Series) -> list[int]:
    return [int(row) for row in np.flatnonzero(flags.to_numpy(dtype=bool))]


def crossing_table(store: Reader) -> gpd.GeoDataFrame:
    """Crossings that pupils pass or that somebody mapped, most pupils first."""
    flows = store.get("pupil_flows")
    pupils = flows[flows["item_type"] == "crossing"].set_index("item_id")["children"]
    crossings = store.get("crossings").merge(store.get("crossing_scores"), on="crossing_id", how="inner")
    crossings["pupils"] = crossings["crossing_id"].map(pupils).fillna(0.0)
    kept = crossings[(crossings["pupils"] > 0) | crossings["mapped"]]
    kept = kept.sort_values(["pupils", "crossing_id"], ascending=[False, True], kind="stable").head(_CROSSINGS_SHOWN)
    return kept.reset_index(drop=True)


def crossing_layer(crossings: gpd.GeoDataFrame) -> dict[str, Any]:
    """Crossings as columns of numbers."""
    name, names = _texts(crossings["road_name"].where(crossings["road_name"].notna(), crossings["road_ref"]))
    highway, highways = _texts(crossings["road_highway"])
    return {
        "at": encode_points(crossings.geometry.to_numpy()),
        "risk": _digits(_codes(crossings["risk"], RISKS)),
        **_spread(crossings, "cross"),
        "guess": _quarters(crossings["share_defaulted"]),
        "pupils": _pupils(crossings["pupils"]),
        "lanes": [int(value) for value in crossings["lanes_crossed"].fillna(0)],
        "lanes_from": _digits(_codes(crossings["lanes_crossed_from"], FROM)),
        "control": _digits(_codes(crossings["control"], CONTROLS)),
        "control_from": _digits(_codes(crossings["control_from"], FROM)),
        "speed": [round(float(value)) for value in crossings["speed_kmh"]],
        "speed_from": _digits(_codes(crossings["speed_kmh_from"], FROM)),
        "island": _rows_where(crossings["island"].fillna(False)),
        "weak": _rows_where(crossings["weak_zone"]),
        "id": [str(one) for one in crossings["crossing_id"]],
        "name": name, "names": names, "highway": highway, "highways": highways,
    }  # fmt: skip


def school_marks(store: Reader, edges: pd.DataFrame, crossings: pd.DataFrame) -> list[dict[str, Any]]:
    """Schools by name, each with the edges that its pupils take and the crossings to mend first."""
    schools = store.get("schools").sort_values(["name", "school_id", "kind"], na_position="last", kind="stable")
    forest = store.get("school_forest")
    taken = forest[(forest["children"] > 0) & forest["next_edge_id"].notna()]
    trees = taken.groupby(["school_id", "next_edge_id"], sort=True)["children"].sum().reset_index()
    trees["row"] = pd.Index(edges["edge_id"]).get_indexer(pd.Index(trees["next_edge_id"]))
    trees = trees[trees["row"] >= 0]
    problems = school_problems(forest, crossings, PROBLEMS)
    problems["row"] = pd.Index(crossings["crossing_id"]).get_indexer(pd.Index(problems["crossing_id"]))
    by_edge = dict(iter(trees.groupby("school_id")))
    by_crossing = dict(iter(problems.groupby("school_id")))
    marks = []
    for row in schools.rename(columns={"name": "name_"}).itertuples(index=False):
        mine, worst = by_edge.get(row.school_id), by_crossing.get(row.school_id)
        marks.append(
            {
                "id": row.school_id, "name": _text(row.name_), "kind": row.kind, "inside": bool(row.inside),
                "zone": _text(row.zone_id), "at": [round(row.geometry.y, 6), round(row.geometry.x, 6)],
                "assigned": _text(row.assigned_by), "persons": row.weight_kind == "persons",
                "children": _figure(row.children, 1), "routed": _figure(row.children_routed, 1),
                "length": _figure(row.length_mean_m, 0), "score": _figure(row.route_score_mean, 1),
                "p10": _figure(row.route_score_p10, 1), "share": _figure(row.share_acceptable, 4),
                "guess": _figure(row.share_defaulted, 3), "grade": _text(row.grade),
                "worst": [_text(row.worst_zh), _text(row.worst_en)], "reason": _text(row.reason),
                "edges": [] if mine is None else _steps(mine["row"].tolist()),
                "flow": [] if mine is None else _pupils(mine["children"]),
                "problems": [] if worst is None else [
                    [int(one), pupils] for one, pupils in zip(worst["row"], _pupils(worst["children"]), strict=True)
                ],
            }
        )  # fmt: skip
    return marks


def gate_marks(gate_rules: gpd.GeoDataFrame, shown: set[str]) -> list[dict[str, Any]]:
    """Gates of schools with what each rule found; `shown`: rules that may stand on a page."""
    mine = gate_rules[gate_rules["rule_id"].isin(shown)].sort_values(["site_id", "gate_id", "rule_id"], kind="stable")
    marks: dict[tuple[str, str], dict[str, Any]] = {}
    for row in mine.itertuples(index=False):
        mark = marks.setdefault((row.site_id, row.gate_id), {
            "site": row.site_id, "id": row.gate_id, "use": row.gate_use,
            "at": [round(row.geometry.y, 6), round(row.geometry.x, 6)], "rules": [],
        })  # fmt: skip
        mark["rules"].append([row.rule_id, _figure(row.measured, 1), row.verdict])
    return list(marks.values())


def fix_marks(fixes: gpd.GeoDataFrame, most: int = 20) -> list[dict[str, Any]]:
    """The first repairs of the list."""
    ranked = fixes[fixes["rank"].notna()].sort_values("rank").head(most)
    return [
        {
            "rank": int(row.rank), "treatment": row.treatment, "target": row.target_id, "type": row.target_type,
            "at": [round(row.geometry.y, 6), round(row.geometry.x, 6)], "place": [row.place_zh, row.place_en],
            "helped": _figure(row.children_helped, 1) if row.weight_kind == "persons" else None,
            "acceptable": _figure(row.children_acceptable, 1) if row.weight_kind == "persons" else None,
            "before": _figure(row.risk_before, 2), "after": _figure(row.risk_after, 2), "removed": _figure(row.risk_removed, 3),
            "cost": row.cost_class, "term": row.term, "schools": row.school_ids.split("|") if row.school_ids else [],
            "rerouted": bool(row.rerouted),
        }
        for row in ranked.itertuples(index=False)
    ]  # fmt: skip


def school_figures(store: Reader) -> list[dict[str, Any]]:
    """Figures of Action 13 and the school-gate sides of 16, 17 and 20: district and zones."""
    table, words = store.get("indicators"), load_column_words()
    names = dict(zip(store.get("zones")["zone_id"], store.get("zones")["name"], strict=True))
    rows = table[
        table["indicator_id"].str.startswith(("A13-", "A16-", "A17-", "A20-")) & (table["basis"] != "reported")
    ]
    return [
        {
            "id": row.indicator_id, "zone": row.zone_id, "name": names.get(row.zone_id, ""), "kind": row.kind, "variant": row.variant,
            "label": [row.label_zh, row.label_en], "value": _figure(row.value, 6), "low": _figure(row.value_low, 6),
            "high": _figure(row.value_high, 6), "unit": row.unit, "unit_words": [words.unit(row.unit), _UNITS_EN.get(row.unit, row.unit)], "evidence": row.evidence_id, "reason": _text(row.reason),
        }
        for row in rows.itertuples(index=False)
    ]  # fmt: skip


def kinds_of(catalogue: Catalogue, schools: pd.DataFrame) -> list[list[str]]:
    """Kinds of school that have routes."""
    present = set(schools["kind"])
    return [[kind, catalogue.kinds[kind].zh, catalogue.kinds[kind].en] for kind in catalogue.kinds if kind in present]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _figure(value: float, digits: int) -> float | None:
    return None if value is None or np.isnan(value) else round(float(value), digits)
