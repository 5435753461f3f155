"""The city from one metre: what stands in a child's line of sight at the kerb."""

from __future__ import annotations

from xiqing_space.schemas.columns import Table, flag, geometry, number, text

HEIGHT_FROM = ("tag", "default", "survey")
EVIDENCE = ("measured", "screening")

# fmt: off
TABLES = (
    Table("obstacles", "solid thing that may stand between a child and a car: from the ground up to its height", ("obstacle_id",), (
        text("obstacle_id", "osm:n, osm:w or osm:r and the OSM id; parking / edge and side for parked cars; file: and row"),
        text("what", "what it is", among=("building", "wall", "fence", "hedge", "planter", "shelter", "kiosk", "parked_cars", "other")),
        number("height_m", "height over the ground", "m", digits=2),
        text("height_from", "where the height comes from", among=HEIGHT_FROM),
        number("width_m", "width of what is drawn as a line or point", "m", null=True, digits=2),
        text("cost_class", "how dear it is to take it away or lower it; missing for buildings", null=True, among=("low", "middle", "high")),
        geometry("MultiPolygon", "ground plan; lines and points widened to their width"),
    )),
    Table("sightlines", "waiting point × approach: how far a child sees along the road, and is seen", ("sightline_id",), (
        text("sightline_id", "crossing or gate, edge and side"),
        text("crossing_id", "crossing at whose kerb the child stands", null=True),
        text("gate_id", "gate at whose kerb the child stands", null=True),
        text("edge_id", "edge along which the car comes"),
        text("side", "side of the road on which the child stands, looking from u to v", among=("left", "right")),
        text("zone_id", "zone", null=True),
        text("near", "why it is looked at", among=("school_route", "young_children")),
        number("speed_kmh", "approach speed", "km/h"),
        text("speed_from", "where it comes from", among=HEIGHT_FROM),
        number("needed_m", "stopping sight distance at that speed", "m", digits=1),
        number("seen_child_m", "distance along the approach up to the first blocked place, from the child's eye at 1.00 m; at most the "
               "distance searched, save where somebody paced or taped it on site: then that stands here", "m", digits=1),
        number("seen_low_m", "the same from 0.88 m; always computed, and kept below what was found on site", "m", digits=1),
        number("seen_high_m", "the same from 1.10 m; always computed, and kept above what was found on site", "m", digits=1),
        number("seen_adult_m", "the same from 1.50 m; always computed, and kept above what was found on site", "m", digits=1),
        number("child_gap_m", "seen by the adult − seen by the child; missing where the child's was found on site, the adult's not", "m", null=True, digits=1),
        number("children", "pupils who pass the crossing; missing at gates", "persons or weight", null=True, digits=9),
        text("blocked_by", "obstacle that blocks the child first; missing where nothing does within the distance needed", null=True),
        text("blocked_what", "what it is", null=True),
        text("evidence", "measured: the height of what blocks is tagged or surveyed, or how far a child sees was found on site; screening: a default height, or nothing mapped in the way: a place to look at, no finding", among=EVIDENCE),
        text("verdict", "whether the child sees as far as needed; screening gives to be verified where not", among=("enough", "too_short", "to_verify")),
        geometry("LineString", "from the child's eye to the last place of the car that is computed to be seen, the first where none is"),
    )),
    Table("obstacle_survey", "sightline × obstacle that somebody looked at on site: what the returned field sheets say", ("sightline_id", "obstacle_id"), (
        text("sightline_id", "sightline of the sheet's row"),
        text("obstacle_id", "obstacle of the sheet's row"),
        number("height_m", "measured height of the obstacle; holds in every sightline", "m", null=True, digits=2),
        flag("gone", "whether the obstacle is no longer there, in any sightline"),
        number("seen_child_m", "how far along the approach a car is seen from 1.00 m, paced or taped", "m", null=True, digits=1),
        text("photo", "number of the photo", null=True),
        text("surveyed_on", "date on the sheet", null=True),
        text("source", "file, sheet and cell"),
    )),
)
# fmt: on
