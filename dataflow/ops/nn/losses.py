"""Losses of numbers and of distributions: how far a prediction is from a target, by element.

All are compositions. `reduction` is PyTorch's: ``"mean"`` of all elements by default, ``"sum"``, or
``"none"`` for the losses themselves.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataflow.dispatch import also_named, public
from dataflow.ops.comparison import equal, greater, less
from dataflow.ops.elementary import exp, log
from dataflow.ops.nn.arguments import (
    as_floats,
    check_number,
    check_reduction,
    finite_times,
    reduced,
)
from dataflow.ops.powers import square
from dataflow.ops.reductions import sum
from dataflow.ops.selection import minimum, where
from dataflow.ops.shaping import reshape
from dataflow.ops.stopping import stop_gradient

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = [
    "gaussian_nll_loss", "huber_loss", "kl_div", "l1_loss", "mae_loss", "mse_loss",
    "poisson_nll_loss", "smooth_l1_loss",
]  # fmt: skip


@public(family="nn")
def mse_loss(x: TensorLike, target: TensorLike, reduction: str = "mean") -> Tensor:
    """Return the squared error ``(x - target)²``.

    Parameters
    ----------
    x, target : tensor or array_like
        Real numbers whose shapes broadcast; integers take the dtype of the floats beside them.
    reduction : {"mean", "sum", "none"}
        What becomes of the elements' losses.

    Returns
    -------
    Tensor
        A scalar, or with ``"none"`` the broadcast shape.

    Raises
    ------
    DTypeError, ShapeError
        An operand is complex, or the shapes don't broadcast.
    GraphError
        The reduction is none of the three.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 4.0])
    >>> df.evaluate(df.nn.mse_loss(x, [0.0, 1.0]))
    array(5., dtype=float32)
    """
    x, target = as_floats("mse_loss", x, target)
    return reduced("mse_loss", square(x - target), reduction)


@public(family="nn")
def l1_loss(x: TensorLike, target: TensorLike, reduction: str = "mean") -> Tensor:
    """Return the absolute error ``|x - target|``; its derivative at 0 is 0. See `mse_loss`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 4.0])
    >>> df.evaluate(df.nn.l1_loss(x, [0.0, 1.0]))
    array(2., dtype=float32)
    """
    x, target = as_floats("l1_loss", x, target)
    return reduced("l1_loss", abs(x - target), reduction)


mae_loss = also_named(l1_loss, "nn.mae_loss")


@public(family="nn")
def huber_loss(
    x: TensorLike, target: TensorLike, reduction: str = "mean", delta: float = 1.0
) -> Tensor:
    """Return ``d² / 2`` of errors up to `delta`, and ``delta (|d| - delta / 2)`` of larger ones.

    Parameters
    ----------
    x, target, reduction
        See `mse_loss`.
    delta : float
        Where the parabola ends and the line begins.

    Raises
    ------
    GraphError
        `delta` is negative, or see `mse_loss`.

    References
    ----------
    Huber, "Robust Estimation of a Location Parameter", Ann. Math. Statist. 35 (1964).

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.5, 3.0])
    >>> df.evaluate(df.nn.huber_loss(x, 0.0, "none"))
    array([0.125, 2.5  ], dtype=float32)
    """
    check_number("huber_loss", "delta", delta, 0)
    x, target = as_floats("huber_loss", x, target)
    return reduced("huber_loss", _huber(abs(x - target), delta), reduction)


def _huber(distance: Tensor, delta: float) -> Tensor:
    near = minimum(distance, delta)
    return near * (distance - near * 0.5)


@public(family="nn")
def smooth_l1_loss(
    x: TensorLike, target: TensorLike, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """Return `huber_loss` divided by `beta`, which takes delta's place; `l1_loss` where it is 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.5, 3.0])
    >>> df.evaluate(df.nn.smooth_l1_loss(x, 0.0, "none", beta=2.0))
    array([0.0625, 2.    ], dtype=float32)
    """
    check_number("smooth_l1_loss", "beta", beta, 0)
    x, target = as_floats("smooth_l1_loss", x, target)
    distance = abs(x - target)
    losses = _huber(distance, beta) / beta if beta else distance
    return reduced("smooth_l1_loss", losses, reduction)


# Distributions


@public(family="nn")
def kl_div(
    x: TensorLike, target: TensorLike, reduction: str = "mean", *, log_target: bool = False
) -> Tensor:
    """Return the Kullback-Leibler divergence ``target (log(target) - x)`` of log-probabilities `x`.

    Parameters
    ----------
    x : tensor or array_like
        Logarithms of probabilities.
    target : tensor or array_like
        Probabilities, or their logarithms. Where the probability is 0 so is the loss, also beside
        a logarithm of -inf, and its gradient by `x`. That by `target` is ``-x`` there: the slope
        of 0 log 0, whose limit is -inf, is left out, where PyTorch gives NaN.
    reduction : {"mean", "batchmean", "sum", "none"}
        ``"batchmean"`` divides the sum by the length of the first axis: the divergence itself,
        where `x` has a row an example. ``"mean"`` divides by the number of elements, as in PyTorch.
    log_target : bool
        Whether `target` is in logarithms.

    Raises
    ------
    DTypeError, ShapeError, GraphError
        See `mse_loss`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[-0.6931472, -0.6931472]])
    >>> df.evaluate(df.nn.kl_div(x, [[0.0, 1.0]], "batchmean")).round(4)
    np.float32(0.6931)
    """
    check_reduction("kl_div", reduction, "batchmean")
    x, target = as_floats("kl_div", x, target)
    losses = _log_divergence(x, target) if log_target else _divergence(x, target)
    if reduction != "batchmean":
        return reduced("kl_div", losses, reduction)
    return sum(losses) / losses.size(0).astype(losses.dtype)


def _divergence(x: Tensor, target: Tensor) -> Tensor:
    safe = where(equal(target, 0), 1, target)
    return safe * log(safe) - finite_times(target, x)


def _log_divergence(x: Tensor, target: Tensor) -> Tensor:
    p = exp(target)
    return finite_times(p, target) - finite_times(p, x)


@public(family="nn")
def poisson_nll_loss(
    x: TensorLike, target: TensorLike, *, log_input: bool = True, full: bool = False,
    eps: float = 1e-8, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Return minus the log-likelihood of counts under Poisson distributions.

    Parameters
    ----------
    x : tensor or array_like
        The distributions' means, or their logarithms.
    target : tensor or array_like
        The counts.
    log_input : bool
        Whether `x` is in logarithms: the loss is ``exp(x) - target x``, else
        ``x - target log(x + eps)``.
    full : bool
        Whether to add Stirling's approximation of ``log(target!)`` where the count is above 1:
        ``target log(target) - target + log(2 π target) / 2``.
    eps : float
        Keeps the logarithm away from 0.
    reduction : {"mean", "sum", "none"}
        See `mse_loss`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.nn.poisson_nll_loss(x, [1, 2], reduction="none")).round(4)
    array([1.    , 0.7183], dtype=float32)
    """
    check_number("poisson_nll_loss", "eps", eps, 0)
    x, target = as_floats("poisson_nll_loss", x, target)
    losses = exp(x) - target * x if log_input else x - target * log(x + eps)
    losses = losses + _stirling(target) if full else losses
    return reduced("poisson_nll_loss", losses, reduction)


def _stirling(count: Tensor) -> Tensor:
    many = greater(count, 1)
    n = where(many, count, 1)
    return where(many, n * log(n) - n + log(n * (2 * math.pi)) * 0.5, 0)


@public(family="nn")
def gaussian_nll_loss(
    x: TensorLike, target: TensorLike, var: TensorLike, *, full: bool = False,
    eps: float = 1e-6, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Return minus the log-likelihood of values under normal distributions.

    The loss is ``(log(v) + (x - target)² / v) / 2``, v being `var` and at least `eps`.

    Parameters
    ----------
    x : tensor or array_like
        The distributions' means.
    target : tensor or array_like
        The values.
    var : tensor or array_like
        The variances, of a shape that broadcasts, or that of `x` without its last axis. Below `eps`
        the gradient is that at `eps`, so that a variance can grow again.
    full : bool
        Whether to add the constant ``log(2 π) / 2``.
    eps : float
        The least variance.
    reduction : {"mean", "sum", "none"}
        See `mse_loss`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 3.0])
    >>> df.evaluate(df.nn.gaussian_nll_loss(x, 1.0, 1.0, reduction="none"))
    array([0.5, 2. ], dtype=float32)
    """
    check_number("gaussian_nll_loss", "eps", eps, 0)
    mean, target, given = as_floats("gaussian_nll_loss", x, target, var)
    if given.shape != mean.shape and given.shape == mean.shape[:-1]:
        given = reshape(given, (*given.shape, 1))  # one for each row, as PyTorch has it
    v = where(less(given, eps), given - stop_gradient(given) + eps, given)
    losses = (log(v) + square(mean - target) / v) * 0.5
    losses = losses + 0.5 * math.log(2 * math.pi) if full else losses
    return reduced("gaussian_nll_loss", losses, reduction)
