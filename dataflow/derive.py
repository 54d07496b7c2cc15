"""Parts of an op's record that follow from others, so that a declaration states each fact once.

An element-wise op is declared by its ufunc and by one linear map per slot: how a small change of
that argument changes the result. The map is diagonal, so it serves the vjp and the jvp both:

    vjp: cotangent of slot i = sum_to(map_i(cotangent), shape of slot i)
    jvp: tangent of the result = sum over i of map_i(tangent of slot i)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial, reduce
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dataflow.attrs import Attrs
from dataflow.dispatch import FUNCTIONS
from dataflow.errors import DTypeError, ShapeError
from dataflow.op import (
    WHOLE,
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
)  # fmt: skip
from dataflow.source import user_line
from dataflow.spec import Spec, broadcast_shapes, shape_text
from dataflow.tensor import Tensor, TensorLike, builder_of

if TYPE_CHECKING:
    from dataflow.dims import Dim, Shape

__all__ = [
    "COMPLEX", "FLOATS", "INTEGERS", "LinearMap", "apply", "as_tensor", "batch_elementwise",
    "binary", "call_function", "call_into", "choose_call", "composite", "elementwise",
    "elementwise_cost", "elementwise_infer", "elementwise_tiling", "joined", "maps_jvp",
    "maps_vjp", "move_axis", "normal_axes", "normal_axis", "promoted", "ranges", "scalars",
    "scratch_like", "sum_to", "traffic", "unary", "values",
]  # fmt: skip

FLOATS = ("float16", "float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
COMPLEX = ("complex64", "complex128")

LinearMap: TypeAlias = "Callable[[Application, Tensor], Tensor] | None"
"""How a change of one argument changes the result; None where it never does."""

WorkspaceOf: TypeAlias = Callable[[Specs, Attrs], Workspace]


# Calling ops from public functions and rules


def apply(op: Op, inputs: Sequence[Tensor], attrs: Attrs | None = None) -> Tensor:
    """Declare a node of an op with one output and at least one input."""
    return builder_of(*inputs).apply(op, inputs, attrs or Attrs())[0]


def as_tensor(value: TensorLike, like: Tensor) -> Tensor:
    """Return a tensor as it is, and anything else as a constant of the builder of `like`.

    A Python scalar takes the dtype that NumPy's promotion gives it beside `like`.
    """
    if isinstance(value, Tensor):
        return value
    dtype = None
    if type(value) in (int, float, complex):
        dtype = np.result_type(like.dtype, value)
    return like.builder.constant(value, dtype=dtype)


def promoted(op: Op, ufunc: np.ufunc | None, *operands: TensorLike) -> tuple[Tensor, ...]:
    """Return operands cast to the dtypes of the loop that NumPy 2 would choose.

    Parameters
    ----------
    op : Op
        For messages.
    ufunc : numpy.ufunc, optional
        Whose loop decides; without one, all get NumPy's common dtype.
    *operands : tensor, array or scalar
        At least one is a tensor. Python scalars don't raise a dtype, as in NumPy 2.

    Raises
    ------
    DTypeError
        NumPy has no loop for these dtypes.
    """
    builder = builder_of(*operands)
    kinds = tuple(_promotion_kind(operand) for operand in operands)
    try:
        dtypes = _common_dtypes(kinds) if ufunc is None else _loop_dtypes(ufunc, kinds)
    except TypeError as error:
        given = ", ".join(getattr(k, "__name__", str(k)) for k in kinds)
        msg = f"op {op.name!r} ({user_line()}) can't take dtypes ({given}): {error}"
        raise DTypeError(msg) from None
    return tuple(
        FUNCTIONS["astype"](operand, dtype) if isinstance(operand, Tensor)
        else builder.constant(operand, dtype=dtype)
        for operand, dtype in zip(operands, dtypes, strict=False)
    )  # fmt: skip


def unary(op: Op, ufunc: np.ufunc | None, x: TensorLike) -> Tensor:
    """Declare a node of an element-wise op of one argument, promoted as NumPy does."""
    return apply(op, promoted(op, ufunc, x))


def binary(op: Op, ufunc: np.ufunc | None, a: TensorLike, b: TensorLike) -> Tensor:
    """Declare a node of an element-wise op of two arguments, promoted as NumPy does."""
    return apply(op, promoted(op, ufunc, a, b))


def call_function(name: str, *args: object, **kwargs: object) -> Tensor:
    """Call a public function by name, from a module that must not import the one it is in."""
    return FUNCTIONS[name](*args, **kwargs)  # type: ignore[no-any-return]


def _promotion_kind(operand: TensorLike) -> object:
    if isinstance(operand, Tensor):
        return operand.dtype
    if type(operand) in (int, float, complex):
        return type(operand)  # weak: takes the dtype of what it meets
    return np.asarray(operand).dtype


@lru_cache(maxsize=4096)
def _loop_dtypes(ufunc: np.ufunc, kinds: tuple[Any, ...]) -> tuple[np.dtype, ...]:
    return ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))[: ufunc.nin]


@lru_cache(maxsize=4096)
def _common_dtypes(kinds: tuple[Any, ...]) -> tuple[np.dtype, ...]:
    common = np.result_type(*(kind(0) if isinstance(kind, type) else kind for kind in kinds))
    return (common,) * len(kinds)


# Axes and shapes


def normal_axis(axis: int, ndim: int) -> int:
    """Return an axis counted from the front; `ShapeError` where there is no such axis."""
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        msg = f"an axis is an int, not {axis!r} ({user_line()})"
        raise ShapeError(msg)
    if not -ndim <= axis < ndim:
        msg = f"axis {axis} is out of range for {ndim} axes ({user_line()})"
        raise ShapeError(msg)
    return axis.__index__() % ndim


def normal_axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return axes counted from the front, sorted; all of them for None.

    Raises
    ------
    ShapeError
        An axis is out of range or named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    items = axis if isinstance(axis, Sequence) else (axis,)
    axes = sorted(normal_axis(item, ndim) for item in items)
    if len(set(axes)) != len(axes):
        msg = f"axes {tuple(items)} name one axis twice ({user_line()})"
        raise ShapeError(msg)
    return tuple(axes)


def sum_to(x: Tensor, shape: Shape) -> Tensor:
    """Add up a tensor over the axes along which `shape` was broadcast to it."""
    if x.shape == shape:
        return x
    new = len(x.shape) - len(shape)
    stretched = [i + new for i, dim in enumerate(shape) if dim == 1 and x.shape[i + new] != 1]
    axes = (*range(new), *stretched)
    summed = call_function("sum", x, axis=axes, keepdims=True) if axes else x
    return call_function("reshape", summed, shape) if new else summed


def move_axis(x: Tensor, source: int, target: int) -> Tensor:
    """Move one axis to another place."""
    order = [axis for axis in range(x.ndim) if axis != source]
    order.insert(target, source)
    return x if order == sorted(order) else call_function("transpose", x, tuple(order))


# Element-wise records


def elementwise_infer(specs: Specs, ufunc: np.ufunc, attrs: Attrs) -> Specs:
    """Broadcast the shapes and look up the ufunc's loop, which must need no cast."""
    dtypes = tuple(spec.dtype for spec in specs)
    if len(dtypes) != ufunc.nin:
        msg = f"takes {ufunc.nin} inputs, not {len(dtypes)}"
        raise ShapeError(msg)
    try:
        resolved = _resolved(ufunc, dtypes)
    except TypeError as error:
        raise DTypeError(str(error)) from None
    if resolved[: ufunc.nin] != dtypes:
        msg = f"the inputs must have dtypes {resolved[: ufunc.nin]}: cast them with astype"
        raise DTypeError(msg)
    shape = broadcast_shapes([spec.shape for spec in specs])
    return tuple(Spec(shape, dtype) for dtype in resolved[ufunc.nin :])


@lru_cache(maxsize=4096)
def _resolved(ufunc: np.ufunc, dtypes: tuple[np.dtype, ...]) -> tuple[np.dtype, ...]:
    return ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))


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


def maps_vjp(maps: Sequence[LinearMap]) -> Rule:
    """Make the vjp rule of an element-wise op with one output from its linear maps."""

    def vjp(application: Application, cotangents: tuple[Tensor | None, ...]) -> list[Tensor | None]:
        (cotangent,) = cotangents
        return [
            sum_to(linear(application, cotangent), tensor.shape)
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
    fallible, workspace
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
        workspace=workspace,
    ))  # fmt: skip


def composite(  # noqa: PLR0913 - the facts of a record
    name: str, label: str, kernel: Kernel, reference: Callable[..., Any],
    maps: Sequence[LinearMap], *,
    samples: Callable[[np.random.Generator], Sequence[Sample]],
    flops: int, workspace: WorkspaceOf, inplace: tuple[int, ...] = (),
) -> Op:  # fmt: skip
    """Declare and register an element-wise op on floats of one dtype that is several NumPy calls.

    Parameters
    ----------
    name, label, kernel, reference, samples, workspace, inplace
        See `Op`.
    maps, flops
        See `elementwise`.
    """
    return register(Op(
        name=name, label=label, infer=partial(_floats_infer, len(maps)), kernel=kernel,
        reference=reference, vjp=maps_vjp(maps), jvp=maps_jvp(maps), batch=batch_elementwise,
        tiling=elementwise_tiling, cost=partial(elementwise_cost, flops), samples=samples,
        inplace=inplace, workspace=workspace,
    ))  # fmt: skip


def _infer_of(ufunc: np.ufunc, kinds: str, specs: Specs, attrs: Attrs) -> Specs:
    for slot, spec in enumerate(specs):
        if spec.dtype.kind not in kinds:
            msg = f"slot {slot} can't be {spec.dtype}: cast it with astype"
            raise DTypeError(msg)
    return elementwise_infer(specs, ufunc, attrs)


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


def call_into(ufunc: np.ufunc, ins: Arrays, out: np.ndarray) -> Call:
    """Return the call of a ufunc that writes into `out`.

    NumPy 2.4 warns at every call where np.maximum or np.minimum gets `out` by position.
    """
    if ufunc in (np.maximum, np.minimum):
        return (partial(ufunc, out=out), tuple(ins))
    return (ufunc, (*ins, out))


def choose_call(out: np.ndarray, mask: np.ndarray, chosen: np.ndarray) -> Call:
    """Return the call that writes `chosen` into `out` where `mask` is true.

    np.putmask takes less than half the time of np.copyto, but copies what isn't contiguous.
    """
    plain = out.flags.c_contiguous and mask.flags.c_contiguous and mask.shape == out.shape
    if plain and chosen.flags.c_contiguous and chosen.shape in ((), out.shape):
        return (np.putmask, (out, mask, chosen))
    return (np.copyto, (out, chosen, "same_kind", mask))


def scalars(dtype: np.dtype, *numbers: float) -> list[np.ndarray]:
    """Return numbers as rank-0 arrays: NumPy would convert Python's own again at every call."""
    return [np.asarray(number, dtype) for number in numbers]


def scratch_like(count: int, specs: Specs, attrs: Attrs) -> Workspace:
    """Return a workspace of `count` arrays like the result of an op that `composite` made."""
    return Workspace(_floats_infer(len(specs), specs, attrs) * count)


# Samples


def values(
    low: float, high: float, arity: int = 1, *, dtypes: Sequence[str] = FLOATS, smooth: bool = True
) -> Callable[[np.random.Generator], list[Sample]]:
    """Make a samples function for an element-wise op.

    Draws from [low, high) in every dtype for rank 0, size 0, and shapes that broadcast.

    Parameters
    ----------
    low, high : float
        Where the op is defined, and for a gradient check away from its kinks.
    arity : int
        The number of arguments.
    dtypes : sequence of str
        The dtypes that the op takes, the same for all arguments.
    smooth : bool
        Whether derivatives are checked on these samples.
    """
    return ranges(((low, high),) * arity, dtypes=dtypes, smooth=smooth)


def ranges(
    bounds: Sequence[tuple[float, float]], *, dtypes: Sequence[str] = FLOATS, smooth: bool = True
) -> Callable[[np.random.Generator], list[Sample]]:
    """Make a samples function as `values` does, with bounds of its own for every argument."""
    arity = len(bounds)
    shapes: list[list[tuple[int, ...]]] = [
        [()] * arity, [(0, 3)] * arity, [(3, 4)] * arity,
        [((3, 1), (4,), (2, 1, 1))[i % 3] for i in range(arity)],
    ]  # fmt: skip

    def samples(rng: np.random.Generator) -> list[Sample]:
        made = []
        for dtype in dtypes:
            for row in shapes:
                arrays = [
                    rng.uniform(*pair, shape) for pair, shape in zip(bounds, row, strict=True)
                ]
                made.append(Sample(tuple(np.asarray(a).astype(dtype) for a in arrays),
                                   smooth=smooth and dtype in FLOATS))  # fmt: skip
        return made

    return samples


def joined(
    *makers: Callable[[np.random.Generator], Sequence[Sample]],
) -> Callable[[np.random.Generator], list[Sample]]:
    """Make a samples function that gives the samples of several."""

    def samples(rng: np.random.Generator) -> list[Sample]:
        return [sample for maker in makers for sample in maker(rng)]

    return samples


def shapes_text(specs: Specs) -> str:
    """Return shapes as messages name them."""
    return ", ".join(shape_text(spec.shape) for spec in specs)
