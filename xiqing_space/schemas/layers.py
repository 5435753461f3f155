"""What ingest leaves of area, people, facilities and land."""

from __future__ import annotations

from xiqing_space.schemas.columns import Table, flag, geometry, number, text, whole

# fmt: off
_pop = tuple(
    number(f"pop_{ages}", f"children aged {ages.replace('_', '–')}, or their relative weight", "persons or weight", digits=9)
    for ages in ("0_2", "3_5", "6_11", "12_14", "15_17")
)

TABLES = (
    Table("area", "the study area", ("name",), (
        text("name", "name of the area as configured"),
        text("source", "files that the area and its data came from"),
        text("licence", "licence of the source", null=True),
        text("data_date", "date of the data, ISO 8601; missing where nobody states it", null=True),
        flag("synthetic", "whether the data are the invented sample"),
        whole("metric_epsg", "EPSG code in which lengths and areas were measured"),
        geometry("MultiPolygon"),
    )),
    Table("zones", "街镇 / 社区", ("zone_id",), (
        text("zone_id", "id of the zone"),
        text("name", "name of the zone"),
        text("level", "level of the zone, where the source tells", null=True),
        text("parent_id", "id of the zone above", null=True),
        text("settlement", "whether urban standards fit", null=True, among=("urban", "rural", "mixed")),
        geometry("MultiPolygon"),
    )),
    Table("facilities", "site × kind", ("facility_id",), (
        text("facility_id", "osm:n, osm:w or osm:r and the OSM id; with #kind for the further kinds of one site"),
        text("site_id", "the site"),
        text("kind", "kind of the catalogue"),
        text("name", "name as mapped", null=True),
        text("operator", "who runs it", among=("public", "inclusive_private", "private", "unknown")),
        text("status", "only operating ones count as existing", among=("operating", "building", "planned", "closed")),
        text("serves", "whom it serves", among=("everyone", "residents", "employees")),
        number("capacity_places", "places", "places", null=True),
        number("classes", "classes", "classes", null=True),
        number("enrolled", "children enrolled", "persons", null=True),
        text("capacity_from", "where the places come from", null=True, among=("tag", "file", "default", "survey")),
        number("gp_doctors", "general practitioners as listed", "persons", null=True),
        number("child_health_doctors", "child-health doctors as listed", "persons", null=True),
        text("community", "community as listed", null=True),
        text("address", "address as listed", null=True),
        text("legal_person", "legal person or operator as listed", null=True),
        flag("inside", "inside the area, or only in its buffer"),
        text("located_by", "what its point rests on", among=("node", "area", "file", "matched", "survey")),
        text("source", "file"),
        text("source_row", "row or id in the file"),
        text("datum_in", "coordinate system of the source"),
        geometry("Point", "the point, or a point on the ground's surface"),
    )),
    Table("unlocated", "facility of a list whose place is to be verified (位置待核): it counts, but no walk leads to it",
          ("facility_id",), (
        text("facility_id", "file: list, and row or own code"),
        text("kind", "kind of the catalogue"),
        text("name", "name as listed", null=True),
        text("address", "address as listed", null=True),
        text("zone", "town as listed", null=True),
        text("community", "community as listed", null=True),
        number("capacity_places", "places as listed", "places", null=True),
        number("gp_doctors", "general practitioners as listed", "persons", null=True),
        number("child_health_doctors", "child-health doctors as listed", "persons", null=True),
        flag("asked", "whether the workbook of questions offers places for it: it may be one of the facilities already counted"),
        text("operator", "who runs it", among=("public", "inclusive_private", "private", "unknown")),
        text("status", "only operating ones count as existing", among=("operating", "building", "planned", "closed")),
        text("serves", "whom it serves", among=("everyone", "residents", "employees")),
        text("source", "file"),
        text("source_row", "row in the file"),
    )),
    Table("merges", "row that was merged into another as the same facility", ("merged_row_id",), (
        text("merged_row_id", "row that went into the other"),
        text("kept_row_id", "facility that stays"),
        number("distance_m", "how far they lie apart", "m", null=True, digits=1),
        number("name_score", "agreement of their names, 0 to 1", "1", null=True),
        text("conflicts", "fields in which they contradict each other, in Chinese", null=True),
        text("conflicts_en", "the same in English", null=True),
        text("conflict_source", "file that states the first of them otherwise", null=True),
        text("rule_zh", "rule by which they were merged"),
        text("rule_en", "the same in English"),
    )),
    Table("communities", "社区 or village of the membership table (街镇–社区–小区)", ("community_id",), (
        text("community_id", "town and name as listed"),
        text("name", "name as listed"),
        text("town", "town as listed", null=True),
        text("settlement", "urban: 社区, rural: 村, by the end of its name; missing where it tells neither", null=True,
             among=("urban", "rural")),
    )),
    Table("grounds", "land of a site (park, school, hospital)", ("site_id",), (
        text("site_id", "the site"),
        number("area_ha", "area", "ha", digits=4),
        geometry("MultiPolygon"),
    )),
    Table("compounds", "小区 with walls", ("compound_id",), (
        text("compound_id", "osm:w or osm:r and the OSM id"),
        text("name", "name as mapped", null=True),
        number("households", "households", "households", null=True),
        geometry("MultiPolygon"),
    )),
    Table("surveyed_gates", "gate as the office surveyed it", ("gate_id", "owner_id"), (
        text("gate_id", "file: and the file's own code or row"),
        text("owner_id", "site or compound"),
        text("owner_type", "what it leads into", among=("site", "compound")),
        text("status", "who may pass, and when", among=("open", "residents", "timed", "unknown", "closed")),
        geometry("Point"),
    )),
    Table("demand", "place where children live, buffer included", ("demand_id",), (
        text("demand_id", "osm:w or osm:r and the OSM id of the home"),
        text("zone_id", "zone; missing outside every zone", null=True),
        text("compound_id", "compound", null=True),
        flag("inside", "inside the area; the buffer's homes are never reported"),
        number("pop_total", "all residents, or their relative weight (relative weights sum to 1 inside the area); missing where "
           "only children were counted", "persons or weight", null=True, digits=9),
        *_pop,
        text("weight_kind", "relative weights are shares, never persons", among=("persons", "relative")),
        text("from", "what the people rest on (density: mean people per floor area, for homes of the buffer)",
           among=("compound", "zone", "raster", "district", "density", "weights")),
        text("ages_from", "what the ages rest on: stated; split, a group across bands divided per year; parent, shares of the "
           "zone above; missing", among=("stated", "split", "parent", "missing")),
        flag("placed", "whether the place is known; where not, the point is not where these people live, and they are unknown in "
           "every measure"),
        text("reason", "why the place is not known", null=True),
        geometry("Point"),
    )),
    Table("landuse", "land of one use that touches the study area or its buffer, as the office drew it",
          ("landuse_id",), (
        text("landuse_id", "file: list and row"),
        text("class", "class of the catalogue; vacant_planned is land for later use"),
        text("code", "code as the source has it"),
        number("area_ha", "area of the whole piece", "ha", digits=9),
        geometry("MultiPolygon"),
    )),
    Table("land_cells", "cell of the area's residential land", ("cell_id",), (
        text("cell_id", "piece of land, column and row of the grid, and zone"),
        text("landuse_id", "piece of land"),
        text("class", "class of the catalogue"),
        text("zone_id", "zone; missing outside every zone", null=True),
        text("compound_id", "walled compound in which its point lies", null=True),
        number("area_ha", "land in the cell; the cells of a zone sum to its residential land", "ha", digits=12),
        geometry("Point", "a point on the land"),
    )),
)
# fmt: on
