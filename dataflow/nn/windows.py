"""Layers without variables that take images apart and put them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.dispatch import find_function

if TYPE_CHECKING:
    from dataflow.ops.nn.convolution_arguments import Ints, Padding
    from dataflow.tensor import Tensor

__all__ = ["Fold", "PixelUnshuffle", "Unfold"]


@dataclass(frozen=True)
class PixelUnshuffle:
    """A layer that is `pixel_unshuffle`, with its parameter.

    Parameters
    ----------
    downscale_factor : int
        By how much height and width shrink.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.PixelUnshuffle(2)(df.GraphBuilder().ones((1, 2, 6, 6))).shape
    (1, 8, 3, 3)
    """

    downscale_factor: int

    def __call__(self, x: Tensor) -> Tensor:
        """Return images whose channels hold every so many-th pixel each."""
        return find_function("nn.pixel_unshuffle")(  # type: ignore[no-any-return]
            x, self.downscale_factor
        )


@dataclass(frozen=True)
class Unfold:
    """A layer that is `unfold`, with its parameters.

    Parameters
    ----------
    kernel_size : int or sequence of int
        The height and width of a window.
    dilation : int or sequence of int
        The distance of a window's elements.
    padding : as `df.nn.conv2d`'s
        How many zeros there are around an image.
    stride : int or sequence of int
        How far a window moves at a time.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.Unfold(2)(df.GraphBuilder().ones((1, 3, 4, 5))).shape
    (1, 12, 12)
    """

    kernel_size: Ints
    dilation: Ints = 1
    padding: Padding = 0
    stride: Ints = 1

    def __call__(self, x: Tensor) -> Tensor:
        """Return all windows over images as the columns of a matrix."""
        return find_function("nn.unfold")(  # type: ignore[no-any-return]
            x, self.kernel_size, self.dilation, self.padding, self.stride
        )


@dataclass(frozen=True)
class Fold:
    """A layer that is `fold`, with its parameters.

    Parameters
    ----------
    output_size : int or sequence of int
        The height and width of the images.
    kernel_size : int or sequence of int
        The height and width of a window.
    dilation : int or sequence of int
        The distance of a window's elements.
    padding : as `df.nn.conv2d`'s
        How many zeros there are around an image.
    stride : int or sequence of int
        How far a window moves at a time.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.Fold((4, 5), 2)(df.GraphBuilder().ones((1, 12, 12))).shape
    (1, 3, 4, 5)
    """

    output_size: Ints
    kernel_size: Ints
    dilation: Ints = 1
    padding: Padding = 0
    stride: Ints = 1

    def __call__(self, x: Tensor) -> Tensor:
        """Return images as the sums of windows that are the columns of a matrix."""
        return find_function("nn.fold")(  # type: ignore[no-any-return]
            x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )
