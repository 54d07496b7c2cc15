"""Python's operators on tensors: each calls the public function of that name.

``t += 1`` declares a node and binds the name `t` to it; the tensor that it was stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.dispatch import FUNCTIONS

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["Operators"]


class Operators:
    """The operators; `Tensor` has them."""

    __slots__ = ()

    def __add__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["add"](self, other))

    def __radd__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["add"](other, self))

    def __sub__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["subtract"](self, other))

    def __rsub__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["subtract"](other, self))

    def __mul__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["multiply"](self, other))

    def __rmul__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["multiply"](other, self))

    def __truediv__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["divide"](self, other))

    def __rtruediv__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["divide"](other, self))

    def __floordiv__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["floor_divide"](self, other))

    def __rfloordiv__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["floor_divide"](other, self))

    def __mod__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["remainder"](self, other))

    def __rmod__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["remainder"](other, self))

    def __divmod__(self, other: TensorLike) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: TensorLike) -> tuple[Tensor, Tensor]:
        return self.__rfloordiv__(other), self.__rmod__(other)

    def __pow__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["power"](self, other))

    def __rpow__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["power"](other, self))

    def __matmul__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["matmul"](self, other))

    def __rmatmul__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["matmul"](other, self))

    def __and__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["bitwise_and"](self, other))

    def __rand__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["bitwise_and"](other, self))

    def __or__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["bitwise_or"](self, other))

    def __ror__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["bitwise_or"](other, self))

    def __xor__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["bitwise_xor"](self, other))

    def __rxor__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["bitwise_xor"](other, self))

    def __lshift__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["left_shift"](self, other))

    def __rlshift__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["left_shift"](other, self))

    def __rshift__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["right_shift"](self, other))

    def __rrshift__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["right_shift"](other, self))

    def __neg__(self) -> Tensor:
        return _made(FUNCTIONS["negative"](self))

    def __pos__(self) -> Tensor:
        return self  # type: ignore[return-value]  # a Tensor, whose methods these are

    def __round__(self, digits: int = 0) -> Tensor:
        return _made(FUNCTIONS["round"](self, digits))

    def __abs__(self) -> Tensor:
        return _made(FUNCTIONS["abs"](self))

    def __invert__(self) -> Tensor:
        return _made(FUNCTIONS["bitwise_invert"](self))

    def __lt__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["less"](self, other))

    def __le__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["less_equal"](self, other))

    def __gt__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["greater"](self, other))

    def __ge__(self, other: TensorLike) -> Tensor:
        return _made(FUNCTIONS["greater_equal"](self, other))

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]  # NumPy's meaning
        return _made(FUNCTIONS["equal"](self, other))

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]  # NumPy's meaning
        return _made(FUNCTIONS["not_equal"](self, other))

    __hash__ = object.__hash__


def _made(value: Any) -> Tensor:  # noqa: ANN401 - what a public function of ours returned
    return value  # type: ignore[no-any-return]
