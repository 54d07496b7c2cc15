"""What follows from the parts of complex numbers: pairs, adjoints, and whether they are real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.complex_numbers import complex, conj, imag, real
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["adjoint", "iscomplex", "isreal", "view_as_complex", "view_as_real"]


@public()
def view_as_real(x: Tensor) -> Tensor:
    """Return the parts of complex numbers along a new last axis of length 2, as PyTorch does.

    Raises
    ------
    DTypeError
        The tensor is real.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.view_as_real(df.GraphBuilder().constant([1 + 2j])))
    array([[1., 2.]], dtype=float32)
    """
    if x.dtype.kind != "c":
        msg = f"view_as_real ({user_line()}) takes complex numbers, not {x.dtype}"
        raise DTypeError(msg)
    return call_function("stack", (real(x), imag(x)), axis=-1)


@public()
def view_as_complex(x: Tensor) -> Tensor:
    """Return complex numbers whose parts lie along the last axis of length 2; see `view_as_real`.

    Raises
    ------
    ShapeError
        The last axis isn't of length 2.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.view_as_complex(df.GraphBuilder().constant([[1.0, 2.0]])))
    array([1.+2.j], dtype=complex64)
    """
    if x.shape[-1:] != (2,):
        msg = f"view_as_complex ({user_line()}): the last axis of {x.shape} isn't of length 2"
        raise ShapeError(msg)
    return complex(x[..., 0], x[..., 1])


@public()
def adjoint(x: Tensor) -> Tensor:
    """Return the last two axes swapped, and complex numbers conjugated, as PyTorch does.

    Examples
    --------
    >>> import dataflow as df
    >>> df.evaluate(df.adjoint(df.GraphBuilder().constant([[1j, 2.0]])))
    array([[0.-1.j],
           [2.-0.j]], dtype=complex64)
    """
    return conj(call_function("matrix_transpose", x))


@public(np.isreal)
def isreal(x: Tensor) -> Tensor:
    """Return which elements have an imaginary part of 0, as bools.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1j, 2.0])
    >>> df.evaluate(df.isreal(z))
    array([False,  True])
    """
    return call_function("equal", imag(x), 0)


@public(np.iscomplex)
def iscomplex(x: Tensor) -> Tensor:
    """Return which elements have an imaginary part that isn't 0, as bools.

    Examples
    --------
    >>> import dataflow as df
    >>> z = df.GraphBuilder().constant([1j, 2.0])
    >>> df.evaluate(df.iscomplex(z))
    array([ True, False])
    """
    return call_function("not_equal", imag(x), 0)
