"""Selection: take one of two values, by a condition or by which is larger."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import apply, binary, call_function, promoted
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
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.operation import Op, Sample, register
from dataflow.ops.bitwise import logical_not
from dataflow.ops.casting import astype
from dataflow.ops.comparison import equal, less
from dataflow.ops.masking import zero_where
from dataflow.ops.unbounded import depends_on_data
from dataflow.sampling import FLOATS, INTEGERS, joined, values
from dataflow.source import user_line
from dataflow.spec import DTYPES, Spec, broadcast_shapes
from dataflow.tensor import Tensor, builder_of

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Application, Arrays, Call, Specs
    from dataflow.tensor import TensorLike

__all__ = ["clip", "heaviside", "maximum", "minimum", "where"]


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
def where(
    condition: TensorLike, a: TensorLike | None = None, b: TensorLike | None = None, /
) -> Tensor:
    """Return `a` where the condition holds and `b` elsewhere, element by element.

    Parameters
    ----------
    condition : tensor or array_like
        Bools; of other dtypes, what isn't 0 holds.
    a, b : tensor or array_like
        Both are needed: the places where a condition holds are as many as data says. Shapes that
        broadcast with it; dtypes are promoted as NumPy 2 does. Of two Python scalars,
        floats make a float32 and ints an int64.

    Returns
    -------
    Tensor
        The broadcast shape.

    Raises
    ------
    ShapeError, DTypeError
        The shapes don't broadcast, or the dtypes have none in common.
    DataDependentShapeError
        `a` or `b` is missing.

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
    if a is None or b is None:
        depends_on_data("where of a condition alone", "df.where(condition, a, b) keeps the shape")
    if not isinstance(condition, Tensor):
        condition = builder.constant(condition, dtype=np.bool_)
    return apply(WHERE, (astype(condition, np.bool_), *as_branches(condition, a, b)))


def as_branches(like: Tensor, *values: TensorLike) -> list[Tensor]:
    """Return tensors of the common dtype, in the builder of `like`.

    That of Python scalars alone is what creation functions make of them.
    """
    if not any(isinstance(value, Tensor) for value in values):
        weak = (int, float, complex)
        arrays = [v if type(v) in weak else np.asarray(v) for v in values]
        common = np.result_type(*arrays)
        if all(type(value) in weak for value in values):
            created = {"i": "int64", "f": "float32", "c": "complex64"}
            common = np.dtype(created[common.kind])
        return [like.builder.constant(array, dtype=common) for array in arrays]
    return list(promoted(WHERE, None, *values))


# The larger and the smaller of two


def _if_larger(application: Application, change: Tensor, slot: int) -> Tensor:
    mine, other = application.inputs[slot], application.inputs[1 - slot]
    return where(less(mine, other), 0, halved_in_ties(application, change))


def _if_smaller(application: Application, change: Tensor, slot: int) -> Tensor:
    mine, other = application.inputs[slot], application.inputs[1 - slot]
    return where(less(other, mine), 0, halved_in_ties(application, change))


def halved_in_ties(application: Application, change: Tensor) -> Tensor:
    """Return a change, half of it where the two inputs are the same."""
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


# Bounds


@public(np.clip)
def clip(
    x: TensorLike, /, min: TensorLike | None = None, max: TensorLike | None = None, *,
    a_min: TensorLike | None = None, a_max: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Return `x` kept between two bounds: `maximum` with `min`, then `minimum` with `max`.

    Parameters
    ----------
    x : tensor or array_like
        Real numbers of any shape.
    min, max : tensor, array_like or None
        Shapes that broadcast with it; None for no bound. Where `min` is above `max`, the result
        is `max`.
    a_min, a_max : tensor, array_like or None
        NumPy's older names for them.

    Returns
    -------
    Tensor
        The broadcast shape. Where `x` is a bound, each of the two gets half of the gradient.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        The shapes don't broadcast, a tensor is complex, or a bound is given twice.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -2.0, 5.0])
    >>> df.evaluate(df.clip(x, 0, 2))
    array([1., 0., 2.], dtype=float32)
    """
    low, high = _one_of(min, a_min, "min"), _one_of(max, a_max, "max")
    if isinstance(x, Tensor) and x.dtype.kind in "iu":  # as NumPy leaves out a bound that is none
        limits = np.iinfo(x.dtype)
        low = None if type(low) is int and low <= limits.min else low
        high = None if type(high) is int and high >= limits.max else high
    if low is not None and high is not None:
        x, low, high = promoted(MAXIMUM, None, x, low, high)
    raised = x if low is None else maximum(x, low)
    kept = raised if high is None else minimum(raised, high)
    return kept if isinstance(kept, Tensor) else builder_of(x, low, high).constant(kept)


def _one_of(bound: TensorLike | None, older: TensorLike | None, name: str) -> TensorLike | None:
    if bound is not None and older is not None:
        msg = f"clip ({user_line()}): {name} and a_{name} are the same bound: give one"
        raise GraphError(msg)
    return older if bound is None else bound


# Steps


@public(np.heaviside)
def heaviside(x: TensorLike, at_zero: TensorLike, /) -> Tensor:
    """Return 0 below 0, 1 above 0, and `at_zero` where `x` is 0, element by element.

    Parameters
    ----------
    x, at_zero : tensor or array_like
        Real numbers whose shapes broadcast; integers become floats.

    Returns
    -------
    Tensor
        The broadcast shape. The derivative by `x` is 0, that by `at_zero` is 1 where ``x == 0``.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-1.5, 0.0, 2.0])
    >>> df.evaluate(df.heaviside(x, 0.5))
    array([0. , 0.5, 1. ], dtype=float32)
    """
    x, at_zero = promoted(WHERE, np.heaviside, x, at_zero)
    side: Tensor = call_function("sign", x)
    return where(equal(x, 0), at_zero, (side + 1) * 0.5)
