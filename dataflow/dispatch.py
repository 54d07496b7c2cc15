"""The tables through which tensors and NumPy find our functions by name.

Tensor methods need the public functions, and those need `Tensor`. To keep imports in one
direction, each function enters itself here by name, and beside it the NumPy functions that it
answers for, which NumPy's ``__array_ufunc__`` and ``__array_function__`` protocols look up.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from dataflow.errors import DTypeError
from dataflow.source import user_line

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
        checked = _checked(function)
        FUNCTIONS[function.__name__] = checked
        NUMPY_FUNCTIONS.update(dict.fromkeys(numpy_functions, checked))
        return function

    return enter


def _checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse, where a parameter is declared as ``Tensor``, whatever is none."""
    parameters = inspect.signature(function).parameters.values()
    places = [(i, p.name) for i, p in enumerate(parameters) if p.annotation == "Tensor"]
    if not places:
        return function

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the function takes
        for place, name in places:
            value = args[place] if place < len(args) else kwargs.get(name, function)
            if value is not function and not hasattr(value, "builder"):
                msg = (f"{function.__name__} ({user_line()}): {name!r} must be a tensor, not "
                       f"{type(value).__name__}; make one with builder.constant")  # fmt: skip
                raise DTypeError(msg)
        return function(*args, **kwargs)

    return checked
