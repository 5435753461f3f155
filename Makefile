# make help 列出所有命令 / lists all commands
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
CONFIG ?= config/xiqing.toml
OUT ?= .
PYTEST_ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help coverage data routes maps figures report verify sample check test cities notebooks lint format docs bench clean

help: ## 显示本说明 / this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

coverage: .venv/installed ## 安装环境、读取数据、计算、制图 / set up, read, compute, draw
	@$(BIN)/python -m xiqing_space run --config "$(CONFIG)" --out "$(OUT)"

routes: .venv/installed ## 上学路径：评分、路线、校门、整治清单、视线（及其所需）/ ways to school: scores, routes, gates, repairs, sightlines
	@$(BIN)/python -m xiqing_space run --config "$(CONFIG)" --out "$(OUT)" --only safe_access --only gate_rules --only fixes --only sightlines

maps: .venv/installed ## 只重画地图（及其所需）/ the maps and what they need
	@$(BIN)/python -m xiqing_space run --config "$(CONFIG)" --out "$(OUT)" --only maps

figures: .venv/installed ## 专题图 PNG、SVG（及其所需）/ thematic sheets as PNG and SVG and what they need
	@$(BIN)/python -m xiqing_space run --config "$(CONFIG)" --out "$(OUT)" --only figures

report: .venv/installed ## 写出工作簿、GeoPackage、Shapefile、评估报告（及其所需）/ workbook, GIS files, review and what they need
	@$(BIN)/python -m xiqing_space run --config "$(CONFIG)" --out "$(OUT)" --only report --only review

verify: .venv/installed ## 核对结果文件并重新计算 / check the results' files and make the run again
	@$(BIN)/python -m xiqing_space verify "$(OUT)" --config "$(CONFIG)"

check: .venv/installed ## 只检查数据 / check the data, compute nothing
	@$(BIN)/python -m xiqing_space check --config "$(CONFIG)" --out "$(OUT)"

data: .venv/installed ## 从 OpenStreetMap 下载本区数据到 data/raw（需联网）/ fetch the district (needs the internet)
	@$(BIN)/python -m xiqing_space fetch --config "$(CONFIG)" --out "$(OUT)"

sample: .venv/installed ## 写出示例数据 / write the synthetic sample as files
	@$(BIN)/python -m xiqing_space sample --out sample

test: .venv/dev ## 测试 / the test suite
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not shared and not notebook" $(PYTEST_ARGS)

cities: export XIQING_NO_SKIPS := 1
cities: .venv/dev ## 用大城市数据测试（需 XIQING_TEST_DATA）/ the tests on large extracts
	$(BIN)/python -m pytest -n auto --dist loadfile -m shared $(PYTEST_ARGS)

notebooks: export XIQING_RUN ?= $(OUT)
notebooks: .venv/dev ## 逐格运行 notebooks（离线；无结果时用示例）/ run the notebooks, offline, on the results or the sample
	$(BIN)/python -m pytest -n auto -m notebook $(PYTEST_ARGS)

lint: .venv/dev ## 代码检查 / ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/dev ## 整理代码格式 / format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/installed ## 重新生成数据字典 / generate docs/data_dictionary.md
	$(BIN)/python -c "import pathlib; from xiqing_space.tables import dictionary_markdown as d; pathlib.Path('docs/data_dictionary.md').write_text(d(), encoding='utf-8', newline='\n')"

bench: .venv/dev .venv-bench/installed ## 与同类软件比较（需 XIQING_TEST_DATA）/ side by side with peers
	$(BIN)/python -m benchmarks.run_all --ours $(BIN)/python --rivals $(subst .venv,.venv-bench,$(BIN))/python

.venv/made:
	@$(PYTHON) -c "import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else '需要 Python 3.11–3.13，当前 ' + sys.version.split()[0] + '；可用 make PYTHON=python3.11 指定 / Python 3.11 to 3.13 is needed; name one with make PYTHON=python3.11')"
	@echo "建立 .venv（首次约一分钟）/ making .venv (about a minute, once)"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: .venv/made constraints.txt pyproject.toml
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/dev: .venv/installed tests/requirements-data.txt
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@$(BIN)/python -m pip install --quiet --no-deps --requirement tests/requirements-data.txt
	@touch $@

.venv-bench/installed: benchmarks/requirements.txt
	@$(PYTHON) -m venv .venv-bench
	@$(subst .venv,.venv-bench,$(BIN))/python -m pip install --quiet --requirement benchmarks/requirements.txt
	@touch $@

clean: ## 删除结果与环境，保留 data/raw / remove results and environments, keep data/raw
	rm -rf .venv .venv-bench .pytest_cache .mypy_cache .ruff_cache .hypothesis .xiqing_space benchmarks/.work sample
	find data/processed maps reports -mindepth 1 ! -name README.md -delete
