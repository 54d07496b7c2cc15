"""Optimisers: the reverse sweep and the updates of variables, declared as nodes of the graph.

Moments and the step counter are variables, so a state file holds all that training goes on from.
What all parameters share (bias corrections) is computed once, in float64 scalars; what each
parameter costs is kept to few calls that work in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.dispatch import FUNCTIONS
from dataflow.errors import GradientError, GraphError
from dataflow.sweeps import vjp_of

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["SGD", "Adam"]


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent: ``w -= learning_rate * gradient``.

    With momentum, the gradient is replaced by ``velocity = momentum * velocity + gradient``, as in
    PyTorch.

    Parameters
    ----------
    learning_rate : float
        The factor.
    momentum : float
        In [0, 1).
    name : str
        What the names of its variables begin with.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.SGD(0.25).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> runner.state["w"]
    array([1.5])
    """

    learning_rate: float
    momentum: float = 0.0
    name: str = "sgd"

    def __post_init__(self) -> None:
        _check_range("learning_rate", self.learning_rate, 0.0, np.inf)
        _check_range("momentum", self.momentum, 0.0, 1.0)

    def minimize(self, loss: Tensor, variables: Sequence[Tensor] | None = None) -> None:
        """Declare the reverse sweep from a loss and the updates; see `Adam.minimize`."""
        builder: Any = loss.builder
        for variable, gradient in _gradients(loss, variables):
            with builder.recording("update", variable.node, "sgd"):
                step = gradient
                if self.momentum:
                    velocity = _moment(variable, f"{self.name}.velocity.{variable.node}")
                    step = velocity * self.momentum + gradient
                    builder.update(velocity, step)
                builder.update(variable, variable - step * self.learning_rate)


@dataclass(frozen=True)
class Adam:
    """Adam [1]_, with the same parameters and the same values as ``torch.optim.Adam``.

    The moments are kept as discounted sums, not averages: ``first = beta1 * first + gradient`` and
    ``second = beta2 * second + gradient**2``. Their factors ``1 - beta`` go into the two scalars
    that correct the bias, which saves three passes over every parameter:

        w -= rate * first / (sqrt(second) + epsilon)

    Parameters
    ----------
    learning_rate : float
        The step size.
    betas : tuple of float
        The discounts of the two moments, in [0, 1).
    eps : float
        Added to the denominator.
    name : str
        What the names of its variables begin with.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> w = b.variable("w", np.array([3.0]))
    >>> df.optim.Adam(0.5).minimize((w * w).sum())
    >>> runner = df.Runner(df.compile(b.build()))
    >>> _ = runner.run()
    >>> np.round(runner.state["w"], 6)
    array([2.5])
    """

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    name: str = "adam"

    def __post_init__(self) -> None:
        _check_range("learning_rate", self.learning_rate, 0.0, np.inf)
        for beta in self.betas:
            _check_range("betas", beta, 0.0, 1.0)
        _check_range("eps", self.eps, 0.0, np.inf)

    def minimize(self, loss: Tensor, variables: Sequence[Tensor] | None = None) -> None:
        """Declare the reverse sweep from a loss, and the updates that lower it.

        Parameters
        ----------
        loss : Tensor
            A floating-point scalar.
        variables : sequence of Tensor, optional
            What to update; by default every variable with ``requires_grad`` that the loss depends
            on.

        Raises
        ------
        GradientError
            The loss is no scalar, depends on no variable, or not on one of `variables`.
        GraphError
            A variable has an update already, or the names of this optimiser's are taken.
        """
        builder: Any = loss.builder
        gradients = _gradients(loss, variables)
        with builder.recording("update", rule=self.name):
            rate, epsilon = self._corrections(builder)
            beta1, beta2 = self.betas
            for variable, gradient in gradients:
                first = _moment(variable, f"{self.name}.first.{variable.node}")
                second = _moment(variable, f"{self.name}.second.{variable.node}")
                new_first = first * beta1 + gradient
                new_second = second * beta2 + gradient * gradient
                root = FUNCTIONS["sqrt"](new_second) + epsilon.astype(variable.dtype)
                step = new_first / root * rate.astype(variable.dtype)
                builder.update(first, new_first)
                builder.update(second, new_second)
                builder.update(variable, variable - step)

    def _corrections(self, builder: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401 - a GraphBuilder
        """Return the step size and epsilon, with the moments' factors and bias taken in."""
        steps = builder.variable(f"{self.name}.step", np.zeros((), np.int64))
        builder.update(steps, steps + 1)
        betas = builder.constant(np.asarray(self.betas, np.float64))
        bias = 1.0 - FUNCTIONS["power"](betas, (steps + 1).astype(np.float64))
        scale = FUNCTIONS["sqrt"](bias[1] / (1.0 - self.betas[1]))
        rate = scale * (self.learning_rate * (1.0 - self.betas[0])) / bias[0]
        return rate, scale * self.eps


def _gradients(loss: Tensor, variables: Sequence[Tensor] | None) -> list[tuple[Tensor, Tensor]]:
    """Return the variables to update, each with its gradient."""
    builder: Any = loss.builder
    wanted = [v for v in builder.variables if v.requires_grad] if variables is None else variables
    found = vjp_of([loss], wanted, [None])
    pairs = [(v, g) for v, g in zip(wanted, found, strict=True) if g is not None]
    missing = [v.node for v, g in zip(wanted, found, strict=True) if g is None]
    if not pairs or (variables is not None and missing):
        msg = (f"minimize({loss.node!r}): it doesn't depend on "
               f"{', '.join(missing) or 'any variable that requires a gradient'}")  # fmt: skip
        raise GradientError(msg)
    return pairs


def _moment(variable: Tensor, name: str) -> Tensor:
    builder: Any = variable.builder
    zeros = builder.zeros(variable.shape, variable.dtype)
    return builder.variable(name, zeros, requires_grad=False)  # type: ignore[no-any-return]


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not isinstance(value, (int, float)) or not low <= value < high:
        msg = f"{name} must lie in [{low}, {high}), not {value!r}"
        raise GraphError(msg)
