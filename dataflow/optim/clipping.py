"""Clipping: gradients held within bounds, all together or each by itself.

These functions take and return pairs of a variable and its gradient, as `Optimizer.gradients` makes
them and `Optimizer.apply` takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.calling import call_function
from dataflow.optim.checks import check_range
from dataflow.optim.gradients import check_pairs
from dataflow.optim.updates import real_dtype

if TYPE_CHECKING:
    from dataflow.optim.gradients import Pair
    from dataflow.tensor import Tensor

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value", "global_norm"]


def global_norm(pairs: Sequence[tuple[Tensor, Tensor | None]], norm_type: float = 2.0) -> Tensor:
    """Return the norm of all gradients as one vector, a float64 scalar.

    Parameters
    ----------
    pairs : sequence of tuple of Tensor
        Variables with their gradients.
    norm_type : float
        The order of the norm; ``inf`` gives the largest absolute value.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> v, w = b.variable("v", np.array(3.0)), b.variable("w", np.array([4.0]))
    >>> pairs = df.optim.SGD(0.1).gradients(v * v / 2 + (w * w).sum() / 2)
    >>> float(df.evaluate(df.optim.global_norm(pairs)))
    5.0
    """
    checked = check_pairs("global_norm", pairs)
    if norm_type != np.inf:
        check_range("global_norm", "norm_type", norm_type, 0.0)
    builder: Any = checked[0][0].builder
    with builder.recording("update", rule="global_norm"):
        norms = [_norm(gradient, norm_type) for _, gradient in checked]
        return norms[0] if len(norms) == 1 else _norm(call_function("stack", norms), norm_type)


def clip_by_global_norm(
    pairs: Sequence[tuple[Tensor, Tensor | None]], max_norm: float, norm_type: float = 2.0
) -> list[Pair]:
    """Scale all gradients by one factor, so that their norm is at most `max_norm` [1]_.

    It is ``torch.nn.utils.clip_grad_norm_``: the factor is ``max_norm / (norm + 1e-6)``, or 1 where
    that is less.

    Parameters
    ----------
    pairs : sequence of tuple of Tensor
        Variables with their gradients.
    max_norm : float
        The largest norm of all gradients as one vector.
    norm_type : float
        The order of the norm.

    Returns
    -------
    list of tuple of Tensor
        The variables with the new gradients.

    References
    ----------
    .. [1] R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural
       networks", ICML 2013.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0, 4.0]))
    >>> optimizer = df.optim.SGD(1.0)
    >>> pairs = optimizer.gradients((w * w).sum() / 2)
    >>> optimizer.apply(df.optim.clip_by_global_norm(pairs, 1.0))
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 4)
    array([2.4, 3.2])
    """
    check_range("clip_by_global_norm", "max_norm", max_norm, 0.0)
    checked = check_pairs("clip_by_global_norm", pairs)
    factor = _factor(global_norm(checked, norm_type), max_norm)
    return [(variable, _scaled(variable, gradient, factor)) for variable, gradient in checked]


def clip_by_norm(
    pairs: Sequence[tuple[Tensor, Tensor | None]], max_norm: float, norm_type: float = 2.0
) -> list[Pair]:
    """Scale each gradient so that its own norm is at most `max_norm`; see `clip_by_global_norm`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0, 4.0]))
    >>> pairs = df.optim.SGD(1.0).gradients((w * w).sum() / 2)
    >>> np.round(df.evaluate(df.optim.clip_by_norm(pairs, 1.0)[0][1]), 4)
    array([0.6, 0.8])
    """
    check_range("clip_by_norm", "max_norm", max_norm, 0.0)
    clipped = []
    for pair in check_pairs("clip_by_norm", pairs):
        factor = _factor(global_norm([pair], norm_type), max_norm)
        clipped.append((pair[0], _scaled(*pair, factor)))
    return clipped


def clip_by_value(pairs: Sequence[tuple[Tensor, Tensor | None]], clip_value: float) -> list[Pair]:
    """Hold every element of the gradients in ``[-clip_value, clip_value]``.

    It is ``torch.nn.utils.clip_grad_value_``; gradients are real.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([0.5, -4.0]))
    >>> pairs = df.optim.SGD(1.0).gradients((w * w).sum() / 2)
    >>> df.evaluate(df.optim.clip_by_value(pairs, 1.0)[0][1])
    array([ 0.5, -1. ])
    """
    check_range("clip_by_value", "clip_value", clip_value, 0.0)
    clipped = []
    for variable, gradient in check_pairs("clip_by_value", pairs):
        builder: Any = variable.builder
        with builder.recording("update", variable.node, "clip"):
            clipped.append((variable, call_function("clip", gradient, -clip_value, clip_value)))
    return clipped


def _norm(gradient: Tensor, order: float) -> Tensor:
    return call_function("linalg.vector_norm", gradient, ord=order).astype(np.float64)


def _factor(norm: Tensor, max_norm: float) -> Tensor:
    builder: Any = norm.builder
    with builder.recording("update", rule="clip"):
        return call_function("minimum", max_norm / (norm + 1e-6), 1.0)


def _scaled(variable: Tensor, gradient: Tensor, factor: Tensor) -> Tensor:
    builder: Any = variable.builder
    with builder.recording("update", variable.node, "clip"):
        return gradient * factor.astype(real_dtype(gradient))
