"""Points and matrices that have no preferred direction.

ball        d generalised normal numbers over the norm of these and of an exponential one, all as
            logarithms: for small p the powers are no floats
orthogonal  what Gram and Schmidt make of normal columns, with their signs
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataflow.calling import call_function
from dataflow.dispatch import public
from dataflow.errors import DTypeError, ShapeError
from dataflow.ops.arithmetic import sign
from dataflow.ops.casting import astype
from dataflow.ops.draws import RANDN
from dataflow.ops.elementary import exp, log
from dataflow.ops.logarithms import logaddexp
from dataflow.ops.random.continuous import exponential
from dataflow.ops.random.domains import check_positive
from dataflow.ops.random.gammas import loggamma
from dataflow.ops.random.integers import rademacher
from dataflow.ops.random.keys import draw, split
from dataflow.ops.random.parameters import float_dtype, parameter
from dataflow.ops.selection import minimum
from dataflow.source import user_line
from dataflow.spec import as_shape

if TYPE_CHECKING:
    from dataflow.ops.random.parameters import ShapeLike
    from dataflow.tensor import Tensor

__all__ = ["ball", "orthogonal"]

_WIDE = np.dtype(np.float64)

_CUBE = 1e100
"""A ball of this power of the norm, or of a larger one, is a cube to the last digit."""


@public(family="random")
def ball(
    key: Tensor, d: int, p: float = 2.0, shape: ShapeLike = (), dtype: object = "float32"
) -> Tensor:
    """Return points that are uniform in the ball of norm 1.

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    d : int
        The number of dimensions.
    p : number or tensor
        The norm's power, above 0: 2 for Euclid's, 1 for a diamond, inf for a cube.
    shape : sequence of int, str or Dim
        The shape of what each key draws but for the last axis, the points' own.
    dtype : dtype
        float16, float32 or float64.

    Raises
    ------
    DTypeError, ShapeError
        There is no such dtype or shape, `d` isn't 1 or more, or `p` is known and not above 0.

    Notes
    -----
    F. Barthe, O. Guédon, S. Mendelson, A. Naor, "A probabilistic approach to the geometry of the
    ball of l_p^n", Annals of Probability 33 (2005) 480-513.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> points = df.evaluate(df.random.ball(key, 3, shape=(1000,)))
    >>> points.shape, bool((points**2).sum(1).max() < 1)
    ((1000, 3), True)
    """
    kind = float_dtype("ball", dtype)
    if isinstance(d, bool) or not isinstance(d, int) or d < 1:
        msg = f"ball ({user_line()}): d is an int of 1 or more, not {d!r}"
        raise ShapeError(msg)
    lengths = as_shape(() if shape is None else shape)
    one, other = split(key)
    check_positive("ball", p=p)
    inverse = 1.0 / minimum(parameter(p, key, _WIDE), _CUBE)
    sizes, signs = split(one)
    logs = loggamma(sizes, inverse, (*lengths, d), "float64")
    whole = call_function("logsumexp", logs, axis=-1, keepdims=True)
    whole = logaddexp(whole, log(exponential(other, (*lengths, 1), "float64")))
    sizes = exp((logs - whole) * inverse)
    return astype(sizes * rademacher(signs, (*lengths, d), "float64"), kind)


@public(family="random")
def orthogonal(
    key: Tensor, n: int, shape: ShapeLike = (), m: int | None = None, dtype: object = "float32"
) -> Tensor:
    """Return orthogonal matrices, each rotation of them as likely as any other.

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    n, m : int
        The numbers of rows and of columns, by default the same. The columns are orthonormal, or
        the rows if there are fewer.
    shape : sequence of int, str or Dim
        The shape of what each key draws but for the last two axes.
    dtype : dtype
        float32 or float64.

    Raises
    ------
    DTypeError, ShapeError
        There is no such dtype or shape.

    Notes
    -----
    F. Mezzadri, "How to generate random matrices from the classical compact groups", Notices of
    the AMS 54 (2007) 592-604.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> q = df.evaluate(df.random.orthogonal(key, 3, dtype="float64"))
    >>> bool(abs(q @ q.T - np.eye(3)).max() < 1e-12)
    True
    """
    kind, columns = float_dtype("orthogonal", dtype), n if m is None else m
    if kind == np.float16:
        msg = f"orthogonal ({user_line()}) draws float32 or float64, not float16"
        raise DTypeError(msg)
    for size in (n, columns):
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            msg = f"orthogonal ({user_line()}): sizes are ints of 1 or more, not {size!r}"
            raise ShapeError(msg)
    tall = (max(n, columns), min(n, columns))
    normal = draw(RANDN, key, (*as_shape(() if shape is None else shape), *tall), kind)
    q, r = call_function("linalg.qr", normal)
    signed = q * call_function("expand_dims", sign(call_function("diagonal", r, 0, -2, -1)), -2)
    return signed if n >= columns else call_function("swapaxes", signed, -1, -2)
