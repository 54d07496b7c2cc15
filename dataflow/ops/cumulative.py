"""Running sums and products along an axis.

The derivative of a running sum is the running sum from the other end. That of a running product is
a linear recurrence, with no division in it: so it is right where elements are zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.recurrences import carried, carried_back
from dataflow.ops.scanning import other_way, scan
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.sampling import COMPLEX, FLOATS, INTEGERS
from dataflow.shapes import as_line, normal_axis
from dataflow.source import user_line
from dataflow.spec import as_dtype

if TYPE_CHECKING:
    from dataflow.operation import Application, Op
    from dataflow.tensor import Tensor

__all__ = ["cumprod", "cumsum", "cumulative_prod", "cumulative_sum"]

_NUMBERS = (*INTEGERS, *COMPLEX, *FLOATS)


def _again(application: Application, tangent: Tensor) -> Tensor:
    return apply(application.op, (tangent,), application.attrs)


def _from_the_end(application: Application, cotangent: Tensor) -> Tensor:
    return apply(application.op, (cotangent,), other_way(application.attrs))


CUMSUM = scan(
    "cumsum", "Cumsum", np.add, 0, dtypes=_NUMBERS, maps=(_from_the_end, _again)
)  # fmt: skip


def _product_before(application: Application) -> Tensor:
    if application.attrs.flag("exclusive"):
        return application.outputs[0]
    return apply(CUMPROD, (application.inputs[0],), application.attrs.replace(exclusive=True))


def _product_back(application: Application, cotangent: Tensor) -> Tensor:
    back = carried_back(application.inputs[0], cotangent, application.attrs)
    return _product_before(application) * back


def _product_forth(application: Application, tangent: Tensor) -> Tensor:
    change = _product_before(application) * tangent
    return carried(application.inputs[0], change, application.attrs)


CUMPROD = scan(
    "cumprod", "Cumprod", np.multiply, 1, dtypes=_NUMBERS, maps=(_product_back, _product_forth)
)


@public(np.cumsum)
def cumsum(
    x: Tensor, axis: int | None = None, dtype: object = None, *, reverse: bool = False,
    exclusive: bool = False,
) -> Tensor:  # fmt: skip
    """Return the running sum along an axis: at each place, the sum up to there.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype.
    axis : int, optional
        The axis; by default the flattened tensor's.
    dtype : dtype, optional
        What to cast to first; by default booleans and integers become int64 or uint64.
    reverse : bool
        Whether to begin at the end.
    exclusive : bool
        Whether a sum leaves out its own place, so that the first is 0.

    Returns
    -------
    Tensor
        The same shape. float16 is added up in float32 and then rounded.

    Raises
    ------
    ShapeError
        The axis is out of range.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.cumsum(x), df.cumsum(x, reverse=True, exclusive=True))
    (array([1, 3, 6]), array([5, 3, 0]))
    """
    return _scanned(CUMSUM, x, axis, dtype, reverse=reverse, exclusive=exclusive)


@public(np.cumprod)
def cumprod(
    x: Tensor, axis: int | None = None, dtype: object = None, *, reverse: bool = False,
    exclusive: bool = False,
) -> Tensor:  # fmt: skip
    """Return the running product along an axis; see `cumsum` for the parameters.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.cumprod(x), df.cumprod(x, reverse=True, exclusive=True))
    (array([1, 2, 6]), array([6, 3, 1]))
    """
    return _scanned(CUMPROD, x, axis, dtype, reverse=reverse, exclusive=exclusive)


def _scanned(
    op: Op, x: Tensor, axis: int | None, dtype: object, *, reverse: bool, exclusive: bool
) -> Tensor:
    line = reshape(x, -1) if axis is None else as_line(x)
    attrs = Attrs(
        axis=normal_axis(0 if axis is None else axis, line.ndim), reverse=reverse,
        exclusive=exclusive,
    )  # fmt: skip
    asked = x.dtype if dtype is None else as_dtype(dtype)
    # Integers wrap around: so the cast to fewer bits may as well come last.
    wide = {"b": np.int64, "i": np.int64, "u": np.uint64}.get(asked.kind, asked)
    found = apply(op, ((line if dtype is None else line.astype(asked)).astype(wide),), attrs)
    return found if dtype is None else found.astype(asked)


@public(np.cumulative_sum)
def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: object = None, include_initial: bool = False
) -> Tensor:
    """Return the running sum along an axis, as the array API has it.

    Parameters
    ----------
    x : Tensor
        Any dtype.
    axis : int, optional
        The axis; needed unless there is only one.
    dtype : dtype, optional
        What to cast to first; by default booleans and integers become int64 or uint64.
    include_initial : bool
        Whether the result begins with 0, and so is longer by 1.

    Raises
    ------
    ShapeError
        The axis is out of range, or isn't given where there is more than one.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.cumulative_sum(x, include_initial=True))
    array([0, 1, 3, 6])
    """
    line, place = _line(x, axis)
    return _with_first(cumsum(line, place, dtype), place, 0, include_initial=include_initial)


@public(np.cumulative_prod)
def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: object = None, include_initial: bool = False
) -> Tensor:
    """Return the running product along an axis, as the array API has it; see `cumulative_sum`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.cumulative_prod(x, include_initial=True))
    array([1, 1, 2, 6])
    """
    line, place = _line(x, axis)
    return _with_first(cumprod(line, place, dtype), place, 1, include_initial=include_initial)


def _line(x: Tensor, axis: int | None) -> tuple[Tensor, int]:
    """Return the tensor and the axis, by default its only one; a scalar counts as one element."""
    if axis is None and x.ndim > 1:
        msg = f"{x!r} ({user_line()}) has {x.ndim} axes: say along which one with axis="
        raise ShapeError(msg)
    if axis is None:
        return reshape(x, -1), 0
    line = as_line(x)
    return line, normal_axis(axis, line.ndim)


def _with_first(x: Tensor, axis: int, value: int, *, include_initial: bool) -> Tensor:
    if not include_initial:
        return x
    shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    first = broadcast_to(x.builder.constant(value, dtype=x.dtype), shape)
    return call_function("concat", [first, x], axis)
