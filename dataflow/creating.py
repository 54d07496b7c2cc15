"""The creation functions as methods of the builder: ``b.zeros(3)`` is ``df.zeros(3, device=b)``.

They differ in two things: their dtype is float32 unless another one is given, also where the
value is an int; and those that a gradient can be asked of take `requires_grad`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dataflow.dispatch import find_function
from dataflow.values import check_grad, declared_spec

if TYPE_CHECKING:
    from dataflow.dims import DimLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["Creation"]


class Creation:
    """Methods that declare tensors of values that are known; `GraphBuilder` has them."""

    __slots__ = ()

    def zeros(
        self, shape: DimLike | Sequence[DimLike], dtype: object = "float32",
        *, requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return a tensor of zeros, stored as its shape alone."""
        return self.full(shape, 0, dtype, requires_grad=requires_grad)

    def ones(
        self, shape: DimLike | Sequence[DimLike], dtype: object = "float32",
        *, requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return a tensor of ones, stored as its shape alone."""
        return self.full(shape, 1, dtype, requires_grad=requires_grad)

    def empty(
        self, shape: DimLike | Sequence[DimLike], dtype: object = "float32",
        *, requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return a tensor of zeros; see `dataflow.empty`."""
        return self.zeros(shape, dtype, requires_grad=requires_grad)

    def full(
        self, shape: DimLike | Sequence[DimLike], value: complex, dtype: object = "float32",
        *, requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return a tensor of one value, stored as its shape and the value."""
        spec = declared_spec("a tensor of one value", shape, dtype)
        check_grad("a tensor of one value", spec, requires_grad=requires_grad)
        tensor = self._create("full", spec.shape, value, spec.dtype)
        tensor.requires_grad = requires_grad
        return tensor

    def arange(
        self, start: DimLike | float, stop: DimLike | float | None = None, step: float = 1,
        dtype: object = None,
    ) -> Tensor:  # fmt: skip
        """Return ``start, start + step, …`` before `stop`; see `dataflow.arange`."""
        return self._create("arange", start, stop, step, dtype)

    def linspace(
        self, start: TensorLike, stop: TensorLike, num: DimLike = 50, *, endpoint: bool = True,
        dtype: object = None,
    ) -> Tensor:  # fmt: skip
        """Return numbers at even distances; see `dataflow.linspace`."""
        return self._create("linspace", start, stop, num, endpoint, dtype=dtype)

    def eye(
        self, n_rows: DimLike, n_cols: DimLike | None = None, *, k: int = 0,
        dtype: object = "float32",
    ) -> Tensor:  # fmt: skip
        """Return a matrix of zeros with ones on a diagonal; see `dataflow.eye`."""
        return self._create("eye", n_rows, n_cols, k, dtype)

    def indices(
        self, dimensions: Sequence[DimLike], dtype: object = "int64", *, sparse: bool = False
    ) -> Tensor | tuple[Tensor, ...]:
        """Return the index of every place along each axis; see `dataflow.indices`."""
        return self._create("indices", dimensions, dtype, sparse)

    def asarray(self, obj: TensorLike, dtype: object = None) -> Tensor:
        """Return a tensor of a tensor, an array, a number or sequences; see `dataflow.asarray`."""
        return self._create("asarray", obj, dtype)

    def from_dlpack(self, x: object) -> Tensor:
        """Return a constant of another library's array; see `dataflow.from_dlpack`."""
        return self._create("from_dlpack", x)

    def _create(self, name: str, *args: object, **options: object) -> Tensor:
        return find_function(name)(*args, **options, device=self)  # type: ignore[no-any-return]
