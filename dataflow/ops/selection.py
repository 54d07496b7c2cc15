"""Selection: take one of two values, by a condition or by which is larger."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply, binary, promoted
from dataflow.dispatch import public
from dataflow.elementwise import (
    batch_elementwise,
    choose_call,
    elementwise,
    elementwise_cost,
    elementwise_tiling,
    maps_jvp,
    maps_vjp,
)
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import Op, Sample, register
from dataflow.ops.bitwise import logical_not
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal, less
from dataflow.ops.masking import zero_where
from dataflow.sampling import FLOATS, INTEGERS, joined, values
from dataflow.spec import DTYPES, Spec, broadcast_shapes
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.op import Application, Arrays, Call, Specs
    from dataflow.tensor import TensorLike

__all__ = ["clip", "maximum", "minimum", "where"]


# where


def _where_infer(specs: Specs, attrs: Attrs) -> Specs:
    if len(specs) != 3:
        msg = f"takes a condition and two branches, not {len(specs)} inputs"
        raise ShapeError(msg)
    condition, a, b = specs
    if condition.dtype != np.bool_:
        msg = f"slot 0, the condition, must be bool, not {condition.dtype}: compare, or use astype"
        raise DTypeError(msg)
    if a.dtype != b.dtype:
        msg = f"slots 1 and 2 must have one dtype, not {a.dtype} and {b.dtype}: use astype"
        raise DTypeError(msg)
    return (Spec(broadcast_shapes([spec.shape for spec in specs]), a.dtype),)


def _where_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    (out,), (condition, a, b) = outs, ins
    first: Call = (out.__setitem__, (..., b))
    if _same_memory(out, b):
        return [] if _same_memory(out, a) else [choose_call(out, condition, a)]
    return [first, choose_call(out, condition, a)]


def _same_memory(a: np.ndarray, b: np.ndarray) -> bool:
    here, there = a.__array_interface__["data"], b.__array_interface__["data"]
    return (here[0], a.shape, a.strides) == (there[0], b.shape, b.strides)


def _where_reference(*arrays: np.ndarray, attrs: Attrs) -> np.ndarray:
    return np.where(*arrays)


def _where_true(application: Application, change: Tensor) -> Tensor:
    return zero_where(logical_not(application.inputs[0]), change)


def _where_false(application: Application, change: Tensor) -> Tensor:
    return zero_where(application.inputs[0], change)


_SHAPES = (((), (), ()), ((0, 2), (0, 2), ()), ((3, 4), (3, 4), (3, 4)), ((3, 1), (4,), (2, 1, 1)),
           ((4,), (), (3, 1)))  # fmt: skip


def _where_samples(rng: np.random.Generator) -> list[Sample]:
    made = []
    for dtype in DTYPES:
        for shapes in _SHAPES:
            arrays = [np.asarray(rng.uniform(0, 3, shape)) for shape in shapes]
            branches = (array.astype(dtype) for array in arrays[1:])
            made.append(Sample((arrays[0] > 1.5, *branches), smooth=dtype in FLOATS))
    return made


WHERE = register(Op(
    name="where", label="Where", infer=_where_infer, kernel=_where_kernel,
    reference=_where_reference, vjp=maps_vjp((None, _where_true, _where_false)),
    jvp=maps_jvp((None, _where_true, _where_false)), batch=batch_elementwise,
    tiling=elementwise_tiling, cost=partial(elementwise_cost, 1), samples=_where_samples,
    inplace=(2,),  # the kernel fills the result with slot 2 first
    moves=True,
))  # fmt: skip


@public(np.where)
def where(condition: TensorLike, a: TensorLike, b: TensorLike) -> Tensor:
    """Return `a` where the condition holds and `b` elsewhere, element by element.

    Parameters
    ----------
    condition : tensor or array_like
        Bools; of other dtypes, what isn't 0 holds.
    a, b : tensor or array_like
        Shapes that broadcast with it; dtypes are promoted as NumPy 2 does. Of two Python scalars,
        floats make a float32 and ints an int64.

    Returns
    -------
    Tensor
        The broadcast shape.

    Raises
    ------
    ShapeError, DTypeError
        The shapes don't broadcast, or the dtypes have none in common.

    Notes
    -----
    The branch not taken gets a gradient of exactly 0, also where its value is inf or NaN. A
    *derivative* of that branch can still be: ``where(x > 0, log(x), 0)`` multiplies this 0 by
    1 / x. Make the argument safe first: ``log(where(x > 0, x, 1))``.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -2.0])
    >>> df.evaluate(df.where(x > 0, x, 0))
    array([1., 0.], dtype=float32)
    """
    builder = builder_of(condition, a, b)
    if not isinstance(condition, Tensor):
        condition = builder.constant(condition, dtype=np.bool_)
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        kinds = {type(a), type(b)}
        plain = kinds <= {int, float}
        a = builder.constant(a, dtype=("float32" if float in kinds else "int64") if plain else None)
        b = b if plain else builder.constant(b)
    return apply(WHERE, (astype(condition, np.bool_), *promoted(WHERE, None, a, b)))


# The larger and the smaller of two


def _if_larger(application: Application, change: Tensor, slot: int) -> Tensor:
    mine, other = application.inputs[slot], application.inputs[1 - slot]
    return where(less(mine, other), 0, _halved_in_ties(application, change))


def _if_smaller(application: Application, change: Tensor, slot: int) -> Tensor:
    mine, other = application.inputs[slot], application.inputs[1 - slot]
    return where(less(other, mine), 0, _halved_in_ties(application, change))


def _halved_in_ties(application: Application, change: Tensor) -> Tensor:
    return where(equal(*application.inputs), change * 0.5, change)


_REALS = ("bool", *FLOATS, *INTEGERS)
_PAIRS = joined(values(-3, 3, 2), values(0, 3, 2, dtypes=_REALS, smooth=False))

MAXIMUM = elementwise(
    "maximum", np.maximum, "Maximum", (partial(_if_larger, slot=0), partial(_if_larger, slot=1)),
    kinds="biuf", samples=_PAIRS,
)  # fmt: skip


@public(np.maximum)
def maximum(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the larger of two real values, element by element; NaN where one is NaN.

    Where they are the same, each gets half of the gradient.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -2.0])
    >>> df.evaluate(df.maximum(x, 0))
    array([1., 0.], dtype=float32)
    """
    return binary(MAXIMUM, np.maximum, a, b)


MINIMUM = elementwise(
    "minimum", np.minimum, "Minimum", (partial(_if_smaller, slot=0), partial(_if_smaller, slot=1)),
    kinds="biuf", samples=_PAIRS,
)  # fmt: skip


@public(np.minimum)
def minimum(a: TensorLike, b: TensorLike) -> Tensor:
    """Return the smaller of two real values, element by element; NaN where one is NaN.

    Where they are the same, each gets half of the gradient.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -2.0])
    >>> df.evaluate(df.minimum(x, 0))
    array([ 0., -2.], dtype=float32)
    """
    return binary(MINIMUM, np.minimum, a, b)


@public(np.clip)
def clip(x: Tensor, low: TensorLike | None = None, high: TensorLike | None = None) -> Tensor:
    """Return `x` kept between two bounds: `maximum` with `low`, then `minimum` with `high`.

    Parameters
    ----------
    x : Tensor
        Any shape.
    low, high : tensor, array_like or None
        Shapes that broadcast with it; None for no bound.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -2.0, 5.0])
    >>> df.evaluate(df.clip(x, 0, 2))
    array([1., 0., 2.], dtype=float32)
    """
    raised = x if low is None else maximum(x, low)
    return raised if high is None else minimum(raised, high)
