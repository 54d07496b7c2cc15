"""Checks an op's derivative rules against differences of its values, by random projections.

For f(x) = <w, op(x)> with random w, u and v:

    order 1     <grad f, u>               against   (f(x + εu) - f(x - εu)) / 2ε
    order 2     <grad <grad f, u>, v>     against   the same difference of <grad f, u> along v
    jvp         <w, jvp(u)>               against   <grad f, u>, which is the same number

Of complex numbers, <a, b> is the real part of sum(conj(a) b), as if real and imaginary parts were
two numbers: so the gradient is PyTorch's. One projection sees an error in any entry of any input's
gradient, and costs four evaluations.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import dataflow as df
from dataflow.errors import GradientError
from dataflow.operation import Absent, Op, Sample
from dataflow.sweeps import jvp_of
from dataflow.tensor import Tensor
from tests.oracle import Array, specs_of


class Accuracy(NamedTuple):
    """The ε that balances rounding and curvature, and what is left of accuracy then."""

    step: float
    bound: float
    agreement: float  # of two rules for one number


ACCURACY = {"float64": Accuracy(6e-6, 1e-6, 1e-11), "float32": Accuracy(2**-7, 1e-2, 1e-4)}
ACCURACY |= {"complex128": ACCURACY["float64"], "complex64": ACCURACY["float32"]}
FLOOR = 1e-2
"""Below this part of f itself, a derivative is lost in the roundings of f."""


class Problem(NamedTuple):
    """A sample as a graph, with its projections."""

    wrt: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]
    u: tuple[Array, ...]
    v: tuple[Array, ...]
    feeds: dict[str, Array]
    accuracy: Accuracy


def is_checkable(op: Op, sample: Sample) -> bool:
    """Say whether derivatives of a sample can be compared with differences."""
    inputs = specs_of(sample.inputs)
    outputs = op.infer(inputs, sample.attrs)
    dtypes = [str(spec.dtype) for spec in (*inputs, *outputs) if spec.is_float]
    has_input = any(spec.is_float and spec.size != 0 for spec in inputs)
    has_output = any(spec.is_float for spec in outputs)
    return sample.smooth and has_input and has_output and set(dtypes) <= set(ACCURACY)


def refused_slots(op: Op, sample: Sample) -> set[int]:
    """Return the inputs whose cotangent the vjp refuses by a `GradientError` that says why."""
    b, refused = df.GraphBuilder(), set()
    inputs = [b.input(f"x{i}", a.shape, a.dtype) for i, a in enumerate(sample.inputs)]
    outputs = b.apply(op, inputs, sample.attrs)
    application = b.application(outputs[0].node)
    ones = tuple(b.ones(t.shape, t.dtype) if t.spec.is_float else None for t in outputs)
    assert not isinstance(op.vjp, Absent)
    for slot in (i for i, t in enumerate(inputs) if t.spec.is_float):
        needs = tuple(i == slot for i in range(len(inputs)))
        try:
            op.vjp(application._replace(needs=needs), ones)
        except GradientError:
            refused.add(slot)
    return refused


def declared(op: Op, sample: Sample) -> Problem:
    """Declare a sample as a graph whose inputs are fed."""
    b, rng = df.GraphBuilder(), np.random.default_rng(7)
    inputs = [b.input(f"x{i}", a.shape, a.dtype) for i, a in enumerate(sample.inputs)]
    outputs = tuple(t for t in b.apply(op, inputs, sample.attrs) if t.spec.is_float)
    refused = refused_slots(op, sample)
    wrt = tuple(t for i, t in enumerate(inputs) if t.spec.is_float and i not in refused)
    weights = tuple(b.constant(drawn(rng, t)) for t in outputs)
    u, v = (tuple(drawn(rng, t) for t in wrt) for _ in range(2))
    feeds = {f"x{i}": a for i, a in enumerate(sample.inputs)}
    accuracy = max((ACCURACY[str(t.dtype)] for t in (*wrt, *outputs)), key=lambda a: a.bound)
    return Problem(wrt, outputs, weights, u, v, feeds, accuracy)


def drawn(rng: np.random.Generator, like: Tensor) -> Array:
    """Draw a direction; away from 0, so that no entry goes unseen."""
    shape = like.spec.static_shape
    real, imaginary = (
        rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape) for _ in range(2)
    )
    drawn = real + 1j * imaginary if like.dtype.kind == "c" else real
    return np.asarray(drawn).astype(like.dtype)


def check_vjp(op: Op, sample: Sample, *, order: int = 2) -> None:
    """Check an op's gradient on a sample, and the gradient of that gradient."""
    problem = declared(op, sample)
    value = projected(problem.outputs, problem.weights)
    slope, gradients = along(value, problem.wrt, problem.u)
    compare(problem, value, slope, gradients, problem.u, "order 1")
    if order == 2:
        curvature, gradients = along(slope, problem.wrt, problem.v)
        compare(problem, slope, curvature, gradients, problem.v, "order 2")


def check_jvp(op: Op, sample: Sample) -> None:
    """Check an op's forward-mode rule on a sample against its values and its gradient."""
    problem = declared(op, sample)
    value = projected(problem.outputs, problem.weights)
    slope, gradients = along(value, problem.wrt, problem.u)
    pushed = projected(pushed_forward(problem), problem.weights)
    compare(problem, value, pushed, gradients, problem.u, "jvp")
    forward, reverse = df.evaluate(pushed, slope, feeds=problem.feeds)
    bound = problem.accuracy.agreement * (parts_of(problem, gradients, problem.u) + 1)
    assert abs(forward - reverse) <= bound, f"the jvp gives {forward}, the vjp {reverse}"


def pushed_forward(problem: Problem) -> list[Tensor]:
    """Return the outputs' tangents for the inputs' tangents `u`."""
    builder: Any = problem.outputs[0].builder
    tangents = [builder.constant(u) for u in problem.u]
    made = jvp_of(problem.outputs, problem.wrt, tangents)
    for output, tangent in zip(problem.outputs, made, strict=True):
        assert tangent is None or tangent.spec == output.spec, f"{tangent}, tangent of {output}"
    return [builder.zeros(t.shape, t.dtype) if m is None else m
            for t, m in zip(problem.outputs, made, strict=True)]  # fmt: skip


def projected(tensors: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Return the real inner product of two lists of tensors, in float64."""
    parts = [product_of(t, w) for t, w in zip(tensors, weights, strict=True)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def product_of(a: Tensor, b: Tensor) -> Tensor:
    """Return the real inner product of two tensors, in float64."""
    if a.dtype.kind == "c":
        return df.real((a.astype("complex128") * df.conj(b).astype("complex128")).sum())
    return (a.astype("float64") * b.astype("float64")).sum()


def along(
    value: Tensor, wrt: Sequence[Tensor], u: Sequence[Array]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the derivative of a scalar along `u`, and its gradients."""
    builder: Any = value.builder
    gradients = df.grad(value, list(wrt))
    return projected(gradients, [builder.constant(a) for a in u]), gradients


def compare(
    problem: Problem, value: Tensor, slope: Tensor, gradients: Sequence[Tensor],
    u: Sequence[Array], what: str,
) -> None:  # fmt: skip
    """Check a derivative along `u` against the central difference of the values."""
    step, bound, _ = problem.accuracy
    centre, actual = df.evaluate(value, slope, feeds=problem.feeds)
    ahead, behind = (df.evaluate(value, feeds=moved(problem, u, s)) for s in (step, -step))
    expected = (ahead - behind) / (2 * step)
    allowed = bound * (parts_of(problem, gradients, u) + FLOOR * max(1.0, abs(float(centre))))
    assert abs(actual - expected) <= allowed, (
        f"{what}: the rule gives {actual}, differences {expected} ± {allowed}"
    )


def parts_of(problem: Problem, gradients: Sequence[Tensor], u: Sequence[Array]) -> float:
    """Return the sum of the sizes of the parts whose sum is the derivative along `u`."""
    values = [df.evaluate(g, feeds=problem.feeds) for g in gradients]
    return float(sum(np.abs(g * a).sum() for g, a in zip(values, u, strict=True)))


def moved(problem: Problem, u: Sequence[Array], step: float) -> dict[str, Array]:
    """Return the feeds with the differentiated inputs moved along `u`."""
    shifted = {
        t.node: np.asarray(problem.feeds[t.node] + step * a).astype(a.dtype)
        for t, a in zip(problem.wrt, u, strict=True)
    }
    return {**problem.feeds, **shifted}
