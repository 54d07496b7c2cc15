"""LAMB: Adam's direction, with steps in proportion to each variable's norm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.optim.betas import corrected
from dataflow.optim.moments import TwoMoments

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["LAMB"]


@dataclass(frozen=True)
class LAMB(TwoMoments):
    """LAMB [1]_, for large batches: ``w -= lr * norm(w) / norm(step) * step``.

    ``step`` is Adam's direction plus ``weight_decay * w``; where one of the norms is zero, their
    quotient counts as 1.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate; see `Optimizer`.
    betas : tuple of float
        See `Adam`.
    eps : float
        Added to Adam's denominator.
    weight_decay : float
        How much of the variable is added to the direction.
    maximize, groups, name
        See `Optimizer`.

    Notes
    -----
    Moments in the state are as in `Adam`.

    References
    ----------
    .. [1] Y. You and others, "Large Batch Optimization for Deep Learning: Training BERT in 76
       minutes", ICLR 2020, algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0, -4.0]))
    >>> df.optim.LAMB(0.1).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 4)
    array([ 2.6464, -3.6464])
    """

    eps: float = 1e-6
    name: str = field(default="lamb", kw_only=True)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the learning rate, and the size and eps of Adam's direction."""
        return (updates.rate(self.lr), *corrected(updates, self.betas, self.eps, 1.0))

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - lr * norm(w) / norm(step) * step``."""
        rate, size, eps = rates
        first, second = self._moments(parameter, parameter.gradient)
        change = first / (call_function("sqrt", second) + eps) * size
        if self.weight_decay:
            change = change + parameter.value * self.weight_decay
        return parameter.value - change * (_trust(parameter.value, change) * rate)


def _trust(value: Tensor, change: Tensor) -> Tensor:
    """Return the quotient of two norms, 1 where one is zero."""
    ours, its = (call_function("linalg.vector_norm", tensor) for tensor in (value, change))
    return call_function("where", (ours > 0) & (its > 0), ours / its, 1.0)
