"""Who reaches what."""

from __future__ import annotations

from xiqing_space.schemas.columns import PROFILES, Table, number, text, whole

# fmt: off
TABLES = (
    Table("access", "demand × kind × profile: the nearest operating facility open to everyone",
          ("demand_id", "kind", "profile"), (
        text("demand_id", "the home"),
        text("kind", "kind of facility"),
        text("profile", "network", among=PROFILES),
        text("facility_id", "the facility nearest along streets", null=True),
        text("gate_id", "its gate", null=True),
        number("distance_m", "walking distance, both legs included; missing beyond the search limit", "m", null=True,
           digits=2),
        number("straight_m", "straight line to the nearest way in of any facility of the kind", "m", null=True, digits=2),
        text("reason", "why the distance is missing", null=True,
           among=("no_facility_mapped", "home_not_placed", "home_not_linked", "facility_not_linked", "unreachable",
                  "beyond_search_limit")),
    )),
    Table("access_low", "where the low case differs from access: unverified barrier crossings closed, and the least "
          "favourable of guessed gates", ("demand_id", "kind", "profile"), (
        text("demand_id", "the home"),
        text("kind", "kind of facility"),
        text("profile", "network", among=PROFILES),
        number("distance_m", "walking distance in the low case; missing beyond the search limit", "m", null=True, digits=2),
    )),
    Table("land_access", "cell of residential land × kind × profile: the nearest operating facility open to everyone",
          ("cell_id", "kind", "profile"), (
        text("cell_id", "the cell"),
        text("kind", "kind of facility"),
        text("profile", "network", among=PROFILES),
        number("distance_m", "walking distance, both legs included; missing beyond the search limit", "m", null=True,
           digits=2),
        number("low_m", "walking distance in the low case, as access_low has it for homes; equal where nothing differs", "m",
           null=True, digits=2),
        number("straight_m", "straight line to the nearest way in of any facility of the kind", "m", null=True, digits=2),
        text("reason", "why the distance is missing", null=True,
           among=("no_facility_mapped", "home_not_linked", "facility_not_linked", "unreachable", "beyond_search_limit")),
    )),
    Table("gate_range", "home in a compound whose gates nobody knows × kind × profile: every barrier crossing open",
          ("demand_id", "kind", "profile"), (
        text("demand_id", "the home"),
        text("kind", "kind of facility"),
        text("profile", "network", among=PROFILES),
        whole("gates", "places where a street meets the wall: each may be the only gate, or all of them gates"),
        number("best_m", "walk with all of them open; missing where none leads there", "m", null=True, digits=2),
        number("worst_m", "walk with the least favourable one alone; missing where it leads nowhere", "m", null=True,
           digits=2),
    )),
)
# fmt: on
