"""NumPy's functions whose shape depends on data, which a static graph can't have.

A plan decides all memory before it runs, so no node can have as many elements as its input has
zeros, or different values. These functions are here under their names to say so, and what to use;
those that can be told how many to return are in `dataflow.ops.sized`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from dataflow.dispatch import public
from dataflow.errors import DataDependentShapeError
from dataflow.source import user_line

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["intersect1d", "masked_select", "setdiff1d", "setxor1d", "trim_zeros", "union1d",
           "unique_consecutive"]  # fmt: skip

_SETS = "df.isin(a, b) says for each element whether it is in both"


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


masked_select = _refusing("masked_select", "the elements of a mask",
                          "df.where(mask, x, 0) keeps the shape, and df.take(x, "
                          "df.flatnonzero(mask, size=n)) takes n elements")  # fmt: skip
trim_zeros = _refusing("trim_zeros", "what lies between zeros",
                       "x[a:b] cuts at constant places", np.trim_zeros)  # fmt: skip
unique_consecutive = _refusing("unique_consecutive", "the different neighbours",
                               "df.diff(x) != 0 says where neighbours differ")  # fmt: skip
intersect1d = _refusing("intersect1d", "what is in both", _SETS, np.intersect1d)
setdiff1d = _refusing("setdiff1d", "what is in one alone", _SETS, np.setdiff1d)
setxor1d = _refusing("setxor1d", "what is in one of both", _SETS, np.setxor1d)
union1d = _refusing("union1d", "what is in one or both", _SETS, np.union1d)
