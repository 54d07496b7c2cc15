"""What a scan's attributes say: how its operands, its results and its body's are laid out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from dataflow.attrs import Attrs, Body
from dataflow.errors import GraphError

if TYPE_CHECKING:
    from dataflow.dims import Dim
    from dataflow.graph import Graph
    from dataflow.operation import Array
    from dataflow.spec import Spec

__all__ = ["ScanForm", "as_row", "rows_of", "stacked"]

_T = TypeVar("_T")


class ScanForm(NamedTuple):
    """A scan's attributes.

    Parameters
    ----------
    body : Body
        From the carries, one row of each stack, and what comes from outside, to the new carries
        and a row of each result.
    carries : int
        How many carries there are.
    stacks : int
        How many operands are read row by row.
    length : int or Dim
        The number of steps.
    reverse : bool
        Whether the last row is the first to be read, and written.
    history : bool
        Whether the carries before each step are results too.
    """

    body: Body
    carries: int
    stacks: int
    length: int | Dim
    reverse: bool = False
    history: bool = True

    @classmethod
    def of(cls, attrs: Attrs) -> ScanForm:
        """Read attributes.

        Raises
        ------
        GraphError
            One is missing or of another kind, or there are several bodies.
        """
        bodies, length = attrs.bodies(), attrs.dims("length")
        carries, stacks = attrs.integer("carries"), attrs.integer("stacks")
        if (len(bodies), len(length)) != (1, 1) or min(carries, stacks) < 0:
            msg = (f"a scan has one body and one length, not {len(bodies)} and {length}; "
                   f"{carries} carries, {stacks} stacks")  # fmt: skip
            raise GraphError(msg)
        reverse, history = attrs.flag("reverse"), attrs.flag("history")
        return cls(bodies[0], carries, stacks, length[0], reverse, history)

    @property
    def graph(self) -> Graph:
        """The body of a node in a graph, as rules and references read it."""
        return self.body  # type: ignore[return-value]  # a graph, but in plans

    @property
    def steps(self) -> int:
        """The length where it is known."""
        if not isinstance(self.length, int):
            msg = f"the length {self.length} isn't known before it is compiled"
            raise GraphError(msg)
        return self.length

    def attrs(self) -> Attrs:
        """Return the attributes that say this."""
        return Attrs(
            bodies=(self.body,), carries=self.carries, stacks=self.stacks, length=(self.length,),
            reverse=self.reverse, history=self.history,
        )  # fmt: skip

    def split(self, operands: Sequence[_T]) -> tuple[list[_T], list[_T], list[_T]]:
        """Return the carries, the stacks and the rest of operands, or of a body's inputs."""
        first, second = self.carries, self.carries + self.stacks
        return list(operands[:first]), list(operands[first:second]), list(operands[second:])

    def split_results(self, results: Sequence[_T]) -> tuple[list[_T], list[_T], list[_T]]:
        """Return the last carries, the stacked rows, and the history."""
        first, second = self.carries, len(self.body.output_specs)
        return list(results[:first]), list(results[first:second]), list(results[second:])


def stacked(spec: Spec, length: int | Dim) -> Spec:
    """Return the spec of so many of a spec, one after the other along a first axis."""
    return spec.with_shape((length, *spec.shape))


def rows_of(stack: Array) -> Array:
    """Return a stack whose rows are arrays, not NumPy's scalars."""
    return stack[:, None] if stack.ndim == 1 else stack


def as_row(array: Array) -> Array:
    """Return an array with the shape of such a row."""
    return array[None] if array.ndim == 0 else array
