"""The activation of a layer: a function of a tensor, or the name of one of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from dataflow.dispatch import find_function
from dataflow.errors import GraphError
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["Activation", "activated", "check_activation"]

Activation: TypeAlias = "str | Callable[[Tensor], Tensor] | None"

_MAIN = ("gelu", "log_softmax", "relu", "sigmoid", "silu", "softmax", "tanh")
_FAMILY = (
    "celu", "elu", "geglu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "leaky_relu", "log_sigmoid", "mish", "quick_gelu", "relu6", "selu", "softmin", "softplus",
    "softshrink", "softsign", "squareplus", "swiglu", "swish", "tanhshrink",
)  # fmt: skip
_NAMES = {name: name for name in _MAIN} | {name: f"nn.{name}" for name in _FAMILY}


def check_activation(layer: str, activation: Activation) -> None:
    """Refuse what is neither a function nor the name of one."""
    if activation is None or callable(activation):
        return
    if not isinstance(activation, str) or activation not in _NAMES:
        msg = (f"{layer} ({user_line()}): activation {activation!r} is none of "
               f"{', '.join(sorted(_NAMES))}, nor a function")  # fmt: skip
        raise GraphError(msg)


def activated(activation: Activation, x: Tensor) -> Tensor:
    """Return a tensor as a layer's activation leaves it."""
    if activation is None:
        return x
    function = activation if callable(activation) else find_function(_NAMES[activation])
    return function(x)
