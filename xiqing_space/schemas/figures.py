"""The table of figures."""

from __future__ import annotations

from xiqing_space.schemas.columns import VERDICTS, Table, flag, number, text

SCENARIOS = ("alternative_limit", "faster_10", "slower_10", "no_access_legs", "no_inferred_facilities", "one_gate")

# fmt: off
TABLES = (
    Table("indicators", "indicator × zone × measure × standard × age band × variant",
          ("indicator_id", "kind", "zone_id", "measure", "standard_id", "age_band", "variant"), (
        text("indicator_id", "indicator of the catalogue"),
        text("action", "Action of the plan"),
        text("facility_action", "Action that the kind of facility belongs to; empty where none names it"),
        text("responsible", "units responsible for the Action, as the plan prints them"),
        text("zone_id", "zone; * for the district, *urban and *rural for its urban and rural zones"),
        text("zone_name", "its name"),
        text("kind", "kind of facility; circle for the complete circle; empty for figures that the responsible unit reports"),
        text("age_band", "age band, * for all target bands of the kind"),
        text("variant", "which of several figures: cause of the bridge, method and whose facilities of supply, which doctors, which "
             "stated total; empty where there is one"),
        text("measure", "how distance is taken; empty for counts", among=("radius", "walk", "safe_walk", "")),
        text("basis", "what is counted", among=("children", "residential_land", "places", "count", "reported")),
        text("label_zh", "label in Chinese"),
        text("label_en", "label in English"),
        number("value", "the figure", "see unit", null=True, digits=6),
        number("value_low", "with unverified barrier crossings closed and the least favourable of guessed gates", "see unit",
           null=True, digits=6),
        number("value_high", "with all children of unknown position covered, and schools of unknown level counted for each level", "see unit", null=True, digits=6),
        text("unit", "unit of value"),
        number("numerator", "children or residential land covered, or facilities, places or communities counted",
               "persons, weight, ha, places or sites", null=True, digits=9),
        number("denominator", "all children, or all residential land, of the zone, those of unknown position included; of other figures "
               "what they are divided by", "persons, weight, ha or sites", null=True, digits=9),
        number("n_unknown", "children, or land, whose position against the network is unknown; A02-gates: children in compounds whose gates "
           "nobody knows; places: facilities that state none; counts: facilities at places to be verified",
           "persons, weight, ha or sites", null=True, digits=9),
        text("weight_kind", "persons, relative weights, hectares or a count", among=("persons", "relative", "hectares", "count")),
        text("standard_id", "standard of the catalogue; empty for counts"),
        number("threshold", "its limit", "m or min", null=True),
        text("threshold_unit", "m or min", among=("m", "min", "")),
        number("target", "share that the rule asks for", "share", null=True),
        text("direction", "which way is better", among=("up", "down")),
        text("formula_zh", "how the figure is worked out, in words"),
        number("target_plan", "the plan's own target as it prints it: no standard, and no verdict", "see unit", null=True, digits=6),
        text("target_plan_zh", "its words"),
        number("now_plan", "what the plan says of today; never worked out again", "see unit", null=True, digits=6),
        text("now_plan_zh", "its words"),
        number("share_inferred", "share of the places that rests on the catalogue's rule", "share", null=True, digits=6),
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
        text("zone_id", "zone; * for the district, *urban and *rural for its urban and rural zones"),
        text("zone_name", "its name"),
        text("measure", "how distance is taken", among=("radius", "walk", "safe_walk")),
        text("standard_id", "standard of the catalogue"),
        text("scenario", "what is changed", among=SCENARIOS),
        text("changed_to", "alternative_limit: the other standard", null=True),
        number("value", "the share as it stands", "share", null=True, digits=6),
        number("changed", "the share with the change", "share", null=True, digits=6),
        number("difference", "changed − value", "share", null=True, least=-1.0, digits=6),
        text("reason", "why there is none", null=True),
        flag("synthetic", "whether the figure is of the invented sample"),
    )),
)
# fmt: on
