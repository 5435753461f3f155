"""reports/review.html: the same review as one page that asks no address for anything and prints on A4."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path

from xiqing_space.errors import printable
from xiqing_space.report.review_blocks import Block, Grid, Heading, NewPage, Paragraph, Picture

FILE = "review.html"
_LONG = 60  # rows of a table that stand open; longer ones are folded


def _safe(text: str) -> str:
    return escape(printable(text), quote=True)


def write_review_page(
    blocks: Sequence[Block], path: Path, pictures: Mapping[Path, bytes], *, title: str, footer: str, language: str
) -> Path:
    """Set the blocks as HTML; sheets stand in it as the smaller `pictures`."""
    body = "".join(_block(block, pictures) for block in blocks)
    style = resources.files(__package__).joinpath("review.css").read_text(encoding="utf-8")
    lang = "zh-CN" if language == "zh" else "en"
    path.write_text(
        f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{_safe(title)}</title><style>{style}</style></head><body><main>{body}</main>"
        f"<footer>{_safe(footer)}</footer></body></html>\n",
        encoding="utf-8",
        newline="\n",
    )
    return path


def _block(block: Block, pictures: Mapping[Path, bytes]) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level + 1}>{_safe(block.text)}</h{block.level + 1}>"
    if isinstance(block, Paragraph):
        return f'<p class="{block.style}">{_safe(block.text)}</p>'
    if isinstance(block, NewPage):
        return '<hr class="page">'
    if isinstance(block, Picture):
        data = base64.b64encode(pictures[block.path]).decode()
        caption = _safe(block.caption)
        return f'<figure><img src="data:image/png;base64,{data}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'
    return _grid(block)


def _grid(block: Grid) -> str:
    total = sum(block.widths)
    columns = "".join(f'<col style="width:{100 * part / total:.1f}%">' for part in block.widths)
    head = "".join(f'<th scope="col">{_safe(text)}</th>' for text in block.columns)
    rows = "".join("<tr>" + "".join(f"<td>{_safe(str(text))}</td>" for text in row) + "</tr>" for row in block.rows)
    table = f"<table><caption>{_safe(block.caption)}</caption><colgroup>{columns}</colgroup><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    if len(block.rows) <= _LONG:
        return f'<div class="grid">{table}</div>'
    return f'<details class="grid"><summary>{_safe(block.caption)}（{len(block.rows)}）</summary>{table}</details>'
