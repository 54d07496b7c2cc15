"""Initialisers of weights that keep what they are given: its values, or its length."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.dispatch import find_function
from dataflow.errors import GraphError, ShapeError
from dataflow.nn.weights import Initializer, Weights, initializer
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["dirac", "identity", "orthogonal"]


def identity(gain: float = 1.0) -> Initializer:
    """Return the initialiser of matrices that are `gain` on the diagonal and 0 elsewhere."""
    return initializer("identity", _identity, gain=gain)


def dirac(groups: int = 1) -> Initializer:
    """Return the initialiser of convolutions that give back as many inputs as they can.

    A kernel is 1 in the middle, for the input of its own number within its group.

    Parameters
    ----------
    groups : int
        The groups that the outputs are divided into.
    """
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        msg = f"dirac ({user_line()}): groups is an int of 1 or more, not {groups!r}"
        raise GraphError(msg)
    return initializer("dirac", _dirac, groups=groups)


def orthogonal(gain: float = 1.0) -> Initializer:
    """Return the initialiser of matrices with orthonormal columns or rows, times `gain`.

    The weights of a unit, all of them along one axis, are one of the vectors that are
    orthogonal. Every such matrix is as likely as any other.

    References
    ----------
    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks", ICLR 2014; Mezzadri, "How to generate random matrices from the
    classical compact groups", Notices of the AMS 54 (2007), for the signs.

    Examples
    --------
    >>> import dataflow as df
    >>> q = df.nn.orthogonal()(df.GraphBuilder(), (5, 3), "float64")
    >>> abs(df.evaluate(q.mT @ q)).round(6)
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    return initializer("orthogonal", _orthogonal, gain=gain)


def _orthogonal(weights: Weights, gain: float) -> Tensor:
    ndim = len(weights.shape)
    if ndim < 2:
        msg = f"orthogonal ({user_line()}) of {shape_text(weights.shape)}: there must be 2 axes"
        raise ShapeError(msg)
    place = normal_axis(weights.out_axis, ndim)
    units = weights.shape[place]
    others = [n for axis, n in enumerate(weights.shape) if axis != place]
    inputs = math.prod(others)
    tall = (max(units, inputs), min(units, inputs))
    q, r = find_function("linalg.qr")(weights.builder.randn(tall, "float64"))
    signed = q * (call_function("where", call_function("diagonal", r) < 0, -1.0, 1.0) * gain)
    columns = call_function("reshape", signed if inputs >= units else signed.mT, (*others, units))
    moved = call_function("moveaxis", columns, -1, place)
    return call_function("astype", moved, weights.dtype)


def _identity(weights: Weights, gain: float) -> Tensor:
    if len(weights.shape) != 2:
        msg = f"identity ({user_line()}) of {shape_text(weights.shape)}: there must be 2 axes"
        raise ShapeError(msg)
    rows, columns = (_indices(weights, axis) for axis in range(2))
    return call_function("astype", rows == columns, weights.dtype) * gain


def _dirac(weights: Weights, groups: int) -> Tensor:
    ndim = len(weights.shape)
    if ndim < 3:
        msg = f"dirac ({user_line()}) of {shape_text(weights.shape)}: there must be 3 axes or more"
        raise ShapeError(msg)
    axes = [normal_axis(axis, ndim) for axis in (weights.in_axis, weights.out_axis)]
    if weights.shape[axes[1]] % groups:
        msg = f"dirac ({user_line()}): {groups} groups don't divide {weights.shape[axes[1]]}"
        raise ShapeError(msg)
    inputs, outputs = (_indices(weights, axis) for axis in axes)
    chosen = outputs % max(weights.shape[axes[1]] // groups, 1) == inputs
    for axis in (i for i in range(ndim) if i not in axes):
        chosen = chosen & (_indices(weights, axis) == weights.shape[axis] // 2)
    return call_function("astype", chosen, weights.dtype)


def _indices(weights: Weights, axis: int) -> Tensor:
    """Return 0, 1, and so on along an axis, broadcasting along the others."""
    count = weights.shape[axis]
    shape = [count if i == axis else 1 for i in range(len(weights.shape))]
    return call_function("reshape", weights.builder.arange(count), shape)
