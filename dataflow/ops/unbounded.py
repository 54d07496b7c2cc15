"""NumPy's functions whose shape depends on data, which a static graph can't have.

A plan decides all memory before it runs, so no node can have as many elements as its input has
zeros, or different values. These functions are here under their names to say so, and what to use.
"""

from __future__ import annotations

from typing import NoReturn

from dataflow.errors import DataDependentShapeError
from dataflow.source import user_line

__all__: list[str] = []


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
