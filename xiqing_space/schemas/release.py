"""What a public release has instead of homes. No stage leaves these tables: they are made for the files of the release alone."""

from __future__ import annotations

from xiqing_space.schemas.columns import Table, flag, geometry, number, text
from xiqing_space.schemas.coverage import WEIGHT_KINDS

# fmt: off
TABLES = (
    Table("cells", "cell of 200 m in which children live, in public releases", ("cell_id",), (
        text("cell_id", "hundreds of metres east and north of its south-west corner in the metric system, and the zone: a cell on a border is two"),
        text("zone_id", "zone; missing outside every zone", null=True),
        text("weight_kind", "relative weights are shares, never persons", among=WEIGHT_KINDS),
        number("children", "children of all bands; missing where it is withheld, and for relative weights", "persons", null=True, digits=0),
        flag("withheld", "not shown: fewer children than the floor (relative weights: few homes), or it would give such a cell away"),
        geometry("MultiPolygon", "the part of the square that lies in the zone"),
    )),
    Table("cell_shares", "cell × kind: what the cell's children reach on foot within the default limit, in public releases", ("cell_id", "kind"), (
        text("cell_id", "the cell"),
        text("kind", "kind of facility; circle for the complete circle"),
        number("covered", "share of the children of the kind's ages for whom it is within the limit, in steps", "share", most=1.0),
        number("partly", "share for whom it is within the limit for some of the ages only", "share", most=1.0),
        number("not_covered", "share beyond the limit", "share", most=1.0),
        number("unknown", "share whose walk is unknown", "share", most=1.0),
    )),
)
# fmt: on
