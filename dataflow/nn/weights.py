"""Weights before training: what a layer asks for, and the initialiser that declares it.

How wide a draw is follows from the numbers of inputs and outputs of one unit, the *fans*: one axis
of a weight counts inputs, one outputs, and all others (the places of a convolution's kernel)
multiply both. A dense layer's weights are ``(inputs, outputs)``, the default; a convolution's are
``(outputs, inputs, ...)`` and say so by `in_axis` and `out_axis`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from dataflow.errors import GraphError, ShapeError
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.spec import as_shape, shape_text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.tensor import Tensor

__all__ = ["Initializer", "InitializerLike", "Weights", "initializer"]


@dataclass(frozen=True)
class Weights:
    """The weights that an initialiser is asked for.

    Parameters
    ----------
    builder : GraphBuilder
        The graph that they are declared in.
    shape : tuple of int
        Their shape.
    dtype : dtype
        Their dtype, real floating point.
    in_axis, out_axis : int
        The axes that count the inputs and the outputs of a unit.
    """

    builder: Any
    shape: tuple[int, ...]
    dtype: object
    in_axis: int = -2
    out_axis: int = -1

    def fan(self, mode: str) -> float:
        """Return a unit's inputs, outputs, or the mean of both; at least 1."""
        if len(self.shape) < 2:
            msg = (f"weights {shape_text(self.shape)} ({user_line()}) have no axes of inputs and "
                   "of outputs: take an initialiser that doesn't count them")  # fmt: skip
            raise ShapeError(msg)
        axes = [normal_axis(axis, len(self.shape)) for axis in (self.in_axis, self.out_axis)]
        places = math.prod(n for axis, n in enumerate(self.shape) if axis not in axes)
        inputs, outputs = (places * self.shape[axis] for axis in axes)
        found = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}
        return max(found[mode], 1)


@dataclass(frozen=True)
class Initializer:
    """What weights are at first; the functions of `df.nn.initializers` make them.

    Parameters
    ----------
    name : str
        The function that made it, with its arguments.
    rule : callable
        Declares the `Weights` it is given.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> df.nn.initializers.xavier_uniform()
    xavier_uniform(gain=1.0)
    >>> b.variable("w", df.nn.initializers.xavier_uniform()(b, (2, 3))).shape
    (2, 3)
    """

    name: str
    rule: Callable[[Weights], Tensor] = field(compare=False)

    def __repr__(self) -> str:
        return self.name

    def __call__(
        self, builder: Any, shape: int | Sequence[int], dtype: object = "float32",  # noqa: ANN401
        *, in_axis: int = -2, out_axis: int = -1,
    ) -> Tensor:  # fmt: skip
        """Declare weights.

        Parameters
        ----------
        builder : GraphBuilder
            The graph to declare them in.
        shape : int or sequence of int
            Their shape, of known lengths.
        dtype : dtype
            Real floating point.
        in_axis, out_axis : int
            The axes that count the inputs and the outputs of a unit.

        Raises
        ------
        ShapeError
            A length isn't known, or there are too few axes for this initialiser.
        """
        lengths = as_shape(shape)
        known = tuple(n for n in lengths if isinstance(n, int))
        if known != lengths:
            msg = f"{self.name} ({user_line()}) of {shape_text(lengths)}: lengths must be known"
            raise ShapeError(msg)
        return self.rule(Weights(builder, known, dtype, in_axis, out_axis))


InitializerLike: TypeAlias = "Initializer | str | ArrayLike | Callable[..., Tensor]"
"""An initialiser, its name, weights as an array, or a function of builder, shape and dtype."""


def initializer(name: str, rule: Callable[..., Tensor], **numbers: float) -> Initializer:
    """Return an initialiser, of a rule and the numbers that it is called with."""
    for argument, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            msg = f"{name} ({user_line()}): {argument} is a number, not {value!r}"
            raise GraphError(msg)
    shown = ", ".join(f"{argument}={value!r}" for argument, value in numbers.items())
    return Initializer(f"{name}({shown})", partial(rule, **numbers))
