"""The stages in order: what each needs and leaves, and which parts of the configuration it looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xiqing_space.errors import ConfigError


@dataclass(frozen=True)
class Stage:
    """A stage: the tables it reads and leaves, other files, and the parts of the configuration that it looks at."""

    name: str
    zh: str
    needs: tuple[str, ...]
    leaves: tuple[str, ...]
    config: tuple[str, ...]


_LAYERS = (
    "area",
    "zones",
    "streets",
    "crossings",
    "facilities",
    "unlocated",
    "merges",
    "grounds",
    "barriers",
    "mapped_points",
    "compounds",
    "surveyed_gates",
    "demand",
    "landuse",
    "land_cells",
    "communities",
)
STAGES: tuple[Stage, ...] = (
    Stage("ingest", "读取数据", (), _LAYERS,
          ("area", "sources", "facilities", "matching", "survey", "stated", "landuse", "compounds", "gates", "population")),
    Stage("network", "建立步行网络", ("area", "streets", "facilities", "grounds", "barriers", "mapped_points", "compounds", "surveyed_gates", "demand",
                                      "land_cells"),
          ("nodes", "gates", "access_links", "land_links", "barrier_crossings"), ("walking",)),
    Stage("coverage", "计算可达性", ("area", "streets", "facilities", "merges", "gates", "access_links", "barrier_crossings", "demand", "land_cells",
                                    "land_links"),
          ("access", "access_low", "access_inside", "access_no_inferred", "access_no_legs", "land_access", "gate_range"), ("walking", "standards")),
    Stage("bridge", "查找覆盖损失原因", ("area", "zones", "streets", "facilities", "grounds", "barriers", "mapped_points", "compounds",
                                         "surveyed_gates", "demand", "gates", "access_links", "access"),
          ("bridge", "gate_openings"), ("walking", "standards")),
    Stage("supply", "计算供给与步行时间", ("area", "zones", "streets", "demand", "facilities", "gates", "access_links", "access"),
          ("facility_reach", "supply", "walk_minutes"), ("standards",)),
    Stage("catchments", "绘制服务范围", ("area", "streets", "barriers", "facilities", "access_links", "demand", "access", "land_cells",
                                         "land_access"), ("catchments",), ("standards",)),
    Stage("blind_spots", "查找盲区", ("area", "zones", "demand", "access", "bridge", "facilities", "unlocated", "compounds", "streets"),
          ("blind_spots",), ("standards",)),
    Stage("indicators", "计算指标", ("zones", "facilities", "unlocated", "demand", "access", "access_low", "access_inside",
                                      "access_no_inferred", "access_no_legs", "land_cells", "land_access", "gate_range", "bridge",
                                      "supply", "communities"),
          ("indicators", "sensitivity"), ("standards", "stated")),
    Stage("maps", "绘制地图", ("area", "zones", "streets", "facilities", "grounds", "barriers", "demand", "access", "indicators",
                                 "catchments", "blind_spots", "gate_openings", "walk_minutes"), (), ("standards", "output")),
    Stage("report", "写出数据表", (), (), ("standards", "output")),  # what it needs: see below
)  # fmt: skip
# a row per home or cell and kind: they stay in data/processed, and the report only says where
NOT_REPORTED = ("access_low", "access_inside", "access_no_inferred", "access_no_legs", "land_access", "land_links", "gate_range",
                "supply")  # fmt: skip
_REPORTED = tuple(name for stage in STAGES for name in stage.leaves if name not in NOT_REPORTED)
STAGES = tuple(replace(stage, needs=_REPORTED) if stage.name == "report" else stage for stage in STAGES)


def tables_of(stage: str) -> tuple[str, ...]:
    """The tables that a stage needs."""
    return next(one.needs for one in STAGES if one.name == stage)


def choose_stages(only: Sequence[str]) -> tuple[Stage, ...]:
    """The stages named and all that they need; all of them where none is named."""
    names = [stage.name for stage in STAGES]
    if unknown := sorted(set(only) - set(names)):
        raise ConfigError(
            f"没有这个阶段 / no such stage: {', '.join(unknown)}", todo=f"可用 / choose from: {', '.join(names)}"
        )
    last = max((names.index(name) for name in only), default=len(names) - 1)
    return STAGES[: last + 1]
