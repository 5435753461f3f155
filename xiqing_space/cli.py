"""The command line: one thin sub-command each. Heavy imports happen inside, so that --help answers at once."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from xiqing_space import __version__
from xiqing_space.embed import iframe_of
from xiqing_space.errors import TableError, XiqingError, printable

DONE, INPUT_FAULT, USAGE, PROGRAM_FAULT = 0, 1, 2, 3
_FILE_FAULTS = {
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.EACCES,
    errno.EPERM,
    errno.ENOSPC,
    errno.EROFS,
    errno.ENAMETOOLONG,
}
_INTERRUPTED = 130  # what typer makes of Ctrl-C
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="儿童友好空间步行可达性评估 / Walking coverage of child facilities in a district.",
)


def _say(line: str) -> None:
    print(printable(line), flush=True)


def _version(value: bool) -> None:
    if value:
        _say(f"xiqing_space {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="版本 / version")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    config: Annotated[Path, typer.Option(help="设置文件 / configuration (.toml)")] = Path("config/xiqing.toml"),
    out: Annotated[Path, typer.Option(help="结果文件夹 / folder for results")] = Path(),
    only: Annotated[
        list[str] | None, typer.Option(help="只运行这些阶段（及其所需）/ only these stages and what they need")
    ] = None,
    lang: Annotated[str | None, typer.Option(help="zh 或/or en")] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            max=8,
            envvar="XIQING_WORKERS",
            help="同时运行的进程数，结果相同；内存少时用 1 / processes; 1 where memory is short",
        ),
    ] = min(2, os.cpu_count() or 1),
) -> None:
    """读取数据、计算可达性、绘制地图 / Read, compute, draw."""
    if lang not in (None, "zh", "en"):
        raise typer.BadParameter("zh / en", param_hint="--lang")
    from xiqing_space.pipeline import run as run_pipeline

    outcome = run_pipeline(config, out, only=only or (), lang=lang, progress=_say, workers=workers)
    if not outcome.changed:
        _say("没有变化，结果仍然有效 / nothing changed, the results still hold")
    label = "示例数据 / synthetic sample: " if outcome.synthetic else ""
    _say(f"数据 data: {label}{', '.join(outcome.sources)}")
    _say(f"数据表 tables: {outcome.out / 'data' / 'processed'}")
    for page in outcome.pages:
        _say(f"打开 open: {page}")
    for line in filter(None, map(iframe_of, outcome.pages)):
        _say(f"嵌入 embed: {line}")


@app.command()
def check(
    config: Annotated[Path, typer.Option(help="设置文件 / configuration (.toml)")] = Path("config/xiqing.toml"),
    out: Annotated[Path, typer.Option(help="写到这里 / where to write")] = Path(),
    returned: Annotated[
        list[Path] | None, typer.Option(help="各单位退回的核实表 .xlsx，可多次给出 / a returned sheet; may be repeated")
    ] = None,
) -> None:
    """只读取并检查数据，写出 quality.csv 与数据体检（xlsx、html）/ Read and check every input, compute nothing."""
    from xiqing_space.pipeline import check as check_inputs

    done = check_inputs(config, out, _say, returned or ())
    _say(
        f"全部疑点 {done.doubts} 项，其中错误和警告 {done.grave} 项需要留意 / {done.doubts} doubts, {done.grave} of them errors or warnings: {done.quality}"
    )
    if returned:
        _say(f"回执消除疑点 {done.closed} 项 / settled by returned sheets: {done.closed}")
    if done.changes is not None:
        settled, still, new = done.changes
        _say(
            f"与上次相比（全部疑点）：已消除 {settled}，仍存在 {still}，新出现 {new} / all doubts since the last check: {settled} settled, {still} open, {new} new"
        )
    for path in done.files:
        _say(f"打开 open: {path}")


@app.command()
def sample(out: Annotated[Path, typer.Option(help="写到这里 / where to write it")] = Path("sample")) -> None:
    """写出示例数据（虚构的区）/ Write the synthetic sample as real files, with a configuration to run it."""
    from xiqing_space.sample import write_district

    _say(f"示例数据 / synthetic sample: {write_district(out)}")


@app.command()
def fetch(
    config: Annotated[Path, typer.Option(help="设置文件 / configuration (.toml)")] = Path("config/xiqing.toml"),
    out: Annotated[Path, typer.Option(help="写入其中的 data/raw / its data/raw is written")] = Path(),
) -> None:
    """从 OpenStreetMap 下载评估范围的数据（需联网）/ Fetch the district from OpenStreetMap into data/raw."""
    from xiqing_space.fetch import fetch as fetch_district

    found = fetch_district(config, out, _say)
    counts = found.record["counts"]
    _say(f"数据日期 date: {found.record['data_date'] or '?'}; {found.record['licence']}")
    _say(
        f"完成 done: {found.osm} ({counts['nodes']:,} nodes, {counts['ways']:,} ways, {counts['relations']:,} relations)"
    )
    _say("下一步 next: make coverage")


@app.command()
def field_sheet(
    config: Annotated[Path, typer.Option(help="设置文件 / configuration (.toml)")] = Path("config/xiqing.toml"),
    out: Annotated[Path, typer.Option(help="已运行过的结果文件夹 / folder of a finished run")] = Path(),
    school: Annotated[
        str | None, typer.Option(help="只写这所学校（校名或其中一段）/ only this school: its name or a part of it")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=200, help="每校最多几处 / most places of a school")] = 25,
) -> None:
    """写出上学路径踏勘表：每校一张，最不确定而最多学生经过的先列 / A sheet for surveyors: what is most uncertain where most pupils pass."""
    from xiqing_space.config import read_config
    from xiqing_space.report.field_sheet import write_field_sheet

    done = write_field_sheet(read_config(config), out, school=school, top=top)
    if done.kept is not None:
        _say(f"您填写过的踏勘表已另存 / the sheet that you had filled in was kept as: {done.kept}")
    _say(f"{done.schools} 所学校，{done.items} 处 / {done.schools} schools, {done.items} places")
    if done.sights:
        _say(f"视线测量 {done.sights} 处 / {done.sights} lines of sight to measure")
    _say(f"打开 open: {done.path}")


@app.command()
def compare(
    run_a: Annotated[Path, typer.Argument(help="前一次的结果文件夹 / folder of the earlier run")],
    run_b: Annotated[Path, typer.Argument(help="后一次的结果文件夹 / folder of the later run")],
    out: Annotated[Path | None, typer.Option(help="写到 .xlsx 或 .csv / write to .xlsx or .csv")] = None,
) -> None:
    """比较两次运行：逐指标、逐分区的变化及其背后的输入与设置 / What differs between two runs, figure by figure."""
    if out is not None and out.suffix.lower() not in (".xlsx", ".csv"):
        raise typer.BadParameter(".xlsx / .csv", param_hint="--out")
    from xiqing_space.compare import STATES, compare_runs, read_run, summary

    found = compare_runs(read_run(run_a), read_run(run_b))
    lines = summary(found)
    for line in lines:
        _say(line)
    if out is not None:
        from xiqing_space.catalog import load_catalogue
        from xiqing_space.catalog.column_words import load_column_words
        from xiqing_space.report.comparison_book import write_comparison

        synthetic = bool(found.before.record.get("synthetic") or found.after.record.get("synthetic"))
        write_comparison(
            out, found.rows, found.behind, lines, STATES, load_column_words(), load_catalogue(), synthetic=synthetic
        )
        _say(f"写出 written: {out}")


@app.command()
def verify(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="结果文件夹 / folder of a run")],
    config: Annotated[
        Path | None, typer.Option(help="原设置文件，用来找到输入 / its configuration, to find the inputs")
    ] = None,
    inputs: Annotated[
        list[Path] | None, typer.Option(help="在这些文件夹中按哈希查找输入 / folders to look for inputs in")
    ] = None,
) -> None:
    """核对文件是否被改动，并重新计算，看结果是否仍然成立 / Whether the files are as written and the figures still come out."""
    from xiqing_space.verify import report_lines, verify_run

    found = verify_run(run_folder, config=config, look_in=inputs or (), progress=_say)
    for line in report_lines(found):
        _say(line)
    if not found.holds:
        raise typer.Exit(INPUT_FAULT)


def _fail(text: str, code: int) -> NoReturn:
    print("\n".join(map(printable, text.split("\n"))), file=sys.stderr, flush=True)
    raise SystemExit(code)


def main(args: list[str] | None = None) -> None:
    """Run the command line; exit codes: 0 done, 1 the input is at fault, 2 wrong usage, 3 a fault of the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a Windows console may not hold Chinese: replace, never crash
            stream.reconfigure(errors="replace")
    try:
        app(args=args, standalone_mode=True)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            _fail("已中断，原有结果未改动 / interrupted; earlier results are untouched", INPUT_FAULT)
        raise
    except TableError as error:
        _fail(f"程序错误 / a fault of the program: {error}", PROGRAM_FAULT)
    except OSError as error:
        if isinstance(error, XiqingError):
            _fail(f"错误 / error: {error}", INPUT_FAULT)
        if error.errno not in _FILE_FAULTS:
            traceback.print_exc()
            _fail("程序错误，请报告以上内容 / a fault of the program: please report the lines above", PROGRAM_FAULT)
        place = f"{error.filename}: " if error.filename else ""
        _fail(f"错误 / error: {place}无法读写 / cannot be read or written ({error.strerror})", INPUT_FAULT)
    except XiqingError as error:
        _fail(f"错误 / error: {error}", INPUT_FAULT)
    except Exception:
        traceback.print_exc()
        _fail("程序错误，请报告以上内容 / a fault of the program: please report the lines above", PROGRAM_FAULT)


def program() -> NoReturn:
    """The program: `main`, then an end without taking a run's tables apart piece by piece, which takes half a second."""
    code: Any = DONE
    try:
        main()
    except SystemExit as ended:
        code = ended.code or DONE
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # whoever read it is gone
            stream.flush()
    os._exit(code if isinstance(code, int) else PROGRAM_FAULT)
