"""`Tensor`: the builder's handle on one output of one node.

A tensor knows its spec, not its values. Its operators and methods, and NumPy's functions called
on it, declare nodes; whatever would need a value (``if t``, ``float(t)``) raises with the remedy.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from dataflow.current import current_builder, within
from dataflow.dims import as_int
from dataflow.dispatch import find_function, find_numpy_function
from dataflow.errors import DTypeError, GradientError, GraphError, ShapeError
from dataflow.methods import Methods
from dataflow.operators import Operators
from dataflow.places import At
from dataflow.pytorch_methods import PyTorchMethods
from dataflow.source import user_line
from dataflow.ufunc_methods import call_ufunc
from dataflow.values import check_grad

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from numpy.typing import ArrayLike

    from dataflow.attrs import Attrs
    from dataflow.dims import Dim, DimLike, Shape
    from dataflow.operation import Op
    from dataflow.spec import Spec

__all__ = ["Builder", "GradFn", "Tensor", "TensorLike", "builder_of"]

_API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")

TensorLike: TypeAlias = "Tensor | ArrayLike"


class Builder(Protocol):
    """What a tensor, an op's public function and a derivative rule ask of the graph's builder."""

    def apply(self, op: Op, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Tensor, ...]:
        """Declare a node and return its outputs."""

    def constant(self, value: ArrayLike, *, dtype: object = None, name: str = "") -> Tensor:
        """Declare a constant."""

    def known(self, tensor: Tensor) -> np.ndarray | None:
        """Return the values of a constant, which must not be written to; None of other tensors."""

    def size_of(self, dims: Sequence[int | Dim], dtype: object) -> Tensor:
        """Return the product of dimensions as a scalar tensor."""

    def arange(
        self, start: DimLike, stop: DimLike | None = None, step: int = 1, dtype: object = None
    ) -> Tensor:
        """Return whole numbers at even distances."""

    def full(
        self, shape: int | str | Sequence[DimLike], value: complex, dtype: object = None
    ) -> Tensor:
        """Return a tensor of one value."""

    def gradient(self, tensor: Tensor) -> Tensor | None:
        """Return what ``backward()`` has added up for a tensor."""

    def no_grad(self) -> AbstractContextManager[None]:
        """Return a context in which nodes made don't require gradients."""


class GradFn:
    """What made a tensor, as ``tensor.grad_fn`` shows it: prints as ``<AddBackward>``.

    Parameters
    ----------
    label : str
        The op's label.
    node : str
        The name of the forward node.
    """

    __slots__ = ("label", "node")

    def __init__(self, label: str, node: str) -> None:
        self.label = label
        self.node = node

    def __repr__(self) -> str:
        return f"<{self.label}Backward>"


class Tensor(Operators, Methods, PyTorchMethods):
    """One output of one node in a graph under construction.

    Made by a `GraphBuilder`'s methods and by functions of other tensors, never directly.
    Two tensors are the same only if they are one object; ``==`` declares a node.

    Parameters
    ----------
    builder : Builder
        The builder of the graph that the node is in.
    node : str
        The node's name.
    output : int
        Which of the node's outputs this is.
    spec : Spec
        Its shape and dtype.
    op : Op
        The op that makes it.
    requires_grad : bool
        Whether ``backward()`` passes through it.
    is_leaf : bool
        Whether ``backward()`` ends in it and sets its ``grad``.
    """

    __slots__ = ("__weakref__", "_requires_grad", "builder", "is_leaf", "node", "op", "output",
                 "spec")  # fmt: skip
    __array_priority__ = 1000

    def __init__(
        self, builder: Builder, node: str, output: int, spec: Spec, op: Op,
        *, requires_grad: bool, is_leaf: bool,
    ) -> None:  # fmt: skip
        self.builder = builder
        self.node = node
        self.output = output
        self.spec = spec
        self.op = op
        self._requires_grad = requires_grad
        self.is_leaf = is_leaf

    def __repr__(self) -> str:
        which = f"{self.node}:{self.output}" if self.output else self.node
        flag = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({which}, {self.spec}{flag})"

    def __copy__(self) -> Tensor:
        return self

    def __deepcopy__(self, memo: object) -> Tensor:
        return self  # it is no more than a name in its graph

    def __reduce_ex__(self, protocol: object) -> Any:  # noqa: ANN401 - never returns
        msg = f"a tensor ({user_line()}) can't be pickled: build its graph, and df.save that"
        raise GraphError(msg)

    # What is known of it

    @property
    def shape(self) -> Shape:
        """The shape: ints, and `Dim` where a dimension is named."""
        return self.spec.shape

    @property
    def dtype(self) -> np.dtype:
        """The dtype."""
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.spec.shape)

    @property
    def grad_fn(self) -> GradFn | None:
        """What made this tensor, if ``backward()`` passes through it; None for a leaf."""
        if self.is_leaf or not self.requires_grad:
            return None
        return GradFn(self.op.label, self.node)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward()`` has added up for this tensor; None before the first."""
        return self.builder.gradient(self)

    # Sweeps

    @property
    def requires_grad(self) -> bool:
        """Whether ``backward()`` passes through this tensor; a leaf's can be set."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        check_grad(repr(self), self.spec, requires_grad=value)
        if not self.is_leaf and not value:
            msg = f"{self!r} is no leaf, so it requires a gradient: use detach()"
            raise GradientError(msg)
        self._requires_grad = bool(value)

    def backward(self, cotangent: TensorLike | None = None) -> None:
        """Declare the reverse sweep from this tensor and add to ``grad`` of every leaf it reaches.

        Parameters
        ----------
        cotangent : tensor or array, optional
            What to multiply the derivative with, of this tensor's shape; 1 for a scalar.

        Raises
        ------
        GradientError
            This tensor doesn't require a gradient, or is no scalar and no cotangent was given.
        """
        find_function("backward")(self, cotangent)

    def detach(self) -> Tensor:
        """Return the same values as a tensor that no gradient passes through."""
        return _tensor(find_function("stop_gradient")(self))

    # The Array API standard; its `size`, a number, is ours to say as `spec.size`

    @property
    def device(self) -> Builder:
        """The builder that it belongs to, as creation functions take it."""
        return self.builder

    def to_device(self, device: Builder, /, *, stream: None = None) -> Tensor:
        """Return the tensor itself: `device` must be its builder, nothing moves to another one."""
        if device is not self.builder or stream is not None:
            msg = (f"to_device ({user_line()}): {self!r} stays in its builder, its one device; "
                   "declare both in one graph, or feed one's results to the other")  # fmt: skip
            raise GraphError(msg)
        return self

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:  # noqa: ANN401
        """Return the namespace of functions on tensors: the module `dataflow`."""
        if api_version is not None and str(api_version) not in _API_VERSIONS:
            msg = (f"there is no version {api_version!r} of the Array API ({user_line()}), only "
                   f"{_API_VERSIONS}")  # fmt: skip
            raise GraphError(msg)
        return importlib.import_module("dataflow")

    @property
    def itemsize(self) -> int:
        """The number of bytes of one element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The number of bytes of all elements; `ShapeError` where a dimension has a name."""
        return self.spec.nbytes

    def size(self, axis: int | None = None) -> Tensor:
        """Return the length of an axis, or the number of elements, as an int64 scalar tensor."""
        if axis is None:
            return self.builder.size_of(self.shape, np.int64)
        place = as_int(axis)
        if place is None or not -self.ndim <= place < self.ndim:
            msg = f"size of axis {axis!r} ({user_line()}): {self!r} has {self.ndim} axes"
            raise ShapeError(msg)
        return self.builder.size_of((self.shape[place],), np.int64)

    def __getitem__(self, index: object) -> Tensor:
        return _tensor(find_function("getitem")(self, index))

    def __setitem__(self, index: object, value: object) -> None:
        msg = (f"{self!r} ({user_line()}) can't be changed: t.at[index].set(value) and df.where "
               "give a tensor with other elements")  # fmt: skip
        raise DTypeError(msg)

    @property
    def at(self) -> At:
        """Updates by index: ``t.at[index].set(value)`` is a tensor with other elements.

        Examples
        --------
        >>> import dataflow as df
        >>> t = df.GraphBuilder().constant([1, 2, 3])
        >>> df.evaluate(t.at[1:].multiply(10), t.at[[0, 0]].add(5))
        (array([ 1, 20, 30]), array([11,  2,  3]))
        """
        return At(self)

    # NumPy's protocols

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: object, **options: object
    ) -> Tensor:
        found = call_ufunc(ufunc, method, inputs, options)
        if found is None:
            used = f"{ufunc.__name__}{'' if method == '__call__' else f'.{method}'}"
            with_options = f" with {sorted(options)}" if options else ""
            msg = (f"np.{used}{with_options} ({user_line()}) doesn't work on tensors: use "
                   "dataflow's own functions")  # fmt: skip
            raise GraphError(msg)
        return found

    def __array_function__(
        self, function: Callable[..., Any], types: object, args: Any, kwargs: Any  # noqa: ANN401
    ) -> Tensor:  # fmt: skip
        ours = find_numpy_function(function)
        if ours is None:
            msg = (f"np.{function.__name__} ({user_line()}) doesn't work on tensors: use "
                   "dataflow's own functions")  # fmt: skip
            raise GraphError(msg)
        try:
            inspect.signature(ours).bind(*args, **kwargs)
        except TypeError as error:
            msg = (f"np.{function.__name__} ({user_line()}) on a tensor: {error}; see "
                   f"help(df.{ours.__name__})")  # fmt: skip
            raise GraphError(msg) from None
        with within(self.builder):  # where np.zeros((2, 3), like=t) declares
            return _tensor(ours(*args, **kwargs))

    # What needs a value

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise _no_value("an array", "df.evaluate(t)")

    def __bool__(self) -> bool:
        raise _no_value("a truth value", "df.where(t, a, b) in the graph, or df.evaluate(t)")

    def __float__(self) -> float:
        raise _no_value("a float", "float(df.evaluate(t))")

    def __format__(self, spec: str) -> str:
        if spec:
            raise _no_value("a formatted number", f"format(float(df.evaluate(t)), {spec!r})")
        return str(self)

    def __complex__(self) -> complex:
        raise _no_value("a complex number", "complex(df.evaluate(t))")

    def __contains__(self, item: object) -> bool:
        raise _no_value("a membership test", "t == value in the graph, or x in df.evaluate(t)")

    def __int__(self) -> int:
        raise _no_value("an int", "int(df.evaluate(t))")

    def __index__(self) -> int:
        raise _no_value("an index", "df.take(x, t) in the graph, or int(df.evaluate(t))")

    def __iter__(self) -> Any:  # noqa: ANN401 - never returns
        raise _no_value("an iterator", "t[i] for i in range(n)")

    def __dlpack__(self, **_: object) -> object:
        raise _no_value("a DLPack capsule", "df.evaluate(t)")

    def __dlpack_device__(self) -> object:
        raise _no_value("a DLPack device", "df.evaluate(t)")

    def item(self, *_: object) -> Any:  # noqa: ANN401 - never returns
        """Raise with the remedy: a tensor has no value while the graph is being built."""
        raise _no_value("a number", "df.evaluate(t).item()")

    def tolist(self) -> Any:  # noqa: ANN401 - never returns
        """Raise with the remedy: a tensor has no value while the graph is being built."""
        raise _no_value("a list", "df.evaluate(t).tolist()")

    def numpy(self) -> np.ndarray:
        """Raise with the remedy: a tensor has no value while the graph is being built."""
        raise _no_value("an array", "df.evaluate(t)")

    def __len__(self) -> int:
        if not self.shape or not isinstance(self.shape[0], int):
            raise _no_value("a length", "t.size(0), or t.shape")
        return self.shape[0]


def builder_of(*operands: object) -> Builder:
    """Return the one builder that the tensors among `operands` belong to.

    Without a tensor it is that of the ``with`` block around.

    Raises
    ------
    GraphError
        No operand is a tensor, outside of such a block, or two are from different builders.
    """
    builders = {id(t.builder): t.builder for t in operands if isinstance(t, Tensor)}
    around = None if builders else current_builder()
    if around is not None:
        return around
    if len(builders) != 1:
        msg = "no operand is a tensor: make one with builder.input, constant or variable"
        if builders:
            msg = "the operands belong to different builders: use one builder"
        msg = f"{msg} ({user_line()})"
        raise GraphError(msg)
    return next(iter(builders.values()))


def _tensor(value: Any) -> Tensor:  # noqa: ANN401 - what a public function of ours returned
    return value  # type: ignore[no-any-return]


def _no_value(what: str, remedy: str) -> DTypeError:
    msg = (f"a tensor ({user_line()}) has no {what[what.index(' ') + 1 :]} while the graph is "
           f"being built: {remedy}")  # fmt: skip
    return DTypeError(msg)
