"""Norms of rows: the last axes, of a shape that is named as PyTorch has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.dim_texts import as_dim
from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops import normalizing
from dataflow.ops.nn.arguments import as_floats, check_number
from dataflow.ops.nn.centering import STANDARDIZE_RMS
from dataflow.ops.parameters import parameter
from dataflow.ops.shaping import reshape
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.dims import DimLike, Shape
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["layer_norm", "rms_norm"]


@public(family="nn")
def layer_norm(
    x: TensorLike, normalized_shape: DimLike | Sequence[DimLike], weight: TensorLike | None = None,
    bias: TensorLike | None = None, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Return ``(x - mean) / sqrt(variance + eps) * weight + bias`` over the last axes.

    Parameters
    ----------
    x : tensor or array_like
        Real floats of at least one axis.
    normalized_shape : int, str, Dim or sequence of them
        The lengths of the last axes, which together are brought to mean 0 and variance 1.
    weight, bias : tensor or array_like, optional
        What the result is multiplied with, and what is added to it, of `normalized_shape`.
    eps : float
        Added to the variance.

    Returns
    -------
    Tensor
        The same shape and dtype.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        `x` doesn't end with `normalized_shape`, the weight or bias has another shape, there is no
        element, `x` is complex, or `eps` is no number of 0 or more.

    References
    ----------
    Ba, Kiros and Hinton, "Layer Normalization", arXiv:1607.06450 (2016).

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 2.0, 3.0]])
    >>> df.evaluate(df.nn.layer_norm(x, 3)).round(3)
    array([[-1.225,  0.   ,  1.225]], dtype=float32)
    """
    check_number("layer_norm", "eps", eps, 0)
    (x,) = as_floats("layer_norm", x)
    shape = _row_shape("layer_norm", x, normalized_shape)
    scale = _fitting("layer_norm", "weight", weight, x, shape)
    shift = _fitting("layer_norm", "bias", bias, x, shape)
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    return normalizing.layer_norm(x, scale, shift, axes, eps)


@public(family="nn")
def rms_norm(
    x: TensorLike, normalized_shape: DimLike | Sequence[DimLike], weight: TensorLike | None = None,
    eps: float | None = None,
) -> Tensor:  # fmt: skip
    """Return ``x / sqrt(mean(x²) + eps) * weight`` over the last axes.

    Parameters
    ----------
    x : tensor or array_like
        Real floats of at least one axis.
    normalized_shape : int, str, Dim or sequence of them
        The lengths of the last axes, which together are brought to a mean square of 1.
    weight : tensor or array_like, optional
        What the result is multiplied with, of `normalized_shape`.
    eps : float, optional
        Keeps the root away from 0; by default the distance of 1 to the next number of the dtype,
        as in PyTorch.

    Raises
    ------
    ShapeError, DTypeError, GraphError
        See `layer_norm`.

    References
    ----------
    Zhang and Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.0, 4.0])
    >>> df.evaluate(df.nn.rms_norm(x, 2)).round(4)
    array([0.8485, 1.1314], dtype=float32)
    """
    (x,) = as_floats("rms_norm", x)
    shape = _row_shape("rms_norm", x, normalized_shape)
    if eps is None:
        eps = 2.0**-7 if x.dtype.kind != "f" else float(np.finfo(x.dtype).eps)
    check_number("rms_norm", "eps", eps, 0)
    factor = _fitting("rms_norm", "weight", weight, x, shape)
    rows = reshape(x, (*x.shape[: x.ndim - len(shape)], product(shape))) if len(shape) > 1 else x
    y = rows.builder.apply(STANDARDIZE_RMS, (rows,), Attrs(eps=float(eps)))[0]
    y = reshape(y, x.shape) if len(shape) > 1 else y
    return y if factor is None else y * factor


def _row_shape(name: str, x: Tensor, given: DimLike | Sequence[DimLike]) -> Shape:
    """Return the shape that rows are said to have, which must be that of the last axes."""
    is_one = isinstance(given, str) or not isinstance(given, Sequence)
    if getattr(given, "ndim", 0) or hasattr(given, "builder"):
        msg = (f"{name} ({user_line()}): normalized_shape comes before the weight: the lengths of "
               "the last axes")  # fmt: skip
        raise ShapeError(msg)
    shape = tuple(map(as_dim, (given,) if is_one else given))  # type: ignore[arg-type]  # one length
    if not shape or x.shape[-len(shape) :] != shape:
        msg = (f"{name} ({user_line()}): the last axes of {x.spec} must be normalized_shape, "
               f"{shape_text(shape)}")  # fmt: skip
        raise ShapeError(msg)
    return shape


def _fitting(
    name: str, what: str, value: TensorLike | None, x: Tensor, shape: Shape
) -> Tensor | None:
    if value is None:
        return None
    return parameter(name, what, value, x, shape, f"normalized_shape, {shape_text(shape)}")
