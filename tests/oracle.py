"""Runs one op by its record alone, and says when two results count as the same.

No graph, no builder and no arena stands between a record and these checks, so that a failure
accuses the record; the bodies of control flow are computed by the reference executor. Memory that
a kernel is given is poisoned: 0xFF in every byte is NaN in each floating-point dtype and an absurd
number in the others, so what a kernel forgets to fill shows.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from dataflow.attrs import Attrs
from dataflow.operation import Op
from dataflow.spec import Spec
from scheduler.program import Item
from scheduler.reference import calls_of

Array: TypeAlias = "np.ndarray[Any, Any]"

ROUNDINGS = 256
"""How many roundings of one unit in the last place two ways to compute a value may differ by."""

HALF_ROUNDINGS = 16
"""The same for float16, whose 11 bits leave room for no more."""


def specs_of(arrays: Sequence[Array]) -> tuple[Spec, ...]:
    """Return the specs of arrays."""
    return tuple(map(Spec.like, arrays))


def poisoned(spec: Spec) -> Array:
    """Return an array whose every byte is 0xFF."""
    array = np.empty(spec.static_shape, spec.dtype)
    array.reshape(-1).view(np.uint8)[...] = 0xFF
    return array


def is_poison(array: Array) -> bool:
    """Say whether an array's every byte is 0xFF."""
    return set(array.tobytes()) <= {0xFF}


def run(
    op: Op, arrays: Sequence[Array], attrs: Attrs, outs: Sequence[Array] | None = None
) -> tuple[Array, ...]:
    """Run an op's kernel into poisoned memory, or into the arrays given."""
    specs = specs_of(arrays)
    filled = [poisoned(s) for s in op.infer(specs, attrs)] if outs is None else list(outs)
    for function, args in calls(op, arrays, attrs, filled):
        function(*args)
    return tuple(filled)


def calls(
    op: Op, arrays: Sequence[Array], attrs: Attrs, outs: Sequence[Array]
) -> list[tuple[Callable[..., object], tuple[object, ...]]]:
    """Bind an op's kernel to arrays and poisoned scratch memory."""
    scratch = [poisoned(spec) for spec in op.workspace(specs_of(arrays), attrs).scratch]
    item = Item(op, attrs, (), (), "node", "forward", "", "")
    return list(calls_of(item, outs, arrays, scratch))


def reference(op: Op, arrays: Sequence[Array], attrs: Attrs) -> tuple[Array, ...]:
    """Compute an op's outputs in plain NumPy."""
    with np.errstate(all="ignore"):
        made = op.reference(*arrays, attrs=attrs)
    return tuple(map(np.asarray, made if isinstance(made, (tuple, list)) else (made,)))


# When two results are the same


def bits(array: Array) -> bytes:
    """Return an array's elements as bytes."""
    return array.tobytes()


def assert_same_bits(actual: Sequence[Array], expected: Sequence[Array], what: str) -> None:
    """Check that arrays have the same specs and the same bits."""
    assert specs_of(actual) == specs_of(expected), what
    for a, b in zip(actual, expected, strict=True):
        assert bits(a) == bits(b), f"{what}: {a!r} is not bit for bit {b!r}"


def assert_same(actual: Sequence[Array], expected: Sequence[Array], what: str) -> None:
    """Check for the same bits, of complex numbers for closeness.

    NumPy's loops for an output that overlaps an input, or for one element, round products of
    complex numbers another way.
    """
    is_complex = any(array.dtype.kind == "c" for array in actual)
    (assert_close if is_complex else assert_same_bits)(actual, expected, what)


def assert_close(actual: Sequence[Array], expected: Sequence[Array], what: str) -> None:
    """Check that arrays have the same specs and differ by a few roundings at most."""
    assert specs_of(actual) == specs_of(expected), what
    for a, b in zip(actual, expected, strict=True):
        if a.dtype.kind in "fc" and a.size:
            bound = bound_of(a.dtype)
            scale = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0)))
            np.testing.assert_allclose(a, b, rtol=bound, atol=bound * scale, err_msg=what)
        else:
            assert bits(a) == bits(b), f"{what}: {a!r} is not {b!r}"


def bound_of(dtype: np.dtype) -> float:
    """Return how far two results may be apart, relative to their size."""
    roundings = HALF_ROUNDINGS if dtype == np.float16 else ROUNDINGS
    return roundings * float(np.finfo(dtype).eps)


# The same values in other layouts


def gapped(spec: Spec) -> tuple[Array, Array]:
    """Return a poisoned array, and a view of it with gaps."""
    spread = poisoned(Spec(tuple(2 * n for n in spec.static_shape), spec.dtype))
    return spread, spread[(slice(None, None, 2),) * spec.ndim + (...,)]


def strided(array: Array) -> Array:
    """Return the values as every other element of a poisoned array."""
    _, view = gapped(Spec.like(array))
    view[...] = array
    return view


def reversed_in_memory(array: Array) -> Array:
    """Return the values with the last element first in memory: negative strides."""
    return np.asarray(np.flip(np.flip(array).copy()))


def transposed_in_memory(array: Array) -> Array:
    """Return the values with the first axis innermost."""
    return np.array(array, order="F")


def repeated_first(array: Array) -> Array:
    """Return the first entry of axis 0 in place of every entry, by a stride of 0."""
    return np.broadcast_to(array[:1], array.shape) if array.ndim else array


LAYOUTS = (strided, reversed_in_memory, transposed_in_memory, repeated_first)
