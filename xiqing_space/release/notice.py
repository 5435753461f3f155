"""What every map, figure and page of a release says of itself: watermark or 审图号, unit and date; and what a public one needs."""

from __future__ import annotations

from dataclasses import dataclass

from xiqing_space.catalog import Catalogue
from xiqing_space.errors import ConfigError
from xiqing_space.sections import OutputConfig

PUBLIC = "public"


@dataclass(frozen=True)
class Notice:
    """Words in both languages. `stamp`: the watermark, empty in a public release. `note`: what stands at the foot."""

    stamp: tuple[str, str]
    note: tuple[str, str]

    @property
    def line(self) -> str:
        """The note in one line, both languages."""
        return f"{self.note[0]} / {self.note[1]}"


def notice_of(output: OutputConfig, catalogue: Catalogue) -> Notice:
    """The words of a release. An empty 审图号 is never printed."""
    number = tuple(f"{head}{output.map_approval}" for head in catalogue.word("map_approval"))
    stamp = ("", "") if output.release == PUBLIC else catalogue.word("internal_note")
    parts = [*([stamp] if stamp[0] else []), *([number] if output.map_approval else [])]
    return Notice(stamp, ("　".join(one[0] for one in parts), "; ".join(one[1] for one in parts)))


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
