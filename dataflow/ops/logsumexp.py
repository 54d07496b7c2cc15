"""Logarithms of sums of exponentials: nothing overflows, and a sum close to 1 keeps its digits.

With m the maximum, log Σ exp(x) = m + log Σ exp(x - m). The elements that are the maximum add up to
their number k: so the op takes log1p of k - 1 plus the others, and log(1 + 1e-20) isn't 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function, promoted
from dataflow.dispatch import public
from dataflow.elementwise import call_into, choose_call, scalars
from dataflow.errors import DTypeError
from dataflow.operation import Workspace
from dataflow.ops.extremes import max
from dataflow.ops.reducing import (
    CAST_BUFFER,
    accumulator,
    reduced_shape,
    reduction,
    samples_of_permutations,
    spread,
)
from dataflow.ops.reductions import sum
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.structure import check_inputs
from dataflow.sampling import FLOATS
from dataflow.shapes import reduced_axes
from dataflow.spec import Spec, broadcast_shapes

if TYPE_CHECKING:
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.ops.reducing import Axis
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["logsumexp"]


def _infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    if spec.dtype.kind != "f":
        msg = f"takes real floating-point numbers, not {spec.dtype}: use .astype('float32')"
        raise DTypeError(msg)
    return (spec.with_shape(reduced_shape(spec, attrs)),)


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    wide = Spec(specs[0].shape, accumulator(specs[0].dtype))
    top = wide.with_shape(reduced_shape(wide, attrs.replace(keepdims=True)))
    total = wide.with_shape(reduced_shape(wide, attrs))
    mask = Spec(wide.shape, np.dtype(np.bool_))
    return Workspace((wide, top, total, total, mask), CAST_BUFFER * wide.dtype.itemsize)


def _kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (x,), (work, top, total, number, mask) = outs, ins, scratch
    axes, keepdims = attrs.integers("axes"), attrs.flag("keepdims")
    if not x.size:
        return [(out.fill, (-np.inf,))]
    zero, one, largest = scalars(work.dtype, 0, 1, np.finfo(work.dtype).max)
    widening: list[Call] = []
    if work.dtype != x.dtype:
        widening, x = [(np.copyto, (work, x))], work
    return [
        *widening,
        (np.maximum.reduce, (x, axes, None, top, True)),
        # An infinite maximum is brought in, so that no infinity is taken from another.
        call_into(np.minimum, (top, largest), top),
        call_into(np.maximum, (top, -largest), top),
        (np.subtract, (x, top, work)),
        (np.exp, (work, work)),
        (np.equal, (work, one, mask)),
        (np.add.reduce, (mask, axes, work.dtype, number, keepdims)),
        choose_call(work, mask, zero),
        (np.add.reduce, (work, axes, None, total, keepdims)),
        (np.subtract, (number, one, number)),
        (np.add, (total, number, total)),
        (np.log1p, (total, total)),
        (np.add, (total, top.reshape(total.shape), total)),
        (np.copyto, (out, total, "same_kind")),
    ]


def _reference(x: np.ndarray, attrs: Attrs) -> np.ndarray:
    axes, wide = attrs.integers("axes"), x.astype(np.float64)
    top = np.asarray(wide.max(axes, keepdims=True, initial=-np.inf))
    top = np.where(np.isfinite(top), top, 0)
    total = np.asarray(np.log(np.exp(wide - top).sum(axes, keepdims=True)) + top)
    left = Spec(reduced_shape(Spec.like(x), attrs), x.dtype)
    return total.reshape(left.static_shape).astype(x.dtype)


def _share(application: Application) -> Tensor:
    """Return the derivative, which is `softmax`.

    It is computed anew: exp(x - result) is off by as much as the result is rounded, which is
    much where the result is large.
    """
    (x,), axes = application.inputs, application.attrs.integers("axes")
    wide = x.astype(accumulator(x.dtype))
    top = _finite_top(wide, axes)
    powers = call_function("exp", wide - top)
    return (powers / sum(powers, axes, keepdims=True)).astype(x.dtype)


def _back(application: Application, cotangent: Tensor) -> Tensor:
    return _share(application) * spread(application, cotangent)


def _forth(application: Application, tangent: Tensor) -> Tensor:
    attrs = application.attrs
    return sum(
        _share(application) * tangent, attrs.integers("axes"), keepdims=attrs.flag("keepdims")
    )


LOGSUMEXP = reduction(
    "logsumexp", "Logsumexp", infer=_infer, kernel=_kernel, reference=_reference,
    maps=(_back, _forth), combine="logaddexp", samples=samples_of_permutations(FLOATS),
    workspace=_workspace, flops=25,
)  # fmt: skip


@overload
def logsumexp(
    x: TensorLike, axis: Axis = ..., b: TensorLike | None = ..., *, keepdims: bool = ...,
    return_sign: Literal[False] = ...,
) -> Tensor: ...  # fmt: skip
@overload
def logsumexp(
    x: TensorLike, axis: Axis = ..., b: TensorLike | None = ..., *, keepdims: bool = ...,
    return_sign: bool,
) -> Tensor | tuple[Tensor, Tensor]: ...  # fmt: skip
@public()
def logsumexp(
    x: TensorLike, axis: Axis = None, b: TensorLike | None = None, *, keepdims: bool = False,
    return_sign: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """Return ``log(sum(b * exp(x)))`` over axes, also where the exponentials overflow.

    Parameters
    ----------
    x : tensor or array_like
        Any shape; integers become float64.
    axis : int or sequence of int, optional
        The axes to add up; by default all.
    b : tensor or array_like, optional
        Weights whose shape broadcasts with that of `x`; they may be negative.
    keepdims : bool
        Whether the axes stay, with length 1.
    return_sign : bool
        Whether to return the logarithm of the sum's size, and its sign.

    Returns
    -------
    Tensor, or pair of Tensor
        -inf where nothing, or zeros, are added up. Without `return_sign`, NaN where real numbers
        add up to less than 0. Of complex numbers the imaginary part is between -π and π.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice, or the shapes don't broadcast.

    Notes
    -----
    The gradient is `softmax`: NaN where all of `x` is -inf, as in PyTorch and JAX, and NaN at an
    inf. With weights it is right at a weight of 0 too.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1000.0, 1000.0])
    >>> df.evaluate(df.logsumexp(x))
    array(1000.6932, dtype=float32)
    """
    given = promoted(LOGSUMEXP, None, *((x,) if b is None else (x, b)))
    value, *weights = (t if t.spec.is_float else t.astype(np.float64) for t in given)
    weight = weights[0] if weights else None
    if weight is None and value.dtype.kind != "c" and not return_sign:
        attrs = Attrs(axes=reduced_axes(axis, value.ndim), keepdims=keepdims)
        return apply(LOGSUMEXP, (value,), attrs)
    return _weighted(value, weight, axis, keepdims=keepdims, return_sign=return_sign)


def _weighted(
    x: Tensor, weight: Tensor | None, axis: Axis, *, keepdims: bool, return_sign: bool
) -> Tensor | tuple[Tensor, Tensor]:
    """Compute it as it is written, with the largest exponent taken off that has a weight."""
    asked, wide = x.dtype, accumulator(x.dtype)
    x = x.astype(wide)
    if weight is not None:
        shape = broadcast_shapes([x.shape, weight.shape])
        x, weight = broadcast_to(x, shape), broadcast_to(weight.astype(wide), shape)
    total, top = _scaled_sum(x, weight, axis)
    if not keepdims:
        left = [d for i, d in enumerate(x.shape) if i not in reduced_axes(axis, x.ndim)]
        total, top = (call_function("reshape", t, left) for t in (total, top))
    if not return_sign:
        return (call_function("log", total) + top).astype(asked)
    size = call_function("log", abs(total)) + top
    real = np.zeros((), wide).real.dtype if asked.kind == "c" else asked
    return size.astype(real), call_function("sign", total).astype(asked)


def _scaled_sum(x: Tensor, weight: Tensor | None, axis: Axis) -> tuple[Tensor, Tensor]:
    """Return Σ b exp(x - m), and m."""
    exponent = call_function("real", x)
    if weight is not None:
        is_out = weight == 0
        exponent = call_function("where", is_out, -np.inf, exponent)
    top = _finite_top(exponent, axis)
    ahead = x - top
    if weight is None:
        return sum(call_function("exp", ahead), axis, keepdims=True), top
    # What weighs nothing may be larger: it must stay finite to be multiplied by 0.
    highest = float(np.log(np.finfo(x.dtype).max)) * (1 - 1e-3)
    is_high = is_out & (call_function("real", ahead) > highest)
    bounded = call_function("where", is_high, highest, ahead)
    return sum(weight * call_function("exp", bounded), axis, keepdims=True), top


def _finite_top(x: Tensor, axis: Axis) -> Tensor:
    """Return the maximum as a constant, 0 instead of an infinity."""
    top = max(call_function("stop_gradient", x), axis, keepdims=True, initial=-np.inf)
    return call_function("where", call_function("isfinite", top), top, 0)
