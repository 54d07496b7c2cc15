"""Counts: the ops `random.poisson` and `random.binomial`, and the functions that draw them.

How they are drawn stands in `counting`. There are no derivatives by rates and chances: a count
jumps.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply
from dataflow.dispatch import public
from dataflow.elementwise import maps_jvp, maps_vjp
from dataflow.errors import DTypeError
from dataflow.operation import Op, Sample, register
from dataflow.ops.casting import astype
from dataflow.ops.comparison import greater
from dataflow.ops.numbering import sample_numbers
from dataflow.ops.random import blocks
from dataflow.ops.random.counting import BINOMIAL_METHOD, POISSON_METHOD
from dataflow.ops.random.counting_references import binomial_reference, poisson_reference
from dataflow.ops.random.domains import check_between, check_not_negative
from dataflow.ops.random.parameters import parameter, shape_of
from dataflow.ops.selection import where
from dataflow.ops.shaping import broadcast_to
from dataflow.ops.structure import batch_all
from dataflow.source import user_line
from dataflow.spec import as_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.dims import Shape
    from dataflow.ops.random.parameters import ShapeLike
    from dataflow.tensor import Tensor, TensorLike

__all__ = ["binomial", "poisson"]

_WIDE = np.dtype(np.float64)

_CASES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()), ((), (7,)), ((), (0, 2)), ((), (3, 4)), ((3,), (3, 4)), ((2, 2), (2, 2)),
    ((0,), (0, 2)),
]  # fmt: skip


def _samples(
    parameters: Callable[[np.random.Generator, tuple[int, ...]], Sequence[np.ndarray]],
    rng: np.random.Generator,
) -> list[Sample]:
    made: list[Sample] = []
    for keys, shape in _CASES:
        key = np.asarray(rng.integers(0, 2**64, keys, np.uint64))
        arrays = tuple(map(np.asarray, parameters(rng, shape)))
        numbers = sample_numbers(rng, shape[len(keys) :])
        made += [Sample((key, *arrays), attrs, smooth=False) for attrs in numbers]
    return made


def _rates(rng: np.random.Generator, shape: tuple[int, ...]) -> list[np.ndarray]:
    return [np.exp(rng.uniform(-1, 6, shape))]


def _trials(rng: np.random.Generator, shape: tuple[int, ...]) -> list[np.ndarray]:
    return [np.floor(np.exp(rng.uniform(0, 6, shape))), rng.uniform(0, 0.5, shape)]


POISSON = register(Op(
    name="random.poisson", label="Poisson", infer=partial(blocks.infer, POISSON_METHOD),
    kernel=partial(blocks.kernel, POISSON_METHOD), reference=poisson_reference,
    vjp=maps_vjp((None, None)), jvp=maps_jvp((None, None)), batch=batch_all,
    tiling=blocks.tiling, cost=blocks.cost, samples=partial(_samples, _rates),
    workspace=partial(blocks.workspace, POISSON_METHOD), is_flat=True,
))  # fmt: skip

BINOMIAL = register(Op(
    name="random.binomial", label="Binomial", infer=partial(blocks.infer, BINOMIAL_METHOD),
    kernel=partial(blocks.kernel, BINOMIAL_METHOD), reference=binomial_reference,
    vjp=maps_vjp((None, None, None)), jvp=maps_jvp((None, None, None)), batch=batch_all,
    tiling=blocks.tiling, cost=blocks.cost, samples=partial(_samples, _trials),
    workspace=partial(blocks.workspace, BINOMIAL_METHOD), is_flat=True,
))  # fmt: skip


def _drawn(op: Op, key: Tensor, lengths: Shape, *parameters: Tensor) -> Tensor:
    whole = [broadcast_to(p, (*key.shape, *lengths)) for p in parameters]
    return apply(op, (key, *whole), Attrs(first=0))


def _count_dtype(name: str, dtype: object) -> np.dtype:
    kind = as_dtype(dtype)
    if kind.kind not in "iuf":
        msg = f"{name} ({user_line()}) draws integers or floats, not {kind}"
        raise DTypeError(msg)
    return kind


@public(family="random")
def poisson(
    key: Tensor, lam: TensorLike, shape: ShapeLike = None, dtype: object = "int64"
) -> Tensor:
    """Return Poisson draws: how many of many rare events happen.

    Parameters
    ----------
    key : Tensor
        uint64: a key, or an array of keys, which draw an array each.
    lam : number or tensor
        The mean, 0 or more, which broadcasts to the result. There is no derivative by it. What a
        tensor holds isn't checked when a plan runs: counts of a mean below 0 mean nothing.
    shape : sequence of int, str or Dim, optional
        The shape of what each key draws; by default that of `lam`.
    dtype : dtype
        An integer's, or floating point.

    Returns
    -------
    Tensor
        The keys' shape, and then `shape`.

    Raises
    ------
    DTypeError, ShapeError
        There is no such dtype or shape, `lam` doesn't broadcast to it, or is a number, an array or
        a constant with a negative one.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.poisson(key, 4.0, (10000,)))
    >>> round(float(drawn.mean())), round(float(drawn.var()))
    (4, 4)
    """
    check_not_negative("poisson", lam=lam)
    kind, lengths = _count_dtype("poisson", dtype), shape_of("poisson", key, shape, lam)
    return astype(_drawn(POISSON, key, lengths, parameter(lam, key, _WIDE)), kind)


@public(family="random")
def binomial(
    key: Tensor, n: TensorLike, p: TensorLike, shape: ShapeLike = None, dtype: object = "int64"
) -> Tensor:
    """Return binomial draws: how many of `n` trials succeed.

    Parameters
    ----------
    key, shape, dtype
        As `poisson` has them.
    n : number or tensor
        The number of trials, a whole one.
    p : number or tensor
        The probability of each. There is no derivative by it.

    Examples
    --------
    >>> import dataflow as df
    >>> key = df.GraphBuilder().constant(df.random.key(0))
    >>> drawn = df.evaluate(df.random.binomial(key, 10, 0.75, (10000,)))
    >>> int(drawn.max()), round(float(drawn.mean()), 1)
    (10, 7.5)
    """
    check_not_negative("binomial", n=n)
    check_between("binomial", 0, 1, p=p)
    kind, lengths = _count_dtype("binomial", dtype), shape_of("binomial", key, shape, n, p)
    trials, chance = (parameter(value, key, _WIDE) for value in (n, p))
    is_likely = greater(chance, 0.5)
    found = _drawn(BINOMIAL, key, lengths, trials, where(is_likely, 1.0 - chance, chance))
    return astype(where(is_likely, trials - found, found), kind)
