"""Comparisons, element by element: tensors of bools. They cut the path of gradients."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import binary
from dataflow.dispatch import also_named, public
from dataflow.elementwise import elementwise
from dataflow.sampling import COMPLEX, FLOATS, INTEGERS, ranges
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.operation import Op
    from dataflow.tensor import TensorLike

__all__ = ["eq", "equal", "ge", "greater", "greater_equal", "gt", "le", "less", "less_equal",
           "lt", "ne", "not_equal"]  # fmt: skip

_NUMBERS = ("bool", *FLOATS, *INTEGERS)


def _comparison(
    name: str, ufunc: np.ufunc, label: str, kinds: str, dtypes: tuple[str, ...]
) -> Op:  # fmt: skip
    # Draws from so few values that ties are among them once they are cast to integers.
    samples = ranges(((0, 3),) * 2, dtypes=dtypes, smooth=False)
    return elementwise(name, ufunc, label, (None, None), samples=samples, kinds=kinds)


# Complex numbers are equal or not, but in no order: NumPy's goes by the real part first.
_equality = partial(_comparison, kinds="biufc", dtypes=(*_NUMBERS, *COMPLEX))
_order = partial(_comparison, kinds="biuf", dtypes=_NUMBERS)


def _compare(op: Op, ufunc: np.ufunc, a: TensorLike, b: TensorLike) -> Tensor:
    """Declare a comparison; one with an int beyond a dtype of integers says the same everywhere."""
    for x, number in ((a, b), (b, a)):
        if isinstance(x, Tensor) and x.dtype.kind in "iu" and type(number) is int:
            limits = np.iinfo(x.dtype)
            if not limits.min <= number <= limits.max:
                holds = ufunc(0, number) if x is a else ufunc(number, 0)
                return x.builder.full(x.shape, bool(holds), np.bool_)
    return binary(op, ufunc, a, b)


EQUAL = _equality("equal", np.equal, "Eq")


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
    return _compare(EQUAL, np.equal, a, b)


NOT_EQUAL = _equality("not_equal", np.not_equal, "Ne")


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
    return _compare(NOT_EQUAL, np.not_equal, a, b)


LESS = _order("less", np.less, "Lt")


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
    return _compare(LESS, np.less, a, b)


LESS_EQUAL = _order("less_equal", np.less_equal, "Le")


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
    return _compare(LESS_EQUAL, np.less_equal, a, b)


GREATER = _order("greater", np.greater, "Gt")


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
    return _compare(GREATER, np.greater, a, b)


GREATER_EQUAL = _order("greater_equal", np.greater_equal, "Ge")


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
    return _compare(GREATER_EQUAL, np.greater_equal, a, b)


eq = also_named(equal, "eq")
ge = also_named(greater_equal, "ge")
gt = also_named(greater, "gt")
le = also_named(less_equal, "le")
lt = also_named(less, "lt")
ne = also_named(not_equal, "ne")
