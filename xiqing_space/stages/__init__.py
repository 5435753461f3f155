"""What each stage does: tables in, tables out. The pipeline decides when."""

from xiqing_space.stages.build_network import network
from xiqing_space.stages.check_gates import gate_rules
from xiqing_space.stages.context import Context
from xiqing_space.stages.draw_catchments import catchments
from xiqing_space.stages.find_blind_spots import blind_spots
from xiqing_space.stages.look_along import sightlines
from xiqing_space.stages.measure_bridge import bridge
from xiqing_space.stages.measure_coverage import coverage
from xiqing_space.stages.measure_safe import safe_access
from xiqing_space.stages.measure_supply import supply
from xiqing_space.stages.rank_fixes import fixes
from xiqing_space.stages.read_layers import ingest
from xiqing_space.stages.route_pupils import routes
from xiqing_space.stages.score_streets import safety
from xiqing_space.stages.write_figures import figures, indicators, maps, school_map, write_csv
from xiqing_space.stages.write_reports import report, review

__all__ = [
    "Context",
    "blind_spots",
    "bridge",
    "catchments",
    "coverage",
    "figures",
    "fixes",
    "gate_rules",
    "indicators",
    "ingest",
    "maps",
    "network",
    "report",
    "review",
    "routes",
    "safe_access",
    "safety",
    "school_map",
    "sightlines",
    "supply",
    "write_csv",
]
