"""Dropout: elements that are zero by chance, the others scaled so that means stay as they are.

The key says which: the same key drops the same elements, in the reverse sweep as in the forward
sweep, and a key that each run advances drops others each time (see `dataflow.nn.Dropout`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.ops.bitwise import logical_not, logical_or
from dataflow.ops.casting import astype
from dataflow.ops.random.choices import bernoulli
from dataflow.ops.selection import where
from dataflow.source import user_line
from dataflow.spec import as_shape
from dataflow.tensor import Tensor

if TYPE_CHECKING:
    from dataflow.dims import DimLike, Shape

__all__ = [
    "alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout",
]  # fmt: skip

NoiseShape: TypeAlias = "Sequence[DimLike | None] | None"

_SELU_FLOOR = -1.7580993408473766
"""What `selu` tends to for large negative numbers: -λα."""


@public(family="nn")
def dropout(
    x: Tensor, rate: float, key: Tensor, *, noise_shape: NoiseShape = None,
    training: bool | Tensor = True,
) -> Tensor:  # fmt: skip
    """Set elements to zero with probability `rate`, and divide the others by ``1 - rate``.

    Parameters
    ----------
    x : Tensor
        Floating point, any shape.
    rate : float
        The probability, between 0 and 1.
    key : Tensor
        A key, see `dataflow.random.key`: which elements are dropped.
    noise_shape : sequence of int, Dim or None, optional
        The shape of what is drawn, by default that of `x`: with a 1 for an axis along which
        elements are dropped together, and None for an axis that is as long as `x`'s.
    training : bool or tensor
        False leaves `x` as it is. A bool scalar says so at each run: an input, for a graph that
        both trains and predicts.

    Returns
    -------
    Tensor
        Like `x`.

    Raises
    ------
    DTypeError
        `x` isn't floating point, or `training` isn't a bool scalar.
    ShapeError
        `rate` isn't between 0 and 1, the key isn't one, or the noise doesn't broadcast to `x`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x, key = b.ones((4, 100)), b.constant(df.random.key(0))
    >>> dropped = df.evaluate(df.nn.dropout(x, 0.75, key))
    >>> sorted(set(dropped.ravel().tolist())), round(float(dropped.mean()))
    ([0.0, 4.0], 1)
    """
    shape = _checked("dropout", x, rate, key, noise_shape)
    check_switch("dropout", training)
    if training is False or rate == 0:
        return x
    keep = 1.0 - rate
    kept, scale = bernoulli(key, keep, shape), 1 / keep if keep else 0.0
    if training is True:
        return where(kept, x * scale, 0.0)
    factor = astype(where(training, np.float64(scale), np.float64(1.0)), x.dtype)
    return where(logical_or(kept, logical_not(training)), x * factor, 0.0)


def check_rate(name: str, rate: float) -> None:
    """Refuse what is no probability."""
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        msg = f"{name} ({user_line()}): the rate lies between 0 and 1, not {rate!r}"
        raise ArgumentError(msg)


def _checked(name: str, x: Tensor, rate: float, key: Tensor, noise_shape: NoiseShape) -> Shape:
    """Return the shape of the noise."""
    check_rate(name, rate)
    if not x.spec.is_float:
        msg = f"{name} ({user_line()}) of {x.node!r}, {x.spec}: use .astype('float32') before"
        raise DTypeError(msg)
    if key.ndim:
        msg = f"{name} ({user_line()}) takes one key, not {key.spec}"
        raise ShapeError(msg)
    if noise_shape is None:
        return x.shape
    if not isinstance(noise_shape, Sequence) or len(noise_shape) != x.ndim:
        msg = (f"{name} ({user_line()}): noise_shape is one length or None for each of {x.ndim} "
               f"axes, not {noise_shape!r}")  # fmt: skip
        raise ShapeError(msg)
    pairs = zip(noise_shape, x.shape, strict=True)
    shape = as_shape(size if dim is None else dim for dim, size in pairs)
    if any(dim not in (1, size) for dim, size in zip(shape, x.shape, strict=True)):
        msg = f"{name} ({user_line()}): noise {noise_shape} doesn't broadcast to {x.spec}"
        raise ShapeError(msg)
    return shape


def check_switch(name: str, training: bool | Tensor) -> None:
    """Refuse what doesn't say whether a network is trained."""
    is_scalar = isinstance(training, Tensor) and training.dtype == np.bool_ and not training.ndim
    if not isinstance(training, bool) and not is_scalar:
        msg = f"{name} ({user_line()}): training is a bool or a bool scalar, not {training!r}"
        raise DTypeError(msg)


def _channels(name: str, x: Tensor, places: int) -> list[DimLike | None]:
    """Return the noise's shape for batches of channels of `places` axes, or for one example."""
    if x.ndim not in (places + 1, places + 2):
        msg = (f"{name} ({user_line()}) of {x.node!r}, {x.spec}: takes {places + 2} axes, or "
               f"{places + 1} without a batch")  # fmt: skip
        raise ShapeError(msg)
    return [*[None] * (x.ndim - places), *[1] * places]


@public(family="nn")
def dropout1d(x: Tensor, rate: float, key: Tensor, *, training: bool | Tensor = True) -> Tensor:
    """Drop whole channels of ``(batch, channels, length)``; see `dropout`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> key = b.constant(df.random.key(0))
    >>> dropped = df.evaluate(df.nn.dropout1d(b.ones((2, 8, 5)), 0.5, key))
    >>> bool((dropped == dropped[:, :, :1]).all())
    True
    """
    noise = _channels("dropout1d", x, 1)
    return dropout(x, rate, key, noise_shape=noise, training=training)


@public(family="nn")
def dropout2d(x: Tensor, rate: float, key: Tensor, *, training: bool | Tensor = True) -> Tensor:
    """Drop whole channels of ``(batch, channels, height, width)``; see `dropout`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> key = b.constant(df.random.key(0))
    >>> dropped = df.evaluate(df.nn.dropout2d(b.ones((2, 8, 5, 5)), 0.5, key))
    >>> bool((dropped == dropped[:, :, :1, :1]).all())
    True
    """
    noise = _channels("dropout2d", x, 2)
    return dropout(x, rate, key, noise_shape=noise, training=training)


@public(family="nn")
def dropout3d(x: Tensor, rate: float, key: Tensor, *, training: bool | Tensor = True) -> Tensor:
    """Drop whole channels of ``(batch, channels, depth, height, width)``; see `dropout`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> key = b.constant(df.random.key(0))
    >>> dropped = df.evaluate(df.nn.dropout3d(b.ones((8, 5, 5, 5)), 0.5, key))
    >>> bool((dropped == dropped[:, :1, :1, :1]).all())
    True
    """
    noise = _channels("dropout3d", x, 3)
    return dropout(x, rate, key, noise_shape=noise, training=training)


@public(family="nn")
def alpha_dropout(
    x: Tensor, rate: float, key: Tensor, *, noise_shape: NoiseShape = None,
    training: bool | Tensor = True,
) -> Tensor:  # fmt: skip
    """Drop elements to what `selu` tends to, and keep mean 0 and variance 1; see `dropout`.

    Notes
    -----
    G. Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder(seed=1)
    >>> x, key = b.randn((100_000,)), b.constant(df.random.key(0))
    >>> dropped = df.evaluate(df.nn.alpha_dropout(x, 0.25, key))
    >>> bool(abs(dropped.mean()) < 0.02), bool(abs(dropped.std() - 1) < 0.02)
    (True, True)
    """
    shape = _checked("alpha_dropout", x, rate, key, noise_shape)
    check_switch("alpha_dropout", training)
    if training is False or rate == 0:
        return x
    keep = 1.0 - rate
    scale = 1 / math.sqrt(keep * (1 + _SELU_FLOOR**2 * rate)) if keep else 0.0
    dropped = where(bernoulli(key, keep, shape), x, _SELU_FLOOR)
    made = dropped * scale - scale * _SELU_FLOOR * rate
    return made if training is True else where(training, made, x)


@public(family="nn")
def feature_alpha_dropout(
    x: Tensor, rate: float, key: Tensor, *, training: bool | Tensor = True
) -> Tensor:
    """Drop whole channels of ``(batch, channels, ...)`` as `alpha_dropout` drops elements.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> key = b.constant(df.random.key(0))
    >>> dropped = df.evaluate(df.nn.feature_alpha_dropout(b.ones((2, 8, 5)), 0.5, key))
    >>> bool((dropped == dropped[:, :, :1]).all())
    True
    """
    if x.ndim < 2:
        msg = (f"feature_alpha_dropout ({user_line()}) of {x.node!r}, {x.spec}: takes 2 axes or "
               "more, of examples and channels")  # fmt: skip
        raise ShapeError(msg)
    noise: list[DimLike | None] = [None, None, *[1] * (x.ndim - 2)]
    return alpha_dropout(x, rate, key, noise_shape=noise, training=training)
