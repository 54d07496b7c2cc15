"""How a layer declares: at its first call in a builder, and once only.

A layer that is called again, on another tensor or in another scope, reads the variables of its
first call, as in PyTorch, Keras and Flax. Two layers are two though they are equal: a layer is
known by identity. Another builder has variables of its own. See
docs/adr/0014-a-layer-is-its-object.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from dataflow.errors import DTypeError, ShapeError
from dataflow.nn.initializers import InitializerLike, Weights, initial_value
from dataflow.source import user_line
from dataflow.spec import as_dtype, shape_text
from dataflow.tensor import builder_of

if TYPE_CHECKING:
    from dataflow.homes import Home
    from dataflow.tensor import Tensor

__all__ = ["Own", "declaring"]

_T = TypeVar("_T")


class _Layer(Protocol):
    @property
    def name(self) -> str: ...


class Own(NamedTuple):
    """What one layer has in one builder, while it is called on a tensor.

    Parameters
    ----------
    kind : str
        The layer's class, for messages.
    x : Tensor
        What it is called on.
    home : Home
        What it declared before.
    """

    kind: str
    x: Tensor
    home: Home

    @property
    def builder(self) -> Any:  # noqa: ANN401 - a GraphBuilder
        """The builder of the tensor."""
        return self.x.builder

    @property
    def path(self) -> str:
        """The name of the layer's scope."""
        return ".".join(self.home.scopes)

    def kept(self, name: str, make: Callable[[], _T]) -> _T:
        """Return a layer within this one, or a variable: `make` makes it at the first call."""
        return self.home.kept(name, make)

    def weight(
        self, name: str, initializer: InitializerLike, shape: tuple[int, ...],
        dtype: object = None, *, in_axis: int = -2, out_axis: int = -1, requires_grad: bool = True,
    ) -> Tensor:  # fmt: skip
        """Return a variable of this layer, declared at its first call.

        Parameters
        ----------
        name : str
            Its name in the layer's scope.
        initializer : Initializer, str, array or callable
            What it is at first.
        shape : tuple of int
            Its shape.
        dtype : dtype, optional
            Its dtype, by default that of the tensor.
        in_axis, out_axis : int
            See `Weights`.
        requires_grad : bool
            Whether it is trained.

        Raises
        ------
        ShapeError, DTypeError
            At an earlier call it was declared with another shape or dtype.
        """
        wanted = as_dtype(self.x.dtype if dtype is None else dtype)

        def declared() -> Tensor:
            weights = Weights(self.builder, shape, wanted, in_axis, out_axis)
            first = initial_value(initializer, weights)
            return self.builder.variable(name, first, requires_grad=requires_grad)  # type: ignore[no-any-return]

        variable = self.kept(name, declared)
        if variable.shape != shape or variable.dtype != wanted:
            self._refuse(variable, f"{wanted}{shape_text(shape)}", is_shape=variable.shape != shape)
        return variable

    def _refuse(self, variable: Tensor, wanted: str, *, is_shape: bool) -> None:
        line = self.builder.source_of(variable.node)
        msg = (f"{self.kind} ({user_line()}) of {self.x.node!r}, {self.x.spec}, needs {wanted} as "
               f"{variable.node!r}, which its first call declared as {variable.spec} ({line}): all "
               "calls of a layer share its variables; make another layer")  # fmt: skip
        raise ShapeError(msg) if is_shape else DTypeError(msg)


@contextmanager
def declaring(layer: _Layer, x: Tensor) -> Iterator[Own]:
    """Open a layer's scope, the same at each call, and give what it has declared there."""
    builder: Any = builder_of(x)
    with builder.home(layer, layer.name) as home:
        yield Own(type(layer).__name__, x, home)
