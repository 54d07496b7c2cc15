"""`Leaves`: the nodes that a graph starts from: inputs, constants and draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.nodes import Nodes
from dataflow.registry import get_op
from dataflow.spec import Spec
from dataflow.values import check_grad, declared_spec, locked_copy

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.dims import DimLike
    from dataflow.tensor import Tensor

__all__ = ["Leaves"]


class Leaves(Nodes):
    """Declares inputs, constants and draws.

    Parameters
    ----------
    name : str
        The graph's name.
    seed : int
        What every random draw of this graph derives its key from.
    """

    def __init__(self, name: str, seed: int) -> None:
        super().__init__(name)
        self.seed = seed
        self._inputs: list[str] = []
        self._constants: dict[str, np.ndarray] = {}
        self._stand_ins: set[str] = set()
        self._draws = 0

    def input(
        self, name: str, shape: int | str | Sequence[DimLike] = (), dtype: object = "float32",
        *, requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Declare an input, fed at every run.

        Parameters
        ----------
        name : str
            The name under which it is fed.
        shape : sequence of int, str or Dim
            Sizes, and names or expressions of dimensions that `compile` binds.
        dtype : dtype
            Its dtype.
        requires_grad : bool
            Whether ``backward()`` sets its ``grad``.

        Returns
        -------
        Tensor
            A leaf.

        Raises
        ------
        NameTakenError
            The graph has a node of this name.
        ShapeError, DTypeError
            The shape or the dtype is none, or a gradient is asked of an integer.
        """
        node = self._names.claim(name, "input")
        spec = declared_spec(f"input {name!r}", shape, dtype)
        tensor = self._leaf("input", spec, node, requires_grad=requires_grad)
        self._inputs.append(tensor.node)
        return tensor

    def constant(
        self, value: ArrayLike, *, dtype: object = None, name: str = "",
        requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Declare a constant; the value is copied and locked.

        Parameters
        ----------
        value : array_like
            Any shape. Arrays keep their dtype; Python's floats become float32, complex numbers
            complex64, ints int64.
        dtype : dtype, optional
            Its dtype, if not the value's own.
        name : str
            The node's name; made up if empty.
        requires_grad : bool
            Whether ``backward()`` sets its ``grad``.

        Returns
        -------
        Tensor
            A leaf.
        """
        array = locked_copy(value, dtype)
        is_named = not isinstance(name, str) or bool(name)
        node = self._names.claim(name, "constant") if is_named else self._names.unique("constant")
        tensor = self._leaf("constant", Spec.like(array), node, requires_grad=requires_grad)
        self._constants[node] = array
        return tensor

    def stand_in(self, spec: Spec) -> Tensor:
        """Declare a leaf that stands for one example of a batch until it is withdrawn."""
        tensor = self._leaf("input", spec, self._names.unique("example"), requires_grad=False)
        self._stand_ins.add(tensor.node)
        return tensor

    def known(self, tensor: Tensor) -> np.ndarray | None:
        """Return the values of a constant, which can't be written to; None of any other tensor."""
        return self._constants.get(tensor.node) if self._owns(tensor) else None

    def rand(
        self, shape: int | str | Sequence[DimLike], dtype: object = "float32",
        *, requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return uniform draws from [0, 1): the same numbers at every replay.

        Element i is a function of (key, i), and the key one of the builder's seed and of how many
        draws were declared before.
        """
        return self._draw("rand", shape, dtype, requires_grad=requires_grad)

    def randn(
        self, shape: int | str | Sequence[DimLike], dtype: object = "float32",
        *, requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return standard normal draws: the same numbers at every replay; see `rand`."""
        return self._draw("randn", shape, dtype, requires_grad=requires_grad)

    def skip_draws(self, count: int) -> None:
        """Count so many draws as declared, so that the next ones have keys of their own."""
        self._draws += count

    def _draw(
        self, op: str, shape: int | str | Sequence[DimLike], dtype: object, *, requires_grad: bool
    ) -> Tensor:
        spec = declared_spec(op, shape, dtype)
        key = np.random.SeedSequence((self.seed, self._draws)).generate_state(1, np.uint64)[0]
        attrs = Attrs(dtype=spec.dtype.name, shape=spec.shape, first=0)
        tensor = self.apply(get_op(op), (self.constant(key),), attrs)[0]
        tensor.requires_grad = requires_grad
        self._draws += 1
        return tensor

    def _leaf(self, op: str, spec: Spec, name: str, *, requires_grad: bool) -> Tensor:
        check_grad(f"{op} {name!r}", spec, requires_grad=requires_grad)
        attrs = Attrs(dtype=spec.dtype.name, shape=spec.shape)
        tensor = self._add(get_op(op), (), attrs, name)[0]
        tensor.requires_grad = requires_grad
        return tensor
