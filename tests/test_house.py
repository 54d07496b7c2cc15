"""The order of the house: what ships, where it is imported from, and who may import whom.

The packages are read with `ast`, not imported, so that a lazy import inside a function counts as
much as one at the top of its file.  Imports under `if TYPE_CHECKING:` never run: they can close
no circle, but they must still point down.
"""

import ast
import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import pytest

PACKAGES = ("dataflow", "scheduler", "serialization")
CHECKOUT = Path(__file__).resolve().parents[1]
HEAVY = ("click", "networkx", "pyarrow", "rich", "scheduler", "serialization")

# Files may see what the compiler produces, and its check; no algorithm.
SCHEDULER_FOR_SERIALIZATION = ("scheduler.plan", "scheduler.state", "scheduler.verify")

# `make test` sets PYTHONSAFEPATH; without it a developer may well run against the checkout.
needs_wheel = pytest.mark.skipif(
    not sys.flags.safe_path, reason="PYTHONSAFEPATH is not set: this is not `make test`"
)


@dataclass(frozen=True, order=True)
class Import:
    """One import: the module it stands in, the module it loads, and whether only types see it."""

    importer: str
    imported: str
    name: str
    line: int
    types_only: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported} ({self.name or 'whole'})"


def is_within(module: str, package: str) -> bool:
    """Tell whether a module is a package or lies below it."""
    return module == package or module.startswith(package + ".")


def folder_of(package: str) -> Path:
    """Find a package without running it."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None, f"{package} has no __init__.py"
    return Path(spec.origin).parent


def modules_of(folder: Path) -> dict[str, Path]:
    """Map the dotted name of each module below a package's folder to its file."""
    modules = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def is_type_checking(node: ast.AST) -> bool:
    """Tell whether a node is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in {
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    }


def import_statements(
    node: ast.AST, *, types_only: bool = False
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Yield each import statement below a node, and whether only a type checker reads it."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, types_only
    guarded = set(map(id, node.body)) if is_type_checking(node) else set()  # type: ignore[attr-defined]
    for child in ast.iter_child_nodes(node):
        yield from import_statements(child, types_only=types_only or id(child) in guarded)


def base_of(statement: ast.ImportFrom, importer: str, *, is_package: bool) -> str:
    """Resolve the dots of a `from ... import` to the name of a module."""
    if statement.level == 0:
        return statement.module or ""
    parts = importer.split(".") if is_package else importer.split(".")[:-1]
    parts = parts[: len(parts) - statement.level + 1]
    return ".".join([*parts, statement.module] if statement.module else parts)


def imports_in(
    source: str, importer: str, known: frozenset[str], *, is_package: bool
) -> Iterator[Import]:
    """Yield a module's imports; `from p import m` counts for `p.m` where that is a module."""
    for statement, types_only in import_statements(ast.parse(source)):
        line = statement.lineno
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield Import(importer, alias.name, "", line, types_only)
            continue
        base = base_of(statement, importer, is_package=is_package)
        for alias in statement.names:
            below = f"{base}.{alias.name}"
            name = "" if below in known else alias.name
            yield Import(importer, below if below in known else base, name, line, types_only)


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    """All imports in the three packages."""
    modules = {n: p for package in PACKAGES for n, p in modules_of(folder_of(package)).items()}
    known = frozenset(modules)
    return [
        found
        for name, path in modules.items()
        for found in imports_in(
            path.read_text(encoding="utf-8"), name, known, is_package=path.stem == "__init__"
        )
    ]


def wrong_ways(imports: list[Import]) -> list[str]:
    """List the imports that point up, or sideways to what is not offered to them."""
    return [str(found) for found in imports if points_wrong(found.importer, found.imported)]


def points_wrong(importer: str, imported: str) -> bool:
    """Tell whether one module may not import another, by the layers of the design."""
    if is_within(imported, "dataflow.cli"):
        # `python -m dataflow` is the command line under another name.
        return importer != "dataflow.__main__" and not is_within(importer, "dataflow.cli")
    if importer == "dataflow" or is_within(importer, "dataflow.cli"):
        return False
    if is_within(importer, "dataflow"):
        return is_within(imported, "scheduler") or is_within(imported, "serialization")
    if is_within(importer, "scheduler"):
        return is_within(imported, "serialization")
    if is_within(importer, "serialization") and is_within(imported, "scheduler"):
        return not any(is_within(imported, offered) for offered in SCHEDULER_FOR_SERIALIZATION)
    return False


def uses_of_the_root(imports: list[Import]) -> list[str]:
    """List the imports of `dataflow` itself by what it is built from; its version is harmless."""
    return [
        str(found)
        for found in imports
        if found.imported == "dataflow"
        and found.name != "__version__"
        and not found.types_only
        and not is_within(found.importer, "dataflow.cli")
    ]


def circles(imports: list[Import]) -> list[list[str]]:
    """List the groups of modules that import each other when they run, `dataflow` itself exempt."""
    edges = [
        (found.importer, found.imported)
        for found in imports
        if not found.types_only
        and "dataflow" not in {found.importer, found.imported}
        and found.imported.split(".")[0] in PACKAGES
    ]
    graph = nx.DiGraph(sorted(edges))
    knots = [sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1]
    return sorted(knots + [[module] for module in nx.nodes_with_selfloops(graph)])


@needs_wheel
@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_the_installed_one(package: str) -> None:
    """The tests import each package from site-packages, not from the checkout."""
    file = importlib.import_module(package).__file__
    assert file is not None
    folder = Path(file).resolve().parent
    assert folder == Path(sysconfig.get_path("purelib")).resolve() / package
    assert folder != CHECKOUT / package


@needs_wheel
def test_version_is_the_wheels() -> None:
    """`dataflow.__version__` is the version of the installed distribution."""
    dataflow = importlib.import_module("dataflow")
    assert dataflow.__version__ == importlib.metadata.version("dataflow-runtime")


@needs_wheel
def test_wheel_ships_the_packages_and_nothing_else() -> None:
    """The wheel puts three packages, its metadata and one command on the machine."""
    files = importlib.metadata.files("dataflow-runtime")
    assert files is not None
    tops = {file.parts[0] for file in files if file.parts[0] != ".."}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert {file.name for file in files if file.parts[0] == ".."} <= {"dataflow", "dataflow.exe"}


@pytest.mark.parametrize("package", PACKAGES)
def test_package_says_that_it_is_typed(package: str) -> None:
    """Each package ships `py.typed`, so that type checkers read its annotations."""
    assert (folder_of(package) / "py.typed").is_file()


def test_imports_point_one_way(imports: list[Import]) -> None:
    """The language imports no compiler, the compiler no files, the files no algorithm."""
    assert wrong_ways(imports) == []


def test_no_two_modules_import_each_other(imports: list[Import]) -> None:
    """Following imports never leads back to the module one started from."""
    assert circles(imports) == []


def test_nothing_is_built_on_the_package_root(imports: list[Import]) -> None:
    """The convenience namespace `dataflow` is for users and the command line, not for its parts."""
    assert uses_of_the_root(imports) == []


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("dataflow.graph", "import scheduler.plan"),
        ("dataflow.graph", "def f():\n    from serialization import save"),
        ("dataflow.graph", "if TYPE_CHECKING:\n    from scheduler.plan import Plan"),
        ("scheduler.plan", "from serialization.graph import read"),
        ("serialization.plan", "from scheduler.order import order"),
        ("serialization.plan", "from scheduler import compile"),
        ("scheduler.plan", "from dataflow import cli"),
        ("dataflow", "from .cli import main"),
    ],
)
def test_wrong_way_is_caught(importer: str, source: str) -> None:
    """An import that points the wrong way is found, however it is written."""
    known = frozenset({"dataflow.cli"})
    found = list(imports_in(source, importer, known, is_package=importer in PACKAGES))
    assert len(wrong_ways(found)) == 1


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("dataflow", "from scheduler.compile import compile"),
        ("dataflow.cli.show", "from scheduler.compile import compile"),
        ("dataflow.cli.show", "from dataflow.cli import style"),
        ("scheduler.plan", "from dataflow.graph import Graph"),
        ("serialization.plan", "from scheduler import plan, verify"),
        ("serialization.plan", "from . import table"),
    ],
)
def test_right_way_is_let_pass(importer: str, source: str) -> None:
    """An import that the layers allow is not complained of."""
    known = frozenset({"scheduler.plan", "scheduler.verify", "serialization.table"})
    found = list(imports_in(source, importer, known, is_package=importer in PACKAGES))
    assert wrong_ways(found) == []


def test_circle_is_caught_unless_only_types_close_it() -> None:
    """A circle of three modules is found; one closed under `if TYPE_CHECKING:` is none."""
    known = frozenset({"dataflow.a", "dataflow.b", "dataflow.c"})

    def circle(last: str) -> list[list[str]]:
        sources = {"dataflow.a": "from .b import x", "dataflow.b": "import dataflow.c"}
        sources["dataflow.c"] = last
        return circles(
            [i for m, s in sources.items() for i in imports_in(s, m, known, is_package=False)]
        )

    assert circle("def f():\n    from dataflow import a") == [sorted(known)]
    assert circle("if TYPE_CHECKING:\n    from dataflow import a") == []
    assert circle("if TYPE_CHECKING:\n    pass\nelse:\n    from . import a") == [sorted(known)]


def test_importing_dataflow_loads_nothing_heavy() -> None:
    """`import dataflow` alone loads no Arrow, no networkx, no compiler and no command line."""
    code = "import json, sys, dataflow; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    )
    loaded = {module.split(".")[0] for module in json.loads(done.stdout)}
    assert sorted(loaded & set(HEAVY)) == []


def test_a_graph_loads_the_modules_of_what_it_calls() -> None:
    """Declaring an addition imports the module of additions, not that of every function."""
    code = ("import json, sys, dataflow as df; b = df.GraphBuilder(); x = b.input('x', (3,)); "
            "b.build({'y': x + 1}); print(json.dumps(sorted(sys.modules)))")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    )
    loaded = {module for module in json.loads(done.stdout) if module.startswith("dataflow.ops.")}
    assert "dataflow.ops.arithmetic" in loaded
    assert len(loaded) < 12, loaded


@pytest.mark.parametrize("name", ["fft", "linalg", "nn", "optim", "random", "special"])
def test_a_namespace_lists_what_users_call(name: str) -> None:
    """`dir` of a namespace has all its public functions, and no module or helper of ours."""
    dispatch = importlib.import_module("dataflow.dispatch")
    namespace = importlib.import_module(f"dataflow.{name}")
    dispatch.load_all()
    ours = {n.rpartition(".")[2] for n in dispatch.FUNCTIONS if n.startswith(f"{name}.")}
    listed = set(dir(namespace))
    assert listed >= ours
    assert listed
    for other in listed - ours - {"initializers"}:
        value = getattr(namespace, other)
        is_written_here = value.__module__.startswith(("dataflow.nn.", "dataflow.optim."))
        is_main = value is dispatch.FUNCTIONS.get(other)
        assert isinstance(value, type) or is_main or is_written_here, other


def test_the_main_namespace_lists_what_users_call() -> None:
    """`dir(df)` has functions, classes and the namespaces, and no module beside them."""
    dataflow = importlib.import_module("dataflow")
    listed = {name for name in dir(dataflow) if not name.startswith("__")}
    assert listed >= {"GraphBuilder", "sum", "compile", "linalg", "float32", "DataflowError"}
    modules = {name for name in listed if inspect.ismodule(getattr(dataflow, name))}
    families = {"fft", "linalg", "nn", "optim", "random", "special"}
    assert modules == {"errors", "testing", *families}
    assert not any(name.startswith("_") for name in listed)
