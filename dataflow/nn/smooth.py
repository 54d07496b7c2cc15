"""Layers without variables that bend smoothly, and call the function of their name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.dispatch import find_function

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["CELU", "SELU", "LogSigmoid", "Mish", "Softplus", "Softsign"]


@dataclass(frozen=True)
class SELU:
    """A layer that is `selu`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.nn.SELU()(x)).round(4)
    array([0.    , 1.0507], dtype=float32)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `selu` of a tensor."""
        return find_function("nn.selu")(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class CELU:
    """A layer that is `celu`, with its parameter.

    Parameters
    ----------
    alpha : float
        Minus the limit far below 0.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 2.0])
    >>> df.evaluate(df.nn.CELU()(x))
    array([0., 2.], dtype=float32)
    """

    alpha: float = 1.0

    def __call__(self, x: Tensor) -> Tensor:
        """Return `celu` of a tensor."""
        return find_function("nn.celu")(x, self.alpha)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Mish:
    """A layer that is `mish`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0, 1.0])
    >>> df.evaluate(df.nn.Mish()(x)).round(4)
    array([0.    , 0.8651], dtype=float32)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `mish` of a tensor."""
        return find_function("nn.mish")(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Softplus:
    """A layer that is `softplus`, with its parameters.

    Parameters
    ----------
    beta : float
        How sharply it bends; not 0.
    threshold : float, optional
        Above it, ``beta * x`` counts as its own softplus.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0])
    >>> df.evaluate(df.nn.Softplus()(x)).round(4)
    array([0.6931], dtype=float32)
    """

    beta: float = 1.0
    threshold: float | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Return `softplus` of a tensor."""
        return find_function("nn.softplus")(  # type: ignore[no-any-return]
            x, self.beta, self.threshold
        )


@dataclass(frozen=True)
class Softsign:
    """A layer that is `softsign`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([1.0, -3.0])
    >>> df.evaluate(df.nn.Softsign()(x))
    array([ 0.5 , -0.75], dtype=float32)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `softsign` of a tensor."""
        return find_function("nn.softsign")(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class LogSigmoid:
    """A layer that is `log_sigmoid`.

    Examples
    --------
    >>> import dataflow as df
    >>> x = df.GraphBuilder().constant([0.0])
    >>> df.evaluate(df.nn.LogSigmoid()(x)).round(4)
    array([-0.6931], dtype=float32)
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Return `log_sigmoid` of a tensor."""
        return find_function("nn.log_sigmoid")(x)  # type: ignore[no-any-return]
