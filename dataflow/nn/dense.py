"""The dense layer, and what layers check of what they are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.calling import call_function
from dataflow.errors import DTypeError, ShapeError
from dataflow.nn.activation import Activation, activated, check_activation
from dataflow.nn.declaring import declaring
from dataflow.shapes import normal_axis
from dataflow.source import user_line
from dataflow.tensor import builder_of

if TYPE_CHECKING:
    from dataflow.nn.initializers import InitializerLike
    from dataflow.tensor import Tensor

__all__ = ["Dense", "check_count", "length_of", "softmax_cross_entropy"]


def check_count(layer: str, name: str, value: int, least: int = 0) -> None:
    """Refuse a layer's parameter that isn't an int of so much or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        msg = f"{layer} ({user_line()}): {name} is an int of {least} or more, not {value!r}"
        raise ShapeError(msg)


def length_of(layer: str, x: Tensor, axis: int = -1) -> tuple[Any, int]:
    """Return the builder of a layer's input, and the length of one of its axes.

    Raises
    ------
    ShapeError, DTypeError
        There is no such axis, its length isn't known, or the tensor isn't of floating point.
    """
    builder: Any = builder_of(x)
    try:
        length = x.shape[normal_axis(axis, x.ndim)]
    except ShapeError as error:
        msg = f"{layer} of {x.node!r}, {x.spec}: {error}"
        raise ShapeError(msg) from None
    which = "the last axis" if axis == -1 else f"axis {axis}"
    if not isinstance(length, int):
        msg = f"{layer} ({user_line()}) of {x.node!r}, {x.spec}: {which} must have a known length"
        raise ShapeError(msg)
    if not x.spec.is_float:
        msg = f"{layer} ({user_line()}) of {x.node!r}, {x.spec}: use .astype('float32') before"
        raise DTypeError(msg)
    return builder, length


@dataclass(frozen=True)
class Dense:
    """A layer ``activation(x @ weight + bias)``.

    Parameters
    ----------
    units : int
        The length of the result's last axis.
    activation : str or callable, optional
        The name of one of our activations, such as ``"relu"``, or a function of a tensor.
    use_bias : bool
        Whether a bias is added.
    name : str
        What the names of its variables begin with; the second layer of a name gets a number.
    initializer, bias_initializer : Initializer, str, array or callable
        What the variables are at first; see `dataflow.nn.initializers`.

    Notes
    -----
    As all layers, it declares its variables when it is first called in a builder. Later calls of
    the same object share them, whatever scope is open then; an equal layer is another one.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> x = b.input("x", shape=("batch", 4))
    >>> df.nn.Dense(3, activation="relu")(x).shape
    (Dim('batch'), 3)
    >>> [v.node for v in b.variables]
    ['dense.weight', 'dense.bias']
    >>> tower = df.nn.Dense(2, name="tower")
    >>> twins = tower(x) - tower(x * 2)
    >>> [v.node for v in b.variables[2:]]
    ['tower.weight', 'tower.bias']
    """

    units: int
    activation: Activation = None
    use_bias: bool = True
    name: str = "dense"
    initializer: InitializerLike = "xavier_uniform"
    bias_initializer: InitializerLike = "zeros"

    def __post_init__(self) -> None:
        check_count("Dense", "units", self.units)
        check_activation("Dense", self.activation)

    def __call__(self, x: Tensor) -> Tensor:
        """Declare the layer on a tensor and return its result.

        Parameters
        ----------
        x : Tensor
            Floating point, with a last axis of known length.

        Returns
        -------
        Tensor
            `x` with `units` as its last axis.

        Raises
        ------
        ShapeError, DTypeError
            `x` has no last axis of known length, or isn't floating point; or the layer was called
            on a tensor of another length or dtype before, whose weights all its calls share.
        """
        _, inputs = length_of("Dense", x)
        with declaring(self, x) as own:
            weight = own.weight("weight", self.initializer, (inputs, self.units))
            result = call_function("matmul", x, weight)
            if self.use_bias:
                result = result + own.weight("bias", self.bias_initializer, (self.units,))
        return activated(self.activation, result)


def softmax_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return each example's cross-entropy; see `dataflow.softmax_cross_entropy`.

    Examples
    --------
    >>> import dataflow as df
    >>> logits = df.GraphBuilder().constant([[0.0, 0.0], [100.0, 0.0]])
    >>> df.evaluate(df.nn.softmax_cross_entropy(logits, logits.builder.constant([0, 0]))).round(4)
    array([0.6931, 0.    ], dtype=float32)
    """
    return call_function("softmax_cross_entropy", logits, labels)
