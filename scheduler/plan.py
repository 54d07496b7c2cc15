"""`Plan`: a compiled graph as frozen data, everything decided before the first step runs.

A plan is a list of steps. Each names a kernel and, for every operand, where its bytes lie: a
buffer, an offset, a shape and strides. Temporary buffers have an offset in the one arena and a
lifetime, half-open in steps; the others are inputs, constants and variables.

Steps of a *tile group* run once per slice of the group's table. An operand with a tile axis is
narrowed to the slice there; one that *advances* starts further along in its buffer at each slice,
one that doesn't is memory for one slice, used again by the next:

    slice 0: step 3, step 4, step 5      x[0:1024] -> h -> out[0:1024]
    slice 1: step 3, step 4, step 5      x[1024:2048] -> h -> out[1024:2048]

Nothing here computes: `scheduler.verify` checks a plan, `scheduler.runner` runs it.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.attrs import Attrs, Body
from dataflow.registry import get_op
from dataflow.source import node_text
from dataflow.spec import Spec

if TYPE_CHECKING:
    from dataflow.dims import Dim

__all__ = [
    "ALIGNMENT", "CALL_OVERHEAD", "UNBOUNDED", "Buffer", "Certificate", "Operand", "Plan",
    "PlanInput", "PlanOutput", "PlanVariable", "Slice", "Step", "TileGroup", "arena_specs",
]  # fmt: skip

ALIGNMENT = 64
"""Every buffer starts at a multiple of this many bytes."""

CALL_OVERHEAD = 512
"""Bytes of Python objects that a bound call costs, about."""

UNBOUNDED = 2**62
"""Stands for the number of calls of a loop that only a condition ends."""

UFUNC_BUFFERS = 4 * 1024 * 16
"""The most bytes that NumPy buffers operands in within one call (see `scheduler.environment`):
four operands of 1,024 elements of the largest dtype."""


class Operand(NamedTuple):
    """Where one operand of a step lies.

    Parameters
    ----------
    buffer : int
        Index into ``plan.buffers``.
    byte_offset : int
        Of its first element, from the start of the buffer.
    shape, strides : tuple of int
        In elements and in bytes. Along the tile axis, the shape is the whole length if the operand
        advances, and the longest slice's length if it doesn't; or a multiple of it, and then slices
        are as many times as long.
    dtype : numpy.dtype
        Its dtype.
    tile_axis : int
        The axis that a slice narrows; -1 where every slice uses the whole operand.
    advances : bool
        Whether slice ``start:stop`` begins at ``start`` along the tile axis.
    """

    buffer: int
    byte_offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype
    tile_axis: int = -1
    advances: bool = False

    @classmethod
    def row_by_row(cls, buffer: int, spec: Spec) -> Operand:
        """Return an operand at the start of a buffer, its elements row by row without gaps."""
        shape = spec.static_shape
        return cls(buffer, 0, shape, _row_by_row(shape, spec.dtype.itemsize), spec.dtype)

    def is_laid_out_like(self, other: Operand) -> bool:
        """Say whether all is the same but for where they begin."""
        return self[2:] == other[2:]

    @property
    def spec(self) -> Spec:
        """Its shape and dtype."""
        return Spec(self.shape, self.dtype)


class Step(NamedTuple):
    """One kernel call (one a slice, in a tile group).

    Parameters
    ----------
    node : str
        The graph's node that it computes.
    op, op_version, attrs
        Its operation; the attributes are those of the whole call, also in a tile group.
    inputs, outputs, scratch : tuple of Operand
        What it reads, writes, and may overwrite.
    group : int
        Index into ``plan.groups``; -1 outside of any.
    when : str
        In a tile group: for ``"every"`` slice, the ``"first"`` only, or the ``"later"`` ones.
    worker : int
        Who runs it.
    waits : tuple of int
        Steps of other workers that must be done before.
    sweep, forward, source : str
        As in the graph's node.
    """

    node: str
    op: str
    op_version: int
    attrs: Attrs
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    scratch: tuple[Operand, ...] = ()
    group: int = -1
    when: str = "every"
    worker: int = 0
    waits: tuple[int, ...] = ()
    sweep: str = "forward"
    forward: str = ""
    source: str = ""

    def plans(self) -> tuple[Plan, ...]:
        """Return the plans that it holds: the bodies of control flow."""
        return self.attrs.bodies()  # type: ignore[return-value]  # in a plan, bodies are plans

    def where(self) -> str:
        """Return the step's node, its op and the user's line, as error messages name them."""
        return node_text(self.node, self.op, self.source)


class Slice(NamedTuple):
    """Rows ``start:stop`` of a tile group, and who runs them."""

    start: int
    stop: int
    worker: int = 0


class TileGroup(NamedTuple):
    """Steps ``first:end`` that run slice by slice."""

    first: int
    end: int
    slices: tuple[Slice, ...]

    @property
    def length(self) -> int:
        """How many rows all slices have together."""
        return self.slices[-1].stop

    @property
    def longest(self) -> int:
        """How many rows the longest slice has."""
        return max(rows.stop - rows.start for rows in self.slices)


class Buffer(NamedTuple):
    """A logical block of memory.

    Parameters
    ----------
    kind : str
        ``"temporary"`` (in the arena), ``"input"``, ``"constant"`` or ``"variable"``; ``"feed"``
        for an input that is the caller's array, bound without a copy where it is aligned and lies
        row by row, and ``"result"`` for an output that is made in the array that the caller gets.
    name : str
        The input's, constant's or variable's name; for others, the node that first fills it.
    nbytes : int
        Its size.
    byte_offset : int
        Where a temporary lies in the arena; -1 for the others.
    first, end : int
        Its lifetime in steps, half-open. A tile group counts as a whole: what lives in one of its
        steps and isn't the memory of one slice only, lives in all of them.
    formula : str
        Of a temporary of a plan with named dimensions: its size as an expression in them, such as
        ``"2048*batch"``; empty where it isn't known as one.
    """

    kind: str
    name: str
    nbytes: int
    byte_offset: int
    first: int
    end: int
    formula: str = ""


class PlanInput(NamedTuple):
    """A feed: its name, its buffer, its spec, and the names of its dimensions as text."""

    name: str
    buffer: int
    spec: Spec
    dims: tuple[str, ...]


class PlanOutput(NamedTuple):
    """A result: its name, where it lies after the last step, and its dimensions as text."""

    name: str
    operand: Operand
    dims: tuple[str, ...]


class PlanVariable(NamedTuple):
    """State: its name, its buffer, its spec, and whether the plan updates it."""

    name: str
    buffer: int
    spec: Spec
    updated: bool


class Certificate(NamedTuple):
    """What a run of a plan needs, in bytes; `total` is the sum of the others.

    `feeds` counts the inputs that are copied. Larger ones are read where the caller has them: one
    that isn't aligned to 16 bytes, doesn't lie row by row or has another dtype is copied all the
    same, on the caller's account.
    """

    arena: int
    variables: int
    constants: int
    feeds: int
    outputs: int
    internal: int
    binding: int
    total: int


@dataclass(frozen=True)
class Plan(Body):
    """A compiled graph.

    Parameters
    ----------
    name : str
        The graph's name.
    graph_digest : str
        What it was compiled from.
    sizes : mapping of str to int
        The named dimensions, bound.
    options : mapping of str to str
        What `compile` was asked for.
    steps : tuple of Step
        In the order in which they run.
    groups : tuple of TileGroup
        The tile groups.
    buffers : tuple of Buffer
        All memory.
    inputs, outputs, variables
        The named ends.
    constants : mapping of int to numpy.ndarray
        The value of each constant buffer, read-only.
    peak, lower_bound : int
        The arena's bytes, and the largest sum of temporaries that live at once.
    internal : int
        The most bytes that the ops declare to be allocated inside one call.
    initial : Plan, optional
        Computes the variables' first values: its outputs are named like them.
    """

    name: str
    graph_digest: str
    sizes: Mapping[str, int]
    options: Mapping[str, str]
    steps: tuple[Step, ...]
    groups: tuple[TileGroup, ...]
    buffers: tuple[Buffer, ...]
    inputs: tuple[PlanInput, ...]
    outputs: tuple[PlanOutput, ...]
    variables: tuple[PlanVariable, ...]
    constants: Mapping[int, np.ndarray]
    peak: int
    lower_bound: int
    internal: int = 0
    initial: Plan | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("sizes", "options", "constants"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __repr__(self) -> str:
        return (f"Plan({self.name!r}, {len(self.steps)} steps, peak {self.peak} bytes, "
                f"lower bound {self.lower_bound})")  # fmt: skip

    def verify(self) -> None:
        """Prove from the steps alone that running the plan is safe.

        Raises
        ------
        PlanError
            A rule is broken; the message names the step or the buffer.
        """
        _above("verify").verify(self)

    @cached_property
    def peak_formula(self) -> int | Dim | None:
        """The peak as an expression in the named dimensions.

        A plan that is compiled for other sizes has this peak too, as long as its steps, their order
        and what lives when are the same. Sizes may change them: a large feed or result lies in the
        caller's array, and no longer in the arena; another order may be better.

        An int if no dimension has a name. None where the sizes change more than the bytes, or these
        aren't known as an expression: ``dataflow show PLAN --memory`` says why.

        Examples
        --------
        >>> import dataflow as df
        >>> b = df.GraphBuilder()
        >>> x = b.input("x", ("batch", 512))
        >>> plan = df.compile(b.build({"y": df.sum(df.sin(x) * x)}), dims={"batch": 8})
        >>> plan.peak, plan.peak_formula, plan.peak_formula.bind({"batch": 100})
        (16448, Dim('2048*batch + 64'), 204864)
        """
        formula: int | Dim | str = _above("formulas").peak_formula(self)
        return None if isinstance(formula, str) else formula

    # As the body of a node of control flow

    @property
    def input_specs(self) -> tuple[Spec, ...]:
        """The specs of the inputs, in order."""
        return tuple(end.spec for end in self.inputs)

    @property
    def output_specs(self) -> tuple[Spec, ...]:
        """The specs of the outputs, in order."""
        return tuple(output.operand.spec for output in self.outputs)

    def bind(self, sizes: Mapping[str, int | Dim]) -> Plan:  # noqa: ARG002 - as a graph has it
        """Return the plan itself, all of whose dimensions are known."""
        return self

    def names(self) -> frozenset[str]:
        """Return no names: all dimensions are known."""
        return frozenset()

    def digest(self) -> str:
        """Return the SHA-256 of all that the plan says, in hexadecimal."""
        parts = (self.steps, self.groups, self.buffers, self.inputs, self.outputs, self.variables)
        digest = hashlib.sha256(repr(parts).encode())
        for array in self.constants.values():
            digest.update(array.tobytes())
        return digest.hexdigest()

    @property
    def bodies(self) -> Iterator[Plan]:
        """The plans that steps hold, one after the other."""
        for step in self.steps:
            yield from step.plans()

    @cached_property
    def calls(self) -> int:
        """The number of steps that run at most, each slice of a tile group's steps counted.

        Those of bodies are counted as often as they may run; `UNBOUNDED` or more where a loop has
        no bound.
        """
        return sum(self._runs(step) * _calls_of(step) for step in self.steps)

    @cached_property
    def bound_calls(self) -> int:
        """The number of calls that are bound: a loop's body twice, however long it runs."""
        own = sum(self._runs(step) for step in self.steps)
        return own + 2 * sum(self._runs(step) * body.bound_calls
                             for step in self.steps for body in step.plans())  # fmt: skip

    @property
    def bytes_without_reuse(self) -> int:
        """What the arena would need if no two temporaries shared memory."""
        return sum(padded(b.nbytes) for b in self.buffers if b.kind == "temporary")

    @property
    def commit(self) -> int:
        """The first step that writes a variable; a run that fails before leaves all as it was."""
        for index, step in enumerate(self.steps):
            if any(self.buffers[o.buffer].kind == "variable" for o in step.outputs):
                return self.groups[step.group].first if step.group >= 0 else index
        return len(self.steps)

    @cached_property
    def certificate(self) -> Certificate:
        """What a run needs, in bytes, by kind."""
        kinds = dict.fromkeys(("input", "constant", "variable"), 0)
        for buffer in self.buffers:
            if buffer.kind in kinds:
                kinds[buffer.kind] += padded(buffer.nbytes)
        kinds["constant"] += sum(body.certificate.constants for body in self.bodies)
        outputs = sum(output.operand.spec.nbytes for output in self.outputs)
        binding = CALL_OVERHEAD * self.bound_calls
        parts = (self.peak, kinds["variable"], kinds["constant"], kinds["input"], outputs,
                 self.internal + UFUNC_BUFFERS, binding)  # fmt: skip
        return Certificate(*parts, total=sum(parts))

    def _runs(self, step: Step) -> int:
        slices = len(self.groups[step.group].slices) if step.group >= 0 else 1
        return {"every": slices, "first": 1, "later": slices - 1}[step.when]


def _above(module: str) -> Any:  # noqa: ANN401 - a module
    """Return a module that knows plans, and so stands above this one, when it is wanted."""
    return importlib.import_module(f"scheduler.{module}")


def _calls_of(step: Step) -> int:
    """Return how many calls a step is, those of its bodies counted as often as they may run."""
    bodies: Any = step.attrs.bodies()
    if not bodies:
        return 1
    runs = get_op(step.op, step.op_version).runs
    times = [1] * len(bodies) if runs is None else runs(step.attrs)
    parts = zip(bodies, times, strict=True)
    return 1 + sum(UNBOUNDED if n is None else body.calls * n for body, n in parts)


def arena_specs(attrs: Attrs) -> tuple[Spec, ...]:
    """Return the arena that a step's bodies need as scratch memory: they run one at a time."""
    peaks = [body.peak for body in attrs.bodies()]  # type: ignore[attr-defined]  # plans
    return (Spec((max(peaks),), np.dtype(np.uint8)),) if peaks else ()


@lru_cache(maxsize=4096)
def _row_by_row(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the strides of an array that lies row by row; plans have few shapes."""
    strides, step = [], itemsize
    for dim in reversed(shape):
        strides.append(step)
        step *= max(dim, 1)
    return tuple(reversed(strides))


def padded(nbytes: int) -> int:
    """Return a size rounded up to a multiple of `ALIGNMENT`."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT
