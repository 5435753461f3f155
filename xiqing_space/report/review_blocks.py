"""The pieces of a review, as a writer of DOCX or HTML sets them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Heading:
    """A heading; level 0 is the title."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `style`: body, about (what a summary is about), bullet, note or stamp."""

    text: str
    style: str = "body"


@dataclass(frozen=True)
class Grid:
    """A table with a caption; widths in parts of the whole."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]


@dataclass(frozen=True)
class Picture:
    """A figure with a caption."""

    caption: str
    path: Path


@dataclass(frozen=True)
class NewPage:
    """What follows begins on a new page."""


Block = Heading | Paragraph | Grid | Picture | NewPage
