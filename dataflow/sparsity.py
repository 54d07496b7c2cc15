"""Finds which elements of a tensor an element of another may depend on, from the graph alone.

Each node is asked, by its op's record, which elements of its operands an element of its result
reads; the sets are joined along the graph:

- an op that only moves elements is computed on the elements' numbers;
- a product with a constant matrix reads where that isn't zero;
- any other op reads as its `tiling` says: the same index along an axis that maps to the result's,
  a few more along a halo, all along the others; without a tiling, everything;
- flat ops, and what stops gradients, read nothing.

So nothing is ever left out, and something may be too much. Sets are kept as compressed rows: for
each element the sorted numbers of what it depends on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataflow.errors import GradientError
from dataflow.operation import Absent, Along, Halo
from dataflow.refs import Ref
from dataflow.registry import get_op
from dataflow.source import user_line

if TYPE_CHECKING:
    from dataflow.graph import Graph, Node
    from dataflow.operation import Array, Tiling
    from dataflow.spec import Spec
    from dataflow.tensor import Tensor

__all__ = ["Pattern", "detected", "given_pattern"]

_MOST = 50_000_000
"""The most entries of a pattern: 400 MB. A Jacobian of more is dense for our purposes."""

_MOVING = frozenset({
    "broadcast_to", "concat", "copy", "diagonal", "nn.unfold", "pad_slice", "put_diagonal",
    "reshape", "set_slice", "slice", "take", "transpose",
})  # fmt: skip
"""Ops that give elements of their floating operands, or nothing, where integers say; all others
that move elements choose by data."""


class Pattern(NamedTuple):
    """For each element of a tensor, what it depends on: compressed rows.

    Parameters
    ----------
    starts : numpy.ndarray
        int64, one more than there are rows: row i is ``columns[starts[i] : starts[i + 1]]``.
    columns : numpy.ndarray
        int64, sorted within each row.
    """

    starts: Array
    columns: Array

    @classmethod
    def of(cls, rows: Array, columns: Array, count: int, width: int) -> Pattern:
        """Return the pattern of pairs, each once."""
        keys = np.unique(rows * width + columns)
        rows, columns = np.divmod(keys, max(width, 1))
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))])
        return cls(starts.astype(np.int64), columns)

    @property
    def rows(self) -> Array:
        """The row of each entry."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def transposed(self, width: int) -> Pattern:
        """Return the pattern with rows and columns exchanged."""
        return Pattern.of(self.columns, self.rows, width, len(self.starts) - 1)

    def chosen(self, rows: Array, sources: Array, count: int, width: int) -> Pattern:
        """Return the pattern whose row ``rows[k]`` has what row ``sources[k]`` of this one has."""
        lengths = np.diff(self.starts)[sources]
        _check_size(int(lengths.sum()))
        ends = np.cumsum(lengths)
        within = np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths)
        columns = self.columns[np.repeat(self.starts[:-1][sources], lengths) + within]
        return Pattern.of(np.repeat(rows, lengths), columns, count, width)


def detected(output: Tensor, wrt: Tensor) -> Pattern:
    """Return the pattern of a Jacobian: a row for each element of the output.

    Raises
    ------
    GradientError
        A shape has named dimensions, or the pattern is too large to be called sparse.
    """
    builder: Any = output.builder
    graph: Graph = builder.build({"output": output, "wrt": wrt})
    if graph.names():
        msg = (f"sparsity ({user_line()}): the graph has the dimensions {sorted(graph.names())}, "
               "and a pattern needs known shapes: declare them as numbers")  # fmt: skip
        raise GradientError(msg)
    width = _size(wrt.spec)
    own = np.arange(width, dtype=np.int64)
    start = {Ref(wrt.node, wrt.output): Pattern(np.arange(width + 1), own)}
    found = _spread(graph, start, width).get(Ref(output.node, output.output))
    return found or _nothing(_size(output.spec))


def given_pattern(output: Tensor, wrt: Tensor, given: Any) -> Pattern:  # noqa: ANN401 - an array
    """Return a pattern that a user gives as truth values, of the Jacobian's shape or as a matrix.

    Raises
    ------
    GradientError
        It has another shape.
    """
    size, width = _size(output.spec), _size(wrt.spec)
    flags = np.asarray(given, bool)
    if flags.shape not in ((size, width), (*output.spec.static_shape, *wrt.spec.static_shape)):
        msg = (f"sparsity ({user_line()}) has the shape {flags.shape}; the Jacobian is a matrix of "
               f"{(size, width)}")  # fmt: skip
        raise GradientError(msg)
    rows, columns = np.nonzero(flags.reshape(size, width))
    return Pattern.of(rows, columns, size, width)


def _nothing(count: int) -> Pattern:
    return Pattern(np.zeros(count + 1, np.int64), np.zeros(0, np.int64))


def _size(spec: Spec) -> int:
    return int(np.prod(spec.static_shape, dtype=np.int64))


def _check_size(entries: int) -> None:
    if entries > _MOST:
        msg = (f"sparsity ({user_line()}): the pattern has {entries} entries on the way: it isn't "
               "sparse; use df.jacobian without it")  # fmt: skip
        raise GradientError(msg)


def _spread(graph: Graph, start: Mapping[Ref, Pattern], width: int) -> dict[Ref, Pattern]:
    """Return what each tensor of a graph depends on; those that depend on nothing are left out."""
    known = dict(start)
    for node in graph.nodes():
        op = get_op(node.op, node.op_version)
        reads = {slot: known[ref] for slot, ref in enumerate(node.inputs) if ref in known}
        if not reads or op.is_flat or op.name == "stop_gradient" or node.no_grad:
            continue
        made = _of_node(graph, node, reads, width)
        for output, (spec, pattern) in enumerate(zip(node.specs, made, strict=True)):
            ref = Ref(node.name, output)
            if spec.is_float and len(pattern.columns) and ref not in start:
                known[ref] = pattern
    return known


def _of_node(graph: Graph, node: Node, reads: dict[int, Pattern], width: int) -> Sequence[Pattern]:
    op = get_op(node.op, node.op_version)
    specs = [graph.spec(ref) for ref in node.inputs]
    constants = [graph.constants.get(ref.node) for ref in node.inputs]
    if op.name in ("checkpoint", "custom_gradient"):
        return _of_body(node.attrs.bodies()[0], reads, width)[: len(node.specs)]
    if op.name in _MOVING:
        numbers = _numbers(specs, constants, reads)
        if numbers is not None:
            return [_of_numbers(np.asarray(op.reference(*numbers, attrs=node.attrs)), reads, specs,
                                width)]  # fmt: skip
    if op.name == "matmul" and len(reads) == 1:
        product = _of_product(specs, constants, reads, node.specs[0], width)
        if product is not None:
            return [product]
    tiling = op.tiling
    if isinstance(tiling, Absent) or op.control is not None:
        return _of_all(node.specs, reads, width)
    uses = tiling(tuple(specs), node.attrs)
    return [_of_tiling(uses, specs, reads, spec, width) for spec in node.specs]


def _of_body(body: Any, reads: dict[int, Pattern], width: int) -> list[Pattern]:  # noqa: ANN401
    names = list(body.inputs)
    found = _spread(body, {Ref(names[slot], 0): reads[slot] for slot in reads}, width)
    return [found.get(ref) or _nothing(_size(body.spec(ref))) for ref in body.outputs.values()]


def _of_all(specs: Sequence[Spec], reads: dict[int, Pattern], width: int) -> list[Pattern]:
    """Return the patterns where each element depends on all that any operand depends on."""
    every = np.unique(np.concatenate([pattern.columns for pattern in reads.values()]))
    found = []
    for spec in specs:
        count = _size(spec)
        _check_size(count * len(every))
        starts = np.arange(count + 1, dtype=np.int64) * len(every)
        found.append(Pattern(starts, np.tile(every, count)))
    return found


def _numbers(
    specs: Sequence[Spec], constants: Sequence[Array | None], reads: dict[int, Pattern]
) -> list[Array] | None:
    """Return for each operand the numbers of its elements, from 1; integers must be known."""
    numbers: list[Array] = []
    first = 1
    for slot, (spec, constant) in enumerate(zip(specs, constants, strict=True)):
        if slot in reads:
            size = _size(spec)
            numbers.append(np.arange(first, first + size).reshape(spec.static_shape))
            first += size
        elif spec.is_float:
            numbers.append(np.zeros(spec.static_shape, np.int64))
        elif constant is not None:
            numbers.append(constant)
        else:
            return None
    return numbers


def _of_numbers(
    made: Array, reads: dict[int, Pattern], specs: Sequence[Spec], width: int
) -> Pattern:
    """Return the pattern of a result that holds the numbers of operands' elements."""
    flat, count, first = made.reshape(-1), made.size, 1
    rows: list[Array] = []
    columns: list[Array] = []
    for slot, pattern in reads.items():
        size = _size(specs[slot])
        here = np.flatnonzero((flat >= first) & (flat < first + size))
        part = pattern.chosen(here, flat[here] - first, count, width)
        rows.append(part.rows)
        columns.append(part.columns)
        first += size
    return Pattern.of(np.concatenate(rows), np.concatenate(columns), count, width)


def _of_product(
    specs: Sequence[Spec], constants: Sequence[Array | None], reads: dict[int, Pattern],
    result: Spec, width: int,
) -> Pattern | None:  # fmt: skip
    """Return the pattern of a matrix product with a constant, by where that isn't zero."""
    ((slot, pattern),) = reads.items()
    matrix = constants[1 - slot]
    if matrix is None or matrix.ndim != 2 or len(specs[slot].shape) > 2:
        return None
    flags = matrix != 0
    if slot == 0:
        flags = flags.T
    ends, terms = np.nonzero(flags)  # the result's index, and the operand's
    shape = specs[slot].static_shape
    others = 1 if len(shape) == 1 else shape[slot]
    other = np.arange(others)
    size = flags.shape[0]
    if slot == 1:  # matrix @ x: result (end, other) reads x (term, other)
        rows, sources = ends[:, None] * others + other, terms[:, None] * others + other
    else:  # x @ matrix: result (other, end) reads x (other, term)
        rows, sources = other * size + ends[:, None], other * flags.shape[1] + terms[:, None]
    return pattern.chosen(rows.reshape(-1), sources.reshape(-1), _size(result), width)


def _of_tiling(
    uses: Tiling, specs: Sequence[Spec], reads: dict[int, Pattern], result: Spec, width: int
) -> Pattern:
    shape = result.static_shape
    count = _size(result)
    rows: list[Array] = []
    columns: list[Array] = []
    for slot, pattern in reads.items():
        here, sources = _pairs(uses.inputs[slot], specs[slot].static_shape, shape)
        part = pattern.chosen(here, sources, count, width)
        rows.append(part.rows)
        columns.append(part.columns)
    return Pattern.of(np.concatenate(rows), np.concatenate(columns), count, width)


def _pairs(
    axis_uses: Sequence[object], source: tuple[int, ...], result: tuple[int, ...]
) -> tuple[Array, Array]:
    """Return pairs of elements of a result and of an operand, the latter read by the former."""
    size = int(np.prod(result, dtype=np.int64))
    rows = np.arange(size)
    places = np.unravel_index(rows, result) if result else ()
    sources = np.zeros(size, np.int64)
    for axis_use, length in zip(axis_uses, source, strict=True):
        if isinstance(axis_use, Along):
            sources = sources * length + places[axis_use.axis][rows]
            continue
        if isinstance(axis_use, Halo):
            span = np.arange(-axis_use.before, axis_use.after + 1)
            index = places[axis_use.axis][rows][:, None] + span
            inside = (index >= 0) & (index < length)
        else:
            index = np.broadcast_to(np.arange(length), (len(rows), length))
            inside = np.ones(index.shape, bool)
        _check_size(index.size)
        wide = np.broadcast_to(rows[:, None], index.shape)[inside]
        sources = (sources[:, None] * length + index)[inside]
        rows = wide
    return rows, sources
