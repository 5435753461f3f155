"""The stages in order: what each needs and leaves, and which parts of the configuration it looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xiqing_space.errors import ConfigError


@dataclass(frozen=True)
class Stage:
    """A stage: what it reads and leaves, and what it waits for.

    `needs` and `leaves` are tables; `config` the parts of the configuration that it looks at; `writes` patterns of its other files
    in the run's folder; `after` stages whose files it reads; `doubts` whether it shows the inputs, and the doubts of all stages
    before it that leave tables; `reuses` the stage whose unwritten results it takes over where both are made in one process; `share`
    about how much of a run it takes: what stands at the head of a long way is begun first.
    """

    name: str
    zh: str
    needs: tuple[str, ...]
    leaves: tuple[str, ...]
    config: tuple[str, ...]
    writes: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    doubts: bool = False
    reuses: str = ""
    share: int = 1


_LAYERS = (
    "area",
    "zones",
    "streets",
    "street_tags",
    "mapped_crossings",
    "road_points",
    "surroundings",
    "facilities",
    "unlocated",
    "merges",
    "grounds",
    "barriers",
    "obstacles",
    "mapped_points",
    "compounds",
    "surveyed_gates",
    "demand",
    "landuse",
    "land_cells",
    "communities",
    "school_areas",
    "school_assignments",
    "school_shares",
    "street_survey",
    "obstacle_survey",
)
STAGES: tuple[Stage, ...] = (
    Stage("ingest", "读取数据", (), _LAYERS,
          ("area", "sources", "facilities", "matching", "survey", "stated", "landuse", "compounds", "gates", "population",
           "routes"), writes=("reports/*",)),
    Stage("network", "建立步行网络", ("area", "streets", "facilities", "grounds", "barriers", "mapped_points", "compounds", "surveyed_gates", "demand",
                                      "land_cells"),
          ("nodes", "gates", "access_links", "land_links", "barrier_crossings"), ("walking",)),
    Stage("safety", "评估街道与过街风险", ("area", "streets", "street_tags", "road_points", "mapped_crossings", "gates", "access_links",
                                      "street_survey"),
          ("street_attributes", "crossings", "segment_scores", "crossing_scores"), ()),
    Stage("coverage", "计算可达性", ("area", "streets", "facilities", "merges", "gates", "access_links", "barrier_crossings", "demand", "land_cells",
                                    "land_links"),
          ("access", "access_low", "access_inside", "access_no_inferred", "access_no_legs", "land_access", "gate_range"), ("walking", "standards")),
    Stage("safe_access", "计算安全步行可达性", ("area", "streets", "street_attributes", "crossings", "barrier_crossings", "demand", "facilities", "gates",
                                       "access_links", "access"), ("safe_access", "safe_bridge"), ("walking", "standards")),
    Stage("bridge", "查找覆盖损失原因", ("area", "zones", "streets", "facilities", "grounds", "barriers", "mapped_points", "compounds",
                                         "surveyed_gates", "demand", "gates", "access_links", "access"),
          ("bridge", "gate_openings"), ("walking", "standards")),
    Stage("supply", "计算供给与步行时间", ("area", "zones", "streets", "demand", "facilities", "gates", "access_links", "access"),
          ("facility_reach", "supply", "walk_minutes"), ("standards",), share=2),
    Stage("catchments", "绘制服务范围", ("area", "streets", "barriers", "facilities", "access_links", "demand", "access", "land_cells",
                                         "land_access"), ("catchments",), ("standards",), share=4),
    Stage("blind_spots", "查找盲区", ("area", "zones", "demand", "access", "bridge", "facilities", "unlocated", "compounds", "streets"),
          ("blind_spots",), ("standards",), share=2),
    Stage("routes", "推算上学路径", ("area", "zones", "streets", "barriers", "facilities", "demand", "gates", "access_links", "access",
                                   "street_attributes", "crossings", "segment_scores", "crossing_scores", "school_areas",
                                   "school_assignments", "school_shares"),
          ("school_routes", "school_forest", "pupil_flows", "schools"), ("routes",)),
    Stage("gate_rules", "核对校门规则", ("area", "zones", "streets", "facilities", "grounds", "gates", "mapped_points", "access_links",
                                       "barriers", "surroundings", "street_survey", "street_attributes", "crossings"),
          ("gate_rules",), ()),
    Stage("fixes", "排列优先整治清单", ("area", "zones", "streets", "barriers", "facilities", "compounds", "demand", "gates", "access_links", "access",
                                      "street_attributes", "crossings", "segment_scores", "crossing_scores", "school_areas",
                                      "school_assignments", "school_shares", "gate_openings"), ("fixes",), ("walking", "routes"), reuses="routes"),
    Stage("sightlines", "量算儿童视线", ("area", "zones", "streets", "street_tags", "facilities", "access_links", "obstacles", "obstacle_survey",
                                      "street_attributes", "crossings", "pupil_flows", "schools"), ("sightlines",), ()),
    Stage("indicators", "计算指标", ("zones", "facilities", "unlocated", "demand", "access", "access_low", "access_inside",
                                      "access_no_inferred", "access_no_legs", "land_cells", "land_access", "gate_range", "bridge",
                                      "supply", "communities", "safe_access", "safe_bridge", "school_routes", "crossings", "gate_rules"),
          ("indicators", "sensitivity"), ("standards", "stated"), writes=("data/processed/indicators.csv",)),
    Stage("school_map", "绘制上学路径图", ("area", "zones", "streets", "facilities", "grounds", "barriers", "demand", "access", "indicators",
                                     "street_attributes", "segment_scores", "crossings", "crossing_scores", "pupil_flows", "schools",
                                     "school_forest", "gate_rules", "fixes"),
          (), ("standards", "output"), writes=("maps/action13_*.html",), doubts=True),
    Stage("maps", "绘制地图", ("area", "zones", "streets", "facilities", "grounds", "barriers", "demand", "access", "indicators",
                                 "catchments", "blind_spots", "gate_openings", "walk_minutes", "schools", "sightlines"),
          (), ("standards", "output"), writes=("maps/action02_*.html", "maps/index.html"), after=("school_map",), doubts=True),
    Stage("figures", "绘制专题图", ("area", "zones", "streets", "facilities", "grounds", "barriers", "demand", "access", "blind_spots",
                                  "street_attributes", "segment_scores", "crossings", "crossing_scores", "pupil_flows", "schools",
                                  "school_forest", "gate_rules", "fixes"), (), ("standards", "output"), writes=("maps/figures/*",), share=6),
    Stage("report", "写出数据表", (), (), ("standards", "output"), writes=("reports/tables.xlsx", "reports/*.gpkg", "reports/shapefile/*"), doubts=True,
          share=3),
    Stage("review", "写出评估报告", (), (), ("standards", "output"), writes=("reports/review.*",), after=("figures",), doubts=True,
          share=2),
)  # fmt: skip
# a row per home, cell, street or thing to verify: they stay in data/processed, and the report only says where
NOT_REPORTED = ("access_low", "access_inside", "access_no_inferred", "access_no_legs", "land_access", "land_links", "gate_range",
                "supply", "street_tags", "road_points", "surroundings", "school_areas", "school_assignments", "school_shares",
                "street_survey", "school_routes", "school_forest", "safe_access", "safe_bridge", "obstacles",
                "obstacle_survey")  # fmt: skip
_REPORTED = tuple(name for stage in STAGES for name in stage.leaves if name not in NOT_REPORTED)
# school_forest: a public release adds up pupils on streets without schools that it may not show
STAGES = tuple(
    replace(stage, needs=(*_REPORTED, "school_forest")) if stage.name in ("report", "review") else stage
    for stage in STAGES
)


def tables_of(stage: str) -> tuple[str, ...]:
    """The tables that a stage needs."""
    return next(one.needs for one in STAGES if one.name == stage)


def waited_for(stage: Stage) -> tuple[str, ...]:
    """The stages that must be done before it, in order."""
    before = STAGES[: [one.name for one in STAGES].index(stage.name)]
    return tuple(
        one.name
        for one in before
        if set(one.leaves) & set(stage.needs) or one.name in stage.after or (stage.doubts and one.leaves)
    )


def choose_stages(only: Sequence[str]) -> tuple[Stage, ...]:
    """The stages named and all that they need; all of them where none is named."""
    names = [stage.name for stage in STAGES]
    if unknown := sorted(set(only) - set(names)):
        raise ConfigError(
            f"没有这个阶段 / no such stage: {', '.join(unknown)}", todo=f"可用 / choose from: {', '.join(names)}"
        )
    wanted = set(only or names)
    for stage in reversed(STAGES):
        if stage.name in wanted:
            wanted.update(waited_for(stage))
    return tuple(stage for stage in STAGES if stage.name in wanted)
