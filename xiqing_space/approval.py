"""What a public release needs before anything is computed: the number of its map review."""

from __future__ import annotations

from xiqing_space.errors import ConfigError
from xiqing_space.sections import OutputConfig

PUBLIC = "public"


def require_approval(output: OutputConfig) -> None:
    """Refuse a public release without a number of map review.

    Raises
    ------
    ConfigError
        `release = "public"` and no `map_approval`.
    """
    if output.release == PUBLIC and not output.map_approval:
        raise ConfigError(
            "公开版必须有审图号：没有审图号的地图不得公开 / a public release needs the number of its map review: no map may be published without one",
            where="[output] release = \"public\"",
            todo="送审后填写 [output] map_approval；未送审请用 release = \"internal\" / give map_approval after the review, or use release = \"internal\"",
        )  # fmt: skip
