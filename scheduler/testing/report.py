"""What a check of gradients finds: one comparison for each order and mode, and a culprit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Comparison", "GradientReport"]


class Comparison(NamedTuple):
    """One derivative along random directions, by the rules and by the values.

    Parameters
    ----------
    order : int
        1, or 2 for the derivative of the first one.
    mode : str
        ``"reverse"``, ``"forward"``, ``"reverse over reverse"`` or ``"forward over reverse"``.
    method : str
        Where `expected` comes from: ``"complex step"`` or ``"differences"``.
    actual, expected : float
        What the rules give, and what the values say.
    error, tolerance : float
        Their difference, and how much is allowed, both relative to the derivative's largest terms.
    is_clear : bool
        Whether the values say anything: not at a kink, nor where they are all noise.
    """

    order: int
    mode: str
    method: str
    actual: float
    expected: float
    error: float
    tolerance: float
    is_clear: bool = True

    @property
    def is_right(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.is_clear or self.error <= self.tolerance

    def __str__(self) -> str:
        verdict = "right" if self.is_right else "WRONG"
        return (f"order {self.order}  {self.mode:20s}  {self.actual: .12g}  {self.method} "
                f"{self.expected: .12g}  error {self.error:.1e} of {self.tolerance:.0e}  "
                f"{verdict if self.is_clear else 'not smooth here: no verdict'}")  # fmt: skip


@dataclass(frozen=True)
class GradientReport:
    """The comparisons of a check of gradients; its text is a table of them.

    Parameters
    ----------
    comparisons : tuple of Comparison
        In order.
    culprits : tuple of str
        The nodes whose own derivatives are off, the worst first, each with its op, the user's line
        and by how much; only looked for where a comparison is wrong.
    """

    comparisons: tuple[Comparison, ...]
    culprits: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether no comparison is wrong."""
        return all(comparison.is_right for comparison in self.comparisons)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.comparisons), *self.culprits])
