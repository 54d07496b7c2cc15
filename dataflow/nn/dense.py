"""Layers: small records that declare their variables when they are called on a tensor."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.dispatch import FUNCTIONS
from dataflow.errors import DTypeError, GraphError, ShapeError
from dataflow.tensor import builder_of

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["Dense", "softmax_cross_entropy"]

_ACTIVATIONS = ("relu", "sigmoid", "tanh", "gelu")


@dataclass(frozen=True)
class Dense:
    """A layer ``activation(x @ weight + bias)``.

    Parameters
    ----------
    units : int
        The length of the result's last axis.
    activation : str or callable, optional
        ``"relu"``, ``"sigmoid"``, ``"tanh"``, ``"gelu"``, or a function of a tensor.
    use_bias : bool
        Whether a bias is added.
    name : str
        What the names of its variables begin with; the second layer of a name gets a number.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", shape=("batch", 4))
    >>> df.nn.Dense(3, activation="relu")(x).shape
    (Dim('batch'), 3)
    >>> [v.node for v in b.variables]
    ['dense.weight', 'dense.bias']
    """

    units: int
    activation: str | Callable[[Tensor], Tensor] | None = None
    use_bias: bool = True
    name: str = "dense"

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int) or self.units < 0:
            msg = f"Dense: units is an int of 0 or more, not {self.units!r}"
            raise ShapeError(msg)
        if isinstance(self.activation, str) and self.activation not in _ACTIVATIONS:
            msg = f"Dense: activation {self.activation!r} is none of {', '.join(_ACTIVATIONS)}"
            raise GraphError(msg)

    def __call__(self, x: Tensor) -> Tensor:
        """Declare the layer on a tensor and return its result.

        Parameters
        ----------
        x : Tensor
            Floating point, with a last axis of known length.

        Returns
        -------
        Tensor
            `x` with `units` as its last axis.

        Raises
        ------
        ShapeError, DTypeError
            `x` has no last axis of known length, or isn't floating point.
        """
        builder: Any = builder_of(x)
        inputs = x.shape[-1] if x.ndim else None
        if not isinstance(inputs, int):
            msg = f"Dense of {x.node!r}, {x.spec}: the last axis must have a known length"
            raise ShapeError(msg)
        if not x.spec.is_float:
            msg = f"Dense of {x.node!r}, {x.spec}: use .astype('float32') before"
            raise DTypeError(msg)
        with builder.scope(self.name):
            weight = builder.variable("weight", _glorot(x, inputs, self.units))
            result = FUNCTIONS["matmul"](x, weight)
            if self.use_bias:
                result = result + builder.variable("bias", builder.zeros((self.units,), x.dtype))
        return self._activated(result)

    def _activated(self, x: Tensor) -> Tensor:
        if self.activation is None:
            return x
        function = self.activation
        return FUNCTIONS[function](x) if isinstance(function, str) else function(x)


def softmax_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return each example's cross-entropy; see `dataflow.softmax_cross_entropy`."""
    return FUNCTIONS["softmax_cross_entropy"](logits, labels)  # type: ignore[no-any-return]


def _glorot(x: Tensor, inputs: int, outputs: int) -> Tensor:
    """Draw uniformly from ±sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010, equation 16)."""
    builder: Any = x.builder
    limit = math.sqrt(6 / max(inputs + outputs, 1))
    draws: Tensor = builder.rand((inputs, outputs), x.dtype)
    return draws * (2 * limit) - limit
