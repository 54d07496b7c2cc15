"""The tables through which tensors and NumPy find our functions by name.

Tensor methods need the public functions, and those need `Tensor`. To keep imports in one
direction, each function enters itself here by name, and beside it the NumPy functions that it
answers for, which NumPy's ``__array_ufunc__`` and ``__array_function__`` protocols look up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["FUNCTIONS", "NUMPY_FUNCTIONS", "public"]

_F = TypeVar("_F", bound=Callable[..., Any])

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""Public functions on tensors, by name."""

NUMPY_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""For each NumPy function that accepts tensors, ours with the same signature."""


def public(*numpy_functions: Callable[..., Any]) -> Callable[[_F], _F]:
    """Enter a function under its own name, and for the NumPy functions it answers for.

    Examples
    --------
    >>> @public(len)
    ... def length(x):
    ...     return 3
    >>> FUNCTIONS.pop("length") is NUMPY_FUNCTIONS.pop(len)
    True
    """

    def enter(function: _F) -> _F:
        FUNCTIONS[function.__name__] = function
        NUMPY_FUNCTIONS.update(dict.fromkeys(numpy_functions, function))
        return function

    return enter
