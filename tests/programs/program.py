"""What a whole program is: a function of arrays to a number, written once for three libraries.

A program takes a *library* first: ours, PyTorch's or JAX's, as `tests.programs.libraries` offers
them, with NumPy's names where the three have the same function under different ones. So all three
compute the same text, and each computes it with its own functions. The arrays come from
`arrays(rng)`: those of floating point are differentiated by, unless their name ends in ``_fixed``.

To add one, write a function in a file of this folder, decorated with what its arrays are:

    @program(x=normal(8, 3), w=normal(3), y_fixed=normal(8))
    def least_squares(lib, x, w, y_fixed):
        return ((x @ w - y_fixed) ** 2).sum()

A program is small: all of them together run in `make test`, on one core in less than a minute.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Draw = Callable[[np.random.Generator], Array]


class Program(NamedTuple):
    """One program.

    Parameters
    ----------
    name : str
        Its name.
    function : callable
        ``function(lib, **arrays)`` gives a scalar.
    draws : dict of callable
        What draws each array.
    """

    name: str
    function: Callable[..., Any]
    draws: dict[str, Draw]

    def arrays(self) -> dict[str, Array]:
        """Draw the arrays, the same at each call."""
        seed = int.from_bytes(self.name.encode(), "little") % 2**63
        rng = np.random.default_rng(seed)
        return {name: np.asarray(draw(rng)) for name, draw in self.draws.items()}

    def moving(self) -> list[str]:
        """Return the names of the arrays that it is differentiated by."""
        return [
            name for name, array in self.arrays().items()
            if array.dtype.kind == "f" and not name.endswith("_fixed")
        ]  # fmt: skip

    def directions(self) -> dict[str, Array]:
        """Return a direction for each of these."""
        rng = np.random.default_rng(len(self.name))
        arrays = self.arrays()
        return {name: np.asarray(rng.normal(size=arrays[name].shape)) for name in self.moving()}


PROGRAMS: dict[str, Program] = {}
"""All programs of the modules imported so far, by name."""


def program(**draws: Draw) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function as a program, with what draws its arrays."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        assert name not in PROGRAMS, f"two programs are named {name}"
        PROGRAMS[name] = Program(name, function, draws)
        return function

    return enter


def normal(*shape: int, scale: float = 1.0) -> Draw:
    """Draw normal numbers."""
    return lambda rng: scale * rng.normal(size=shape)


def positive(*shape: int, least: float = 0.5, most: float = 1.5) -> Draw:
    """Draw numbers between two bounds."""
    return lambda rng: rng.uniform(least, most, size=shape)


def labels(*shape: int, classes: int) -> Draw:
    """Draw integers below a bound."""
    return lambda rng: rng.integers(0, classes, size=shape)


def weights(inputs: int, outputs: int) -> Draw:
    """Draw a matrix that keeps the size of what it multiplies."""
    return lambda rng: rng.normal(size=(inputs, outputs)) / np.sqrt(inputs)


def value(array: Any) -> Draw:
    """Give the same array each time."""
    return lambda _: np.array(array)
