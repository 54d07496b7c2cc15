"""``t.at[index]``: places in a tensor, and the tensors that other elements there would give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.dispatch import find_function

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["At", "Places"]


class At:
    """What ``t.at`` is: the places of a tensor, to be chosen by square brackets.

    Parameters
    ----------
    tensor : Tensor
        The tensor.
    """

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __repr__(self) -> str:
        return f"{self.tensor!r}.at"

    def __getitem__(self, index: object) -> Places:
        return Places(self.tensor, index)


class Places:
    """Places in a tensor; each method gives a tensor with other elements there.

    See `dataflow.setitem` for what all of them have in common.

    Parameters
    ----------
    tensor : Tensor
        The tensor, which stays as it is.
    index : object
        What stands in the square brackets; see `dataflow.getitem`.
    """

    __slots__ = ("index", "tensor")

    def __init__(self, tensor: Tensor, index: object) -> None:
        self.tensor = tensor
        self.index = index

    def __repr__(self) -> str:
        return f"{self.tensor!r}.at[{self.index!r}]"

    def get(self) -> Tensor:
        """Return the elements themselves."""
        return self.tensor[self.index]

    def set(self, value: TensorLike) -> Tensor:
        """Return the tensor with these elements replaced; of several for one, the last wins."""
        return self._with("set", value)

    def add(self, value: TensorLike) -> Tensor:
        """Return the tensor with a value added to these elements."""
        return self._with("add", value)

    def subtract(self, value: TensorLike) -> Tensor:
        """Return the tensor with a value subtracted from these elements."""
        return self._with("subtract", value)

    def multiply(self, value: TensorLike) -> Tensor:
        """Return the tensor with these elements multiplied."""
        return self._with("multiply", value)

    mul = multiply
    """JAX's other name of it."""

    def divide(self, value: TensorLike) -> Tensor:
        """Return the tensor with these elements divided."""
        return self._with("divide", value)

    def power(self, value: TensorLike) -> Tensor:
        """Return the tensor with these elements raised to a power."""
        return self._with("power", value)

    def max(self, value: TensorLike) -> Tensor:
        """Return the tensor with these elements raised to at least a value."""
        return self._with("max", value)

    def min(self, value: TensorLike) -> Tensor:
        """Return the tensor with these elements lowered to at most a value."""
        return self._with("min", value)

    def _with(self, how: str, value: TensorLike) -> Tensor:
        changed: Tensor = find_function("setitem")(self.tensor, self.index, value, how)
        return changed
