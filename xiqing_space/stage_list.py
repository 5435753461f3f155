"""The stages in order: what each needs and leaves, and which parts of the configuration it looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
)
STAGES = (
    Stage("ingest", "读取数据", (), _LAYERS,
          ("area", "sources", "facilities", "matching", "survey", "stated", "landuse", "compounds", "gates", "population")),
    Stage("network", "建立步行网络", ("area", "streets", "facilities", "grounds", "barriers", "mapped_points", "compounds", "surveyed_gates", "demand",
                                      "land_cells"),
          ("nodes", "gates", "access_links", "land_links", "barrier_crossings"), ("walking",)),
    Stage("coverage", "计算可达性", ("area", "streets", "facilities", "gates", "access_links", "barrier_crossings", "demand", "land_cells",
                                    "land_links"),
          ("access", "access_low", "land_access", "gate_range"), ("walking", "standards")),
    Stage("indicators", "计算指标", ("zones", "facilities", "unlocated", "demand", "access", "access_low", "land_cells", "land_access",
                                      "gate_range"), ("indicators",), ("standards",)),
    Stage("maps", "绘制地图", ("area", "zones", "streets", "facilities", "grounds", "barriers", "demand", "access", "indicators"), (),
          ("standards", "output")),
)  # fmt: skip


def choose_stages(only: Sequence[str]) -> tuple[Stage, ...]:
    """The stages named and all that they need; all of them where none is named."""
    names = [stage.name for stage in STAGES]
    if unknown := sorted(set(only) - set(names)):
        raise ConfigError(
            f"没有这个阶段 / no such stage: {', '.join(unknown)}", todo=f"可用 / choose from: {', '.join(names)}"
        )
    last = max((names.index(name) for name in only), default=len(names) - 1)
    return STAGES[: last + 1]
