"""Uniform draws, and the normal ones, of the ops `rand` and `randn`, with their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import public
from dataflow.ops.draws import RAND, RANDN
from dataflow.ops.random.domains import check_not_negative, check_order
from dataflow.ops.random.keys import draw
from dataflow.ops.random.parameters import float_dtype, parameter, shape_of, shifted

if TYPE_CHECKING:
    from dataflow.ops.random.parameters import ShapeLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["normal", "uniform"]


@public(family="random")
def uniform(
    key: Tensor, shape: ShapeLike = None, dtype: object = "float32",
    minval: TensorLike = 0.0, maxval: TensorLike = 1.0,
) -> Tensor:  # fmt: skip
    """Return draws that are uniform in [minval, maxval).

    Parameters
    ----------
    key : Tensor
        uint64: a key (see `key`), or an array of keys, which draw an array each.
    shape : sequence of int, str or Dim, optional
        The shape of what each key draws; by default that of the parameters.
    dtype : dtype
        float16, float32 or float64.
    minval, maxval : number or tensor
        The bounds, which broadcast to the result; it can be differentiated by them. Rounding can
        give `maxval` itself where the interval isn't [0, 1).

    Returns
    -------
    Tensor
        The keys' shape, and then `shape`: multiples of 2⁻²⁴ in float32, of 2⁻⁵³ in float64 and of
        2⁻¹¹ in float16, moved into the interval.

    Raises
    ------
    DTypeError, ShapeError
        There is no such dtype or shape, the parameters don't broadcast to it, or numbers, arrays or
        constants have a `minval` above `maxval`. Tensors' bounds may come in either order.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.uniform(key, (1000,), minval=2.0, maxval=3.0))
    >>> bool(drawn.min() >= 2.0), round(float(drawn.mean()), 1)
    (True, 2.5)
    """
    lengths = shape_of("uniform", key, shape, minval, maxval)
    check_order("uniform", minval, maxval, "minval is at most maxval, not")
    drawn = draw(RAND, key, lengths, float_dtype("uniform", dtype))
    if type(minval) in (int, float) and minval == 0:
        return shifted(drawn, key, 0.0, maxval)
    low = parameter(minval, key, drawn.dtype)
    return low + drawn * (parameter(maxval, key, drawn.dtype) - low)


@public(family="random")
def normal(
    key: Tensor, shape: ShapeLike = None, dtype: object = "float32",
    loc: TensorLike = 0.0, scale: TensorLike = 1.0,
) -> Tensor:  # fmt: skip
    """Return normal draws; see `uniform`.

    Parameters
    ----------
    key, shape, dtype
        As `uniform` has them.
    loc, scale : number or tensor
        The mean and the standard deviation; the result can be differentiated by them. A known
        `scale` below 0 is refused; a tensor's turns the sign around.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.normal(key, (1000,), loc=5.0, scale=2.0))
    >>> bool(abs(drawn.mean() - 5) < 0.2), bool(abs(drawn.std() - 2) < 0.2)
    (True, True)
    """
    lengths = shape_of("normal", key, shape, loc, scale)
    check_not_negative("normal", scale=scale)
    return shifted(draw(RANDN, key, lengths, float_dtype("normal", dtype)), key, loc, scale)
