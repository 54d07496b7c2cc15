"""What Adam and its kin share: two moments of each variable, and the numbers that shape them.

The moments are kept as discounted sums, not averages: ``first = beta1 * first + gradient`` and
``second = beta2 * second + gradient**2``. Their factors ``1 - beta`` go into the scalars that
correct the bias, which saves three passes over every parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.optim.betas import check_betas
from dataflow.optim.checks import check_range
from dataflow.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter
    from dataflow.tensor import Tensor

__all__ = ["TwoMoments"]


@dataclass(frozen=True)
class TwoMoments(Optimizer):
    """An optimiser that keeps discounted sums of gradients and of their squares.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate; see `Optimizer`.
    betas : tuple of float
        The discounts of the two moments, in [0, 1).
    eps : float
        Added to the denominator, not negative.
    weight_decay : float
        How fast weights decay, not negative.
    maximize, groups, name
        See `Optimizer`.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_betas(self._kind, self.betas)
        check_range(self._kind, "eps", self.eps, 0.0)
        check_range(self._kind, "weight_decay", self.weight_decay, 0.0)

    def _moments(self, parameter: Parameter, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Let the moments of a variable take in its gradient, and return what they become."""
        first, second = parameter.moment("first"), parameter.moment("second")
        new_first = parameter.commit(first, first * self.betas[0] + gradient)
        return new_first, parameter.commit(second, second * self.betas[1] + gradient * gradient)
