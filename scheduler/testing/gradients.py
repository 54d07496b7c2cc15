"""`check_gradients` compares the derivatives of a graph with its values.

Directions are drawn at random, and the derivative along them is one number, which reverse mode,
forward mode and the values give, each in its own way:

    w · J u        u: a direction for what is differentiated by; w: weights of the outputs

The second order is the derivative of that number, from the rules, along another direction. Where
every op on the way is analytic, the values are computed once, an imaginary step away from the
point, which is exact to rounding; elsewhere by central differences, extrapolated to step 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.derivatives import check_tensors
from dataflow.errors import DataflowError, GradientCheckError, GradientError
from dataflow.graph import Graph, Ref
from dataflow.operation import Absent
from dataflow.reopening import reopen
from dataflow.seeds import check_float, or_zeros
from dataflow.source import user_line
from dataflow.sweeps import jvp_of, vjp_of
from dataflow.tensor import Tensor
from dataflow.values import array_of
from scheduler.reference import sizes_from
from scheduler.testing.evaluation import Point, can_step_complex
from scheduler.testing.report import Comparison, GradientReport

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.operation import Application

__all__ = ["check_gradients"]

Array = np.ndarray[Any, Any]

_EXACT = 1e-9  # of a complex step, which loses no digits
_CLOSE = 1e-6  # of differences in float64
_SINGLE = 3e-4  # of rules that run in float32, against differences in float64
_HALVES = 7  # how often the step of a difference is halved


def check_gradients(
    of: Graph | Tensor | Sequence[Tensor], wrt: Any, feeds: Mapping[str, ArrayLike] | None = None,  # noqa: ANN401
    *, outputs: str | Sequence[str] = (), orders: Sequence[int] = (1, 2), seed: int = 0,
    tolerance: float | None = None,
) -> GradientReport:  # fmt: skip
    """Compare derivatives in both modes, of first and second order, with what the values say.

    Parameters
    ----------
    of : Tensor, sequence of Tensor, or Graph
        What is differentiated; of a graph, also a loaded one, the outputs that `outputs` names.
    wrt : Tensor, sequence of Tensor, or names
        By what: any real tensors; of a graph the names of inputs, variables, outputs or nodes.
    feeds : mapping of str to array_like, optional
        The inputs, at the point where derivatives are compared.
    outputs : str or sequence of str
        Of a graph; by default all of floating point.
    orders : sequence of int
        1, 2 or both.
    seed : int
        Of the random directions.
    tolerance : float, optional
        The relative error allowed. By default 1e-9 for complex steps and 1e-6 for differences of
        float64 tensors, 3e-4 where any is of fewer digits.

    Returns
    -------
    GradientReport
        All comparisons; ``print(report)`` shows them.

    Raises
    ------
    GradientCheckError
        A derivative is wrong. The message names the op, the node and the user's line that is off,
        and by how much; ``error.report`` has the rest.
    GradientError
        Something has no derivative.

    Notes
    -----
    A derivative is exact only where the function is smooth. At a kink (a relu at 0) the differences
    of different steps disagree: the report says so and gives no verdict. What is behind
    `df.stop_gradient` is held constant in the values too. A function with `df.custom_gradient` that
    isn't its own derivative is found wrong, as it is.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 2.0], dtype="float64")
    >>> report = df.testing.check_gradients(df.sin(x * x).sum(), x)
    >>> report.is_right, {row.method for row in report.comparisons}
    (True, {'complex step'})
    """
    graph, ends, tensors = _named(of, wrt, outputs) if isinstance(of, Graph) else _given(of, wrt)
    arrays = {name: array_of(value) for name, value in (feeds or {}).items()}
    problem = _problem(graph, ends, tensors, arrays, seed)
    rows = list(_compared(problem, orders, tolerance))
    if all(row.is_right for row in rows):
        return GradientReport(tuple(rows))
    report = GradientReport(tuple(rows), _culprits(problem, orders, seed, tolerance))
    found = report.culprits or ("no op on the way is off by itself",)
    wrong = next(row for row in rows if not row.is_right)
    msg = f"check_gradients ({user_line()}): {wrong}\n" + "\n".join(found)
    raise GradientCheckError(msg, report)


def _given(of: Tensor | Sequence[Tensor], wrt: Any) -> tuple[Graph, list[Ref], list[Ref]]:  # noqa: ANN401
    """Return the graph of tensors, and where they are in it."""
    ends = [of] if isinstance(of, Tensor) else list(of)
    tensors = check_tensors("df.testing.check_gradients", ends, wrt)
    builder: Any = ends[0].builder
    graph = builder.build({str(i): tensor for i, tensor in enumerate([*ends, *tensors])})
    refs = [[Ref(t.node, t.output) for t in side] for side in (ends, tensors)]
    return graph, refs[0], refs[1]


def _named(
    graph: Graph, wrt: str | Sequence[str], outputs: str | Sequence[str]
) -> tuple[Graph, list[Ref], list[Ref]]:
    """Return a graph, and where what is named is in it."""
    wanted = [outputs] if isinstance(outputs, str) else list(outputs)
    if not wanted:
        wanted = [name for name, ref in graph.outputs.items() if graph.spec(ref).is_float]
    names = [wrt] if isinstance(wrt, str) else list(wrt)
    found = [[graph.outputs.get(n, Ref(n, 0)) for n in side] for side in (wanted, names)]
    return graph, found[0], found[1]


class _Problem(NamedTuple):
    """Tensors, and the directions that make one number of their derivatives."""

    ends: list[Tensor]
    wrt: list[Tensor]
    feeds: Mapping[str, Array]
    weights: list[Array]
    directions: list[list[Array]]  # of the first order, and of the second


def _problem(
    graph: Graph, of: list[Ref], by: list[Ref], feeds: Mapping[str, Array], seed: int
) -> _Problem:
    """Open a graph with its sizes known, in a builder of its own, and draw directions."""
    builder = reopen(graph.bind(sizes_from(graph, feeds)))
    ends, wrt = ([builder.tensor(*ref) for ref in refs] for refs in (of, by))
    for tensor in (*ends, *wrt):
        check_float(tensor)
        if tensor.dtype.kind == "c":
            msg = (f"check_gradients ({user_line()}): {tensor!r} is complex: take real and "
                   "imaginary parts")  # fmt: skip
            raise GradientError(msg)
    rng = np.random.default_rng(seed)
    weights, first, second = ([_drawn(rng, t) for t in side] for side in (ends, wrt, wrt))
    return _Problem(ends, wrt, feeds, weights, [first, second])


def _drawn(rng: np.random.Generator, like: Tensor) -> Array:
    """Draw numbers away from 0, so that no entry of a derivative goes unseen."""
    shape = like.spec.static_shape
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape))


def _compared(
    problem: _Problem, orders: Sequence[int], tolerance: float | None
) -> Iterator[Comparison]:
    """Yield the comparisons, order by order."""
    ends, wrt, _, weights, (first, second) = problem
    value = _inner(ends, weights)
    seeds = [_like(tensor, array) for tensor, array in zip(ends, weights, strict=True)]
    gradients = or_zeros("cotangent", wrt, vjp_of(ends, wrt, seeds))
    slope, size = _inner(gradients, first), _size(gradients, first)
    if 1 in orders:
        pushed = _pushed(ends, wrt, first)
        modes = {"reverse": (slope, size)}
        if pushed is not None:
            modes["forward"] = (_inner(pushed, weights), size)
        yield from _rows(problem, 1, value, first, modes, tolerance)
    if 2 in orders and slope.spec.is_float and wrt:
        again = or_zeros("cotangent", wrt, vjp_of([slope], wrt, [None]))
        modes = {"reverse over reverse": (_inner(again, second), _size(again, second))}
        pushed = _pushed([slope], wrt, second)
        if pushed is not None:
            modes["forward over reverse"] = (pushed[0], _size(again, second))
        yield from _rows(problem, 2, slope, second, modes, tolerance)


def _pushed(
    ends: Sequence[Tensor], wrt: Sequence[Tensor], directions: Sequence[Array]
) -> list[Tensor] | None:
    """Return forward mode's tangents; None where an op has no forward mode, which is no mistake."""
    tangents = [_like(tensor, array) for tensor, array in zip(wrt, directions, strict=True)]
    try:
        return or_zeros("tangent", ends, jvp_of(ends, wrt, tangents))
    except GradientError:
        return None


def _rows(
    problem: _Problem, order: int, value: Tensor, directions: Sequence[Array],
    modes: Mapping[str, tuple[Tensor, Tensor]], tolerance: float | None,
) -> Iterator[Comparison]:  # fmt: skip
    """Compare the derivative of a value along a direction with what its values say."""
    builder: Any = value.builder
    outputs = {
        f"{kind} {mode}": tensor
        for mode, pair in modes.items()
        for kind, tensor in zip(("slope", "size"), pair, strict=True)
    }
    refs = [Ref(tensor.node, tensor.output) for tensor in problem.wrt]
    rules = Point(builder.build(outputs), problem.feeds, refs)
    known = {name: float(rules.values[rules.program.outputs[name]]) for name in outputs}
    point = Point(builder.build({"value": value}), problem.feeds, refs)
    expected, noise, method = _derivative(point, directions)
    is_narrow = any(t.dtype.itemsize < 8 for t in (*problem.ends, *problem.wrt))
    usual = _SINGLE if is_narrow else _EXACT if method == "complex step" else _CLOSE
    allowed = usual if tolerance is None else tolerance
    for mode in modes:
        actual, size = known[f"slope {mode}"], known[f"size {mode}"]
        scale = max(size, abs(expected), np.finfo(np.float64).tiny)
        error = abs(actual - expected) / scale
        is_clear = bool(noise / scale <= allowed) or not np.isfinite(actual)
        yield Comparison(order, mode, method, actual, expected, error, allowed, is_clear)


def _derivative(point: Point, directions: Sequence[Array]) -> tuple[float, float, str]:
    """Return the derivative of the output named value, its uncertainty, and the method."""
    if can_step_complex(point):
        step = 1e-30
        shifts = [1j * step * u for u in directions]
        try:
            (found,) = point.near(shifts, ["value"], np.complex128)
        except DataflowError:  # an op has no complex kernel
            pass
        else:
            return float(found.imag) / step, 0.0, "complex step"
    centre = _value(point, [0 * u for u in directions])

    def around(step: float) -> tuple[float, float]:
        ahead, behind = (_value(point, [h * u for u in directions]) for h in (step, -step))
        return (ahead - behind) / (2 * step), abs(ahead - 2 * centre + behind) / step

    at = [point.values[value] for value in point.wrt]
    size = max((float(np.abs(array).max()) for array in at if array.size), default=1.0)
    step = 1e-2 * max(min(size, 1.0), 1e-3)
    return (*_extrapolated(around, step), "differences")


def _value(point: Point, shifts: Sequence[Array]) -> float:
    """Return the output named value, in float64 if all ops can compute in it."""
    try:
        (found,) = point.near(shifts, ["value"], np.float64)
    except DataflowError:  # an op holds a dtype: compute in the graph's own
        dtypes = [point.values[value].dtype for value in point.wrt]
        narrow = [u.astype(dtype) for u, dtype in zip(shifts, dtypes, strict=True)]
        (found,) = point.near(narrow, ["value"])
    return float(found)


def _extrapolated(
    around: Callable[[float], tuple[float, float]], step: float
) -> tuple[float, float]:
    """Extrapolate central differences to step 0; return the best value, and how far it may be off.

    Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Adv. Eng. Software 4 (1982). At a
    kink they agree at all steps, but the slopes before and after the point differ by as much.
    """
    rows: list[list[float]] = []
    jumps: list[float] = []
    best, least = float("nan"), float("inf")
    for index in range(_HALVES):
        difference, jump = around(step / 2**index)
        row, jumps = [difference], [*jumps, jump]
        for column, before in enumerate(rows[-1] if rows else []):
            factor = 4.0 ** (column + 1)
            row.append((factor * row[column] - before) / (factor - 1))
            off = max(abs(row[-1] - row[column]), abs(row[-1] - before))
            if off <= least:
                best, least = row[-1], off
        rows.append(row)
    is_kink = jumps[-1] > jumps[0] / 4  # of a smooth function it falls with the step: to 1/64
    return best, max(least, jumps[-1]) if is_kink else least


# One number of many


def _like(tensor: Tensor, array: Array) -> Tensor:
    """Return an array as a constant of a tensor's builder and dtype."""
    builder: Any = tensor.builder
    made: Tensor = builder.constant(array, dtype=tensor.dtype)
    return made


def _inner(tensors: Sequence[Tensor], arrays: Sequence[Array]) -> Tensor:
    """Return the sum of products with numbers, in float64."""
    parts = [(t.astype("float64") * a).sum() for t, a in zip(tensors, arrays, strict=True)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _size(tensors: Sequence[Tensor], arrays: Sequence[Array]) -> Tensor:
    """Return the sum of the products' absolute values: what errors are relative to."""
    return _inner([abs(tensor) for tensor in tensors], [np.abs(array) for array in arrays])


# The culprit


def _culprits(
    problem: _Problem, orders: Sequence[int], seed: int, tolerance: float | None
) -> tuple[str, ...]:
    """Check each node between by itself, at its operands' values; name those that are off."""
    builder: Any = problem.ends[0].builder
    graph = builder.build({str(i): tensor for i, tensor in enumerate(problem.ends)})
    point = Point(graph, problem.feeds, [Ref(t.node, t.output) for t in problem.wrt])
    found: list[tuple[float, str]] = []
    for item in point.program.items:
        application: Application = builder.application(item.node)
        arrays = [point.values[value] for value in item.inputs]
        for row in _alone(application, arrays, orders, seed, tolerance):
            if not row.is_right:
                found.append((row.error, f"{item.where()} is off by {row.error:.2g}: {row}"))
                break
    return tuple(text for _, text in sorted(found, key=lambda pair: -pair[0]))


def _alone(
    application: Application, arrays: Sequence[Array], orders: Sequence[int], seed: int,
    tolerance: float | None,
) -> list[Comparison]:  # fmt: skip
    """Compare the derivatives of one node alone."""
    op = application.op
    if op.is_flat or op.name == "stop_gradient" or isinstance(op.vjp, Absent):
        return []
    owner: Any = application.outputs[0].builder
    builder = owner.fresh("alone")
    inputs = [builder.input(f"x{i}", a.shape, a.dtype) for i, a in enumerate(arrays)]
    try:
        ends = [t for t in builder.apply(op, inputs, application.attrs) if t.dtype.kind == "f"]
        wrt = [tensor for tensor in inputs if tensor.dtype.kind == "f"]
        if not ends or not wrt:
            return []
        feeds = {f"x{i}": array for i, array in enumerate(arrays)}
        problem = _problem(*_given(ends, wrt), feeds, seed)
        return list(_compared(problem, orders, tolerance))
    except DataflowError:  # its attributes hold named dimensions, or a slot has no derivative
        return []
