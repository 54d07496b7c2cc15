"""Layers of convolution, which declare a weight and a bias and call the function of their name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from dataflow.dispatch import find_function
from dataflow.errors import GraphError, ShapeError
from dataflow.nn.activation import Activation, activated, check_activation
from dataflow.nn.declaring import declaring
from dataflow.nn.dense import check_count, length_of
from dataflow.ops.nn.convolution_arguments import named_padding
from dataflow.ops.nn.windows import check_rank, each_axis, pads
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.nn.initializers import InitializerLike
    from dataflow.ops.nn.convolution_arguments import Ints, Padding
    from dataflow.tensor import Tensor

__all__ = [
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d",
]  # fmt: skip

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


@dataclass(frozen=True)
class _Layer:
    """What all convolutions share: parameters, and the declaration of variables."""

    axes: ClassVar[int] = 0
    is_transposed: ClassVar[bool] = False

    filters: int
    kernel_size: Ints
    stride: Ints = 1
    padding: Padding = 0
    dilation: Ints = 1
    groups: int = 1
    activation: Activation = None
    use_bias: bool = True
    name: str = "conv"
    initializer: InitializerLike = "xavier_uniform"
    bias_initializer: InitializerLike = "zeros"

    def __post_init__(self) -> None:
        layer = type(self).__name__
        check_count(layer, "filters", self.filters)
        check_count(layer, "groups", self.groups, least=1)
        check_activation(layer, self.activation)
        each_axis(self.kernel_size, self.axes, f"{layer}'s kernel_size")

    def __call__(self, x: Tensor) -> Tensor:
        """Declare the layer on a tensor and return its result.

        Parameters
        ----------
        x : Tensor
            Floating point, of shape (examples, channels, ...) or (channels, ...), the channels of
            known length.

        Raises
        ------
        ShapeError, DTypeError
            The rank, the channels or a parameter don't fit, or `x` isn't floating point.
        """
        layer = type(self).__name__
        _, channels = length_of(layer, x, check_rank(layer, x.shape, self.axes))
        shape = self._weight_shape(layer, channels)
        inner, outer = (0, 1) if self.is_transposed else (1, 0)
        with declaring(self, x) as own:
            weight = own.weight("weight", self.initializer, shape, in_axis=inner, out_axis=outer)
            bias = None
            if self.use_bias:
                bias = own.weight("bias", self.bias_initializer, (self.filters,))
        prefix = "conv_transpose" if self.is_transposed else "conv"
        function = find_function(f"nn.{prefix}{self.axes}d")
        x, options = self._padded(x), self._options()
        return activated(self.activation, function(x, weight, bias, **options))

    def _weight_shape(self, layer: str, channels: int) -> tuple[int, ...]:
        kernel = each_axis(self.kernel_size, self.axes, "kernel_size")
        if channels % self.groups or self.filters % self.groups:
            msg = (f"{layer} ({user_line()}): {channels} channels and {self.filters} filters can't "
                   f"be split into {self.groups} groups: both must be multiples of it")  # fmt: skip
            raise ShapeError(msg)
        if self.is_transposed:
            return (channels, self.filters // self.groups, *kernel)
        return (self.filters, channels // self.groups, *kernel)

    def _padded(self, x: Tensor) -> Tensor:
        """Return what the function is called on."""
        return x

    def _options(self) -> dict[str, Any]:
        names = ("stride", "padding", "dilation", "groups")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class _Convolution(_Layer):
    """What the convolutions that aren't transposed share: padding with more than zeros."""

    padding_mode: str = "zeros"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.padding_mode not in _PADDING_MODES:
            msg = (f"{type(self).__name__} ({user_line()}): padding_mode {self.padding_mode!r} is "
                   f"none of {', '.join(_PADDING_MODES)}")  # fmt: skip
            raise GraphError(msg)

    def _padded(self, x: Tensor) -> Tensor:
        if self.padding_mode == "zeros":
            return x
        layer, padding = type(self).__name__, self.padding
        if isinstance(padding, str):
            sizes = (self.kernel_size, self.stride, self.dilation)
            kernel, stride, dilation = (each_axis(value, self.axes, "size") for value in sizes)
            padding = named_padding(layer, padding, kernel, stride, dilation, x.shape[-self.axes :])
        rows = zip(*pads(padding, self.axes), strict=True)
        numbers = [n for row in reversed([*rows]) for n in row]
        return find_function("nn.pad")(x, numbers, self.padding_mode)  # type: ignore[no-any-return]

    def _options(self) -> dict[str, Any]:
        options = super()._options()
        return options if self.padding_mode == "zeros" else {**options, "padding": 0}


@dataclass(frozen=True)
class Conv1d(_Convolution):
    """A layer that convolves sequences; see `Conv2d`, with one spatial axis.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", ("batch", 3, 20), "float32")
    >>> df.nn.Conv1d(8, 5, padding="same")(x).shape
    (Dim('batch'), 8, 20)
    """

    axes = 1


@dataclass(frozen=True)
class Conv2d(_Convolution):
    """A layer ``activation(conv2d(x, weight, bias))``.

    Parameters
    ----------
    filters : int
        The channels of the result.
    kernel_size : int or sequence of int
        The height and width of a filter.
    stride, padding, dilation, groups
        See `conv2d`.
    activation : str or callable, optional
        The name of one of our activations, such as ``"relu"``, or a function of a tensor.
    use_bias : bool
        Whether a bias is added.
    name : str
        What the names of its variables begin with; the second layer of a name gets a number.
    initializer, bias_initializer : Initializer, str, array or callable
        What the variables are at first; see `dataflow.nn.initializers`. The weight has PyTorch's
        shape, (filters, channels // groups, height, width).
    padding_mode : str
        What the padding holds: ``"zeros"``, or as `pad` has them ``"reflect"``, ``"replicate"``
        or ``"circular"``.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", shape=("batch", 1, 8, 8))
    >>> with b.scope("encoder"):
    ...     y = df.nn.Conv2d(16, 3, padding=1, activation="relu")(x)
    >>> [(v.node, v.shape) for v in b.variables]
    [('encoder.conv.weight', (16, 1, 3, 3)), ('encoder.conv.bias', (16,))]
    """

    axes = 2


@dataclass(frozen=True)
class Conv3d(_Convolution):
    """A layer that convolves volumes; see `Conv2d`, with three spatial axes.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", ("batch", 1, 4, 8, 8), "float32")
    >>> df.nn.Conv3d(2, (2, 3, 3))(x).shape
    (Dim('batch'), 2, 3, 6, 6)
    """

    axes = 3


@dataclass(frozen=True)
class _Transposed(_Layer):
    """What all transposed convolutions share."""

    is_transposed = True

    output_padding: Ints = 0
    name: str = "conv_transpose"

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "output_padding": self.output_padding}


@dataclass(frozen=True)
class ConvTranspose1d(_Transposed):
    """A layer of transposed convolution of sequences; see `ConvTranspose2d`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", ("batch", 3, 20), "float32")
    >>> df.nn.ConvTranspose1d(8, 4, stride=2, padding=1)(x).shape
    (Dim('batch'), 8, 40)
    """

    axes = 1


@dataclass(frozen=True)
class ConvTranspose2d(_Transposed):
    """A layer ``activation(conv_transpose2d(x, weight, bias))``; see `Conv2d`.

    Parameters
    ----------
    filters, kernel_size, activation, use_bias, name, initializer, bias_initializer
        See `Conv2d`. The weight has PyTorch's shape, (channels, filters // groups, height, width).
    stride, padding, dilation, groups, output_padding
        See `conv_transpose2d`.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", shape=("batch", 4, 7, 7))
    >>> df.nn.ConvTranspose2d(2, 3, stride=2, padding=1, output_padding=1)(x).shape
    (Dim('batch'), 2, 14, 14)
    >>> [(v.node, v.shape) for v in b.variables]
    [('conv_transpose.weight', (4, 2, 3, 3)), ('conv_transpose.bias', (2,))]
    """

    axes = 2


@dataclass(frozen=True)
class ConvTranspose3d(_Transposed):
    """A layer of transposed convolution of volumes; see `ConvTranspose2d`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().input("x", ("batch", 2, 4, 4, 4), "float32")
    >>> df.nn.ConvTranspose3d(1, 2, stride=2)(x).shape
    (Dim('batch'), 1, 8, 8, 8)
    """

    axes = 3
