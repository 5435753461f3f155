"""The table of figures."""

from __future__ import annotations

from xiqing_space.schemas.columns import VERDICTS, Table, flag, number, text

SCENARIOS = ("alternative_limit", "faster_10", "slower_10", "no_access_legs", "no_inferred_facilities", "one_gate")

# fmt: off
TABLES = (
    Table("indicators", "indicator × zone × measure × standard × age band",
          ("indicator_id", "kind", "zone_id", "measure", "standard_id", "age_band"), (
        text("indicator_id", "indicator of the catalogue"),
        text("action", "Action of the plan"),
        text("zone_id", "zone, * for the district"),
        text("zone_name", "its name"),
        text("kind", "kind of facility"),
        text("age_band", "age band, * for all target bands of the kind"),
        text("measure", "how distance is taken; empty for counts", among=("radius", "walk", "safe_walk", "")),
        text("basis", "what is counted", among=("children", "residential_land", "places", "count")),
        text("label_zh", "label in Chinese"),
        text("label_en", "label in English"),
        number("value", "the figure", "see unit", null=True, digits=6),
        number("value_low", "with unverified barrier crossings closed and the least favourable of guessed gates", "see unit",
           null=True, digits=6),
        number("value_high", "with all children of unknown position covered, and schools of unknown level counted for each level", "see unit", null=True, digits=6),
        text("unit", "unit of value"),
        number("numerator", "children or residential land covered, or facilities counted", "persons, weight, ha or sites", null=True, digits=9),
        number("denominator", "all children, or all residential land, of the zone, those of unknown position included", "persons, weight or ha", null=True, digits=9),
        number("n_unknown", "children, or land, whose position against the network is unknown; A02-gates: children in compounds whose gates "
           "nobody knows", "persons, weight or ha", null=True, digits=9),
        text("weight_kind", "persons, relative weights, hectares or a count", among=("persons", "relative", "hectares", "count")),
        text("standard_id", "standard of the catalogue; empty for counts"),
        number("threshold", "its limit", "m or min", null=True),
        text("threshold_unit", "m or min", among=("m", "min", "")),
        number("target", "share that the rule asks for", "share", null=True),
        text("verdict", "only the clause's own measure under a rule in force carries one", null=True, among=VERDICTS),
        text("document", "document of the standard"),
        text("clause", "clause; empty where its text was not seen"),
        text("wording", "应 / 宜 / 可; empty where not seen"),
        text("status", "standing of the standard"),
        text("evidence_id", "leads to config, inputs and code in run.json"),
        text("reason", "why there is no value or no verdict", null=True),
        flag("synthetic", "whether the figure is of the invented sample"),
    )),
    Table("sensitivity", "headline share × scenario × zone: how far the figure moves when one assumption does",
          ("indicator_id", "kind", "zone_id", "measure", "standard_id", "scenario"), (
        text("indicator_id", "indicator of the catalogue"),
        text("kind", "kind of facility"),
        text("zone_id", "zone, * for the district"),
        text("measure", "how distance is taken", among=("radius", "walk", "safe_walk")),
        text("standard_id", "standard of the catalogue"),
        text("scenario", "what is changed", among=SCENARIOS),
        number("value", "the share as it stands", "share", null=True, digits=6),
        number("changed", "the share with the change", "share", null=True, digits=6),
        number("difference", "changed − value", "share", null=True, least=-1.0, digits=6),
        text("reason", "why there is none", null=True),
    )),
)
# fmt: on
