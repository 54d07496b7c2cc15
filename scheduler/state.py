"""`State`: the values of a plan's variables, frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from dataflow.errors import UnknownNameError
from dataflow.spec import Spec

__all__ = ["State"]


class State(Mapping[str, np.ndarray]):
    """A frozen mapping from variable names to read-only arrays.

    Parameters
    ----------
    values : mapping of str to array_like
        Copied, unless `copy` is false and the caller promises not to write to them.
    copy : bool
        Whether to copy.

    Examples
    --------
    >>> state = State({"w": [1.0, 2.0]})
    >>> state["w"]
    array([1., 2.])
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object], *, copy: bool = True) -> None:
        self._values: dict[str, np.ndarray] = {}
        for name in values:
            array = np.array(values[name], order="C") if copy else np.asarray(values[name]).view()
            Spec.like(array)  # refuses dtypes that tensors can't have
            array.setflags(write=False)
            self._values[name] = array

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self._values[name]
        except KeyError:
            msg = f"the state has no variable {name!r}; it has {sorted(self._values)}"
            raise UnknownNameError(msg) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        specs = ", ".join(f"{name}: {Spec.like(array)}" for name, array in self._values.items())
        return f"State({{{specs}}})"
