"""Layers without variables, which call the function of their name: pools and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from dataflow.dispatch import find_function

if TYPE_CHECKING:
    from dataflow.ops.nn.pools import Ints, Padding
    from dataflow.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d",
    "MaxPool2d", "MaxPool3d", "Upsample",
]  # fmt: skip


def _called(layer: Any, name: str, x: Tensor) -> Tensor:  # noqa: ANN401 - a dataclass
    """Call a function on a tensor, with a layer's fields as its other arguments."""
    options = {field.name: getattr(layer, field.name) for field in fields(layer)}
    return find_function(f"nn.{name}")(x, **options)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _MaxPool:
    """The parameters of a maximum of windows."""

    kernel_size: Ints
    stride: Ints | None = None
    padding: Padding = 0
    dilation: Ints = 1
    ceil_mode: bool = False


@dataclass(frozen=True)
class MaxPool1d(_MaxPool):
    """A layer that is `max_pool1d`, with its parameters.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.MaxPool1d(2)(df.GraphBuilder().ones((1, 2, 6))).shape
    (1, 2, 3)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the maxima of windows over sequences."""
        return _called(self, "max_pool1d", x)


@dataclass(frozen=True)
class MaxPool2d(_MaxPool):
    """A layer that is `max_pool2d`, with its parameters.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.MaxPool2d(3, stride=2, padding=1)(df.GraphBuilder().ones((1, 2, 6, 6))).shape
    (1, 2, 3, 3)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the maxima of windows over images."""
        return _called(self, "max_pool2d", x)


@dataclass(frozen=True)
class MaxPool3d(_MaxPool):
    """A layer that is `max_pool3d`, with its parameters.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.MaxPool3d((1, 2, 2))(df.GraphBuilder().ones((1, 2, 3, 6, 6))).shape
    (1, 2, 3, 3, 3)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the maxima of windows over volumes."""
        return _called(self, "max_pool3d", x)


@dataclass(frozen=True)
class _AvgPool:
    """The parameters of a mean of windows."""

    kernel_size: Ints
    stride: Ints | None = None
    padding: Padding = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None


@dataclass(frozen=True)
class AvgPool1d(_AvgPool):
    """A layer that is `avg_pool1d`, with its parameters.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.AvgPool1d(2)(df.GraphBuilder().ones((1, 2, 6))).shape
    (1, 2, 3)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the means of windows over sequences."""
        return _called(self, "avg_pool1d", x)


@dataclass(frozen=True)
class AvgPool2d(_AvgPool):
    """A layer that is `avg_pool2d`, with its parameters.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.AvgPool2d(2)(df.GraphBuilder().ones((1, 2, 6, 6))).shape
    (1, 2, 3, 3)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the means of windows over images."""
        return _called(self, "avg_pool2d", x)


@dataclass(frozen=True)
class AvgPool3d(_AvgPool):
    """A layer that is `avg_pool3d`, with its parameters.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.AvgPool3d(2)(df.GraphBuilder().ones((1, 2, 4, 6, 6))).shape
    (1, 2, 2, 3, 3)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the means of windows over volumes."""
        return _called(self, "avg_pool3d", x)


@dataclass(frozen=True)
class _AdaptiveAvgPool:
    """The parameter of means of windows that a size asks for."""

    output_size: int | Sequence[int | None]


@dataclass(frozen=True)
class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """A layer that is `adaptive_avg_pool1d`, with its parameter.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.AdaptiveAvgPool1d(4)(df.GraphBuilder().ones((1, 2, 6))).shape
    (1, 2, 4)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the means of so many windows over sequences."""
        return _called(self, "adaptive_avg_pool1d", x)


@dataclass(frozen=True)
class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """A layer that is `adaptive_avg_pool2d`, with its parameter.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.AdaptiveAvgPool2d(4)(df.GraphBuilder().ones((1, 2, 6, 5))).shape
    (1, 2, 4, 4)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the means of so many windows over images."""
        return _called(self, "adaptive_avg_pool2d", x)


@dataclass(frozen=True)
class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """A layer that is `adaptive_avg_pool3d`, with its parameter.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.AdaptiveAvgPool3d(4)(df.GraphBuilder().ones((1, 2, 6, 5, 4))).shape
    (1, 2, 4, 4, 4)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the means of so many windows over volumes."""
        return _called(self, "adaptive_avg_pool3d", x)


@dataclass(frozen=True)
class _AdaptiveMaxPool:
    """The parameter of maxima of windows that a size asks for."""

    output_size: int | Sequence[int | None]


@dataclass(frozen=True)
class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """A layer that is `adaptive_max_pool1d`, with its parameter.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.AdaptiveMaxPool1d(4)(df.GraphBuilder().ones((1, 2, 6))).shape
    (1, 2, 4)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the maxima of so many windows over sequences."""
        return _called(self, "adaptive_max_pool1d", x)


@dataclass(frozen=True)
class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """A layer that is `adaptive_max_pool2d`, with its parameter.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.AdaptiveMaxPool2d(4)(df.GraphBuilder().ones((1, 2, 6, 5))).shape
    (1, 2, 4, 4)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the maxima of so many windows over images."""
        return _called(self, "adaptive_max_pool2d", x)


@dataclass(frozen=True)
class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """A layer that is `adaptive_max_pool3d`, with its parameter.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.AdaptiveMaxPool3d(4)(df.GraphBuilder().ones((1, 2, 6, 5, 4))).shape
    (1, 2, 4, 4, 4)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the maxima of so many windows over volumes."""
        return _called(self, "adaptive_max_pool3d", x)


@dataclass(frozen=True)
class Upsample:
    """A layer that is `interpolate`, with its parameters.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.Upsample(scale_factor=2, mode="bilinear")(df.GraphBuilder().ones((1, 2, 3, 3))).shape
    (1, 2, 6, 6)
    """

    size: int | Sequence[int] | None = None
    scale_factor: float | Sequence[float] | None = None
    mode: str = "nearest"
    align_corners: bool | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Return images of another size."""
        return _called(self, "interpolate", x)
