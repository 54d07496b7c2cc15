"""The tables through which tensors and NumPy find our functions by name.

Tensor methods need the public functions, and those need `Tensor`. To keep imports in one
direction, each function enters itself here by name, and beside it the NumPy functions that it
answers for, which NumPy's ``__array_ufunc__`` and ``__array_function__`` protocols look up.

Functions outside the main namespace have dotted names, ``linalg.solve``; the part before the dot
is their family's, a package below `dataflow.ops`. A function's module is imported when it is first
needed: `dataflow.declared` says which that is, and one that isn't in it yet is found all the same,
by importing its whole family. So look functions up by `find_function`, not in the table itself.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable
from functools import cache, wraps
from types import FrameType
from typing import Any, TypeVar, cast

import numpy as np

from dataflow.current import current_builder
from dataflow.declared import FUNCTION_MODULES
from dataflow.errors import (
    ArgumentError,
    DataDependentShapeError,
    DTypeError,
    GraphError,
    ShapeError,
)
from dataflow.source import is_inner, user_line

__all__ = [
    "FAMILIES",
    "FUNCTIONS",
    "NUMPY_FUNCTIONS",
    "also_named",
    "find_function",
    "find_numpy_function",
    "load_all",
    "load_family",
    "public",
]  # fmt: skip

_F = TypeVar("_F", bound=Callable[..., Any])

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""Public functions on tensors, by name, of the modules imported so far."""

NUMPY_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""For each NumPy function that accepts tensors, ours with the same signature, of these modules."""


FAMILIES = ("fft", "linalg", "nn", "random", "special")
"""The packages below `dataflow.ops`; their ops and functions have names such as ``fft.rfft``."""


def load_family(name: str) -> None:
    """Import the family of a name: the package before its dot, or the main namespace's modules."""
    family, dot, _ = name.rpartition(".")
    if not dot:
        _load_main()
    elif family in FAMILIES:
        importlib.import_module(f"dataflow.ops.{family}")


@cache
def _load_main() -> None:
    """Import every module of `dataflow.ops` that is no package, in alphabetical order."""
    package = importlib.import_module("dataflow.ops")
    for module in pkgutil.iter_modules(package.__path__, "dataflow.ops."):
        if not module.ispkg:
            importlib.import_module(module.name)


def load_all() -> None:
    """Import every family."""
    for name in ("*", *(f"{family}.*" for family in FAMILIES)):
        load_family(name)


def find_function(name: str) -> Callable[..., Any]:
    """Return a public function by name, dotted or not; `KeyError` if there is none."""
    if name not in FUNCTIONS:
        _load(name)
    if name not in FUNCTIONS:
        load_family(name)
    return FUNCTIONS[name]


def find_numpy_function(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return our function for one of NumPy's, or None."""
    if function not in NUMPY_FUNCTIONS:
        family = (getattr(function, "__module__", None) or "numpy").partition(".")[2]
        _load(f"{family}.{function.__name__}" if family else function.__name__)
    if function not in NUMPY_FUNCTIONS:
        load_all()
    return NUMPY_FUNCTIONS.get(function)


def _load(name: str) -> None:
    """Import the module that the function of a name is known to be declared in, if any is."""
    if name in FUNCTION_MODULES:
        importlib.import_module(f"dataflow.ops.{FUNCTION_MODULES[name]}")


def public(*numpy_functions: Callable[..., Any], family: str = "") -> Callable[[_F], _F]:
    """Enter a function under its own name, and for the NumPy functions it answers for.

    Parameters
    ----------
    *numpy_functions : callable
        NumPy's functions with the same signature.
    family : str
        One of `FAMILIES`, for what isn't in the main namespace.

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
        FUNCTIONS[f"{family}.{function.__name__}" if family else function.__name__] = checked
        NUMPY_FUNCTIONS.update(dict.fromkeys(numpy_functions, checked))
        return cast("_F", checked)

    return enter


def also_named(function: _F, *names: str) -> _F:
    """Enter a public function under other names too, and return it.

    NumPy, the Array API standard and PyTorch often have two names for one thing: ``arcsin`` is
    ``asin``. The module sets ``arcsin = also_named(asin, "arcsin")``.
    """
    for name in names:
        FUNCTIONS[name] = function
    return function


_DOORS = frozenset(f"dataflow.{name}" for name in (
    "builder", "creating", "methods", "operators", "places", "pytorch_methods", "tensor",
))  # fmt: skip
"""The modules of ours that may stand between the user's call and the public function."""

_PLAIN = (ArgumentError, ShapeError, DataDependentShapeError, DTypeError, GraphError)


def _checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """See to it that a parameter declared as ``Tensor`` gets one; explain errors.

    An array or a number becomes a constant, of another argument's builder or of that of the
    ``with`` block around; anything else is refused, and so are these where no builder is known.

    What Python or NumPy raise inside because an argument doesn't fit becomes an error of ours,
    and the name and the user's line are added to a message of ours that has no line.
    """
    parameters = inspect.signature(function).parameters.values()
    places = [(i, p.name) for i, p in enumerate(parameters) if p.annotation == "Tensor"]

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the function takes
        for place, name in places:
            value = args[place] if place < len(args) else kwargs.get(name, function)
            if value is not function and not hasattr(value, "builder"):
                made = _constant(function.__name__, name, value, (*args, *kwargs.values()))
                if place < len(args):
                    args = (*args[:place], made, *args[place + 1 :])
                else:
                    kwargs[name] = made
        if type(kwargs.get("keepdims")) is int:
            kwargs["keepdims"] = bool(kwargs["keepdims"])  # NumPy takes 0 and 1
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError, AttributeError, IndexError, OverflowError, GraphError) as e:
            explained = _explained(e, function.__name__)
            if explained is None or not _binds(function, args, kwargs):
                raise
            raise explained from e

    return checked


def _constant(function: str, name: str, value: object, arguments: tuple[object, ...]) -> Any:  # noqa: ANN401 - a Tensor, which is declared above this module
    """Return an array or a number as a constant of the builder of the other arguments."""
    owners = (argument.builder for argument in arguments if hasattr(argument, "builder"))
    builder = next(owners, None) or current_builder()
    if builder is None or not isinstance(value, (np.ndarray, np.generic, int, float, complex)):
        msg = (f"{function} ({user_line()}): {name!r} must be a tensor, not "
               f"{type(value).__name__}; make one with builder.constant")  # fmt: skip
        raise DTypeError(msg)
    return builder.constant(value)


def _explained(error: Exception, name: str) -> GraphError | None:
    """Return an error of ours with the user's line and the function's name; None to let it pass.

    One that was raised in a function of the user's, or while a rule ran, isn't his argument's.
    """
    line, at_fault = user_line(), error.__traceback__
    while at_fault is not None:
        if not is_inner(at_fault.tb_frame):
            return None
        at_fault = at_fault.tb_next
    has_line = line in str(error)
    if not line or (has_line and re.search(rf"\b{name}\b", str(error))) or not _is_called_by_user():
        return None
    if isinstance(error, GraphError):
        kind, place = type(error), name if has_line else f"{name} ({line})"
        return kind(f"{place}: {error}") if kind in _PLAIN else None
    kind = ArgumentError if isinstance(error, (ValueError, IndexError)) else DTypeError
    return kind(f"{name} ({line}): an argument doesn't fit: {error}")


def _is_called_by_user() -> bool:
    """Say whether no public function, rule or sweep stands between the user and this call."""
    frame: FrameType | None = sys._getframe(3)  # noqa: SLF001 - the caller of `checked`
    while frame is not None and is_inner(frame):
        module = str(frame.f_globals.get("__name__"))
        if module not in _DOORS and module.startswith("dataflow"):
            return False
        frame = frame.f_back
    return True


def _binds(function: Callable[..., Any], args: Any, kwargs: Any) -> bool:  # noqa: ANN401 - any
    """Say whether the arguments are as many, and of the names, that the function takes."""
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True
