"""reports/review.docx: the review as a document in the usual styles of Chinese offices, fonts by name."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xiqing_space.errors import printable
from xiqing_space.ingest.fixed_xlsx import save_office
from xiqing_space.report.review_blocks import Block, Grid, Heading, NewPage, Paragraph, Picture

FILE = "review.docx"
# 公文：标题小标宋，一级黑体，二级楷体，正文仿宋；西文 Times New Roman
_FONTS = {"title": ("方正小标宋简体", 18), "h1": ("黑体", 16), "h2": ("楷体_GB2312", 15), "body": ("仿宋_GB2312", 12), "cell": ("仿宋_GB2312", 9),
          "caption": ("黑体", 10.5), "note": ("仿宋_GB2312", 10.5)}  # fmt: skip
_LATIN = "Times New Roman"
_CELL, _HEAD, _NOTE = "表格文字", "表头", "注释"  # styles of our own
_PICTURE_MM = 138  # two sheets to a page
_WIDE_COLUMNS = 8  # a table with more columns lies on a sheet turned sideways


def write_review_docx(
    blocks: Sequence[Block], path: Path, pictures: Mapping[Path, bytes], *, title: str, footer: str
) -> Path:
    """Set the blocks and save them, the same bytes each time.

    Parameters
    ----------
    pictures : mapping of path to bytes
        Each sheet as a smaller PNG.
    title : str
        Title in the file's properties.
    footer : str
        What stands at the foot of every page (who made it, sample or internal label).
    """
    from docx import Document

    document = Document()
    _page(document.sections[0], sideways=False)
    _styles(document)
    document.core_properties.title, document.core_properties.author = title, "xiqing_space"
    document.core_properties.comments = document.core_properties.keywords = ""
    before: Block | None = None
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if isinstance(block, Heading):
            if _is_wide(after):  # the heading stands on the sheet of its table
                _turn(document, sideways=True)
            _heading(document, block)
        elif isinstance(block, Paragraph):
            _paragraph(document, block)
        elif isinstance(block, Picture):
            _picture(document, block, pictures)
        elif isinstance(block, NewPage):
            following = blocks[blocks.index(block) + 2 : blocks.index(block) + 3]
            if not _is_wide(before) and not (following and isinstance(after, Heading) and _is_wide(following[0])):
                document.add_page_break()  # type: ignore[no-untyped-call]
        else:
            _grid(document, block, turned=isinstance(before, Heading))
        before = block
    for section in document.sections:
        _footer(section, footer)
    return save_office(lambda place: document.save(str(place)), path)


def _page(section: Any, *, sideways: bool) -> None:
    """A4 with the margins of official documents (GB/T 9704: 37, 35, 28, 26 mm), smaller ones where a wide table lies sideways."""
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm

    section.orientation = WD_ORIENT.LANDSCAPE if sideways else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Mm(297), Mm(210)) if sideways else (Mm(210), Mm(297))
    margins = (20, 18, 18, 18) if sideways else (37, 35, 28, 26)
    section.top_margin, section.bottom_margin, section.left_margin, section.right_margin = (Mm(one) for one in margins)


def _font(style: Any, which: str, *, bold: bool = False) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt

    name, size = _FONTS[which]
    font = style.font
    font.name, font.size, font.bold = _LATIN, Pt(size), bold
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)


def _styles(document: Any) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    for style, which in (
        ("Normal", "body"),
        ("Title", "title"),
        ("Heading 1", "h1"),
        ("Heading 2", "h2"),
        ("Caption", "caption"),
        ("List Bullet", "note"),
    ):
        mine = document.styles[style]
        _font(mine, which)
        mine.font.color.rgb = RGBColor(0, 0, 0)
        mine.font.italic = False
    for border in document.styles["Title"].element.iter(qn("w:pBdr")):
        border.getparent().remove(border)
        break
    for style, before, after in (("Title", 0, 6), ("Heading 1", 10, 4), ("Heading 2", 8, 4)):
        spaced = document.styles[style].paragraph_format
        spaced.space_before, spaced.space_after = Pt(before), Pt(after)
    body = document.styles["Normal"].paragraph_format
    body.line_spacing, body.space_after = Pt(18), Pt(2)
    bullet = document.styles["List Bullet"].paragraph_format  # so that the first page stays one page
    bullet.line_spacing, bullet.space_after, bullet.left_indent, bullet.first_line_indent = (
        Pt(15),
        Pt(1),
        Pt(12),
        Pt(-12),
    )
    document.styles["Caption"].paragraph_format.line_spacing = Pt(16)
    for style, which, leading in ((_CELL, "cell", 12), (_HEAD, "cell", 12), (_NOTE, "note", 15)):
        mine = document.styles.add_style(style, WD_STYLE_TYPE.PARAGRAPH)
        mine.base_style = document.styles["Normal"]
        _font(mine, which, bold=style == _HEAD)
        mine.paragraph_format.line_spacing, mine.paragraph_format.space_after = Pt(leading), Pt(0)


def _put(paragraph: Any, text: str) -> Any:
    """Text in the font of the paragraph's style."""
    return paragraph.add_run(printable(text))


def _heading(document: Any, block: Heading) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    paragraph = document.add_paragraph(style="Title" if block.level == 0 else f"Heading {block.level}")
    paragraph.paragraph_format.keep_with_next = True
    if block.level == 0:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _put(paragraph, block.text)


def _paragraph(document: Any, block: Paragraph) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt, RGBColor

    style = {"body": "Normal", "bullet": "List Bullet"}.get(block.style, _NOTE)
    paragraph = document.add_paragraph(style=style)
    if block.style in ("body", "about"):
        paragraph.paragraph_format.first_line_indent = Pt(2 * _FONTS["note" if style == _NOTE else "body"][1])
    run = _put(paragraph, block.text)
    if block.style == "stamp":
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run.font.bold, run.font.color.rgb = True, RGBColor(0x9C, 0x1C, 0x1C)


def _caption(document: Any, text: str, *, above: bool) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    paragraph = document.add_paragraph(style="Caption")
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.keep_with_next = above
    _put(paragraph, text)


def _room(document: Any) -> int:
    section = document.sections[-1]
    return int(section.page_width - section.left_margin - section.right_margin)


def _picture(document: Any, block: Picture, pictures: Mapping[Path, bytes]) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm

    paragraph = document.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.keep_with_next = True
    paragraph.paragraph_format.line_spacing = 1.0
    paragraph.add_run().add_picture(io.BytesIO(pictures[block.path]), width=Mm(_PICTURE_MM))
    _caption(document, block.caption, above=False)


def _is_wide(block: Block | None) -> bool:
    return isinstance(block, Grid) and len(block.columns) > _WIDE_COLUMNS


def _turn(document: Any, *, sideways: bool) -> None:
    from docx.enum.section import WD_SECTION

    _page(document.add_section(WD_SECTION.NEW_PAGE), sideways=sideways)


def _grid(document: Any, block: Grid, *, turned: bool) -> None:
    from docx.enum.table import WD_TABLE_ALIGNMENT
    from docx.shared import Emu, Pt

    wide = _is_wide(block)
    if wide and not turned:
        _turn(document, sideways=True)
    _caption(document, block.caption, above=True)
    table = document.add_table(rows=1 + len(block.rows), cols=len(block.columns), style="Table Grid")
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    room = _room(document)
    widths = [Emu(int(room * part / sum(block.widths))) for part in block.widths]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    styles = [document.styles[one].style_id for one in (_HEAD, _CELL)]  # by id: by name, all are searched for each cell
    cells = table._cells  # one look-up for all: asking for each row anew takes minutes on long tables
    for number, row in enumerate((block.columns, *block.rows)):
        for place, text in enumerate(row):
            cell = cells[number * len(block.columns) + place]
            cell.width = widths[place]
            paragraph = cell.paragraphs[0]
            paragraph._p.style = styles[min(number, 1)]
            _put(paragraph, str(text))
    for number, row in enumerate(table.rows):  # one look-up for all, as above
        _mark(row, "w:cantSplit")
        if number == 0:
            _mark(row, "w:tblHeader")
    if wide:
        _turn(document, sideways=False)
    else:
        document.add_paragraph().paragraph_format.line_spacing = Pt(6)


def _mark(row: Any, name: str) -> None:
    """`w:cantSplit`: a row is not torn between two pages; `w:tblHeader`: the head again on every page that the table runs over."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    mark = OxmlElement(name)
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def _footer(section: Any, text: str) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    section.footer.is_linked_to_previous = False
    paragraph = section.footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.style = _NOTE
    _put(paragraph, f"{text}  — ")
    run = paragraph.add_run()
    for kind, content in (("begin", None), (None, "PAGE"), ("end", None)):
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            part.set(qn("w:fldCharType"), kind)
        else:
            part.text = content
        run._r.append(part)
    _put(paragraph, " —")
