"""`Op`: one operation as one frozen record of plain functions, and the registry of all of them.

Everything that any part of the runtime knows about an operation is in its record: the builder
calls `infer`, the sweeps call `vjp` and `jvp`, the scheduler reads `alias`, `inplace`, `tiling`,
`workspace` and `cost`, the executors call `kernel`, and the tests are generated from `samples`.
So adding an operation edits one file. A field that an operation can't have says why, as `Absent`.

A kernel *binds*: given the arrays that it will read and write, it returns the raw calls that do
the work, each a function with its positional arguments. The replay loop then runs these calls
with no wrapper of ours in between; see docs/adr/0001-kernels-bind-to-calls.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dataflow.attrs import Attrs
from dataflow.errors import DTypeError, GraphError
from dataflow.spec import Spec, is_bfloat16

if TYPE_CHECKING:
    import numpy as np

    from dataflow.dims import Dim
    from dataflow.tensor import Tensor

__all__ = [
    "WHOLE", "Absent", "Alias", "Along", "Application", "Arrays", "Bind", "Call", "Contracted",
    "Cost", "Halo", "Interleaved", "Op", "Proportional", "Sample", "Specs", "Tiling",
    "Workspace", "register",
]  # fmt: skip

Array: TypeAlias = "np.ndarray[Any, Any]"
Arrays: TypeAlias = Sequence[Array]
Specs: TypeAlias = tuple[Spec, ...]
Call: TypeAlias = tuple[Callable[..., object], tuple[object, ...]]
Kernel: TypeAlias = Callable[[Arrays, Arrays, Arrays, Attrs], Sequence[Call]]
Bind: TypeAlias = Callable[[Arrays, "Sequence[Array | None]"], tuple[Sequence[Call], Arrays]]
"""Gives the calls of a body from its inputs, and its outputs: in the arrays that are given, or
where the body makes them for None, until it runs again."""
Axes: TypeAlias = Sequence[int]
Control: TypeAlias = Callable[[Arrays, Arrays, Arrays, Attrs, Sequence[Bind]], Sequence[Call]]


class Cost(NamedTuple):
    """The work of one call: floating-point operations, and bytes read and written."""

    flops: int
    bytes: int


class Absent(NamedTuple):
    """Stands in a record's field that the operation can't have, and says why."""

    reason: str


class Alias(NamedTuple):
    """The output is a view of one input.

    Parameters
    ----------
    slot : int
        The input that the output is a view of.
    view : callable
        ``view(array, spec, attrs)`` returns the view with the output's spec, or raises
        ``ValueError`` where the array's strides allow none; then the kernel copies. It must look
        at shape and strides only, never at values.
    undo : callable, optional
        ``undo(array, spec, attrs)`` returns, for a view of all elements, the input that it is a
        view of, with the input's spec, or raises ``ValueError`` where the strides allow none. So
        an input can be made where its view is wanted.
    """

    slot: int
    view: Callable[[Array, Spec, Attrs], Array]
    undo: Callable[[Array, Spec, Attrs], Array] | None = None


class Along(NamedTuple):
    """A slice of this input axis gives the same slice of `axis` of every output."""

    axis: int


class Proportional(NamedTuple):
    """Like `Along`, but one of the two is a whole factor longer; slices are in proportion."""

    axis: int


class Interleaved(NamedTuple):
    """One axis lies in another, several times over, so that a slice of it is a share of each.

    Parameters
    ----------
    axis, output : int
        The axis of the first input, and that of the output.
    of_input, of_output : int
        How many times over the sliced axis lies in each; one of the two is 1.
    """

    axis: int
    output: int
    of_input: int
    of_output: int


class Contracted(NamedTuple):
    """Slices of this input axis give partial results, joined by the op named `combine`."""

    combine: str


class Halo(NamedTuple):
    """Like `Along`, but a slice of the output needs `before` and `after` more input elements."""

    axis: int
    before: int
    after: int


class _Whole:
    """The type of `WHOLE`: this input axis can't be sliced."""

    def __repr__(self) -> str:
        return "WHOLE"


WHOLE = _Whole()
AxisUse: TypeAlias = "Along | Proportional | Contracted | Halo | _Whole"


def _same_attrs(attrs: Attrs, axis: int, start: int, stop: int) -> Attrs:
    return attrs


class Tiling(NamedTuple):
    """How a call can be done slice by slice.

    Parameters
    ----------
    inputs : tuple of tuple of Along, Proportional, Contracted, Halo or WHOLE
        For every axis of every input, what becomes of a slice along it. Inputs whose axes map to
        one output axis are sliced together; so are the first contracted axes of all inputs, the
        second ones, and so on. An input axis of length 1 that broadcasts is `WHOLE`.
    free : tuple of int
        Output axes that can be sliced though no input axis maps to them: a broadcast's, a draw's.
    slice_attrs : callable
        ``slice_attrs(attrs, axis, start, stop)`` gives the attributes of the call that computes
        ``start:stop`` of output axis `axis` (where the attributes hold a shape or an offset).
    interleaved : tuple of Interleaved
        Further ways, each by itself.
    """

    inputs: tuple[tuple[AxisUse, ...], ...]
    free: tuple[int, ...] = ()
    slice_attrs: Callable[[Attrs, int, int, int], Attrs] = _same_attrs
    interleaved: tuple[Interleaved, ...] = ()


class Workspace(NamedTuple):
    """Memory that a call needs besides its operands.

    Parameters
    ----------
    scratch : tuple of Spec
        Arrays that the planner places in the arena and the kernel may overwrite.
    internal : int
        Bytes that NumPy itself allocates and frees inside the call (a sort's, a factorisation's).
    """

    scratch: Specs = ()
    internal: int = 0


class Sample(NamedTuple):
    """One small call of an op, from which tests are generated.

    Parameters
    ----------
    inputs : tuple of numpy.ndarray
        The arguments.
    attrs : Attrs
        The static parameters.
    smooth : bool
        Whether derivatives exist in a neighbourhood of these values, so that they are checked.
    """

    inputs: tuple[Array, ...]
    attrs: Attrs = Attrs()
    smooth: bool = True


class Application(NamedTuple):
    """One node as its derivative and batch rules see it.

    Parameters
    ----------
    op : Op
        The operation.
    attrs : Attrs
        Its static parameters.
    inputs, outputs : tuple of Tensor
        The tensors that it reads and makes.
    needs : tuple of bool
        For each input, whether its cotangent is asked for. A rule emits nothing for the others.
    """

    op: Op
    attrs: Attrs
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    needs: tuple[bool, ...] = ()


Rule: TypeAlias = "Callable[[Application, tuple[Tensor | None, ...]], Sequence[Tensor | None]]"
BatchRule: TypeAlias = (
    "Callable[[Application, tuple[Tensor, ...], tuple[bool, ...], int | Dim], Sequence[Tensor]]"
)


def _no_workspace(specs: Specs, attrs: Attrs) -> Workspace:
    return Workspace()


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """An operation.

    Parameters
    ----------
    name : str
        Its name in files and in the registry.
    label : str
        Its name in ``grad_fn``: ``Add`` prints as ``<AddBackward>``.
    infer : callable
        ``infer(specs, attrs)`` gives the specs of the outputs, or raises `ShapeError` or
        `DTypeError`, which the builder completes with the node and the user's line.
    kernel : callable
        ``kernel(outs, ins, scratch, attrs)`` gives the calls that compute the outputs. No call
        may allocate an array or write to an input, unless that input's memory is the output's.
    reference : callable
        ``reference(*arrays, attrs)`` gives the outputs in plain NumPy: what the kernel is tested
        against.
    vjp, jvp : callable or Absent
        ``vjp(application, cotangents)`` gives the inputs' cotangents, ``jvp(application,
        tangents)`` the outputs' tangents, both as ordinary nodes. None stands for a zero.
    batch : callable or Absent
        ``batch(application, inputs, batched, size)`` gives the outputs with one more leading
        axis, of length `size`; `batched` says which of the inputs have it.
    tiling : callable or Absent
        ``tiling(specs, attrs)`` says how a call can be sliced; specs are static.
    alias : Alias, optional
        Set where the output is a view of an input.
    inplace : tuple of int
        The inputs whose memory the output may take over, if shape, dtype and strides are the same:
        the kernel doesn't write to the output before its last read of these.
    offered : callable, optional
        ``offered(attrs, output)`` gives the same for one output, by its number, where it depends on
        it: of control flow. Without it, every output may take over those of `inplace`.
    workspace : callable
        ``workspace(specs, attrs)`` gives the memory that a call needs besides its operands.
    cost : callable
        ``cost(input specs, output specs, attrs)``; specs are static.
    samples : callable
        ``samples(rng)`` gives small calls: rank 0, size 0 and every dtype among them.
    ulps : int or Absent
        How far a float32 result may be from float64's of the same inputs, in units in the last
        place: of each element where the op is element-wise, else of the largest one.
    version : int
        Raised when the meaning changes; old versions keep their records.
    fallible : bool
        Whether a call can fail on its data. Such steps run before any variable is written.
    extra : str
        The package beyond NumPy that its kernel imports, empty for most; an extra of ours has the
        same name.
    is_flat : bool
        Whether its derivatives are zero wherever they exist, so that no sweep goes through it.
    implicit : bool
        Whether its derivative is its distribution's, not that of the numbers which a key gives: of
        draws by rejection, which jump. Differences of values can't show it; tests of its own do.
    control : callable, optional
        Set where the op runs bodies, the computations in its attribute ``bodies``, in place of
        `kernel`: ``control(outs, ins, scratch, attrs, binds)`` gives the calls, and ``binds`` is
        for each body the function that binds it to arrays. The scheduler gives each body an arena
        beyond the scratch that the op declares.
    inlines : bool
        Whether the compiler puts the nodes of the first body in the node's place.
    runs : callable, optional
        ``runs(attrs)`` gives for each body how often one call runs it at most, None where nothing
        bounds it. Without it, each runs once.
    sliced : callable, optional
        ``sliced(attrs, inputs, outputs)`` gives, from the axis of each of the body's inputs and
        outputs that is sliced (a negative number where none is), those of its own, or None: of
        control flow whose body sees a slice in the same way at each of its runs.
    bound : callable, optional
        ``bound(attrs)`` gives the inputs and the outputs that bodies are bound to as they lie, so
        that these lie row by row: of control flow; without it, all.
    prune : callable, optional
        ``prune(attrs, used)`` says, by which of its outputs anything reads, with what attributes
        it makes fewer, and which outputs are left: of control flow.
    united : (str, int), optional
        An op that gives this one's result among others of the same inputs and attributes, for less
        than they cost apart, and which of its outputs that is. The compiler takes it where all of
        its outputs are wanted.
    moves : bool
        Whether it only moves elements, so that it takes bfloat16 as it is; other ops meet float32
        in its place, see `dataflow.bfloat16`.
    """

    name: str
    label: str
    infer: Callable[[Specs, Attrs], Specs]
    kernel: Kernel
    reference: Callable[..., Any]
    vjp: Rule | Absent
    jvp: Rule | Absent
    batch: BatchRule | Absent
    tiling: Callable[[Specs, Attrs], Tiling] | Absent
    cost: Callable[[Specs, Specs, Attrs], Cost]
    samples: Callable[[np.random.Generator], Sequence[Sample]]
    alias: Alias | None = None
    inplace: tuple[int, ...] = ()
    workspace: Callable[[Specs, Attrs], Workspace] = _no_workspace
    ulps: int | Absent = 8
    version: int = 1
    fallible: bool = False
    extra: str = ""
    is_flat: bool = False
    implicit: bool = False
    control: Control | None = None
    inlines: bool = False
    runs: Callable[[Attrs], Sequence[int | None]] | None = None
    sliced: Callable[[Attrs, Axes, Axes], tuple[Axes, Axes] | None] | None = None
    bound: Callable[[Attrs], tuple[Sequence[int], Sequence[int]]] | None = None
    prune: Callable[[Attrs, Sequence[bool]], tuple[Attrs, Sequence[int]]] | None = None
    offered: Callable[[Attrs, int], Sequence[int]] | None = None
    united: tuple[str, int] | None = None
    moves: bool = False

    def __repr__(self) -> str:
        return f"Op({self.name!r}, version={self.version})"

    def offers(self, attrs: Attrs, output: int) -> Sequence[int]:
        """Return the inputs whose memory an output may take over, by its number."""
        return self.inplace if self.offered is None else self.offered(attrs, output)


REGISTRY: dict[tuple[str, int], Op] = {}
"""Every op by name and version; `dataflow.registry` looks them up."""

NEWEST: dict[str, Op] = {}
"""The newest version of every op, by name."""


def register(op: Op) -> Op:
    """Add an op to the registry and return it.

    Raises
    ------
    GraphError
        This name and version are taken.
    """
    if (op.name, op.version) in REGISTRY:
        msg = f"op {op.name!r} version {op.version} is declared twice"
        raise GraphError(msg)
    op = op if op.moves else replace(op, infer=partial(_infer_without_bfloat16, op.infer))
    REGISTRY[op.name, op.version] = op
    if op.name not in NEWEST or op.version > NEWEST[op.name].version:
        NEWEST[op.name] = op
    return op


def _infer_without_bfloat16(
    infer: Callable[[Specs, Attrs], Specs], specs: Specs, attrs: Attrs
) -> Specs:
    made = infer(specs, attrs)
    for slot, spec in enumerate((*specs, *made)):
        if is_bfloat16(spec.dtype):
            what = f"slot {slot}" if slot < len(specs) else f"output {slot - len(specs)}"
            msg = f"{what} can't be {spec.dtype}, which only ops that move elements take"
            raise DTypeError(msg)
    return made
