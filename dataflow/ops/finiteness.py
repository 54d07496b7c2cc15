"""Which numbers are NaN, infinite or finite, as bools.

NumPy 2.4's own np.isnan, np.isinf, np.isfinite and np.signbit give wrong values of float32 and
float64 where the result is strided. Their kernel has NumPy write row by row, and then copies.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function, unary
from dataflow.dispatch import public
from dataflow.elementwise import elementwise
from dataflow.errors import DTypeError
from dataflow.operation import Workspace
from dataflow.ops.comparison import equal
from dataflow.sampling import COMPLEX, FLOATS, INTEGERS, joined, values
from dataflow.source import user_line
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.attrs import Attrs
    from dataflow.operation import Arrays, Call, Op, Sample, Specs
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["isfinite", "isinf", "isnan", "isneginf", "isposinf"]

_ALL = ("bool", *INTEGERS, *FLOATS, *COMPLEX)


def class_kernel(
    ufunc: np.ufunc, outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs
) -> list[Call]:
    """Call a ufunc that tells classes of numbers, into scratch memory where the result has gaps."""
    (out,), (x,), (dense,) = outs, ins, scratch
    if out.flags.c_contiguous:
        return [(ufunc, (x, out))]
    return [(ufunc, (x, dense)), (np.copyto, (out, dense))]


def class_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return the memory for a result without gaps."""
    return Workspace((Spec(specs[0].shape, np.dtype(np.bool_)),))


def _with_specials(rng: np.random.Generator) -> list[Sample]:
    """Return samples of floats with infinities and NaNs among them."""
    made = values(0, 3, dtypes=("float32", "float64"), smooth=False)(rng)
    for sample in made:
        places = sample.inputs[0].reshape(-1)
        places[::3], places[1::3], places[5::6] = np.nan, np.inf, -np.inf
    return made


def _class_op(name: str, ufunc: np.ufunc, label: str) -> Op:
    return elementwise(
        name, ufunc, label, (None,), kernel=partial(class_kernel, ufunc),
        workspace=class_workspace,
        samples=joined(values(0, 3, dtypes=_ALL, smooth=False), _with_specials),
    )  # fmt: skip


ISNAN = _class_op("isnan", np.isnan, "Isnan")


@public(np.isnan)
def isnan(x: TensorLike, /) -> Tensor:
    """Return which elements are NaN, as bools; of complex numbers, which have a part that is.

    Parameters
    ----------
    x : tensor or array_like
        Any shape and dtype.

    Returns
    -------
    Tensor
        Bools of the same shape.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([float("nan"), 1.0, float("inf")])
    >>> df.evaluate(df.isnan(x))
    array([ True, False, False])
    """
    return unary(ISNAN, np.isnan, x)


ISINF = _class_op("isinf", np.isinf, "Isinf")


@public(np.isinf)
def isinf(x: TensorLike, /) -> Tensor:
    """Return which elements are inf or -inf, as bools; see `isnan`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([float("nan"), 1.0, float("inf")])
    >>> df.evaluate(df.isinf(x))
    array([False, False,  True])
    """
    return unary(ISINF, np.isinf, x)


ISFINITE = _class_op("isfinite", np.isfinite, "Isfinite")


@public(np.isfinite)
def isfinite(x: TensorLike, /) -> Tensor:
    """Return which elements are neither inf nor NaN, as bools; see `isnan`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([float("nan"), 1.0, float("inf")])
    >>> df.evaluate(df.isfinite(x))
    array([False,  True, False])
    """
    return unary(ISFINITE, np.isfinite, x)


@public(np.isposinf)
def isposinf(x: Tensor) -> Tensor:
    """Return which elements are inf, as bools.

    Raises
    ------
    DTypeError
        The tensor is complex.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("inf"), float("-inf")])
    >>> df.evaluate(df.isposinf(x))
    array([False,  True, False])
    """
    return _is_infinity(x, np.inf, "isposinf")


@public(np.isneginf)
def isneginf(x: Tensor) -> Tensor:
    """Return which elements are -inf, as bools; see `isposinf`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, float("inf"), float("-inf")])
    >>> df.evaluate(df.isneginf(x))
    array([False, False,  True])
    """
    return _is_infinity(x, -np.inf, "isneginf")


def _is_infinity(x: Tensor, infinity: float, name: str) -> Tensor:
    if x.dtype.kind == "c":
        msg = (f"{name} ({user_line()}): slot 0 can't be {x.dtype}: ask for its real and its "
               "imaginary part")  # fmt: skip
        raise DTypeError(msg)
    return equal(x, infinity) if x.spec.is_float else call_function("zeros_like", x, dtype=np.bool_)
