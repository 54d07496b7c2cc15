"""The largest element of every window, and where it is: one ufunc call for each of its positions.

Nothing larger than the result is made on the way: for every position of a window, the elements
that lie there are a view of x, one for every place. Padding is never read, so that it can't be
chosen.

Of equal elements the first in row-major order is chosen, of several NaN too; the cotangent of a
window goes to that element alone, as PyTorch has it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.elementwise import call_into, choose_call, maps_jvp, maps_vjp
from dataflow.errors import DTypeError
from dataflow.op import (
    Absent,
    Application,
    Array,
    Arrays,
    Call,
    Op,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.ops.nn.places import gather_places, scatter_places
from dataflow.ops.nn.pools import (
    CASES,
    Ints,
    Padding,
    Window,
    batch_rows,
    pool_attrs,
    pool_cost,
    pool_tiling,
    pooled,
    row_uses,
    window_of,
    windows_of,
)
from dataflow.ops.shaping import reshape
from dataflow.ops.structure import check_inputs
from dataflow.sampling import FLOATS, INTEGERS
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["max_pool1d", "max_pool2d", "max_pool3d"]

_INT64 = np.dtype(np.int64)


def _lowest(dtype: np.dtype) -> Any:  # noqa: ANN401 - a number of that dtype
    """Return what no element is below."""
    if dtype.kind == "f":
        return -np.inf
    return np.iinfo(dtype).min if dtype.kind in "iu" else False


# nn.max_pool


def _max_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    if spec.dtype.kind == "c":
        msg = f"{spec.dtype} numbers have no order, so no maximum"
        raise DTypeError(msg)
    return (spec.with_shape(pooled(spec, attrs)),)


def _max_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return _largest(outs[0], ins[0], window_of(ins[0].shape, attrs))


def _largest(out: Array, x: Array, window: Window) -> list[Call]:
    kernel, steps, size, places = window
    if window.has_few_places:
        axes = tuple(range(x.ndim - len(kernel), x.ndim))
        return [(np.maximum.reduce, (x[elements], axes, None, out[where]))
                for elements, where in window.by_place()]  # fmt: skip
    pairs = [(out[where], x[elements]) for _, elements, where in steps.pairs(size, kernel, places)]
    if steps.is_padded:
        first: Call = (out.fill, (_lowest(out.dtype),))
    else:
        first = (np.copyto, pairs.pop(0))
    return [first, *(call_into(np.maximum, (to, seen), to) for to, seen in pairs)]


def _max_reference(x: Array, attrs: Attrs) -> Array:
    window = window_of(x.shape, attrs)
    axes = tuple(range(-len(window.kernel), 0))
    largest: Array = np.maximum.reduce(windows_of(x, window, _lowest(x.dtype)), axes)
    return largest


def _chosen(application: Application) -> Tensor:
    """Return where the elements of a pooling's result are, by rows."""
    found = apply(ARGMAX_POOL, application.inputs, application.attrs)
    return _by_rows(found, application)


def _by_rows(x: Tensor, application: Application) -> Tensor:
    """Join the axes that the windows move over."""
    first = x.ndim - len(application.attrs.integers("kernel"))
    return reshape(x, (*x.shape[:first], product(x.shape[first:])))


def _max_back(application: Application, cotangent: Tensor) -> Tensor:
    (x,) = application.inputs
    length = product(x.shape[x.ndim - len(application.attrs.integers("kernel")) :])
    rows = scatter_places(_by_rows(cotangent, application), _chosen(application), length)
    return reshape(rows, x.shape)


def _max_forth(application: Application, tangent: Tensor) -> Tensor:
    rows = gather_places(_by_rows(tangent, application), _chosen(application))
    return reshape(rows, application.outputs[0].shape)


def _samples(rng: np.random.Generator) -> list[Sample]:
    made = []
    cases = [(*case, "float64") for case in CASES]
    cases += [(*CASES[-1], dtype) for dtype in ("bool", *INTEGERS, *FLOATS)]
    for shape, kernel, steps, dtype in cases:
        # A permutation has no ties, at which an extreme has no derivative.
        x = rng.permutation(math.prod(shape)).reshape(shape).astype(dtype)
        attrs = Attrs(kernel=kernel, **steps._asdict())
        made.append(Sample((x,), attrs, dtype[0] == "f"))
    return made


MAX_POOL = register(Op(
    name="nn.max_pool", label="MaxPool", infer=_max_infer, kernel=_max_kernel,
    reference=_max_reference, vjp=maps_vjp((_max_back,)), jvp=maps_jvp((_max_forth,)),
    batch=batch_rows, tiling=pool_tiling, cost=pool_cost, samples=_samples,
))  # fmt: skip


# nn.argmax_pool: where the largest elements are, as indices into the joined spatial axes


def _argmax_infer(specs: Specs, attrs: Attrs) -> Specs:
    return (Spec(_max_infer(specs, attrs)[0].shape, _INT64),)


def _argmax_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return the largest elements, where they are seen, and each axis' share in an index."""
    (largest,) = _max_infer(specs, attrs)
    masks = [Spec(largest.shape, np.dtype(bool))] * (2 if largest.dtype.kind == "f" else 1)
    places = largest.static_shape[-len(attrs.integers("kernel")) :]
    return Workspace((largest, *masks, *(Spec((n,), _INT64) for n in places)))


def _argmax_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x,) = outs, ins
    window = window_of(x.shape, attrs)
    axes = len(window.kernel)
    largest, *masks = scratch[:-axes]
    return [
        *_largest(largest, x, window), (out.fill, (0,)),
        *_positions(out, x, largest, masks, window), *_starts(out, scratch[-axes:], window),
    ]  # fmt: skip


def _widths(window: Window) -> list[int]:
    """Return how far apart in an index the elements of each axis are."""
    return [math.prod(window.size[i + 1 :]) for i in range(len(window.size))]


def _positions(out: Array, x: Array, largest: Array, masks: Arrays, window: Window) -> list[Call]:
    """Return the calls that find how far from a window's start its largest element is.

    The last position comes first, so that the first of equal elements is what stays.
    """
    kernel, steps, size, places = window
    calls: list[Call] = []
    for position, elements, where in reversed([*steps.pairs(size, kernel, places)]):
        seen, (found, *isnan) = x[elements], [mask[where] for mask in masks]
        calls.append((np.equal, (seen, largest[where], found)))
        for mask in isnan:  # a NaN that isn't the largest is in no window
            calls.append((np.not_equal, (seen, seen, mask)))
            calls.append((np.logical_or, (found, mask, found)))
        rows = zip(position, steps.dilation, _widths(window), strict=True)
        offset = sum(p * d * width for p, d, width in rows)
        calls.append(choose_call(out[where], found, np.asarray(offset, _INT64)))
    return calls


def _starts(out: Array, ramps: Arrays, window: Window) -> list[Call]:
    """Return the calls that add to each index where its window starts."""
    calls: list[Call] = []
    rows = zip(ramps, window.steps.stride, window.steps.before, _widths(window), strict=True)
    for axis, (ramp, stride, before, width) in enumerate(rows):
        shape = [-1 if i == axis else 1 for i in range(len(ramps))]
        calls += [
            (ramp.fill, (stride * width,)), (ramp[:1].fill, (-before * width,)),
            (np.add.accumulate, (ramp, 0, None, ramp)), (np.add, (out, ramp.reshape(shape), out)),
        ]  # fmt: skip
    return calls


def _argmax_reference(x: Array, attrs: Attrs) -> Array:
    window = window_of(x.shape, attrs)
    axes = len(window.kernel)
    numbers = np.arange(math.prod(window.size)).reshape(window.size)
    indices = windows_of(numbers, window, -1)
    seen = windows_of(x, window, _lowest(x.dtype))
    positions = tuple(range(-axes, 0))
    largest = np.maximum.reduce(seen, positions, keepdims=True)
    found = (indices >= 0) & ((seen == largest) | (seen != seen))  # noqa: PLR0124 - NaN
    first = found.reshape(*found.shape[:-axes], window.elements).argmax(-1)
    columns = np.broadcast_to(indices, found.shape).reshape(*first.shape, window.elements)
    return np.take_along_axis(columns, first[..., None], -1)[..., 0]


def _argmax_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    return Tiling((row_uses(specs[0], len(attrs.integers("kernel"))),))


_NO_DERIVATIVE = Absent("an index doesn't change with the values")

ARGMAX_POOL = register(Op(
    name="nn.argmax_pool", label="ArgmaxPool", infer=_argmax_infer, kernel=_argmax_kernel,
    reference=_argmax_reference, vjp=_NO_DERIVATIVE, jvp=_NO_DERIVATIVE, batch=batch_rows,
    tiling=_argmax_tiling, cost=pool_cost, workspace=_argmax_workspace, samples=_samples,
))  # fmt: skip


# Public functions


def _max_pool(
    axes: int, x: Tensor, kernel_size: Ints, stride: Ints | None, padding: Padding,
    dilation: Ints, ceil_mode: bool, return_indices: bool,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor or two
    name = f"max_pool{axes}d"
    attrs = pool_attrs(name, x, axes, kernel_size, stride, padding, dilation, ceil_mode)
    y = apply(MAX_POOL, (x,), attrs)
    return (y, apply(ARGMAX_POOL, (x,), attrs)) if return_indices else y


@public(family="nn")
def max_pool1d(
    x: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Padding = 0,
    dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor or two
    """Return the maxima of windows over sequences; see `max_pool2d`, with one spatial axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 3.0, 2.0, 0.0]]])
    >>> df.evaluate(df.nn.max_pool1d(x, 2))
    array([[[3., 2.]]], dtype=float32)
    """
    return _max_pool(1, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@public(family="nn")
def max_pool2d(
    x: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Padding = 0,
    dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor or two
    """Return the maxima of windows over images.

    Parameters
    ----------
    x : Tensor
        Images, of shape (..., channels, height, width); any dtype but complex.
    kernel_size : int or sequence of int
        The lengths of a window, along all axes or along each.
    stride : int or sequence of int, optional
        How far a window moves at a time; by default its own length, so that none overlap.
    padding : int, sequence of int or sequence of pairs
        By how much windows may reach beyond an image: on every side, on both sides of each axis,
        or before and after each. What is there is never a maximum.
    dilation : int or sequence of int
        The distance of a window's elements.
    ceil_mode : bool
        Whether a last window that lies within the image only in part has a place too, if it
        starts within it; the axes must have known lengths.
    return_indices : bool
        Whether to return where the maxima are as well.

    Returns
    -------
    Tensor
        The maxima, NaN where one is in the window; there are as many along an axis as for
        `conv2d`. With `return_indices` a second one, int64: indices into an image whose rows
        follow one another, of the first where several are as large. The gradient goes to that
        element alone.

    Raises
    ------
    ShapeError
        A rank or a parameter doesn't fit, the window is larger than the image with its padding,
        or there is a window of padding alone.
    DTypeError
        `x` is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 5.0, 2.0], [3.0, 4.0, 6.0]]])
    >>> df.evaluate(*df.nn.max_pool2d(x, 2, stride=1, return_indices=True))
    (array([[[5., 6.]]], dtype=float32), array([[[1, 5]]]))
    """
    return _max_pool(2, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@public(family="nn")
def max_pool3d(
    x: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Padding = 0,
    dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip  # noqa: ANN401 - a tensor or two
    """Return the maxima of windows over volumes; see `max_pool2d`, with three spatial axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((1, 2, 4, 4))
    >>> df.nn.max_pool3d(x, (1, 2, 2)).shape
    (1, 2, 2, 2)
    """
    return _max_pool(3, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
