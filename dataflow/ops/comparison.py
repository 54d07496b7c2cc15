"""Comparisons, element by element: tensors of bools. They cut the path of gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.derive import COMPLEX, FLOATS, INTEGERS, binary, elementwise, ranges, unary, values
from dataflow.dispatch import public

if TYPE_CHECKING:
    from dataflow.op import Op
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "equal", "greater", "greater_equal", "isfinite", "isnan", "less", "less_equal", "not_equal",
]  # fmt: skip

_NUMBERS = ("bool", *FLOATS, *INTEGERS)


def _comparison(name: str, ufunc: np.ufunc, label: str, *, dtypes: tuple[str, ...]) -> Op:
    # Draws from so few values that ties are among them once they are cast to integers.
    samples = ranges(((0, 3),) * 2, dtypes=dtypes, smooth=False)
    return elementwise(name, ufunc, label, (None, None), samples=samples)


EQUAL = _comparison("equal", np.equal, "Eq", dtypes=(*_NUMBERS, *COMPLEX))


@public(np.equal)
def equal(a: TensorLike, b: TensorLike) -> Tensor:
    """Return where ``a == b``, element by element.

    Parameters
    ----------
    a, b : tensor or array_like
        Shapes that broadcast; dtypes are promoted as NumPy 2 does. At least one is a tensor.

    Returns
    -------
    Tensor
        Bools of the broadcast shape.

    Raises
    ------
    ShapeError, DTypeError
        The shapes don't broadcast, or NumPy can't compare these dtypes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.equal(x, 2))
    array([False,  True, False])
    """
    return binary(EQUAL, np.equal, a, b)


NOT_EQUAL = _comparison("not_equal", np.not_equal, "Ne", dtypes=(*_NUMBERS, *COMPLEX))


@public(np.not_equal)
def not_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """Return where ``a != b``, element by element; see `equal` for shapes, dtypes and errors.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.not_equal(x, 2))
    array([ True, False,  True])
    """
    return binary(NOT_EQUAL, np.not_equal, a, b)


LESS = _comparison("less", np.less, "Lt", dtypes=_NUMBERS)


@public(np.less)
def less(a: TensorLike, b: TensorLike) -> Tensor:
    """Return where ``a < b``, element by element; see `equal` for shapes, dtypes and errors.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.less(x, 2))
    array([ True, False, False])
    """
    return binary(LESS, np.less, a, b)


LESS_EQUAL = _comparison("less_equal", np.less_equal, "Le", dtypes=_NUMBERS)


@public(np.less_equal)
def less_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """Return where ``a <= b``, element by element; see `equal` for shapes, dtypes and errors.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.less_equal(x, 2))
    array([ True,  True, False])
    """
    return binary(LESS_EQUAL, np.less_equal, a, b)


GREATER = _comparison("greater", np.greater, "Gt", dtypes=_NUMBERS)


@public(np.greater)
def greater(a: TensorLike, b: TensorLike) -> Tensor:
    """Return where ``a > b``, element by element; see `equal` for shapes, dtypes and errors.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.greater(x, 2))
    array([False, False,  True])
    """
    return binary(GREATER, np.greater, a, b)


GREATER_EQUAL = _comparison("greater_equal", np.greater_equal, "Ge", dtypes=_NUMBERS)


@public(np.greater_equal)
def greater_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """Return where ``a >= b``, element by element; see `equal` for shapes, dtypes and errors.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1, 2, 3])
    >>> df.evaluate(df.greater_equal(x, 2))
    array([False,  True,  True])
    """
    return binary(GREATER_EQUAL, np.greater_equal, a, b)


ISNAN = elementwise(
    "isnan",
    np.isnan,
    "Isnan",
    (None,),
    samples=values(0, 3, dtypes=(*_NUMBERS, *COMPLEX), smooth=False),
)


@public(np.isnan)
def isnan(x: TensorLike) -> Tensor:
    """Return which elements are NaN, as bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([float("nan"), 1.0, float("inf")])
    >>> df.evaluate(df.isnan(x))
    array([ True, False, False])
    """
    return unary(ISNAN, np.isnan, x)


ISFINITE = elementwise(
    "isfinite",
    np.isfinite,
    "Isfinite",
    (None,),
    samples=values(0, 3, dtypes=(*_NUMBERS, *COMPLEX), smooth=False),
)


@public(np.isfinite)
def isfinite(x: TensorLike) -> Tensor:
    """Return which elements are neither inf nor NaN, as bools.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([float("nan"), 1.0, float("inf")])
    >>> df.evaluate(df.isfinite(x))
    array([False,  True, False])
    """
    return unary(ISFINITE, np.isfinite, x)
