"""What the attributes of `while` and `while_vjp` say: how operands and bodies are laid out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dataflow.attrs import Attrs, Body
from dataflow.errors import GraphError

if TYPE_CHECKING:
    from dataflow.dims import Dim

__all__ = ["PullForm", "WhileForm"]

_T = TypeVar("_T")


class WhileForm(NamedTuple):
    """The attributes of a loop that a condition ends.

    Parameters
    ----------
    cond, step : Body
        From the carries and what comes from outside, to a truth value, and to the next carries.
    carries : int
        How many carries there are.
    most : int, Dim or None
        After how many steps it ends at the latest.
    slots : int
        How many sets of carries its reverse sweep may keep.
    """

    cond: Body
    step: Body
    carries: int
    most: int | Dim | None
    slots: int

    @classmethod
    def of(cls, attrs: Attrs) -> WhileForm:
        """Read attributes.

        Raises
        ------
        GraphError
            One is missing, of another kind or out of range.
        """
        cond, step = _two_bodies(attrs)
        return cls(cond, step, *_sizes(attrs))

    @property
    def graphs(self) -> tuple[Any, Any]:
        """The bodies of a node in a graph, as rules and references read them."""
        return self.cond, self.step

    @property
    def floats(self) -> list[int]:
        """The carries that have derivatives."""
        return _floats(self.step, self.carries)

    def attrs(self) -> Attrs:
        """Return the attributes that say this."""
        return _attrs((self.cond, self.step), self)

    def split(self, operands: Sequence[_T]) -> tuple[list[_T], list[_T]]:
        """Return the carries, and what comes from outside."""
        return list(operands[: self.carries]), list(operands[self.carries :])


class PullForm(NamedTuple):
    """The attributes of a loop's reverse sweep.

    Operands are the first carries, what comes from outside, the cotangents of the last carries that
    have any, and the number of steps. Results are the cotangents of the first carries, and those of
    what is wanted from outside.

    Parameters
    ----------
    step : Body
        As the loop has it.
    pulled : Body
        From carries, what comes from outside, cotangents of the next carries, and sums, to the
        cotangents of the carries, and the sums with this step's part.
    carries, most, slots
        As in `WhileForm`.
    wanted : tuple of int
        Which of the operands from outside get a cotangent.
    """

    step: Body
    pulled: Body
    carries: int
    most: int | Dim | None
    slots: int
    wanted: tuple[int, ...]

    @classmethod
    def of(cls, attrs: Attrs) -> PullForm:
        """Read attributes.

        Raises
        ------
        GraphError
            One is missing, of another kind or out of range.
        """
        step, pulled = _two_bodies(attrs)
        form = cls(step, pulled, *_sizes(attrs), wanted=attrs.integers("wanted"))
        if not all(0 <= place < form.outer for place in form.wanted):
            msg = f"the operands from outside are {form.outer}, those wanted {form.wanted}"
            raise GraphError(msg)
        return form

    @property
    def graphs(self) -> tuple[Any, Any]:
        """The bodies of a node in a graph, as rules and references read them."""
        return self.step, self.pulled

    @property
    def floats(self) -> list[int]:
        """The carries that have derivatives."""
        return _floats(self.step, self.carries)

    @property
    def outer(self) -> int:
        """How many operands come from outside."""
        return len(self.step.input_specs) - self.carries

    def attrs(self) -> Attrs:
        """Return the attributes that say this."""
        return _attrs((self.step, self.pulled), self).replace(wanted=self.wanted)

    def split(self, operands: Sequence[_T]) -> tuple[list[_T], list[_T], list[_T], _T]:
        """Return the carries, what comes from outside, the cotangents, and the number of steps."""
        first, second = self.carries, self.carries + self.outer
        parts = operands[:first], operands[first:second], operands[second:-1]
        return (*map(list, parts), operands[-1])  # type: ignore[return-value]  # of three parts


def _two_bodies(attrs: Attrs) -> tuple[Body, Body]:
    bodies = attrs.bodies()
    if len(bodies) != 2:
        msg = f"a loop that a condition ends has two bodies, not {len(bodies)}"
        raise GraphError(msg)
    return bodies[0], bodies[1]


def _sizes(attrs: Attrs) -> tuple[int, int | Dim | None, int]:
    carries, most, slots = attrs.integer("carries"), attrs.dims("most"), attrs.integer("slots")
    if carries < 1 or len(most) > 1 or slots < 1:
        msg = (f"a loop that a condition ends has at least one carry and one slot, and at most one "
               f"bound, not {carries}, {slots} and {most}")  # fmt: skip
        raise GraphError(msg)
    return carries, (most[0] if most else None), slots


def _attrs(bodies: tuple[Body, Body], form: WhileForm | PullForm) -> Attrs:
    most = () if form.most is None else (form.most,)
    return Attrs(bodies=bodies, carries=form.carries, most=most, slots=form.slots)


def _floats(step: Body, carries: int) -> list[int]:
    return [place for place, spec in enumerate(step.input_specs[:carries]) if spec.is_float]
