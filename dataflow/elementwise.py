"""Element-wise ops: what follows of a record from the others, so that each fact is stated once.

An element-wise op is declared by its ufunc and by one linear map per slot: how a small change of
that argument changes the result. The map is diagonal, so it serves the vjp and the jvp both:

    vjp: cotangent of slot i = sum_to(map_i(cotangent), shape of slot i)
    jvp: tangent of the result = sum over i of map_i(tangent of slot i)

Complex cotangents follow PyTorch's convention: the gradient of a real L is ∂L/∂Re + i ∂L/∂Im, so
the vjp multiplies by the conjugate of the derivative. Every function here has f(z̄) = conj f(z),
and so has its derivative: the vjp's map is the jvp's, of conjugate arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial, reduce
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import call_function
from dataflow.errors import DTypeError, ShapeError
from dataflow.operation import (
    WHOLE,
    Absent,
    Along,
    Application,
    Arrays,
    AxisUse,
    Call,
    Cost,
    Kernel,
    Op,
    Rule,
    Sample,
    Specs,
    Tiling,
    Workspace,
    register,
)
from dataflow.sampling import FLOATS
from dataflow.shapes import sum_to
from dataflow.spec import Spec, broadcast_shapes

if TYPE_CHECKING:
    from dataflow.dims import Dim, Shape
    from dataflow.tensor import Tensor

__all__ = [
    "LinearMap",
    "batch_elementwise",
    "call_into",
    "choose_call",
    "composite",
    "conjugated",
    "elementwise",
    "elementwise_cost",
    "elementwise_tiling",
    "maps_jvp",
    "maps_vjp",
    "no_workspace",
    "scalars",
    "scratch_like",
    "traffic",
]

LinearMap: TypeAlias = "Callable[[Application, Tensor], Tensor] | None"
"""How a change of one argument changes the result; None where it never does."""

WorkspaceOf: TypeAlias = Callable[[Specs, Attrs], Workspace]


_ORDERS = frozenset({
    np.less, np.less_equal, np.greater, np.greater_equal, np.maximum, np.minimum, np.fmax, np.fmin,
})  # fmt: skip
"""What NumPy does to complex numbers too, by their real parts first."""


def _infer_of(ufunc: np.ufunc, kinds: str, specs: Specs, attrs: Attrs) -> Specs:
    return _ufunc_specs(ufunc, kinds, specs)


@lru_cache(maxsize=4096)  # a graph of many nodes has few kinds of them
def _ufunc_specs(ufunc: np.ufunc, kinds: str, specs: Specs) -> Specs:
    """Broadcast the shapes and look up the ufunc's loop, which must need no cast."""
    for slot, spec in enumerate(specs):
        if spec.dtype.kind not in kinds:
            is_order = spec.dtype.kind == "c" and ufunc in _ORDERS
            msg = (f"{spec.dtype} numbers have no order: take df.real or df.abs of them" if is_order
                   else f"slot {slot} can't be {spec.dtype}: cast it with astype")  # fmt: skip
            raise DTypeError(msg)
    dtypes = tuple(spec.dtype for spec in specs)
    if len(dtypes) != ufunc.nin:
        msg = f"takes {ufunc.nin} inputs, not {len(dtypes)}"
        raise ShapeError(msg)
    try:
        resolved = ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))
    except TypeError as error:
        raise DTypeError(str(error)) from None
    if resolved[: ufunc.nin] != dtypes:
        msg = f"the inputs must have dtypes {resolved[: ufunc.nin]}: cast them with astype"
        raise DTypeError(msg)
    shape = broadcast_shapes([spec.shape for spec in specs])
    return tuple(Spec(shape, dtype) for dtype in resolved[ufunc.nin :])


def elementwise_tiling(specs: Specs, attrs: Attrs) -> Tiling:
    """Every axis maps to the result's, but for axes of length 1 that broadcast."""
    shape = broadcast_shapes([spec.shape for spec in specs])
    return Tiling(tuple(_uses(spec.shape, shape) for spec in specs))


def _uses(shape: Shape, result: Shape) -> tuple[AxisUse, ...]:
    first = len(result) - len(shape)
    return tuple(
        WHOLE if dim == 1 and result[first + i] != 1 else Along(first + i)
        for i, dim in enumerate(shape)
    )


def batch_elementwise(
    application: Application, inputs: tuple[Tensor, ...], batched: tuple[bool, ...],
    size: int | Dim,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Give all batched inputs the same rank, so that broadcasting lines their batches up."""
    ndim = max(tensor.ndim for tensor in application.inputs)
    aligned = []
    for tensor, has_batch in zip(inputs, batched, strict=True):
        missing = ndim + 1 - tensor.ndim
        if has_batch and missing:
            shape = (size, *[1] * missing, *tensor.shape[1:])
            aligned.append(call_function("reshape", tensor, shape))
        else:
            aligned.append(tensor)
    return aligned[0].builder.apply(application.op, aligned, application.attrs)


def traffic(ins: Specs, outs: Specs) -> int:
    """Return the bytes that a call reads and writes."""
    return sum(spec.nbytes for spec in (*ins, *outs))


def elementwise_cost(flops: int, ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Return `flops` for every element of the result."""
    size = outs[0].size
    return Cost(flops * (size if isinstance(size, int) else 0), traffic(ins, outs))


class _Conjugates(tuple["Tensor", ...]):
    """Tensors that are conjugated when they are read, so that no node is made for the others."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - as tuple has it
        return call_function("conj", super().__getitem__(index))

    def __iter__(self) -> Any:  # noqa: ANN401 - as tuple has it
        return (call_function("conj", tensor) for tensor in super().__iter__())


def conjugated(application: Application) -> Application:
    """Return a complex node as its vjp must see it; a real one as it is."""
    if application.outputs[0].dtype.kind != "c":
        return application
    return application._replace(
        inputs=_Conjugates(application.inputs), outputs=_Conjugates(application.outputs)
    )


def maps_vjp(maps: Sequence[LinearMap]) -> Rule:
    """Make the vjp rule of an element-wise op with one output from its linear maps."""

    def vjp(application: Application, cotangents: tuple[Tensor | None, ...]) -> list[Tensor | None]:
        (cotangent,) = cotangents
        seen = conjugated(application)
        return [
            sum_to(linear(seen, cotangent), tensor.shape)
            if needed and linear is not None and cotangent is not None
            else None
            for linear, tensor, needed in zip(
                maps, application.inputs, application.needs, strict=True
            )
        ]

    return vjp


def maps_jvp(maps: Sequence[LinearMap]) -> Rule:
    """Make the jvp rule of an element-wise op with one output from its linear maps."""

    def jvp(application: Application, tangents: tuple[Tensor | None, ...]) -> list[Tensor | None]:
        parts = [
            linear(application, tangent)
            for linear, tangent in zip(maps, tangents, strict=True)
            if linear is not None and tangent is not None
        ]
        if not parts:
            return [None]
        total = reduce(lambda a, b: a + b, parts)
        shape = application.outputs[0].shape
        return [total if total.shape == shape else call_function("broadcast_to", total, shape)]

    return jvp


def no_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    """Return the workspace of an op that needs none."""
    return Workspace()


def elementwise(  # noqa: PLR0913 - the facts of a record
    name: str, ufunc: np.ufunc, label: str, maps: Sequence[LinearMap], *,
    samples: Callable[[np.random.Generator], Sequence[Sample]],
    flops: int = 1, inplace: tuple[int, ...] | None = None, kinds: str = "biufc",
    fallible: bool = False, kernel: Kernel | None = None, workspace: WorkspaceOf = no_workspace,
    ulps: int | Absent = 8,
) -> Op:  # fmt: skip
    """Declare and register an element-wise op that is one NumPy ufunc with one output.

    Parameters
    ----------
    name, label : str
        See `Op`.
    ufunc : numpy.ufunc
        What it computes.
    maps : sequence of callable or None
        For every slot, ``map(application, change)``: see this module's docstring.
    samples : callable
        See `Op`.
    flops : int
        Floating-point operations per element.
    inplace : tuple of int, optional
        By default every slot.
    kinds : str
        The kinds of dtype that it takes, as NumPy's ``dtype.kind``.
    fallible, workspace, ulps
        See `Op`.
    kernel : callable, optional
        By default the ufunc itself; see `Op`.
    """

    def one_call(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
        return [call_into(ufunc, ins, outs[0])]

    def reference(*arrays: np.ndarray, attrs: Attrs) -> Any:  # noqa: ANN401 - an array or a scalar
        return ufunc(*arrays)

    return register(Op(
        name=name, label=label, infer=partial(_infer_of, ufunc, kinds), kernel=kernel or one_call,
        reference=reference, vjp=maps_vjp(maps), jvp=maps_jvp(maps), batch=batch_elementwise,
        tiling=elementwise_tiling, cost=partial(elementwise_cost, flops), samples=samples,
        inplace=tuple(range(ufunc.nin)) if inplace is None else inplace, fallible=fallible,
        workspace=workspace, is_flat=all(linear is None for linear in maps), ulps=ulps,
    ))  # fmt: skip


def composite(  # noqa: PLR0913 - the facts of a record
    name: str, label: str, kernel: Kernel, reference: Callable[..., Any],
    maps: Sequence[LinearMap], *,
    samples: Callable[[np.random.Generator], Sequence[Sample]],
    flops: int, workspace: WorkspaceOf, inplace: tuple[int, ...] = (), ulps: int = 8,
    united: tuple[str, int] | None = None,
) -> Op:  # fmt: skip
    """Declare and register an element-wise op on floats of one dtype that is several NumPy calls.

    Parameters
    ----------
    name, label, kernel, reference, samples, workspace, inplace, ulps, united
        See `Op`.
    maps, flops
        See `elementwise`.
    """
    return register(Op(
        name=name, label=label, infer=partial(_floats_infer, len(maps)), kernel=kernel,
        reference=reference, vjp=maps_vjp(maps), jvp=maps_jvp(maps), batch=batch_elementwise,
        tiling=elementwise_tiling, cost=partial(elementwise_cost, flops), samples=samples,
        inplace=inplace, workspace=workspace, ulps=ulps, united=united,
    ))  # fmt: skip


def _floats_infer(arity: int, specs: Specs, attrs: Attrs) -> Specs:
    if len(specs) != arity:
        msg = f"takes {arity} inputs, not {len(specs)}"
        raise ShapeError(msg)
    dtypes = {spec.dtype.name for spec in specs}
    if len(dtypes) != 1 or not dtypes <= set(FLOATS):
        msg = f"takes one of {', '.join(FLOATS)}, the same in every slot: cast with astype"
        raise DTypeError(msg)
    return (Spec(broadcast_shapes([spec.shape for spec in specs]), specs[0].dtype),)


# Kernels

_MANY = 2048
"""From so many elements on, a faster loop is worth a slower way to it."""


def call_into(ufunc: np.ufunc, ins: Arrays, out: np.ndarray) -> Call:
    """Return the call of a ufunc that writes into `out`.

    NumPy 2.4 warns at every call where np.maximum or np.minimum gets `out` by position. Of many
    floats and one number, clipping takes a third of their time.
    """
    if ufunc not in (np.maximum, np.minimum):
        return (ufunc, (*ins, out))
    x, other = ins
    if other.ndim or out.size < _MANY or out.dtype.kind != "f" or x.shape != out.shape:
        return (partial(ufunc, out=out), tuple(ins))
    far = np.asarray(np.inf, other.dtype)
    return (x.clip, (other, far, out) if ufunc is np.maximum else (-far, other, out))


def choose_call(out: np.ndarray, mask: np.ndarray, chosen: np.ndarray) -> Call:
    """Return the call that writes `chosen` into `out` where `mask` is true.

    np.putmask takes less than half the time of np.copyto, but copies what isn't contiguous, and
    what can't be written to, though it doesn't write there.
    """
    plain = mask.shape == out.shape and chosen.shape in ((), out.shape)
    if plain and all(array.flags.carray for array in (out, mask, chosen)):
        return (np.putmask, (out, mask, chosen))
    return (np.copyto, (out, chosen, "same_kind", mask))


def scalars(dtype: np.dtype, *numbers: float) -> list[np.ndarray]:
    """Return numbers as rank-0 arrays: NumPy would convert Python's own again at every call."""
    return [np.asarray(number, dtype) for number in numbers]


def scratch_like(count: int, specs: Specs, attrs: Attrs) -> Workspace:
    """Return a workspace of `count` arrays like the result of an op that `composite` made."""
    return Workspace(_floats_infer(len(specs), specs, attrs) * count)
