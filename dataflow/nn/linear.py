"""Dense layers as PyTorch has them: all lengths are given, and the weights are outputs first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.dispatch import find_function
from dataflow.errors import ShapeError
from dataflow.nn.declaring import declaring
from dataflow.nn.dense import check_count, length_of
from dataflow.nn.initializers import InitializerLike, kaiming_uniform, uniform
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["Bilinear", "Linear"]


@dataclass(frozen=True)
class Linear:
    """A layer ``x @ weight.T + bias`` with PyTorch's arguments; see `Dense` for one of fewer.

    Parameters
    ----------
    in_features, out_features : int
        The lengths of the last axis before and after.
    bias : bool
        Whether a bias is added.
    name : str
        What the names of its variables begin with; the second layer of a name gets a number.
    initializer, bias_initializer : Initializer, str, array or callable, optional
        What the variables are at first, by default as in PyTorch: uniform draws of up to
        ``1 / sqrt(in_features)`` on both sides of 0.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> df.nn.Linear(4, 3)(b.input("x", shape=("batch", 4))).shape
    (Dim('batch'), 3)
    >>> [(v.node, v.shape) for v in b.variables]
    [('linear.weight', (3, 4)), ('linear.bias', (3,))]
    """

    in_features: int
    out_features: int
    bias: bool = True
    name: str = "linear"
    initializer: InitializerLike | None = None
    bias_initializer: InitializerLike | None = None

    def __post_init__(self) -> None:
        check_count("Linear", "in_features", self.in_features)
        check_count("Linear", "out_features", self.out_features)

    def __call__(self, x: Tensor) -> Tensor:
        """Declare the layer on a tensor and return its result.

        Raises
        ------
        ShapeError, DTypeError
            The last axis of `x` isn't `in_features` long, or it isn't floating point.
        """
        _, inputs = length_of("Linear", x)
        if inputs != self.in_features:
            msg = (f"Linear ({user_line()}) of {x.node!r}, {x.spec}: the last axis must be "
                   f"{self.in_features} long, the layer's in_features")  # fmt: skip
            raise ShapeError(msg)
        limit = 1 / math.sqrt(max(inputs, 1))
        first = kaiming_uniform(math.sqrt(5)) if self.initializer is None else self.initializer
        second = uniform(-limit, limit) if self.bias_initializer is None else self.bias_initializer
        with declaring(self, x) as own:
            shape = (self.out_features, inputs)
            weight = own.weight("weight", first, shape, in_axis=1, out_axis=0)
            bias = own.weight("bias", second, shape[:1]) if self.bias else None
        return find_function("nn.linear")(x, weight, bias)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Bilinear:
    """A layer of `dataflow.nn.bilinear` with PyTorch's arguments.

    Parameters
    ----------
    in1_features, in2_features, out_features : int
        The lengths of the last axes of both tensors, and of the result.
    bias, name, initializer, bias_initializer
        See `Linear`; the draws are of up to ``1 / sqrt(in1_features)``.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x, y = b.input("x", shape=("batch", 4)), b.input("y", shape=("batch", 5))
    >>> df.nn.Bilinear(4, 5, 3)(x, y).shape
    (Dim('batch'), 3)
    >>> [(v.node, v.shape) for v in b.variables]
    [('bilinear.weight', (3, 4, 5)), ('bilinear.bias', (3,))]
    """

    in1_features: int
    in2_features: int
    out_features: int
    bias: bool = True
    name: str = "bilinear"
    initializer: InitializerLike | None = None
    bias_initializer: InitializerLike | None = None

    def __post_init__(self) -> None:
        for name in ("in1_features", "in2_features", "out_features"):
            check_count("Bilinear", name, getattr(self, name))

    def __call__(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Declare the layer on two tensors and return its result.

        Raises
        ------
        ShapeError, DTypeError
            A last axis isn't as long as the layer says, or a tensor isn't floating point.
        """
        wanted = (self.in1_features, self.in2_features)
        for x, length in zip((x1, x2), wanted, strict=True):
            if length_of("Bilinear", x)[1] != length:
                msg = (f"Bilinear ({user_line()}) of {x.node!r}, {x.spec}: the last axis must be "
                       f"{length} long")  # fmt: skip
                raise ShapeError(msg)
        limit = 1 / math.sqrt(max(self.in1_features, 1))
        given = (self.initializer, self.bias_initializer)
        first, second = (uniform(-limit, limit) if x is None else x for x in given)
        with declaring(self, x1) as own:
            shape = (self.out_features, *wanted)
            weight = own.weight("weight", first, shape, in_axis=1, out_axis=0)
            bias = own.weight("bias", second, shape[:1]) if self.bias else None
        return find_function("nn.bilinear")(x1, x2, weight, bias)  # type: ignore[no-any-return]
