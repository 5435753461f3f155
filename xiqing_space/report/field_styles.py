"""What the sheets of the field sheet share: styles of cells, lists of choices, words at their heads."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from xiqing_space.ingest.field_columns import Field

HEADER_ROW = 4
SYNTHETIC = "示例数据 / synthetic sample：本表中的一切都是虚构的 / all of it is invented"
INTERNAL = "内部使用，未经地图审核不得公开 / for internal use only"
RELATIVE = "学生为相对权重，不是人数 / pupils are relative weights, never persons"


class FieldStyles:
    """Styles of cells, made once: to set them cell by cell takes longer than all the rest."""

    def __init__(self, book: Any) -> None:
        from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

        scratch = book.create_sheet("scratch")
        thin = Border(*(Side(style="thin", color="AAAAAA"),) * 4)
        wrapped = Alignment(wrap_text=True, vertical="top")
        centred = Alignment(wrap_text=True, vertical="center", horizontal="center")
        self._style = {}
        for at, (name, fill, font, alignment) in enumerate((
            ("told", None, None, wrapped), ("asked", "FFF4CC", None, wrapped), ("not_asked", "D9D9D9", None, centred),
            ("title", None, Font(bold=True, size=9), centred), ("school", None, Font(bold=True, size=14), None),
        ), 1):  # fmt: skip
            cell = scratch.cell(1, at)
            if fill is not None:
                cell.fill = PatternFill("solid", fgColor=fill)
            if font is not None:
                cell.font = font
            if alignment is not None:
                cell.alignment, cell.border = alignment, thin
            self._style[name] = cell._style
        book.remove(scratch)

    def put(self, cell: Any, name: str) -> Any:
        """Give a cell a style."""
        cell._style = copy(self._style[name])
        return cell


def offer(sheet: Any, columns: Sequence[tuple[str, float, Field | None]], rows: int) -> None:
    """Lists of choices, and ranges of numbers."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    for at, (_, _, field) in enumerate(columns, 1):
        if field is None:
            continue
        if field.words:
            check = DataValidation(
                type="list", formula1=f'"{",".join(field.offered)}"', allow_blank=True, showErrorMessage=True
            )
            check.error = "请从列表中选择 / choose from the list"
        else:
            kind = "whole" if field.whole else "decimal"
            check = DataValidation(type=kind, operator="between", formula1=f"{field.least:g}", formula2=f"{field.most:g}", allow_blank=True,
                                   showErrorMessage=True)  # fmt: skip
            check.error = f"{field.least:g}–{field.most:g}"
        letter = get_column_letter(at)
        check.add(f"{letter}{HEADER_ROW + 1}:{letter}{HEADER_ROW + rows}")
        sheet.add_data_validation(check)
