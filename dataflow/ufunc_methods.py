"""What NumPy's ufuncs do beside calls: ``np.add.reduce(t)`` is a sum, ``np.add.outer`` all pairs.

A reduction or a running one is the function of ours that adds up, multiplies and so on; NumPy's
first axis is the default, not all of them. `outer` gives the first operand axes of length 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.dispatch import find_function, find_numpy_function

if TYPE_CHECKING:
    from dataflow.tensor import Tensor

__all__ = ["call_ufunc"]

_REDUCE: dict[np.ufunc, str] = {
    np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min",
    np.logical_and: "all", np.logical_or: "any", np.logaddexp: "logsumexp",
}  # fmt: skip
_ACCUMULATE: dict[np.ufunc, str] = {
    np.add: "cumsum",
    np.multiply: "cumprod",
    np.maximum: "cummax",
    np.minimum: "cummin",
}
_WITH_DTYPE = ("sum", "prod", "cumsum", "cumprod")


def call_ufunc(
    ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: Mapping[str, Any]
) -> Tensor | None:
    """Declare what a ufunc or a method of it means; None where there is no node for it.

    Parameters
    ----------
    ufunc, method, inputs, options
        What NumPy's protocol gives; a method is ``__call__``, ``reduce``, ``accumulate``,
        ``outer`` and others.
    """
    found = _METHODS.get(method)
    given = {name: value for name, value in options.items() if value is not None or name == "axis"}
    return None if found is None else found(ufunc, inputs, given)


def _call(ufunc: np.ufunc, inputs: tuple[Any, ...], options: dict[str, Any]) -> Tensor | None:
    ours = None if options else find_numpy_function(ufunc)
    return None if ours is None else ours(*inputs)


def _reduce(ufunc: np.ufunc, inputs: tuple[Any, ...], options: dict[str, Any]) -> Tensor | None:
    name = _REDUCE.get(ufunc, "")
    if not _takes(name, inputs, options, ("axis", "keepdims", "dtype")):
        return None
    (x,) = inputs
    axis = options.pop("axis", 0)
    return find_function(name)(x, axis if x.ndim else None, **options)  # type: ignore[no-any-return]


def _accumulate(ufunc: np.ufunc, inputs: tuple[Any, ...], options: dict[str, Any]) -> Tensor | None:
    name = _ACCUMULATE.get(ufunc, "")
    if not _takes(name, inputs, options, ("axis", "dtype")):
        return None
    found = find_function(name)(*inputs, options.pop("axis", 0), **options)
    return found[0] if isinstance(found, tuple) else found  # type: ignore[no-any-return]


def _takes(
    name: str, inputs: tuple[Any, ...], options: dict[str, Any], known: tuple[str, ...]
) -> bool:
    """Whether a function of ours, if there is one, has these options, and a tensor is given."""
    is_known = all(option in known for option in options)
    return (
        bool(name)
        and is_known
        and ("dtype" not in options or name in _WITH_DTYPE)
        and hasattr(inputs[0], "builder")
    )


def _outer(ufunc: np.ufunc, inputs: tuple[Any, ...], options: dict[str, Any]) -> Tensor | None:
    ours = None if options else find_numpy_function(ufunc)
    if ours is None:
        return None
    first, second = (x if hasattr(x, "builder") else np.asarray(x) for x in inputs)
    shape = (*first.shape, *[1] * second.ndim)
    is_tensor = hasattr(first, "builder")
    spread = find_function("reshape")(first, shape) if is_tensor else first.reshape(shape)
    return ours(spread, second)  # type: ignore[no-any-return]


_METHODS: dict[str, Callable[..., Tensor | None]] = {
    "__call__": _call, "reduce": _reduce, "accumulate": _accumulate, "outer": _outer
}  # fmt: skip
