"""Layers without variables, which call the function of their name: activations, and what moves.

They are for `Sequential`, and for who comes from PyTorch; the functions themselves, such as
``df.nn.relu``, serve there as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.dispatch import find_function

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = [
    "ELU", "GELU", "GLU", "Identity", "LeakyReLU", "LogSoftmax", "PixelShuffle", "ReLU", "SiLU",
    "Sigmoid", "Softmax", "Softmin", "Tanh",
]  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """A layer that returns what it is given.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().ones(2)
    >>> df.nn.Identity()(x) is x
    True
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return the tensor."""
        return x


@dataclass(frozen=True)
class ReLU:
    """A layer that is `relu`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-1.0, 2.0])
    >>> df.evaluate(df.nn.ReLU()(x))
    array([0., 2.], dtype=float32)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `relu` of a tensor."""
        return find_function("relu")(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class GELU:
    """A layer that is `gelu`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.nn.GELU()(x)).round(4)
    array([0.    , 0.8413], dtype=float32)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `gelu` of a tensor."""
        return find_function("gelu")(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class SiLU:
    """A layer that is `silu`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 2.0])
    >>> df.evaluate(df.nn.SiLU()(x)).round(4)
    array([0.    , 1.7616], dtype=float32)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `silu` of a tensor."""
        return find_function("silu")(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Sigmoid:
    """A layer that is `sigmoid`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0])
    >>> df.evaluate(df.nn.Sigmoid()(x))
    array([0.5], dtype=float32)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `sigmoid` of a tensor."""
        return find_function("sigmoid")(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Tanh:
    """A layer that is `tanh`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0])
    >>> df.evaluate(df.nn.Tanh()(x))
    array([0.], dtype=float32)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `tanh` of a tensor."""
        return find_function("tanh")(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class LeakyReLU:
    """A layer that is `leaky_relu`, with its parameter.

    Parameters
    ----------
    negative_slope : float
        The slope below 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([-1.0, 2.0])
    >>> df.evaluate(df.nn.LeakyReLU()(x))
    array([-0.01,  2.  ], dtype=float32)
    """

    negative_slope: float = 0.01

    def __call__(self, x: Tensor) -> Tensor:
        """Return `leaky_relu` of a tensor."""
        return find_function("nn.leaky_relu")(x, self.negative_slope)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ELU:
    """A layer that is `elu`, with its parameter.

    Parameters
    ----------
    alpha : float
        Minus the limit far below 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 2.0])
    >>> df.evaluate(df.nn.ELU()(x))
    array([0., 2.], dtype=float32)
    """

    alpha: float = 1.0

    def __call__(self, x: Tensor) -> Tensor:
        """Return `elu` of a tensor."""
        return find_function("nn.elu")(x, self.alpha)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Softmax:
    """A layer that is `softmax`, with its parameter.

    Parameters
    ----------
    dim : int
        The axis along which the result adds up to 1.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.0])
    >>> df.evaluate(df.nn.Softmax()(x))
    array([0.5, 0.5], dtype=float32)
    """

    dim: int = -1

    def __call__(self, x: Tensor) -> Tensor:
        """Return `softmax` of a tensor."""
        return find_function("softmax")(x, self.dim)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Softmin:
    """A layer that is `softmin`, with its parameter.

    Parameters
    ----------
    dim : int
        The axis along which the result adds up to 1.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.0])
    >>> df.evaluate(df.nn.Softmin()(x))
    array([0.5, 0.5], dtype=float32)
    """

    dim: int = -1

    def __call__(self, x: Tensor) -> Tensor:
        """Return `softmin` of a tensor."""
        return find_function("nn.softmin")(x, self.dim)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class GLU:
    """A layer that is `glu`, with its parameter.

    Parameters
    ----------
    dim : int
        The axis whose second half gates the first.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([3.0, 5.0, 0.0, 100.0])
    >>> df.evaluate(df.nn.GLU()(x))
    array([1.5, 5. ], dtype=float32)
    """

    dim: int = -1

    def __call__(self, x: Tensor) -> Tensor:
        """Return `glu` of a tensor."""
        return find_function("nn.glu")(x, self.dim)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class LogSoftmax:
    """A layer that is `log_softmax`, with its parameter.

    Parameters
    ----------
    dim : int
        The axis along which the exponentials add up to 1.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 0.0])
    >>> df.evaluate(df.nn.LogSoftmax()(x)).round(4)
    array([-0.6931, -0.6931], dtype=float32)
    """

    dim: int = -1

    def __call__(self, x: Tensor) -> Tensor:
        """Return `log_softmax` of a tensor."""
        return find_function("log_softmax")(x, self.dim)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class PixelShuffle:
    """A layer that is `pixel_shuffle`, with its parameter.

    Parameters
    ----------
    upscale_factor : int
        By how much height and width grow.

    Examples
    --------
    >>> import dataflow as df
    >>> df.nn.PixelShuffle(2)(df.GraphBuilder().ones((1, 8, 3, 3))).shape
    (1, 2, 6, 6)
    """

    upscale_factor: int

    def __call__(self, x: Tensor) -> Tensor:
        """Return images whose pixels come from several channels each."""
        return find_function("nn.pixel_shuffle")(x, self.upscale_factor)  # type: ignore[no-any-return]
