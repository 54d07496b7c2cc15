"""Adam and AdamW."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.optim.betas import corrected
from dataflow.optim.checks import check_flag
from dataflow.optim.decay import decays, shrunk, with_weights
from dataflow.optim.moments import TwoMoments

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Scalar, Updates
    from dataflow.tensor import Tensor

__all__ = ["Adam", "AdamW"]


@dataclass(frozen=True)
class Adam(TwoMoments):
    """Adam [1]_, with the same parameters and the same values as ``torch.optim.Adam``.

    ``w -= lr * first / (sqrt(second) + eps)`` of averages of the gradient and its square that are
    corrected for their start from zero.

    Parameters
    ----------
    lr : float, Tensor or callable
        The learning rate; see `Optimizer`.
    betas : tuple of float
        The discounts of the two moments, in [0, 1).
    eps : float
        Added to the denominator.
    weight_decay : float
        How much of the variable is added to its gradient.
    amsgrad : bool
        Whether the largest second moment so far is taken instead of the last [2]_.
    decoupled_weight_decay : bool
        Whether weights decay beside the gradient, as in `AdamW`.
    maximize, groups, name
        See `Optimizer`.

    Notes
    -----
    In the state, the moments ``adam.first.w`` and ``adam.second.w`` are PyTorch's ``exp_avg``
    divided by ``1 - betas[0]`` and ``exp_avg_sq`` divided by ``1 - betas[1]``.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
    .. [2] S. J. Reddi, S. Kale, S. Kumar, "On the Convergence of Adam and Beyond", ICLR 2018.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.Adam(0.5).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 6)
    array([2.5])
    """

    amsgrad: bool = False
    decoupled_weight_decay: bool = False
    name: str = field(default="adam", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_flag(self._kind, "amsgrad", self.amsgrad)
        check_flag(self._kind, "decoupled_weight_decay", self.decoupled_weight_decay)

    def rates(self, updates: Updates) -> tuple[Scalar, ...]:
        """Return the step size and eps, with the moments' factors and bias in, and the rate."""
        rate = updates.rate(self.lr)
        return *corrected(updates, self.betas, self.eps, rate), rate

    def step(self, parameter: Parameter, rates: tuple[Scalar, ...]) -> Tensor:
        """Return ``w - size * first / (sqrt(second) + eps)``."""
        size, eps, rate = rates
        coupled, apart = decays(self.weight_decay, decoupled=self.decoupled_weight_decay)
        gradient = with_weights(parameter, coupled)
        first, second = self._moments(parameter, gradient)
        largest = self._largest(parameter, second)
        change = first / (call_function("sqrt", largest) + eps) * size
        return shrunk(parameter, apart, rate) - change

    def _largest(self, parameter: Parameter, second: Tensor) -> Tensor:
        if not self.amsgrad:
            return second
        largest = parameter.moment("largest")
        return parameter.commit(largest, call_function("maximum", largest, second))


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weights that decay beside the gradient [1]_: ``torch.optim.AdamW``.

    The parameters are `Adam`'s, with a `weight_decay` of 0.01.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.AdamW(0.5, weight_decay=0.1).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 6)
    array([2.35])
    """

    weight_decay: float = 1e-2
    decoupled_weight_decay: bool = True
    name: str = field(default="adamw", kw_only=True)
