"""Whole programs: value, gradient and Hessian-vector product, and what becomes of their plans.

Always: the plan gives the reference's bits, in poisoned memory, and again after a file. In the long
run: all three numbers are PyTorch's and JAX's to 1e-9.
"""

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dataflow as df
from tests.programs.libraries import Jax, Ours, Torch
from tests.programs.program import PROGRAMS, Program

BOUND = 1e-9
"""The largest difference allowed, relative to the largest element of each array."""

LAID_OUT_ANEW = {"greedy_decoding_with_a_cache"}
"""A loop reads a transposed table, which the plan copies: products add in another order."""

FOLDER = Path(__file__).parent / "programs"
for module in sorted(path.stem for path in FOLDER.glob("*.py")):
    importlib.import_module(f"tests.programs.{module}")

each = pytest.mark.parametrize("name", PROGRAMS)
Arrays = dict[str, np.ndarray[Any, Any]]


def test_there_are_sixty() -> None:
    """The suite has at least sixty programs."""
    assert len(PROGRAMS) >= 60


def declared(program: Program) -> df.Graph:
    """Return a program's graph: its value, gradients, and products with the Hessian."""
    b = df.GraphBuilder(program.name)
    inputs = {n: b.input(n, a.shape, a.dtype) for n, a in program.arrays().items()}
    value = program.function(Ours(b), **inputs)
    wrt = [inputs[name] for name in program.moving()]
    gradients = df.grad(value, wrt)
    directions = [b.constant(u) for u in program.directions().values()]
    products = df.jvp(gradients, wrt, directions)
    names = program.moving()
    ends = {"value": value}
    ends |= {f"gradient of {n}": g for n, g in zip(names, gradients, strict=True)}
    ends |= {f"product of {n}": p for n, p in zip(names, products, strict=True)}
    return b.build(ends)


@cache
def compiled(name: str) -> tuple[df.Graph, df.Plan]:
    """Return a program's graph and plan."""
    graph = declared(PROGRAMS[name])
    return graph, df.compile(graph)


@each
def test_plan_gives_the_reference_s_bits(name: str, tmp_path: Path) -> None:
    """Plan, saved plan and saved graph give the bits of the executor that has no passes."""
    from scheduler.reference import run_reference

    graph, plan = compiled(name)
    feeds = {n: a for n, a in PROGRAMS[name].arrays().items() if n in graph.inputs}
    used = {n: a for n, a in feeds.items() if n in [i.name for i in plan.inputs]}
    expected, _ = run_reference(graph, feeds)
    df.save(plan, tmp_path / "plan.arrow")
    df.save(graph, tmp_path / "graph.arrow")
    loaded, again = df.load(tmp_path / "plan.arrow"), df.load(tmp_path / "graph.arrow")
    assert isinstance(loaded, df.Plan)
    assert isinstance(again, df.Graph)
    assert again.digest() == graph.digest()
    assert loaded.digest() == plan.digest()
    found = df.Runner(plan, poison=True).run(used)
    same = df.Runner(loaded, poison=True).run(used)
    for key, array in expected.items():
        assert np.isfinite(array).all(), key
        assert found[key].tobytes() == same[key].tobytes(), key
        rounding = 1e-13 if name in LAID_OUT_ANEW else 0
        np.testing.assert_allclose(found[key], array, rtol=rounding, atol=rounding, err_msg=key)


def ours(name: str) -> Arrays:
    """Return what our plan gives."""
    graph, plan = compiled(name)
    arrays = PROGRAMS[name].arrays()
    found = df.Runner(plan).run({i.name: arrays[i.name] for i in plan.inputs})
    return {key: found[key] for key in graph.outputs}


def torchs(name: str) -> Arrays:
    """Return the same by PyTorch: a gradient of a gradient."""
    import torch

    program, lib = PROGRAMS[name], Torch()
    tensors = {n: torch.tensor(a) for n, a in program.arrays().items()}
    wrt = [tensors[n].requires_grad_() for n in program.moving()]
    value = program.function(lib, **tensors)
    gradients = torch.autograd.grad(value, wrt, create_graph=True)
    directions = map(torch.tensor, program.directions().values())
    products = torch.autograd.grad(gradients, wrt, tuple(directions), allow_unused=True)
    zeros = [torch.zeros_like(w) if p is None else p for w, p in zip(wrt, products, strict=True)]
    return named(program, [t.detach().numpy() for t in (value, *gradients, *zeros)])


def jaxs(name: str) -> Arrays:
    """Return the same by JAX: forward mode over reverse mode."""
    lib = Jax()
    program, arrays = PROGRAMS[name], PROGRAMS[name].arrays()
    rest = {n: lib.array(a) for n, a in arrays.items() if n not in program.moving()}

    def function(*moving: Any) -> Any:  # noqa: ANN401
        named = dict(zip(program.moving(), moving, strict=True))
        return program.function(lib, **rest, **named)

    places = tuple(range(len(program.moving())))
    point = tuple(lib.array(arrays[n]) for n in program.moving())
    slope = lib.jax.grad(function, argnums=places)
    directions = tuple(map(lib.array, program.directions().values()))
    gradients, products = lib.jax.jit(lambda p, u: lib.jax.jvp(slope, p, u))(point, directions)
    return named(program, list(map(np.asarray, (function(*point), *gradients, *products))))


def named(program: Program, arrays: list[np.ndarray[Any, Any]]) -> Arrays:
    """Return arrays under the names of the graph's outputs."""
    kinds = ("gradient", "product")
    names = ["value", *(f"{kind} of {n}" for kind in kinds for n in program.moving())]
    return dict(zip(names, arrays, strict=True))


def differences(name: str, theirs: Arrays) -> dict[str, float]:
    """Return the largest difference of each array relative to its largest element."""
    found = {}
    for key, array in ours(name).items():
        scale = float(np.abs(theirs[key]).max(initial=0)) or 1.0
        found[key] = float(np.abs(array - theirs[key]).max(initial=0)) / scale
    return found


@pytest.mark.long
@each
def test_gradients_are_the_values(name: str) -> None:
    """By complex steps or differences, every gradient is that of the values, in both modes."""
    program = PROGRAMS[name]
    graph, arrays = compiled(name)[0], program.arrays()
    feeds = {n: arrays[n] for n in graph.inputs}
    report = df.testing.check_gradients(graph, program.moving(), feeds, outputs="value", orders=[1])
    assert all(row.is_clear for row in report.comparisons)


@pytest.mark.long
@each
def test_numbers_are_pytorch_s(name: str) -> None:
    """Value, gradients and products with the Hessian are PyTorch's to 1e-9."""
    pytest.importorskip("torch")
    assert max(differences(name, torchs(name)).values()) <= BOUND


@pytest.mark.long
@each
def test_numbers_are_jax_s(name: str) -> None:
    """Value, gradients and products with the Hessian are JAX's to 1e-9."""
    pytest.importorskip("jax")
    assert max(differences(name, jaxs(name)).values()) <= BOUND
