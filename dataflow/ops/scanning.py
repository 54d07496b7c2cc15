"""Scans: ops that run along one axis and keep every partial result.

A scan has two flags besides its axis. With ``reverse`` it runs from the end; with ``exclusive``
place i has the result of what comes before i, and the first place the identity. So the derivative
of a scan is made of scans again.

`numpy.cumsum` allocates where it has to cast; the ufunc's own ``accumulate`` of one dtype doesn't.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.elementwise import LinearMap, maps_jvp, maps_vjp, traffic
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.operation import Cost, Op, Sample, Workspace, register
from dataflow.ops.one_axis import batch_along_axis, tile_beside_axis
from dataflow.ops.structure import check_inputs
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.operation import Array, Arrays, Call, Specs

__all__ = [
    "SCAN_ROWS", "axis_of", "other_way", "scan", "scan_cost",
]  # fmt: skip

SCAN_ROWS: list[tuple[tuple[int, ...], int, bool, bool]] = [
    ((1,), 0, False, False), ((0, 3), 0, False, True), ((3, 0), 0, True, False),
    ((2, 260), 0, True, True),
    ((2, 3, 4), 1, True, True), ((3, 4), 0, False, True), ((3, 4), 1, True, False),
    ((2, 4), 1, False, False),
]  # fmt: skip
"""Shapes, axes and flags (reverse, exclusive) of the samples of scans."""

_WIDE, _VIEWS = 256, 2048
"""How long rows are for which a loop along them pays, and the bytes of the views that it makes."""


def scan(
    name: str, label: str, ufunc: np.ufunc, identity: float | None, *, dtypes: Sequence[str],
    maps: tuple[LinearMap, LinearMap], flops: int = 1, widens: bool = True,
) -> Op:  # fmt: skip
    """Declare and register the scan of a ufunc.

    Parameters
    ----------
    name, label : str
        See `Op`.
    ufunc : numpy.ufunc
        What joins two elements.
    identity : float, optional
        What an exclusive scan begins with; without one, no scan is exclusive.
    dtypes : sequence of str
        What it takes; the result has the same.
    maps : pair of callable or None
        How a cotangent is pulled back and a tangent pushed forward.
    flops : int
        Floating-point operations per element.
    widens : bool
        Whether float16 is computed in float32.
    """
    back, forth = maps
    return register(Op(
        name=name, label=label, infer=partial(_infer, dtypes, identity),
        kernel=partial(_kernel, ufunc, identity), reference=partial(_reference, ufunc, identity),
        vjp=maps_vjp((back,)), jvp=maps_jvp((forth,)), batch=batch_along_axis,
        tiling=tile_beside_axis, cost=partial(scan_cost, flops),
        workspace=partial(_workspace, widens), samples=partial(_samples, dtypes, identity),
    ))  # fmt: skip


def axis_of(spec: Spec, attrs: Attrs) -> int:
    """Return the axis of a scan; `ShapeError` where there is no such axis."""
    axis = attrs.integer("axis")
    if not 0 <= axis < spec.ndim:
        msg = f"axis {axis} must be below {spec.ndim}, the number of axes"
        raise ShapeError(msg)
    return axis


def _infer(dtypes: Sequence[str], identity: float | None, specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    if spec.dtype.name not in dtypes:
        msg = f"takes one of {', '.join(dtypes)}, not {spec.dtype}: cast with astype"
        raise DTypeError(msg)
    axis_of(spec, attrs)
    attrs.flag("reverse")
    if attrs.flag("exclusive") and identity is None:
        msg = "can't leave out its own place: nothing stands before the first"
        raise GraphError(msg)
    return (spec,)


def _workspace(widens: bool, specs: Specs, attrs: Attrs) -> Workspace:
    is_half = widens and specs[0].dtype == np.float16
    wide = Spec(specs[0].shape, np.dtype(np.float32))
    return Workspace((wide,) if is_half else (), internal=_VIEWS)


# Kernels


def shifted(array: Array, axis: int, *, reverse: bool) -> tuple[Array, Array, Array]:
    """Return an array as a scan sees it: its first place, all but that, all but the last."""
    before: tuple[Any, ...] = (slice(None),) * axis
    view = array[(*before, slice(None, None, -1))] if reverse else array
    first, rest, early = slice(None, 1), slice(1, None), slice(None, -1)
    return view[(*before, first)], view[(*before, rest)], view[(*before, early)]


def _along(array: Array, attrs: Attrs) -> Array:
    step = -1 if attrs.flag("reverse") else 1
    return array[(*(slice(None),) * attrs.integer("axis"), slice(None, None, step))]


def _kernel(
    ufunc: np.ufunc, identity: float | None, outs: Arrays, ins: Arrays, scratch: Arrays,
    attrs: Attrs,
) -> list[Call]:  # fmt: skip
    (out,), (x,), axis = outs, ins, attrs.integer("axis")
    work = scratch[0] if scratch else out
    calls: list[Call] = [(np.copyto, (work, x))] if scratch else []
    source = work if scratch else x
    if not attrs.flag("exclusive"):
        calls.append(_accumulating(ufunc, _along(source, attrs), _along(work, attrs), axis))
        return [*calls, (np.copyto, (out, work, "same_kind"))] if scratch else calls
    first, rest, _ = shifted(out, axis, reverse=attrs.flag("reverse"))
    _, _, early = shifted(source, axis, reverse=attrs.flag("reverse"))
    calls.append((first.fill, (identity,)))
    if scratch:
        calls.append(_accumulating(ufunc, early, early, axis))
        return [*calls, (np.copyto, (rest, early, "same_kind"))]
    return [*calls, _accumulating(ufunc, early, rest, axis)]


def _accumulating(ufunc: np.ufunc, x: Array, out: Array, axis: int) -> Call:
    """Return the call of a ufunc's accumulate, or of a loop that gives the same bits.

    NumPy goes down one column after the other, a loop along rows: four times as fast where they
    are long. They must not lie interleaved, or NumPy would copy each to be safe.
    """
    if math.prod(out.shape[axis + 1 :]) >= _WIDE and out.size:
        row: Array = out[(0,) * axis]
        if len(row) == 1 or not np.may_share_memory(row[0], row[1]):
            return (_by_rows, (ufunc, x, out, axis))
    return (ufunc.accumulate, (x, axis, None, out))


def _by_rows(ufunc: np.ufunc, x: Array, out: Array, axis: int) -> None:
    for place in np.ndindex(out.shape[:axis]):
        terms, found = x[place], out[place]
        found[:1] = terms[:1]
        for before, term, now in zip(found, terms[1:], found[1:], strict=False):
            ufunc(before, term, out=now)


def _reference(ufunc: np.ufunc, identity: float | None, x: np.ndarray, attrs: Attrs) -> np.ndarray:
    axis = attrs.integer("axis")
    wide = x.astype(np.float32 if x.dtype == np.float16 else x.dtype)
    ahead = np.flip(wide, axis) if attrs.flag("reverse") else wide
    if attrs.flag("exclusive"):
        start = np.full_like(np.take(ahead, [0] * min(1, x.shape[axis]), axis), identity)
        ahead = np.concatenate([start, np.delete(ahead, slice(-1, None), axis)], axis)
    found = ufunc.accumulate(ahead, axis)
    return (np.flip(found, axis) if attrs.flag("reverse") else found).astype(x.dtype)


# The rest of the records, and for rules


def other_way(attrs: Attrs) -> Attrs:
    """Return the attributes of the scan from the other end."""
    return attrs.replace(reverse=not attrs.flag("reverse"))


def scan_cost(flops: int, ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return `flops` for every element."""
    size = outs[0].size
    return Cost(flops * size if isinstance(size, int) else 0, traffic(ins, outs))


def _samples(
    dtypes: Sequence[str], identity: float | None, rng: np.random.Generator
) -> list[Sample]:
    made = []
    for dtype in dtypes:
        for shape, axis, reverse, exclusive in SCAN_ROWS if dtype == "float64" else SCAN_ROWS[-4:]:
            x = rng.uniform(-3 if dtype[0] in "fci" else 0, 3, shape)
            if dtype[0] == "c":
                x = x + 1j * rng.uniform(-1, 1, shape)
            cuts = exclusive and identity is not None
            attrs = Attrs(axis=axis, reverse=reverse, exclusive=cuts)
            smooth = dtype[0] in "fc" and not (cuts and identity == -np.inf)
            made.append(Sample((x.astype(dtype),), attrs, smooth))
    return made
