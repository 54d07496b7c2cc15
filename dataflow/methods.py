"""Methods of tensors that are functions of the same name: ``t.sum(0)`` is ``df.sum(t, 0)``.

Each says in one line what it gives; parameters, errors and examples are in the function's own
documentation, ``help(df.sum)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from dataflow.dispatch import find_function

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dataflow.dims import DimLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["Methods"]

Axes: TypeAlias = "int | Sequence[int] | None"


class Methods:
    """The methods; `Tensor` has them."""

    __slots__ = ()

    # Reductions

    def sum(self, axis: Axes = None, **options: object) -> Tensor:
        """Return the sum over axes; see `dataflow.sum`."""
        return self._call("sum", axis=axis, **options)

    def prod(self, axis: Axes = None, **options: object) -> Tensor:
        """Return the product over axes; see `dataflow.prod`."""
        return self._call("prod", axis=axis, **options)

    def mean(self, axis: Axes = None, **options: object) -> Tensor:
        """Return the mean over axes; see `dataflow.mean`."""
        return self._call("mean", axis=axis, **options)

    def var(self, axis: Axes = None, **options: object) -> Tensor:
        """Return the variance over axes; see `dataflow.var`."""
        return self._call("var", axis=axis, **options)

    def std(self, axis: Axes = None, **options: object) -> Tensor:
        """Return the standard deviation over axes; see `dataflow.std`."""
        return self._call("std", axis=axis, **options)

    def max(self, axis: Axes = None, **options: object) -> Tensor:
        """Return the maximum over axes; see `dataflow.max`."""
        return self._call("max", axis=axis, **options)

    def min(self, axis: Axes = None, **options: object) -> Tensor:
        """Return the minimum over axes; see `dataflow.min`."""
        return self._call("min", axis=axis, **options)

    def all(self, axis: Axes = None, **options: object) -> Tensor:
        """Return whether all elements hold; see `dataflow.all`."""
        return self._call("all", axis=axis, **options)

    def any(self, axis: Axes = None, **options: object) -> Tensor:
        """Return whether any element holds; see `dataflow.any`."""
        return self._call("any", axis=axis, **options)

    def argmax(self, axis: int | None = None, **options: object) -> Tensor:
        """Return the index of the maximum; see `dataflow.argmax`."""
        return self._call("argmax", axis=axis, **options)

    def argmin(self, axis: int | None = None, **options: object) -> Tensor:
        """Return the index of the minimum; see `dataflow.argmin`."""
        return self._call("argmin", axis=axis, **options)

    def cumsum(self, axis: int | None = None, **options: object) -> Tensor:
        """Return the sums of all elements up to each; see `dataflow.cumsum`."""
        return self._call("cumsum", axis=axis, **options)

    def cumprod(self, axis: int | None = None, **options: object) -> Tensor:
        """Return the products of all elements up to each; see `dataflow.cumprod`."""
        return self._call("cumprod", axis=axis, **options)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """Return the sum along a diagonal; see `dataflow.trace`."""
        return self._call("trace", offset, axis1, axis2)

    # Order

    def sort(self, axis: int = -1, **options: object) -> Tensor:
        """Return the elements in ascending order; see `dataflow.sort`. Nothing is changed."""
        return self._call("sort", axis=axis, **options)

    def argsort(self, axis: int = -1, **options: object) -> Tensor:
        """Return the indices that sort the elements; see `dataflow.argsort`."""
        return self._call("argsort", axis=axis, **options)

    def partition(self, kth: int | Sequence[int], axis: int = -1) -> Tensor:
        """Return the values with the k-th in place, a new tensor; see `dataflow.partition`."""
        return self._call("partition", kth, axis)

    def argpartition(self, kth: int | Sequence[int], axis: int | None = -1) -> Tensor:
        """Return the indices that put the k-th in place; see `dataflow.argpartition`."""
        return self._call("argpartition", kth, axis)

    def searchsorted(self, v: TensorLike, side: str = "left", **options: object) -> Tensor:
        """Return where values belong among these in order; see `dataflow.searchsorted`."""
        return self._call("searchsorted", v, side, **options)

    # Shapes and axes

    def reshape(self, *shape: DimLike | Sequence[DimLike], **options: object) -> Tensor:
        """Return the same elements in another shape; see `dataflow.reshape`."""
        return self._call("reshape", _one_or_many(shape), **options)

    def view(self, *shape: DimLike | Sequence[DimLike]) -> Tensor:
        """Return the same elements in another shape, as PyTorch has it; see `reshape`."""
        return self.reshape(*shape)

    def ravel(self, order: str = "C") -> Tensor:
        """Return the elements along one axis; see `dataflow.ravel`."""
        return self._call("ravel", order)

    def flatten(self, start_dim: int | str = 0, end_dim: int = -1, *, order: str = "C") -> Tensor:
        """Return neighbouring axes as one, all by default; see `dataflow.flatten`.

        NumPy's order of all elements may stand first; see `dataflow.ravel`.
        """
        chosen = start_dim if isinstance(start_dim, str) else order
        if start_dim in (0, chosen) and end_dim == -1:
            return self._call("ravel", chosen)
        return self._call("flatten", start_dim, end_dim)

    def transpose(self, *axes: int | Sequence[int]) -> Tensor:
        """Return the axes in another order, reversed by default; see `dataflow.transpose`."""
        return self._call("transpose", _one_or_many(axes) if axes else None)

    def permute(self, *axes: int | Sequence[int]) -> Tensor:
        """Return the axes in another order, as PyTorch has it; see `transpose`."""
        return self.transpose(*axes)

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The axes in reverse order."""
        return self._call("transpose")

    @property
    def mT(self) -> Tensor:  # noqa: N802 - the standard's name
        """The last two axes swapped: every matrix transposed."""
        return self._call("matrix_transpose")

    @property
    def mH(self) -> Tensor:  # noqa: N802 - PyTorch's name
        """The last two axes swapped and the complex conjugate taken: every matrix's adjoint."""
        return self.conj().mT

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Return a view with two axes swapped; see `dataflow.swapaxes`."""
        return self._call("swapaxes", axis1, axis2)

    def expand(self, *shape: DimLike | Sequence[DimLike]) -> Tensor:
        """Return the tensor repeated along axes of length 1, as PyTorch has it; -1 keeps one."""
        target: Any = _one_or_many(shape)
        if not isinstance(target, Sequence):
            return self._call("broadcast_to", target)
        known: tuple[Any, ...] = self.shape  # type: ignore[attr-defined]  # a Tensor's
        padded = (None,) * (len(target) - len(known)) + known
        return self._call("broadcast_to", [
            old if isinstance(new, int) and new == -1 and old is not None else new
            for new, old in zip(target, padded, strict=False)
        ])  # fmt: skip

    def squeeze(self, axis: Axes = None) -> Tensor:
        """Return the tensor without axes of length 1; see `dataflow.squeeze`."""
        return self._call("squeeze", axis)

    def unsqueeze(self, dim: int) -> Tensor:
        """Return the tensor with a new axis of length 1; see `dataflow.expand_dims`."""
        return self._call("expand_dims", dim)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """Return a diagonal; see `dataflow.diagonal`."""
        return self._call("diagonal", offset, axis1, axis2)

    def repeat(self, repeats: int | Sequence[int], axis: int | None = None) -> Tensor:
        """Return every element several times, one after the other; see `dataflow.repeat`."""
        return self._call("repeat", repeats, axis)

    def take(self, indices: TensorLike, axis: int | None = None, **options: object) -> Tensor:
        """Return elements, rows or slices by index; see `dataflow.take`."""
        return self._call("take", indices, axis, **options)

    def choose(self, choices: Any, mode: str = "raise") -> Tensor:  # noqa: ANN401 - tensors
        """Return of every place the choice that it names; see `dataflow.choose`."""
        return self._call("choose", choices, mode=mode)

    def compress(self, condition: ArrayLike, axis: int | None = None) -> Tensor:
        """Return the slices at which a constant condition holds; see `dataflow.compress`."""
        return find_function("compress")(condition, self, axis)  # type: ignore[no-any-return]

    def nonzero(self) -> Any:  # noqa: ANN401 - raises
        """Raise with what to use instead: how many there are depends on data."""
        return self._call("nonzero")

    # Values

    def astype(self, dtype: object, *, copy: bool = True) -> Tensor:
        """Return the values in another dtype; see `dataflow.astype`."""
        return self._call("astype", dtype, copy=copy)

    def copy(self) -> Tensor:
        """Return the same values in memory of their own; see `dataflow.copy`."""
        return self._call("copy")

    def contiguous(self) -> Tensor:
        """Return the same values laid out row by row, as PyTorch has it; see `dataflow.copy`."""
        return self._call("copy")

    def clip(self, min: TensorLike | None = None, max: TensorLike | None = None) -> Tensor:
        """Return the values kept between two bounds; see `dataflow.clip`."""
        return self._call("clip", min, max)

    def round(self, decimals: int = 0) -> Tensor:
        """Return the values rounded to even; see `dataflow.round`."""
        return self._call("round", decimals)

    def dot(self, other: TensorLike) -> Tensor:
        """Return the product of matrices and vectors; see `dataflow.dot`."""
        return self._call("dot", other)

    def conj(self) -> Tensor:
        """Return the complex conjugate; see `dataflow.conj`."""
        return self._call("conj")

    def conjugate(self) -> Tensor:
        """Return the complex conjugate; see `dataflow.conj`."""
        return self._call("conj")

    @property
    def real(self) -> Tensor:
        """The real part; see `dataflow.real`."""
        return self._call("real")

    @property
    def imag(self) -> Tensor:
        """The imaginary part; see `dataflow.imag`."""
        return self._call("imag")

    # Functions of one tensor, as PyTorch has them

    def abs(self) -> Tensor:
        """Return the absolute values; see `dataflow.abs`."""
        return self._call("abs")

    def exp(self) -> Tensor:
        """Return the exponential; see `dataflow.exp`."""
        return self._call("exp")

    def log(self) -> Tensor:
        """Return the natural logarithm; see `dataflow.log`."""
        return self._call("log")

    def sqrt(self) -> Tensor:
        """Return the square root; see `dataflow.sqrt`."""
        return self._call("sqrt")

    def pow(self, exponent: TensorLike) -> Tensor:
        """Return powers; see `dataflow.power`."""
        return self._call("power", exponent)

    def matmul(self, other: TensorLike) -> Tensor:
        """Return the matrix product; see `dataflow.matmul`."""
        return self._call("matmul", other)

    def clamp(self, min: TensorLike | None = None, max: TensorLike | None = None) -> Tensor:
        """Return the values kept between two bounds; see `dataflow.clamp`."""
        return self._call("clamp", min, max)

    def softmax(self, dim: int = -1) -> Tensor:
        """Return exponentials that add up to 1 along an axis; see `dataflow.softmax`."""
        return self._call("softmax", dim)

    def norm(self, p: Any = 2, dim: Axes = None, *, keepdim: bool = False) -> Tensor:  # noqa: ANN401 - a number
        """Return the norm of all elements, or along axes; see `dataflow.linalg.vector_norm`."""
        order = 2 if isinstance(p, str) and p == "fro" else p
        return self._call("linalg.vector_norm", ord=order, axis=dim, keepdims=keepdim)

    def masked_fill(self, mask: TensorLike, value: TensorLike) -> Tensor:
        """Return the tensor with a value where a mask holds; see `dataflow.masked_fill`."""
        return self._call("masked_fill", mask, value)

    def _call(self, name: str, *args: object, **options: object) -> Tensor:
        return find_function(name)(self, *args, **options)  # type: ignore[no-any-return]


def _one_or_many(items: tuple[Any, ...]) -> Any:  # noqa: ANN401 - passed on to be checked
    if len(items) != 1:
        return items
    is_number = hasattr(items[0], "__index__") and getattr(items[0], "ndim", 0) == 0
    return items if is_number else items[0]
