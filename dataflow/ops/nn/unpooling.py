"""Maxima put back where they came from, among zeros: what undoes a pooling in part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dataflow.dims import product
from dataflow.dispatch import public
from dataflow.errors import ShapeError
from dataflow.ops.nn.pools import Ints, check_spatial
from dataflow.ops.nn.windows import each_axis
from dataflow.ops.scattering import put_along_axis
from dataflow.ops.shaping import broadcast_to, reshape
from dataflow.source import user_line
from dataflow.spec import as_shape, shape_text

if TYPE_CHECKING:
    from dataflow.dims import DimLike, Shape
    from dataflow.tensor import Tensor

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def _max_unpool(
    axes: int, x: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None, padding: Ints,
    output_size: Sequence[DimLike] | None,
) -> Tensor:  # fmt: skip
    name = f"max_unpool{axes}d"
    check_spatial(name, x.shape, axes)
    if indices.shape != x.shape or indices.dtype.kind not in "iu":
        msg = (f"{name} ({user_line()}): the indices are integers of shape {shape_text(x.shape)}, "
               f"as max_pool{axes}d returns them, not {indices.spec}")  # fmt: skip
        raise ShapeError(msg)
    kernel = each_axis(kernel_size, axes, "kernel_size")
    steps = kernel if stride is None else each_axis(stride, axes, "stride")
    pads = each_axis(padding, axes, "padding", least=0)
    rows = zip(x.shape[-axes:], kernel, steps, pads, strict=True)
    usual = tuple((n - 1) * step - 2 * before + k for n, k, step, before in rows)
    size = usual if output_size is None else as_shape(output_size)[-axes:]
    _check_size(name, size, usual, steps)
    lead, length = x.shape[:-axes], product(size)
    zeros = broadcast_to(x.builder.constant(0, dtype=x.dtype), (*lead, length))
    places = reshape(indices, (*lead, product(x.shape[-axes:])))
    return reshape(put_along_axis(zeros, places, reshape(x, places.shape)), (*lead, *size))


def _check_size(name: str, size: Shape, usual: Shape, stride: Sequence[int]) -> None:
    """Refuse a size that no pooling with these windows starts from."""
    if len(size) != len(usual) or any(
        isinstance(n, int) and isinstance(other, int) and (n < 0 or abs(n - other) >= step)
        for n, other, step in zip(size, usual, stride, strict=False)
    ):
        msg = (f"{name} ({user_line()}): output_size {shape_text(size)} must be within less than a "
               f"stride of {shape_text(usual)}")  # fmt: skip
        raise ShapeError(msg)


@public(family="nn")
def max_unpool1d(
    x: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Sequence[DimLike] | None = None,
) -> Tensor:  # fmt: skip
    """Return sequences that are zero but at the maxima given; see `max_unpool2d`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[1.0, 3.0, 2.0, 0.0]])
    >>> df.evaluate(df.nn.max_unpool1d(*df.nn.max_pool1d(x, 2, return_indices=True), 2))
    array([[0., 3., 2., 0.]], dtype=float32)
    """
    return _max_unpool(1, x, indices, kernel_size, stride, padding, output_size)


@public(family="nn")
def max_unpool2d(
    x: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Sequence[DimLike] | None = None,
) -> Tensor:  # fmt: skip
    """Return images that are zero but at the maxima given.

    Parameters
    ----------
    x : Tensor
        The maxima, of shape (..., channels, height, width).
    indices : Tensor
        Where they were, as `max_pool2d` returns it. Where several maxima come from one place, the
        last one stays.
    kernel_size, stride, padding
        What was given to `max_pool2d`.
    output_size : sequence of int, optional
        The size of the images, where the windows don't say it: a whole shape, or height and width.

    Returns
    -------
    Tensor
        Of shape (..., channels, height, width).

    Raises
    ------
    ShapeError
        The shapes or a parameter don't fit, or the size isn't within a stride of the usual one.
    KernelError
        While running: an index lies outside of the image.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([[[1.0, 5.0], [3.0, 4.0]]])
    >>> df.evaluate(df.nn.max_unpool2d(*df.nn.max_pool2d(x, 2, return_indices=True), 2))
    array([[[0., 5.],
            [0., 0.]]], dtype=float32)
    """
    return _max_unpool(2, x, indices, kernel_size, stride, padding, output_size)


@public(family="nn")
def max_unpool3d(
    x: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Sequence[DimLike] | None = None,
) -> Tensor:  # fmt: skip
    """Return volumes that are zero but at the maxima given; see `max_unpool2d`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones((1, 2, 4, 4))
    >>> pooled = df.nn.max_pool3d(x, (1, 2, 2), return_indices=True)
    >>> float(df.evaluate(df.nn.max_unpool3d(*pooled, (1, 2, 2)).sum()))
    8.0
    """
    return _max_unpool(3, x, indices, kernel_size, stride, padding, output_size)
