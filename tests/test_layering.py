"""Imports go to the same floor or down, never up; and no two modules need each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import xiqing_space

ROOT = Path(xiqing_space.__file__).parent
FLOORS = {
    "errors": 0, "crs": 0, "gcj02": 0, "local_grid": 0, "datums": 0, "catalog": 0, "memory": 0, "embed": 0, "texts": 0,
    "config": 1, "sections": 1, "tables": 1, "provenance": 1, "schemas": 1, "store": 1, "approval": 1,
    "ingest": 2, "sample": 2,
    "network": 3,
    "coverage": 4, "safety": 4,
    "child_view": 5,
    "siting": 6,
    "indicators": 7,
    "release": 8,
    "maps": 9, "report": 9,
    "pipeline": 10, "run_inputs": 10, "stage_list": 10, "schedule": 10, "workplaces": 10, "stages": 10, "fetch": 10, "data_checkup": 10, "compare": 10, "verify": 10,
    "cli": 11, "__main__": 11,
}  # fmt: skip
PACKAGE = "xiqing_space"


def module_name(path: Path, root: Path = ROOT) -> str:
    parts = [PACKAGE, *path.relative_to(root).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def all_modules(root: Path = ROOT) -> dict[str, Path]:
    return {module_name(path, root): path for path in sorted(root.rglob("*.py"))}


def floor_of(module: str) -> int | None:
    """Floor of a module, None where it has none."""
    parts = module.split(".")
    return 0 if len(parts) == 1 else FLOORS.get(parts[1])


def imports_of(module: str, path: Path, known: set[str]) -> set[str]:
    """Modules of the package that a file imports, anywhere in it."""
    found: set[str] = set()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
            if base.split(".")[0] != PACKAGE:
                continue
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                found.add(whole if whole in known else base)
    return found - {module}


def going_up(graph: dict[str, set[str]]) -> list[str]:
    wrong = []
    for module, targets in graph.items():
        for target in targets:
            here, there = floor_of(module), floor_of(target)
            if here is not None and there is not None and there > here:
                wrong.append(f"{module} (floor {here}) imports {target} (floor {there})")
    return sorted(wrong)


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of modules, or nothing."""
    done: set[str] = set()

    def walk(module: str, trail: list[str]) -> list[str]:
        if module in trail:
            return [*trail[trail.index(module) :], module]
        if module in done:
            return []
        for target in sorted(graph.get(module, ())):
            if found := walk(target, [*trail, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(graph) if (found := walk(module, []))), [])


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    modules = all_modules()
    return {module: imports_of(module, path, set(modules)) for module, path in modules.items()}


def test_every_module_has_a_floor(graph: dict[str, set[str]]) -> None:
    assert [module for module in graph if floor_of(module) is None] == []


def test_every_import_names_a_module_that_exists(graph: dict[str, set[str]]) -> None:
    assert {target for targets in graph.values() for target in targets} <= set(graph)


def test_no_import_goes_up(graph: dict[str, set[str]]) -> None:
    assert going_up(graph) == []


def test_no_circle(graph: dict[str, set[str]]) -> None:
    assert circle(graph) == []


def test_nothing_is_written_with_import_module() -> None:
    """Imports by name in a string would pass unseen."""
    for path in ROOT.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "__import__(" not in text, path
        assert "import_module(" not in text, path


def test_the_check_itself_sees_what_it_should(tmp_path: Path) -> None:
    files = {
        "__init__.py": "",
        "errors.py": "def late():\n    from xiqing_space.network import graph\n    return graph\n",
        "network/__init__.py": "from .graph import one\n",
        "network/graph.py": "from . import links\nfrom ..errors import late\n",
        "network/links.py": "import xiqing_space.network.graph\n",
        "loose.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    modules = all_modules(tmp_path)
    graph = {module: imports_of(module, path, set(modules)) for module, path in modules.items()}
    assert going_up(graph) == ["xiqing_space.errors (floor 0) imports xiqing_space.network.graph (floor 3)"]
    assert graph["xiqing_space.network.graph"] == {"xiqing_space.network.links", "xiqing_space.errors"}
    assert set(circle({key: graph[key] for key in graph if ".network" in key})) >= {"xiqing_space.network.links"}
    assert floor_of("xiqing_space.loose") is None
