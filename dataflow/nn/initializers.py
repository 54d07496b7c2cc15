"""Initialisers: what a layer's weights are before training, as small constant sub-graphs.

An initialiser is called with a builder, a shape and a dtype, and declares a few nodes: a keyed draw
and its scale. So a graph file holds eight bytes of key, not a million weights, and training starts
from the same numbers everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.errors import GraphError, ShapeError
from dataflow.nn.distributions import (
    constant,
    normal,
    ones,
    trunc_normal,
    truncated_normal,
    uniform,
    zeros,
)
from dataflow.nn.fans import (
    calculate_gain,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    lecun_uniform,
    xavier_normal,
    xavier_uniform,
)
from dataflow.nn.preserving import dirac, identity, orthogonal
from dataflow.nn.weights import Initializer, InitializerLike, Weights
from dataflow.source import user_line
from dataflow.spec import as_dtype, is_bfloat16, shape_text

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = [
    "Initializer", "InitializerLike", "Weights", "calculate_gain", "constant", "dirac",
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "initial_value",
    "kaiming_normal", "kaiming_uniform", "lecun_normal", "lecun_uniform", "normal", "ones",
    "orthogonal", "trunc_normal", "truncated_normal", "uniform", "xavier_normal",
    "xavier_uniform", "zeros",
]  # fmt: skip


def initial_value(initializer: InitializerLike, weights: Weights) -> Tensor:
    """Return a layer's first weights from what its caller gave as an initialiser.

    Raises
    ------
    GraphError
        It is a name that isn't known.
    ShapeError
        It gives weights of another shape.
    """
    builder, shape, dtype = weights.builder, weights.shape, weights.dtype
    if is_bfloat16(as_dtype(dtype)):  # drawn in float32, and rounded
        weights = replace(weights, dtype="float32")
    if isinstance(initializer, str):
        initializer = named(initializer)
    if isinstance(initializer, Initializer):
        made = initializer.rule(weights)
    elif callable(initializer):
        made = initializer(builder, shape, weights.dtype)
    else:
        made = builder.constant(initializer, dtype=dtype)
    if made.shape != shape:
        msg = (f"an initialiser ({user_line()}) gives weights {shape_text(made.shape)}, not "
               f"{shape_text(shape)}")  # fmt: skip
        raise ShapeError(msg)
    return call_function("astype", made, dtype)


def named(name: str) -> Initializer:
    """Return the initialiser of this name, as its function makes it by default."""
    if name not in _NAMED:
        msg = f"initialiser {name!r} ({user_line()}) is none of {', '.join(_NAMED)}"
        raise GraphError(msg)
    return _NAMED[name]()


_NAMED: dict[str, Callable[[], Initializer]] = {
    made.__name__: made
    for made in (zeros, ones, uniform, normal, truncated_normal, trunc_normal, xavier_uniform,
                 xavier_normal, kaiming_uniform, kaiming_normal, lecun_uniform, lecun_normal,
                 orthogonal, identity, dirac)
} | {
    "glorot_normal": glorot_normal, "glorot_uniform": glorot_uniform, "he_normal": he_normal,
    "he_uniform": he_uniform,
}  # fmt: skip
