"""Python's operators on tensors: each calls the public function of that name.

``t += 1`` declares a node and binds the name `t` to it; the tensor that it was stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.dispatch import find_function

if TYPE_CHECKING:
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["Operators"]


class Operators:
    """The operators; `Tensor` has them."""

    __slots__ = ()

    def __add__(self, other: TensorLike) -> Tensor:
        return _made(find_function("add")(self, other))

    def __radd__(self, other: TensorLike) -> Tensor:
        return _made(find_function("add")(other, self))

    def __sub__(self, other: TensorLike) -> Tensor:
        return _made(find_function("subtract")(self, other))

    def __rsub__(self, other: TensorLike) -> Tensor:
        return _made(find_function("subtract")(other, self))

    def __mul__(self, other: TensorLike) -> Tensor:
        return _made(find_function("multiply")(self, other))

    def __rmul__(self, other: TensorLike) -> Tensor:
        return _made(find_function("multiply")(other, self))

    def __truediv__(self, other: TensorLike) -> Tensor:
        return _made(find_function("divide")(self, other))

    def __rtruediv__(self, other: TensorLike) -> Tensor:
        return _made(find_function("divide")(other, self))

    def __floordiv__(self, other: TensorLike) -> Tensor:
        return _made(find_function("floor_divide")(self, other))

    def __rfloordiv__(self, other: TensorLike) -> Tensor:
        return _made(find_function("floor_divide")(other, self))

    def __mod__(self, other: TensorLike) -> Tensor:
        return _made(find_function("remainder")(self, other))

    def __rmod__(self, other: TensorLike) -> Tensor:
        return _made(find_function("remainder")(other, self))

    def __divmod__(self, other: TensorLike) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: TensorLike) -> tuple[Tensor, Tensor]:
        return self.__rfloordiv__(other), self.__rmod__(other)

    def __pow__(self, other: TensorLike) -> Tensor:
        return _made(find_function("power")(self, other))

    def __rpow__(self, other: TensorLike) -> Tensor:
        return _made(find_function("power")(other, self))

    def __matmul__(self, other: TensorLike) -> Tensor:
        return _made(find_function("matmul")(self, other))

    def __rmatmul__(self, other: TensorLike) -> Tensor:
        return _made(find_function("matmul")(other, self))

    def __and__(self, other: TensorLike) -> Tensor:
        return _made(find_function("bitwise_and")(self, other))

    def __rand__(self, other: TensorLike) -> Tensor:
        return _made(find_function("bitwise_and")(other, self))

    def __or__(self, other: TensorLike) -> Tensor:
        return _made(find_function("bitwise_or")(self, other))

    def __ror__(self, other: TensorLike) -> Tensor:
        return _made(find_function("bitwise_or")(other, self))

    def __xor__(self, other: TensorLike) -> Tensor:
        return _made(find_function("bitwise_xor")(self, other))

    def __rxor__(self, other: TensorLike) -> Tensor:
        return _made(find_function("bitwise_xor")(other, self))

    def __lshift__(self, other: TensorLike) -> Tensor:
        return _made(find_function("left_shift")(self, other))

    def __rlshift__(self, other: TensorLike) -> Tensor:
        return _made(find_function("left_shift")(other, self))

    def __rshift__(self, other: TensorLike) -> Tensor:
        return _made(find_function("right_shift")(self, other))

    def __rrshift__(self, other: TensorLike) -> Tensor:
        return _made(find_function("right_shift")(other, self))

    def __neg__(self) -> Tensor:
        return _made(find_function("negative")(self))

    def __pos__(self) -> Tensor:
        return self  # type: ignore[return-value]  # a Tensor, whose methods these are

    def __round__(self, digits: int = 0) -> Tensor:
        return _made(find_function("round")(self, digits))

    def __abs__(self) -> Tensor:
        return _made(find_function("abs")(self))

    def __invert__(self) -> Tensor:
        return _made(find_function("bitwise_invert")(self))

    def __lt__(self, other: TensorLike) -> Tensor:
        return _made(find_function("less")(self, other))

    def __le__(self, other: TensorLike) -> Tensor:
        return _made(find_function("less_equal")(self, other))

    def __gt__(self, other: TensorLike) -> Tensor:
        return _made(find_function("greater")(self, other))

    def __ge__(self, other: TensorLike) -> Tensor:
        return _made(find_function("greater_equal")(self, other))

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]  # NumPy's meaning
        return _made(find_function("equal")(self, other))

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]  # NumPy's meaning
        return _made(find_function("not_equal")(self, other))

    __hash__ = object.__hash__


def _made(value: Any) -> Tensor:  # noqa: ANN401 - what a public function of ours returned
    return value  # type: ignore[no-any-return]
