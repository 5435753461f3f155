"""The tables' columns, units, ranges and meanings, as data. `tables.py` checks frames against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dtype = Literal["text", "number", "whole", "flag", "geometry"]


@dataclass(frozen=True)
class Column:
    """One column: type, meaning, unit, range or vocabulary, whether it may be missing, decimals kept on write."""

    name: str
    dtype: Dtype
    meaning: str
    unit: str = ""
    null: bool = False
    least: float | None = None
    most: float | None = None
    among: tuple[str, ...] = ()
    digits: int = 3
    geometry: str = ""


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its columns, and the key that rows are sorted by and unique in."""

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def spatial(self) -> bool:
        """Whether the table has a geometry."""
        return any(column.dtype == "geometry" for column in self.columns)


def _t(name: str, meaning: str, *, null: bool = False, among: tuple[str, ...] = ()) -> Column:
    return Column(name, "text", meaning, null=null, among=among)


def _n(
    name: str,
    meaning: str,
    unit: str,
    *,
    null: bool = False,
    least: float | None = 0.0,
    most: float | None = None,
    digits: int = 3,
) -> Column:
    return Column(name, "number", meaning, unit, null, least, most, digits=digits)


def _w(name: str, meaning: str, unit: str = "", *, null: bool = False) -> Column:
    return Column(name, "whole", meaning, unit, null, 0)


def _f(name: str, meaning: str) -> Column:
    return Column(name, "flag", meaning)


def _g(kind: str, meaning: str = "place, EPSG:4326", *, null: bool = False) -> Column:
    return Column("geometry", "geometry", meaning, "degree", null, geometry=kind)


# fmt: off
PROFILES = ("walk", "pram")
BARRIERS = ("water", "rail", "motorway")
VERDICTS = ("meets", "below_recommended", "fails_mandatory", "unknown", "no_data")
_pop = tuple(
    _n(f"pop_{ages}", f"children aged {ages.replace('_', '–')}, or their relative weight", "persons or weight", digits=9)
    for ages in ("0_2", "3_5", "6_11", "12_14", "15_17")
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("area", "the study area", ("name",), (
            _t("name", "name of the area as configured"),
            _t("source", "files that the area and its data came from"),
            _t("licence", "licence of the source", null=True),
            _t("data_date", "date of the data, ISO 8601; missing where nobody states it", null=True),
            _f("synthetic", "whether the data are the invented sample"),
            _w("metric_epsg", "EPSG code in which lengths and areas were measured"),
            _g("MultiPolygon"),
        )),
        Table("zones", "街镇 / 社区", ("zone_id",), (
            _t("zone_id", "id of the zone"),
            _t("name", "name of the zone"),
            _t("level", "level of the zone, where the source tells", null=True),
            _t("parent_id", "id of the zone above", null=True),
            _t("settlement", "whether urban standards fit", null=True, among=("urban", "rural", "mixed")),
            _g("MultiPolygon"),
        )),
        Table("nodes", "network node", ("node_id",), (
            _t("node_id", "osm:n and the OSM id"),
            _w("degree", "edges that meet here, walkable or not"),
            _w("component", "number of the connected part of the walk network; missing where no walkable edge meets",
               null=True),
            _g("Point"),
        )),
        Table("streets", "edge between two nodes, walkable or not", ("edge_id",), (
            _t("edge_id", "osm:w way : n node - n node, with a repeat index where one way joins the same nodes twice"),
            _t("osm_id", "osm:w and the OSM id of the way"),
            _t("u", "node at the start, in the way's own direction"),
            _t("v", "node at the end"),
            _n("length_m", "length in the metric system", "m"),
            _t("highway", "OSM class of the way"),
            _t("name", "name as mapped", null=True),
            _t("ref", "road number as mapped", null=True),
            _t("layer", "layer as mapped", null=True),
            _f("bridge", "on a bridge"),
            _f("tunnel", "in a tunnel (a passage through a building is none)"),
            _f("walk", "open to walkers"),
            _f("pram", "open to a pram: walkable and no steps, unless ramped"),
            _t("blocked_reason", "why walk, or else pram, is false", null=True),
            _g("LineString"),
        )),
        Table("crossings", "mapped place where a walker gets over motor traffic", ("crossing_id",), (
            _t("crossing_id", "id of the crossing: osm:n and the OSM id"),
            _t("node_id", "network node that it lies on; missing where no street of the network passes", null=True),
            _t("road_edge_ids", "edges of motor roads that meet at the node, joined by |", null=True),
            _t("road_highway", "largest class among them", null=True),
            _t("control", "as tagged; missing where the tags do not tell", null=True,
               among=("none", "marked", "signals", "grade_separated")),
            _t("control_from", "where control comes from", null=True, among=("tag", "default", "survey")),
            _t("tags", "all OSM tags of the node, as JSON"),
            _g("Point"),
        )),
        Table("barriers", "water, railway, motorway or wall that stops a walker", ("barrier_id",), (
            _t("barrier_id", "osm:w or osm:r and the OSM id"),
            _t("barrier", "what it is", among=(*BARRIERS, "wall")),
            _t("name", "name as mapped", null=True),
            _f("is_area", "whether the lines are the rings of an area (holes by the even-odd rule)"),
            _f("bridge", "the barrier itself is carried over the ground"),
            _t("layer", "layer as mapped", null=True),
            _g("MultiLineString"),
        )),
        Table("barrier_crossings", "edge of the walk network that crosses water, rail or a motorway",
              ("barrier_id", "edge_id"), (
            _t("barrier_id", "the barrier"),
            _t("edge_id", "the edge that crosses it"),
            _t("barrier", "what it is", among=BARRIERS),
            _t("way_over", "how the walker gets over (tunnel: below, also below a barrier on a bridge)", null=True,
               among=("bridge", "tunnel", "level", "ford")),
            _f("verified", "whether the map says how; where not, the edge is closed in the low figure"),
            _g("Point", "a point of the crossing"),
        )),
        Table("facilities", "site × kind", ("facility_id",), (
            _t("facility_id", "osm:n, osm:w or osm:r and the OSM id; with #kind for the further kinds of one site"),
            _t("site_id", "the site"),
            _t("kind", "kind of the catalogue"),
            _t("name", "name as mapped", null=True),
            _t("operator", "who runs it", among=("public", "inclusive_private", "private", "unknown")),
            _t("status", "only operating ones count as existing", among=("operating", "building", "planned", "closed")),
            _t("serves", "whom it serves", among=("everyone", "residents", "employees")),
            _n("capacity_places", "places", "places", null=True),
            _n("classes", "classes", "classes", null=True),
            _n("enrolled", "children enrolled", "persons", null=True),
            _t("capacity_from", "where the places come from", null=True, among=("tag", "file", "default", "survey")),
            _t("address", "address as listed", null=True),
            _t("legal_person", "legal person or operator as listed", null=True),
            _f("inside", "inside the area, or only in its buffer"),
            _t("located_by", "what its point rests on", among=("node", "area", "file", "matched")),
            _t("source", "file"),
            _t("source_row", "row or id in the file"),
            _t("datum_in", "coordinate system of the source"),
            _g("Point", "the point, or a point on the ground's surface"),
        )),
        Table("unlocated", "facility of a list whose place is to be verified (位置待核): it counts, but no walk leads to it",
              ("facility_id",), (
            _t("facility_id", "file: list, and row or own code"),
            _t("kind", "kind of the catalogue"),
            _t("name", "name as listed", null=True),
            _t("address", "address as listed", null=True),
            _t("zone", "town as listed", null=True),
            _f("asked", "whether the workbook of questions offers places for it: it may be one of the facilities already counted"),
            _t("operator", "who runs it", among=("public", "inclusive_private", "private", "unknown")),
            _t("status", "only operating ones count as existing", among=("operating", "building", "planned", "closed")),
            _t("serves", "whom it serves", among=("everyone", "residents", "employees")),
            _t("source", "file"),
            _t("source_row", "row in the file"),
        )),
        Table("merges", "row that was merged into another as the same facility", ("merged_row_id",), (
            _t("merged_row_id", "row that went into the other"),
            _t("kept_row_id", "facility that stays"),
            _n("distance_m", "how far they lie apart", "m", null=True, digits=1),
            _n("name_score", "agreement of their names, 0 to 1", "1", null=True),
            _t("conflicts", "fields in which they contradict each other", null=True),
            _t("rule_zh", "rule by which they were merged"),
            _t("rule_en", "the same in English"),
        )),
        Table("grounds", "land of a site (park, school, hospital)", ("site_id",), (
            _t("site_id", "the site"),
            _n("area_ha", "area", "ha", digits=4),
            _g("MultiPolygon"),
        )),
        Table("gates", "way in to a site, a compound or a street's own gate", ("gate_id", "owner_id"), (
            _t("gate_id", "osm:n of a mapped gate, else the owner's id and the place on its edge"),
            _t("owner_id", "site or compound"),
            _t("owner_type", "what it leads into", among=("site", "compound")),
            _t("through", "compound through whose gate a site is reached; missing where a gate is the owner's own", null=True),
            _t("resolved_by", "what it rests on", among=("survey", "mapped", "perimeter", "boundary", "point")),
            _g("Point"),
        )),
        Table("surveyed_gates", "gate as the office surveyed it", ("gate_id", "owner_id"), (
            _t("gate_id", "file: and the file's own code or row"),
            _t("owner_id", "site or compound"),
            _t("owner_type", "what it leads into", among=("site", "compound")),
            _t("status", "who may pass, and when", among=("open", "residents", "timed", "unknown", "closed")),
            _g("Point"),
        )),
        Table("mapped_points", "gate, level crossing or ford drawn as a point", ("point_id", "what"), (
            _t("point_id", "osm:n and the OSM id"),
            _t("what", "what it is", among=("gate", "level", "ford")),
            _f("shut", "a gate that lets nobody through"),
            _f("private", "a gate that lets residents only, or nobody, through"),
            _g("Point"),
        )),
        Table("compounds", "小区 with walls", ("compound_id",), (
            _t("compound_id", "osm:w or osm:r and the OSM id"),
            _t("name", "name as mapped", null=True),
            _n("households", "households", "households", null=True),
            _g("MultiPolygon"),
        )),
        Table("demand", "place where children live, buffer included", ("demand_id",), (
            _t("demand_id", "osm:w or osm:r and the OSM id of the home"),
            _t("zone_id", "zone; missing outside every zone", null=True),
            _t("compound_id", "compound", null=True),
            _f("inside", "inside the area; the buffer's homes are never reported"),
            _n("pop_total", "all residents, or their relative weight (relative weights sum to 1 inside the area); missing where "
               "only children were counted", "persons or weight", null=True, digits=9),
            *_pop,
            _t("weight_kind", "relative weights are shares, never persons", among=("persons", "relative")),
            _t("from", "what the people rest on (density: mean people per floor area, for homes of the buffer)",
               among=("compound", "zone", "raster", "district", "density", "weights")),
            _t("ages_from", "what the ages rest on: stated; split, a group across bands divided per year; parent, shares of the "
               "zone above; missing", among=("stated", "split", "parent", "missing")),
            _f("placed", "whether the place is known; where not, the point is not where these people live, and they are unknown in "
               "every measure"),
            _t("reason", "why the place is not known", null=True),
            _g("Point"),
        )),
        Table("landuse", "land of one use that touches the study area or its buffer, as the office drew it",
              ("landuse_id",), (
            _t("landuse_id", "file: list and row"),
            _t("class", "class of the catalogue; vacant_planned is land for later use"),
            _t("code", "code as the source has it"),
            _n("area_ha", "area of the whole piece", "ha", digits=9),
            _g("MultiPolygon"),
        )),
        Table("land_cells", "cell of the area's residential land", ("cell_id",), (
            _t("cell_id", "piece of land, column and row of the grid, and zone"),
            _t("landuse_id", "piece of land"),
            _t("class", "class of the catalogue"),
            _t("zone_id", "zone; missing outside every zone", null=True),
            _t("compound_id", "walled compound in which its point lies", null=True),
            _n("area_ha", "land in the cell; the cells of a zone sum to its residential land", "ha", digits=12),
            _g("Point", "a point on the land"),
        )),
        Table("access_links", "a way from an owner into the network",
              ("owner_type", "owner_id", "gate_id", "profile"), (
            _t("owner_type", "whose", among=("demand", "site")),
            _t("owner_id", "demand_id or site_id"),
            _t("gate_id", "gate; the owner's own id where the link starts at its point"),
            _t("profile", "network", among=PROFILES),
            _t("edge_id", "edge that it joins; missing where not linked", null=True),
            _n("offset_m", "place on the edge, from u", "m", null=True),
            _n("leg_m", "length from the owner to the edge, over the gate", "m", null=True),
            _t("side", "side of the edge on which the owner lies, looking from u to v", null=True, among=("left", "right")),
            _t("resolved_by", "what the start rests on", among=("survey", "mapped", "perimeter", "boundary", "point")),
            _f("linked", "whether there is a link"),
            _t("reason", "why not, or a flag on the link", null=True,
               among=("no_street_within_250m", "blocked_by_barrier", "long_leg", "leg_crosses_wall")),
            _g("Point", "the point on the edge", null=True),
        )),
        Table("access", "demand × kind × profile: the nearest operating facility open to everyone",
              ("demand_id", "kind", "profile"), (
            _t("demand_id", "the home"),
            _t("kind", "kind of facility"),
            _t("profile", "network", among=PROFILES),
            _t("facility_id", "the facility nearest along streets", null=True),
            _t("gate_id", "its gate", null=True),
            _n("distance_m", "walking distance, both legs included; missing beyond the search limit", "m", null=True,
               digits=2),
            _n("straight_m", "straight line to the nearest way in of any facility of the kind", "m", null=True, digits=2),
            _t("reason", "why the distance is missing", null=True,
               among=("no_facility_mapped", "home_not_placed", "home_not_linked", "facility_not_linked", "unreachable",
                      "beyond_search_limit")),
        )),
        Table("access_low", "where the low case differs from access: unverified barrier crossings closed, and the least "
              "favourable of guessed gates", ("demand_id", "kind", "profile"), (
            _t("demand_id", "the home"),
            _t("kind", "kind of facility"),
            _t("profile", "network", among=PROFILES),
            _n("distance_m", "walking distance in the low case; missing beyond the search limit", "m", null=True, digits=2),
        )),
        Table("land_links", "a way from a cell of residential land into the network, as access_links has them for homes",
              ("cell_id", "gate_id", "profile"), (
            _t("cell_id", "the cell"),
            _t("gate_id", "gate; the cell's own id where the link starts at its point"),
            _t("profile", "network", among=PROFILES),
            _t("edge_id", "edge that it joins; missing where not linked", null=True),
            _n("offset_m", "place on the edge, from u", "m", null=True),
            _n("leg_m", "length from the cell's point to the edge, over the gate", "m", null=True),
            _t("resolved_by", "what the start rests on", among=("survey", "mapped", "perimeter", "point")),
            _f("linked", "whether there is a link"),
            _t("reason", "why not, or a flag on the link", null=True,
               among=("no_street_within_250m", "blocked_by_barrier", "long_leg", "leg_crosses_wall")),
        )),
        Table("land_access", "cell of residential land × kind × profile: the nearest operating facility open to everyone",
              ("cell_id", "kind", "profile"), (
            _t("cell_id", "the cell"),
            _t("kind", "kind of facility"),
            _t("profile", "network", among=PROFILES),
            _n("distance_m", "walking distance, both legs included; missing beyond the search limit", "m", null=True,
               digits=2),
            _n("low_m", "walking distance in the low case, as access_low has it for homes; equal where nothing differs", "m",
               null=True, digits=2),
            _n("straight_m", "straight line to the nearest way in of any facility of the kind", "m", null=True, digits=2),
            _t("reason", "why the distance is missing", null=True,
               among=("no_facility_mapped", "home_not_linked", "facility_not_linked", "unreachable", "beyond_search_limit")),
        )),
        Table("gate_range", "home in a compound whose gates nobody knows × kind × profile: every barrier crossing open",
              ("demand_id", "kind", "profile"), (
            _t("demand_id", "the home"),
            _t("kind", "kind of facility"),
            _t("profile", "network", among=PROFILES),
            _w("gates", "places where a street meets the wall: each may be the only gate, or all of them gates"),
            _n("best_m", "walk with all of them open; missing where none leads there", "m", null=True, digits=2),
            _n("worst_m", "walk with the least favourable one alone; missing where it leads nowhere", "m", null=True,
               digits=2),
        )),
        Table("indicators", "indicator × zone × measure × standard × age band",
              ("indicator_id", "kind", "zone_id", "measure", "standard_id", "age_band"), (
            _t("indicator_id", "indicator of the catalogue"),
            _t("action", "Action of the plan"),
            _t("zone_id", "zone, * for the district"),
            _t("zone_name", "its name"),
            _t("kind", "kind of facility"),
            _t("age_band", "age band, * for all target bands of the kind"),
            _t("measure", "how distance is taken; empty for counts", among=("radius", "walk", "safe_walk", "")),
            _t("basis", "what is counted", among=("children", "residential_land", "places", "count")),
            _t("label_zh", "label in Chinese"),
            _t("label_en", "label in English"),
            _n("value", "the figure", "see unit", null=True, digits=6),
            _n("value_low", "with unverified barrier crossings closed and the least favourable of guessed gates", "see unit",
               null=True, digits=6),
            _n("value_high", "with all children of unknown position covered, and schools of unknown level counted for each level", "see unit", null=True, digits=6),
            _t("unit", "unit of value"),
            _n("numerator", "children or residential land covered, or facilities counted", "persons, weight, ha or sites", null=True, digits=9),
            _n("denominator", "all children, or all residential land, of the zone, those of unknown position included", "persons, weight or ha", null=True, digits=9),
            _n("n_unknown", "children, or land, whose position against the network is unknown; A02-gates: children in compounds whose gates "
               "nobody knows", "persons, weight or ha", null=True, digits=9),
            _t("weight_kind", "persons, relative weights, hectares or a count", among=("persons", "relative", "hectares", "count")),
            _t("standard_id", "standard of the catalogue; empty for counts"),
            _n("threshold", "its limit", "m or min", null=True),
            _t("threshold_unit", "m or min", among=("m", "min", "")),
            _n("target", "share that the rule asks for", "share", null=True),
            _t("verdict", "only the clause's own measure under a rule in force carries one", null=True, among=VERDICTS),
            _t("document", "document of the standard"),
            _t("clause", "clause; empty where its text was not seen"),
            _t("wording", "应 / 宜 / 可; empty where not seen"),
            _t("status", "standing of the standard"),
            _t("evidence_id", "leads to config, inputs and code in run.json"),
            _t("reason", "why there is no value or no verdict", null=True),
            _f("synthetic", "whether the figure is of the invented sample"),
        )),
    )
}

# fmt: on
