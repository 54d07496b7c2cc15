"""Lion: steps of one size, by the sign of a momentum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.optim.betas import check_betas
from dataflow.optim.checks import check_range
from dataflow.optim.decay import shrunk
from dataflow.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Rate, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["Lion"]


@dataclass(frozen=True)
class Lion(Optimizer):
    """Lion [1]_: ``w -= lr * (sign(beta1 * m + (1 - beta1) * gradient) + weight_decay * w)``.

    Then ``m = beta2 * m + (1 - beta2) * gradient``. It keeps one moment where Adam keeps two.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate; see `Optimizer`. A third to a tenth of Adam's serves.
    betas : tuple of float
        The discounts, in [0, 1).
    weight_decay : float
        How fast weights decay beside the gradient.
    maximize, groups, name
        See `Optimizer`.

    Notes
    -----
    In the state, the moment ``lion.first.w`` is m divided by ``1 - betas[1]``.

    References
    ----------
    .. [1] X. Chen and others, "Symbolic Discovery of Optimization Algorithms", NeurIPS 2023,
       algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0, -2.0]))
    >>> df.optim.Lion(0.5).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> runner.state["w"]
    array([ 2.5, -1.5])
    """

    lr: Rate = 1e-4
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    name: str = field(default="lion", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_betas("Lion", self.betas)
        check_range("Lion", "weight_decay", self.weight_decay, 0.0)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the learning rate."""
        return (updates.rate(self.lr),)

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - lr * sign(share * first + gradient)``, first a discounted sum."""
        beta1, beta2 = self.betas
        gradient, first = parameter.gradient, parameter.moment("first")
        share = beta1 * (1.0 - beta2) / (1.0 - beta1)
        direction = call_function("sign", first * share + gradient)
        parameter.commit(first, first * beta2 + gradient)
        return shrunk(parameter, self.weight_decay, rates[0]) - direction * rates[0]
