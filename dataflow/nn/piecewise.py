"""Layers without variables that are straight in pieces, and call the function of their name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.dispatch import find_function

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["Hardsigmoid", "Hardswish", "Hardtanh", "ReLU6", "Threshold"]


@dataclass(frozen=True)
class ReLU6:
    """A layer that is `relu6`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-1.0, 9.0])
    >>> df.evaluate(df.nn.ReLU6()(x))
    array([0., 6.], dtype=float32)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `relu6` of a tensor."""
        return find_function("nn.relu6")(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Hardtanh:
    """A layer that is `hardtanh`, with its parameters.

    Parameters
    ----------
    min_val : float
        The smallest result.
    max_val : float
        The largest result.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.5, 2.0])
    >>> df.evaluate(df.nn.Hardtanh()(x))
    array([0.5, 1. ], dtype=float32)
    """

    min_val: float = -1.0
    max_val: float = 1.0

    def __call__(self, x: Tensor) -> Tensor:
        """Return `hardtanh` of a tensor."""
        return find_function("nn.hardtanh")(  # type: ignore[no-any-return]
            x, self.min_val, self.max_val
        )


@dataclass(frozen=True)
class Hardsigmoid:
    """A layer that is `hardsigmoid`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 3.0])
    >>> df.evaluate(df.nn.Hardsigmoid()(x))
    array([0.5, 1. ], dtype=float32)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `hardsigmoid` of a tensor."""
        return find_function("nn.hardsigmoid")(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Hardswish:
    """A layer that is `hardswish`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-3.0, 3.0])
    >>> df.evaluate(df.nn.Hardswish()(x)).tolist()
    [0.0, 3.0]
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `hardswish` of a tensor."""
        return find_function("nn.hardswish")(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Threshold:
    """A layer that is `threshold`, with its parameters.

    Parameters
    ----------
    threshold : float
        Up to it, and at it, elements are replaced.
    value : float
        What replaces them.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, 3.0])
    >>> df.evaluate(df.nn.Threshold(2.0, -5.0)(x))
    array([-5.,  3.], dtype=float32)
    """

    threshold: float
    value: float

    def __call__(self, x: Tensor) -> Tensor:
        """Return `threshold` of a tensor."""
        return find_function("nn.threshold")(  # type: ignore[no-any-return]
            x, self.threshold, self.value
        )
