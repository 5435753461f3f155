"""Reports: workbooks and pages written from tables. They count and word nothing that a table does not hold; maps are in `maps`."""

from xiqing_space.report.checkup import Checkup, build_checkup
from xiqing_space.report.checkup_page import write_checkup_page
from xiqing_space.report.checkup_workbook import write_checkup_workbook

__all__ = ["Checkup", "build_checkup", "write_checkup_page", "write_checkup_workbook"]
