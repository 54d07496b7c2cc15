"""NAdam: Adam that looks ahead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.optim.betas import corrected
from dataflow.optim.checks import check_flag, check_range
from dataflow.optim.decay import decays, shrunk, with_weights
from dataflow.optim.moments import TwoMoments

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Rate, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["NAdam"]


@dataclass(frozen=True)
class NAdam(TwoMoments):
    """Adam with Nesterov's momentum [1]_: ``torch.optim.NAdam``.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate; see `Optimizer`.
    betas, eps, weight_decay, decoupled_weight_decay
        See `Adam`.
    momentum_decay : float
        The momentum at update t is ``betas[0] * (1 - 0.96**(t * momentum_decay) / 2)``.
    maximize, groups, name
        See `Optimizer`.

    Notes
    -----
    Moments in the state are as in `Adam`; ``nadam.momenta`` is the product of all momenta.

    References
    ----------
    .. [1] T. Dozat, "Incorporating Nesterov Momentum into Adam", ICLR workshop 2016.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.NAdam(0.5).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 4)
    array([2.4718])
    """

    lr: Rate = 2e-3
    momentum_decay: float = 4e-3
    decoupled_weight_decay: bool = False
    name: str = field(default="nadam", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("NAdam", "momentum_decay", self.momentum_decay, 0.0)
        check_flag("NAdam", "decoupled_weight_decay", self.decoupled_weight_decay)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the sizes of the gradient's and the moment's parts, eps, and the rate."""
        rate = updates.rate(self.lr)
        momenta = updates.scalar("momenta", 1.0)
        now, then = (self._momentum(t) for t in (updates.count, updates.count + 1.0))
        product = momenta * now
        updates.commit(momenta, product)
        size, eps = corrected(updates, self.betas, self.eps, rate)
        # `size` has Adam's factor of the first moment, (1 - beta1) / (1 - beta1**t): taken out.
        bare = size * ((1.0 - call_function("power", self.betas[0], updates.count))
                       / (1.0 - self.betas[0]))  # fmt: skip
        ahead = bare * (1.0 - self.betas[0]) * then / (1.0 - product * then)
        return bare * (1.0 - now) / (1.0 - product), ahead, eps, rate

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - (size * gradient + ahead * first) / (sqrt(second) + eps)``."""
        size, ahead, eps, rate = rates
        coupled, apart = decays(self.weight_decay, decoupled=self.decoupled_weight_decay)
        gradient = with_weights(parameter, coupled)
        first, second = self._moments(parameter, gradient)
        root = call_function("sqrt", second) + eps
        change = (gradient * size + first * ahead) / root
        return shrunk(parameter, apart, rate) - change

    def _momentum(self, count: Tensor) -> Tensor:
        decay = call_function("power", 0.96, count * self.momentum_decay)
        return (1.0 - decay * 0.5) * self.betas[0]
