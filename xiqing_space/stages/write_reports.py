"""Stages report and review: the workbook, the GeoPackage and the Shapefile set; the review as a document and as a page."""

from __future__ import annotations

from typing import Any

from xiqing_space import __version__
from xiqing_space.ingest.quality import Quality
from xiqing_space.release import notice_of, tables
from xiqing_space.report.geopackage import FILE as GEOPACKAGE
from xiqing_space.report.geopackage import write_geopackage
from xiqing_space.report.planner_tables import RunTables
from xiqing_space.report.shapefiles import FOLDER, write_shapefiles
from xiqing_space.report.workbook import FILE as WORKBOOK
from xiqing_space.report.workbook import INTERNAL, BookFacts, write_workbook
from xiqing_space.stage_list import NOT_REPORTED, tables_of
from xiqing_space.stages.context import Context


def report(context: Context) -> dict[str, Any]:
    """reports/tables.xlsx, reports/xiqing_space.gpkg and reports/shapefile/, from the tables that the stages before left."""
    output = context.config.output
    shown, notice = tables(context.store, context.catalogue, output), notice_of(output, context.catalogue)
    names = shown.reports(tuple(name for name in tables_of("report") if name not in NOT_REPORTED))
    people = shown.get("demand") if shown.public else None
    doubts = shown.doubts(Quality(list(context.doubts)).frame())
    run = RunTables({name: shown.get(name) for name in names}, doubts, shown.catalogue, () if shown.public else NOT_REPORTED,
                    people=people, note=notice.note[0])  # fmt: skip
    facts = book_facts(context, output.title, output.organisation, notice.line)
    folder = context.reports
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in write_workbook(run, facts, folder / WORKBOOK).items():
        context.quality.add("sheet_cut", source=WORKBOOK, id=table, n=rows)
    write_geopackage(run, folder / GEOPACKAGE, area=facts.area, synthetic=facts.synthetic)
    notes = write_shapefiles(run, folder / FOLDER, synthetic=facts.synthetic)
    for (layer, field), rows in notes.cut.items():
        context.quality.add("shapefile_text_cut", source=f"{layer}.shp", id=field, n=rows)
    return {"rows": {}}


def review(context: Context) -> dict[str, Any]:
    """reports/review.docx and review.html, with the sheets that stage figures drew."""
    from xiqing_space.maps import list_figures
    from xiqing_space.report.review_blocks import Picture
    from xiqing_space.report.review_content import Review
    from xiqing_space.report.review_docx import FILE as DOCUMENT
    from xiqing_space.report.review_docx import write_review_docx
    from xiqing_space.report.review_page import FILE as PAGE
    from xiqing_space.report.review_page import write_review_page
    from xiqing_space.report.small_pictures import small_pictures

    output = context.config.output
    shown, notice = tables(context.store, context.catalogue, output), notice_of(output, context.catalogue)
    doubts = shown.doubts(Quality(list(context.doubts)).frame())
    facts, language = book_facts(context, output.title, output.organisation, notice.line), output.language
    context.reports.mkdir(parents=True, exist_ok=True)
    drawn = [one for one in list_figures(shown, shown.catalogue, context.maps / "figures") if one.png.exists()]
    review = Review(shown, shown.catalogue, language, context.inputs, drawn, doubts)
    blocks = review.blocks()
    pictures = small_pictures(block.path for block in blocks if isinstance(block, Picture))
    notes = [
        facts.organisation,
        review.word("synthetic_note") if facts.synthetic else "",
        notice.note[review.side],
        facts.data_date,
    ]
    title, footer = review.title, "  ".join(note for note in notes if note)
    write_review_docx(blocks, context.reports / DOCUMENT, pictures, title=title, footer=footer)
    write_review_page(blocks, context.reports / PAGE, pictures, title=title, footer=footer, language=language)
    return {"rows": {}}


def book_facts(context: Context, title: str, organisation: str, note: str = INTERNAL) -> BookFacts:
    """What the cover says of a run."""
    area = context.store.get("area").iloc[0]
    text = {key: area[key] if isinstance(area[key], str) else "" for key in ("name", "source", "licence", "data_date")}
    return BookFacts(
        area=text["name"], title=title, synthetic=bool(area["synthetic"]), source=text["source"], licence=text["licence"],
        data_date=text["data_date"], metric_epsg=int(area["metric_epsg"]), organisation=organisation, version=__version__,
        run_key=context.run_key, inputs=context.inputs, note=note,
    )  # fmt: skip
