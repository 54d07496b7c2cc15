"""NumPy's functions whose shape depends on data, which a static graph can't have.

A plan decides all memory before it runs, so no node can have as many elements as its input has
zeros, or different values. These functions are here under their names to say so, and what to use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import DataDependentShapeError
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["argwhere", "flatnonzero", "intersect1d", "masked_select", "nonzero", "setdiff1d",
           "setxor1d", "trim_zeros", "union1d", "unique", "unique_all", "unique_consecutive",
           "unique_counts", "unique_inverse", "unique_values"]  # fmt: skip

_PLACES = ("df.where(condition, a, b) chooses without places, and df.argmax(condition) gives the "
           "first one")  # fmt: skip
_VALUES = "df.sort(x) brings equal elements together, and df.bincount counts small integers"
_SETS = "a[:, None] == b says of every two elements whether they are equal"


def depends_on_data(name: str, remedy: str) -> NoReturn:
    """Raise the error of a call whose result's shape depends on data.

    Parameters
    ----------
    name : str
        The function's name.
    remedy : str
        What to use in its place.
    """
    msg = (f"{name} ({user_line()}): the shape of its result depends on data, but memory is "
           f"decided before a plan runs; {remedy}")  # fmt: skip
    raise DataDependentShapeError(msg)


def _refusing(
    name: str, what: str, remedy: str, *numpy_functions: Callable[..., object]
) -> Callable[..., NoReturn]:
    """Make and enter the function of a name, that says why it can't be."""

    def refuse(*args: object, **options: object) -> NoReturn:
        depends_on_data(name, remedy)

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"""Refuse to return {what}, whose number depends on data.

    Raises
    ------
    DataDependentShapeError
        Always. In its place: {remedy}.

    Examples
    --------
    >>> import dataflow as df
    >>> try:
    ...     df.{name}(df.GraphBuilder().constant([1, 0, 1]))
    ... except df.errors.DataDependentShapeError as error:
    ...     print(str(error).partition("): ")[2].partition(";")[0])
    the shape of its result depends on data, but memory is decided before a plan runs
    """
    return public(*numpy_functions)(refuse)


argwhere = _refusing("argwhere", "the places of what isn't 0", _PLACES, np.argwhere)
flatnonzero = _refusing("flatnonzero", "the places of what isn't 0", _PLACES, np.flatnonzero)
nonzero = _refusing("nonzero", "the places of what isn't 0", _PLACES, np.nonzero)
masked_select = _refusing("masked_select", "the elements of a mask",
                          "df.where(mask, x, 0) keeps the shape")  # fmt: skip
trim_zeros = _refusing("trim_zeros", "what lies between zeros",
                       "x[a:b] cuts at constant places", np.trim_zeros)  # fmt: skip
unique = _refusing("unique", "the different elements", _VALUES, np.unique)
unique_all = _refusing("unique_all", "the different elements", _VALUES, np.unique_all)
unique_consecutive = _refusing("unique_consecutive", "the different neighbours", _VALUES)
unique_counts = _refusing("unique_counts", "the different elements", _VALUES, np.unique_counts)
unique_inverse = _refusing("unique_inverse", "the different elements", _VALUES, np.unique_inverse)
unique_values = _refusing("unique_values", "the different elements", _VALUES, np.unique_values)
intersect1d = _refusing("intersect1d", "what is in both", _SETS, np.intersect1d)
setdiff1d = _refusing("setdiff1d", "what is in one alone", _SETS, np.setdiff1d)
setxor1d = _refusing("setxor1d", "what is in one of both", _SETS, np.setxor1d)
union1d = _refusing("union1d", "what is in one or both", _SETS, np.union1d)
