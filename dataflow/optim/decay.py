"""Weight decay: in the gradient, or apart from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow.optim.updates import Parameter, Scalar
    from dataflow.tensor import Tensor

__all__ = ["decays", "shrunk", "with_weights"]


def decays(weight_decay: float, *, decoupled: bool) -> tuple[float, float]:
    """Return how much of a decay goes into the gradient, for `with_weights`, and into `shrunk`."""
    return (0.0, weight_decay) if decoupled else (weight_decay, 0.0)


def with_weights(parameter: Parameter, weight_decay: float) -> Tensor:
    """Return the gradient plus `weight_decay` times the variable: that of a penalty's square."""
    if not weight_decay:
        return parameter.gradient
    return parameter.gradient + parameter.value * weight_decay


def shrunk(parameter: Parameter, weight_decay: float, rate: Scalar) -> Tensor:
    """Return the variable less ``rate * weight_decay`` of itself, whatever its gradient [1]_.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
    """
    if not weight_decay:
        return parameter.value
    return parameter.value * (1.0 - rate * weight_decay)
