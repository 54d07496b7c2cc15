"""Layers in a row, and the one that joins axes between convolutions and dense layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.calling import call_function
from dataflow.dims import product
from dataflow.errors import GraphError, ShapeError
from dataflow.nn.declaring import declaring
from dataflow.shapes import normal_axis
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["Flatten", "Sequential"]


@dataclass(frozen=True)
class Flatten:
    """A layer that joins all axes from one to another.

    Parameters
    ----------
    start_dim, end_dim : int
        The first and the last of the axes; by default all but the examples'.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", ("batch", 2, 3, 4), "float32")
    >>> df.nn.Flatten()(x).shape
    (Dim('batch'), 24)
    """

    start_dim: int = 1
    end_dim: int = -1

    def __call__(self, x: Tensor) -> Tensor:
        """Return a tensor with these axes joined.

        Raises
        ------
        ShapeError
            There is no such axis, or the last one is before the first.
        """
        start, end = (normal_axis(axis, x.ndim) for axis in (self.start_dim, self.end_dim))
        if end < start:
            msg = f"Flatten ({user_line()}): axis {end} comes before axis {start}"
            raise ShapeError(msg)
        shape = (*x.shape[:start], product(x.shape[start : end + 1]), *x.shape[end + 1 :])
        return call_function("reshape", x, shape)


class Sequential:
    """Layers and functions, each called on what the one before returned.

    Parameters
    ----------
    *layers : callable
        Layers, or any functions of a tensor.
    name : str, optional
        What the names of all variables begin with; by default nothing is put before them.

    Raises
    ------
    GraphError
        A layer can't be called.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", shape=("batch", 1, 8, 8))
    >>> net = df.nn.Sequential(
    ...     df.nn.Conv2d(4, 3, activation="relu"), df.nn.MaxPool2d(2), df.nn.Flatten(),
    ...     df.nn.Dense(10), name="classifier",
    ... )
    >>> net(x).shape
    (Dim('batch'), 10)
    >>> b.variables[0].node
    'classifier.conv.weight'
    """

    def __init__(self, *layers: Callable[[Tensor], Tensor], name: str = "") -> None:
        for place, layer in enumerate(layers):
            if not callable(layer):
                msg = (f"Sequential ({user_line()}): layer {place} is {layer!r}, which can't be "
                       "called on a tensor")  # fmt: skip
                raise GraphError(msg)
        self.layers = layers
        self.name = name

    def __repr__(self) -> str:
        inside = [repr(layer) for layer in self.layers]
        return f"Sequential({', '.join([*inside, *[f'name={self.name!r}'] * bool(self.name)])})"

    def __call__(self, x: Tensor) -> Tensor:
        """Declare all layers, one after the other, and return what the last one does."""
        with declaring(self, x):
            for layer in self.layers:
                x = layer(x)
        return x
