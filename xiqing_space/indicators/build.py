"""The tables of figures put together."""

from __future__ import annotations

import hashlib
from typing import Any

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.indicators.bridge_rows import Bridge, bridge_rows
from xiqing_space.indicators.circle_rows import CIRCLE, Circle, circle_rows, weak_rows
from xiqing_space.indicators.claims import Claims
from xiqing_space.indicators.coverage import Coverage, LandCoverage
from xiqing_space.indicators.coverage_rows import count_row, coverage_rows, gate_rows, inside_rows, measures_of
from xiqing_space.indicators.equity_rows import equity_rows
from xiqing_space.indicators.gate_rule_rows import gate_rule_rows
from xiqing_space.indicators.groups import DISTRICT, SETTLEMENTS
from xiqing_space.indicators.places import read_communities, read_sites
from xiqing_space.indicators.route_rows import route_rows
from xiqing_space.indicators.rows import Row, Writer
from xiqing_space.indicators.safe_rows import safe_rows
from xiqing_space.indicators.sensitivity import sensitivity_rows
from xiqing_space.indicators.supply_rows import Supply, place_rows, supply_rows
from xiqing_space.indicators.tables import Tables
from xiqing_space.indicators.unit_rows import community_rows, completeness_rows, doctor_rows

EVIDENCE_KEY = ("indicator_id", "kind", "zone_id", "measure", "standard_id", "age_band", "variant")
_WEAK_KINDS = ("kindergarten",)


def zone_names(tables: Tables, catalogue: Catalogue) -> dict[str, str]:
    """Names of the zones, the district, and its urban and rural zones."""
    names = dict(zip(tables.zones["zone_id"].tolist(), tables.zones["name"].tolist(), strict=True))
    apart = {key: catalogue.word(f"zones_{name}")[0] for name, key in SETTLEMENTS.items()}
    return names | apart | {DISTRICT: catalogue.word("district")[0]}


def build_coverages(tables: Tables, catalogue: Catalogue) -> dict[str, Coverage]:
    """Shares of every measured kind, to be built once and used by both tables."""
    return {kind: Coverage(tables, catalogue, kind) for kind in catalogue.measured_kinds}


def build_indicators(
    tables: Tables, catalogue: Catalogue, run_key: str, synthetic: bool, land: Tables | None = None,
    coverages: dict[str, Coverage] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The `indicators` table (unsorted).

    Parameters
    ----------
    tables : Tables
    catalogue : Catalogue
        With the configuration's standards.
    run_key : str
        Hash of config, inputs and code; evidence ids are made from it and the row's own key.
    synthetic : bool
        Whether the figures are of the invented sample; each row says so.
    land : Tables, optional
        From `Tables.of_land` where land use is known.
    coverages : dict of kind to Coverage, optional
        From `build_coverages`.

    Notes
    -----
    Where nobody mapped a kind the value is missing and the reason says so; 0 % would be a finding, and there is none. Each
    indicator is held against what it needs (`needs` of the catalogue) before any figure is worked out.
    """
    coverages = coverages or build_coverages(tables, catalogue)
    writer = Writer(catalogue, tables.weight_kind)
    sites, communities = read_sites(tables), read_communities(tables)
    claims = Claims(tables, sites, communities)
    land_claims = None if land is None else Claims(land, sites, communities)
    bridge = Bridge(tables)
    rows: list[Row] = []
    for kind, coverage in coverages.items():
        standards = catalogue.standards_of(kind)
        for standard in standards:
            for measure in measures_of(standard, kind in tables.safe_kinds):
                rows += coverage_rows(coverage, writer, claims, standard, measure)
        if standards:
            rows += safe_rows(coverage, writer, claims, standards[0])
            rows += inside_rows(coverage, writer, claims, standards[0])
            rows += gate_rows(coverage, writer, claims, standards[0])
            rows += bridge_rows(coverage, bridge, writer, claims, standards[0])
            shares = coverage.share("walk", standards[0])
            rows += equity_rows(shares["value"], shares["denominator"], tables.groups, writer, claims, kind,
                                standard=standards[0], measure="walk")  # fmt: skip
        if land is not None and land_claims is not None:
            of_land = LandCoverage(land, catalogue, kind)
            for standard in standards:
                for measure in measures_of(standard):
                    rows += coverage_rows(of_land, writer, land_claims, standard, measure, "hectares")
    counted = dict.fromkeys([*coverages, *(kind for one in catalogue.actions.values() for kind in one.kinds)])
    rows += [count_row(tables, writer, claims, kind) for kind in counted]
    rows += _circle(tables, writer, claims, coverages)
    supply = Supply(tables)
    for spec in catalogue.indicators.values():
        for kind in spec.kinds:
            if "supply" in spec.needs:
                rows += supply_rows(tables, supply, spec, kind, writer, claims)
            elif "places" in spec.needs:
                rows += place_rows(tables, sites, spec, kind, writer, claims)
            elif "doctors" in spec.needs:
                rows += doctor_rows(tables, sites, spec, kind, writer, claims)
            elif "communities" in spec.needs:
                rows += community_rows(tables, sites, communities, spec, kind, writer, claims)
    rows += completeness_rows(tables, writer, claims)
    rows += route_rows(tables, writer)
    rows += gate_rule_rows(tables, writer)
    rows += [writer.reported(figure) for figure in catalogue.reported.values()]
    return pd.DataFrame(_finished(rows, zone_names(tables, catalogue), run_key, synthetic))


def _circle(tables: Tables, writer: Writer, claims: Claims, coverages: dict[str, Coverage]) -> list[Row]:
    circle = Circle(tables, writer, coverages)
    whole = circle.share()
    named: dict[str, Any] = {CIRCLE: (whole, None)}
    for kind in _WEAK_KINDS:
        named[kind] = (coverages[kind].share("walk", writer.catalogue.standards_of(kind)[0]), coverages[kind])
    return circle_rows(circle, writer, claims) + weak_rows(named, circle, writer, claims)


def _finished(rows: list[Row], names: dict[str, str], run_key: str, synthetic: bool) -> list[Row]:
    for row in rows:
        row["zone_name"], row["synthetic"] = names[row["zone_id"]], synthetic
        key = "|".join([run_key, *(str(row[part]) for part in EVIDENCE_KEY)])
        row["evidence_id"] = "ev-" + hashlib.sha256(key.encode()).hexdigest()[:12]
    return rows


def build_sensitivity(
    tables: Tables, catalogue: Catalogue, synthetic: bool, coverages: dict[str, Coverage] | None = None
) -> pd.DataFrame:
    """The `sensitivity` table (unsorted): see `sensitivity_rows`."""
    names = zone_names(tables, catalogue)
    coverages = coverages or build_coverages(tables, catalogue)
    return pd.DataFrame(
        [row for one in coverages.values() for row in sensitivity_rows(one, catalogue, names, synthetic)]
    )
