"""The one activation with a variable: a rectifier whose slope below 0 is learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.dispatch import find_function
from dataflow.nn.declaring import declaring
from dataflow.nn.dense import length_of
from dataflow.nn.initializers import constant

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["PReLU"]


@dataclass(frozen=True)
class PReLU:
    """A layer of `dataflow.nn.prelu`.

    Parameters
    ----------
    shared : bool
        Whether there is one slope for all, or one for each channel.
    initial : float
        What slopes are at first.
    axis : int
        The axis of channels.
    name : str
        What the name of its variable begins with; the second layer of a name gets a number.

    Examples
    --------
    >>> import dataflow as df
    >>> b = df.GraphBuilder()
    >>> df.evaluate(df.nn.PReLU()(b.constant([[2.0, -2.0]])))
    array([[ 2. , -0.5]], dtype=float32)
    >>> [v.node for v in b.variables]
    ['prelu.weight']
    """

    shared: bool = True
    initial: float = 0.25
    axis: int = 1
    name: str = "prelu"

    def __call__(self, x: Tensor) -> Tensor:
        """Declare the layer on a tensor and return its result.

        Raises
        ------
        ShapeError, DTypeError
            There is no axis of channels, its length isn't known, or `x` isn't floating point.
        """
        length = 1 if self.shared else length_of("PReLU", x, self.axis)[1]
        with declaring(self, x) as own:
            weight = own.weight("weight", constant(self.initial), (length,))
        return find_function("nn.prelu")(x, weight, axis=self.axis)  # type: ignore[no-any-return]
