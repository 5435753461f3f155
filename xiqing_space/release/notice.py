"""What every map, figure and page of a release says of itself: watermark or 审图号, unit and date."""

from __future__ import annotations

from dataclasses import dataclass

from xiqing_space.approval import PUBLIC
from xiqing_space.catalog import Catalogue
from xiqing_space.sections import OutputConfig


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
