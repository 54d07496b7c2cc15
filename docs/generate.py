"""Writes the files that follow from the registry of ops; `make docs` runs it.

    dataflow/declared.py    in which module each op and each function is declared
    docs/operations.md      what users can call, and what the runtime knows of each op

With ``--check`` nothing is written: it fails where a file isn't what would be written.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any
from zlib import crc32

import numpy as np

import dataflow as df
import dataflow.dispatch
import dataflow.operation
from dataflow.errors import DataflowError
from dataflow.operation import Absent, Along, Contracted, Halo, Op, Sample

ROOT = Path(__file__).resolve().parents[1]
NAMESPACES = ("", "linalg", "fft", "random", "special", "nn")

PIPE = r"\|"  # what stands for | within a table

KINDS = {
    "bool": ("bool",),
    "ints": ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    "floats": ("float16", "float32", "float64"),
    "complex": ("complex64", "complex128"),
}


class Recording(dict[Any, Any]):
    """A registry that notes the module which each op or function was entered from."""

    def __init__(self) -> None:
        super().__init__()
        self.modules: dict[str, str] = {}

    def __setitem__(self, key: str | tuple[str, int], entered: object) -> None:
        super().__setitem__(key, entered)
        name = key if isinstance(key, str) else key[0]
        self.modules[name] = _declaring_module(inspect.currentframe())


def _declaring_module(frame: FrameType | None) -> str:
    """Return the module whose own code runs innermost, but for helpers' functions."""
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    assert frame is not None  # noqa: S101 - an op is declared while a module is imported
    return str(frame.f_globals["__name__"])


# Before any op is declared: registers enter it where they find it.
RECORDS, FUNCTIONS = Recording(), Recording()
dataflow.operation.REGISTRY = RECORDS
dataflow.dispatch.FUNCTIONS = FUNCTIONS

from dataflow.dispatch import NUMPY_FUNCTIONS  # noqa: E402 - see above
from dataflow.registry import registered_ops  # noqa: E402 - see above

# dataflow/declared.py


def declared_text() -> str:
    """Return the text of `dataflow/declared.py`."""
    registered_ops()
    return (
        '"""In which module of `dataflow.ops` ops and functions are. Written by `make docs`."""\n\n'
        '__all__ = ["FUNCTION_MODULES", "OP_MODULES"]\n\n'
        f"OP_MODULES = {_modules_text(RECORDS)}\n"
        f"FUNCTION_MODULES = {_modules_text(FUNCTIONS)}"
    )


def _modules_text(records: Recording) -> str:
    home = "dataflow.ops."
    rows = "".join(f'    "{name}": "{module.removeprefix(home)}",\n'
                   for name, module in sorted(records.modules.items())
                   if module.startswith(home))  # fmt: skip
    return f"{{\n{rows}}}\n"


# docs/operations.md


def operations_text() -> str:
    """Return the text of `docs/operations.md`."""
    ops = registered_ops()
    parts = [
        _TITLE,
        f"\n{_counts(ops.values())}",
        *(_functions_section(namespace) for namespace in NAMESPACES),
        _ops_section(ops.values()),
        _standard_section(),
    ]
    return "".join(parts)


_TITLE = """\
# Operations

This page is written by `make docs` from the records of the operations. What all of them have in
common, such as promotion and the gradients of complex numbers, is in [conventions](conventions.md).
"""


def _counts(ops: Iterable[Op]) -> str:
    by_family = Counter(_family(op.name) for op in ops)
    functions = Counter(_family(name) for name in FUNCTIONS)
    rows = [(_namespace(n), str(functions[n]), str(by_family[n])) for n in NAMESPACES]
    total = ("in all", str(functions.total()), str(by_family.total()))
    return _table(("namespace", "functions", "ops"), [*rows, total])


def _family(name: str) -> str:
    return name.rpartition(".")[0]


def _namespace(family: str) -> str:
    return f"`df.{family}`" if family else "`df`"


def _functions_section(namespace: str) -> str:
    names = sorted(name for name in FUNCTIONS if _family(name) == namespace)
    rows = [(_signature(name), _numpy_names(name), _summary(FUNCTIONS[name])) for name in names]
    return f"\n## {_namespace(namespace)}\n\n{_table(('function', 'NumPy’s', 'result'), rows)}"


def _signature(name: str) -> str:
    """Return a function's signature without its types, which its docstring tells in words."""
    signature = inspect.signature(FUNCTIONS[name])
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    shown = signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)
    return f"`{name}{shown}`"


def _numpy_names(name: str) -> str:
    ours = FUNCTIONS[name]
    found = {
        _numpy_name(theirs) for theirs, function in NUMPY_FUNCTIONS.items() if function is ours
    }
    return ", ".join(sorted(found))


def _numpy_name(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", "numpy") or "numpy"
    family = module.removeprefix("numpy").strip(".").partition(".")[0]
    return (
        f"`np.{family}.{function.__name__}`"
        if family in NAMESPACES[1:]
        else (f"`np.{function.__name__}`")
    )


def _summary(function: Callable[..., Any]) -> str:
    first = " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())
    return re.sub(r"``([^`]+)``", r"`\1`", first)


# What the records say


def _ops_section(ops: Iterable[Op]) -> str:
    head = ("op", "dtypes", "derivatives", "in-place", "view of", "slices", "ulps", "needs")
    return f"\n## What the runtime knows of each op\n\n{_LEGEND}\n{_table(head, map(_row, ops))}"


_LEGEND = """\
*Derivatives*: the orders that exist; 0 where the derivative is zero wherever it exists. *In-place*:
the inputs whose memory the result may take over. *View of*: the input that the result is a view of.
*Slices*: how a call can be cut: along axes that inputs and result share, into partial results that
another op joins, with a halo of neighbours. *Ulps*: how far float32 may be from float64 of the same
inputs, in units in the last place, of each element where the op is element-wise, else of the
largest. *Needs*: an extra to install. Ops that only move elements take bfloat16 as it is, the
others by way of float32.
"""


def _row(op: Op) -> tuple[str, ...]:
    samples = op.samples(np.random.default_rng(crc32(op.name.encode())))
    return (
        f"`{op.name}`", _dtypes(samples), _orders(op, samples), ", ".join(map(str, op.inplace)),
        str(op.alias.slot) if op.alias else "", _slices(op, samples), _ulps(op), op.extra,
    )  # fmt: skip


def _dtypes(samples: Sequence[Sample]) -> str:
    """Return the dtypes of a call's first input, or of its result where it has none."""
    seen = {s.inputs[0].dtype.name if s.inputs else str(s.attrs.get("dtype")) for s in samples}
    words = []
    for kind, members in KINDS.items():
        found = [name for name in members if name in seen]
        words += [kind] if len(found) == len(members) else found
    return ", ".join(words)


def _orders(op: Op, samples: Sequence[Sample]) -> str:
    if isinstance(op.vjp, Absent):
        return f"none: {op.vjp.reason}"
    if op.is_flat:
        return "0"
    smooth = [s for s in samples if s.smooth and any(a.dtype.kind in "fc" for a in s.inputs)]
    return _highest_order(op, smooth[-1]) if smooth else "0"


def _highest_order(op: Op, sample: Sample) -> str:
    """Differentiate a sample twice by each input and say how far that goes."""
    b = df.GraphBuilder()
    inputs = [b.constant(array) for array in sample.inputs]
    outputs = [t for t in b.apply(op, inputs, sample.attrs) if t.spec.is_float]
    orders = [_order(outputs, x) for x in inputs if x.spec.is_float]
    if not outputs or not orders:
        return "0"
    if len(set(orders)) == 1:
        return _ORDER[orders[0]]
    return "; ".join(f"slot {i}: {_ORDER[order]}" for i, order in enumerate(orders))


_ORDER = {0: "refused", 1: "1", 2: "all"}


def _order(outputs: Sequence[df.Tensor], x: df.Tensor) -> int:
    value = outputs[0].builder.constant(0.0, dtype="float64")
    for output in outputs:
        value = value + df.real(output.astype("complex128") * (1 + 1j)).sum()
    for order in range(2):
        try:
            gradient = df.grad(value, x)
        except DataflowError:
            return order
        value = df.real(gradient.astype("complex128") * (1 - 1j)).sum()
    return 2


def _ulps(op: Op) -> str:
    return f"none: {op.ulps.reason}" if isinstance(op.ulps, Absent) else str(op.ulps)


def _slices(op: Op, samples: Sequence[Sample]) -> str:
    if isinstance(op.tiling, Absent):
        return f"none: {op.tiling.reason}"
    kinds: set[str] = set()
    for sample in samples:
        specs = tuple(df.Spec.like(array) for array in sample.inputs)
        tiling = op.tiling(specs, sample.attrs)
        kinds |= {kind for uses in tiling.inputs for use in uses for kind in _kind(use)}
        kinds |= {"along"} if tiling.free else set()
    return ", ".join(sorted(kinds))


def _kind(use: object) -> Iterator[str]:
    if isinstance(use, Along):
        yield "along"
    elif isinstance(use, Contracted):
        yield f"partial ({use.combine})"
    elif isinstance(use, Halo):
        yield "halo"


# The Python Array API standard


def _standard_section() -> str:
    standard = _standard()
    rows = [(f"`{name}`", _stands_for(name)) for name in standard.FUNCTIONS]
    found = sum(text != "missing" for _, text in rows)
    return (
        f"\n## The Python Array API standard, {standard.VERSION}\n\n"
        f"{found} of {len(rows)} functions are here; those whose result's shape depends on data "
        f"raise an error that names what to use instead.\n\n"
        f"{_table(('the standard’s', 'here'), rows)}"
    )


def _standard() -> ModuleType:
    spec = importlib.util.spec_from_file_location("standard", ROOT / "tests" / "standard.py")
    assert spec is not None  # noqa: S101 - the file exists
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _stands_for(name: str) -> str:
    target: Any = df
    for part in name.split("."):
        target = getattr(target, part, None)
    if target is None:
        return "missing"
    return f"`df.{name}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', PIPE) for cell in row)} |\n" for row in lines)


FILES = {
    ROOT / "dataflow" / "declared.py": declared_text,
    ROOT / "docs" / "operations.md": operations_text,
}


def main() -> int:
    """Write the files, or say which of them are stale."""
    texts = {path: make() for path, make in FILES.items()}
    stale = [path for path, text in texts.items()
             if not path.exists() or path.read_text(encoding="utf-8") != text]  # fmt: skip
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run `make docs`")
        return bool(stale)
    for path in stale:
        path.write_text(texts[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
