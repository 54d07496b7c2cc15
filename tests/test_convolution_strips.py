"""Convolution by strips gives what convolution by patches gives, within roundings."""

import numpy as np
import pytest

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.ops.nn.convolution_sizes import conv_sizes
from dataflow.ops.nn.convolution_strips import strips_of
from dataflow.registry import get_op
from tests.graphs import Array

CASES = [  # x, weight, padding before, padding after, groups
    ((2, 32, 17, 16), (32, 32, 3, 3), (1, 1), (1, 1), 1),
    ((3, 16, 20, 17), (33, 16, 2, 5), (0, 2), (1, 1), 1),
    ((1, 64, 19, 24), (66, 32, 3, 4), (2, 0), (0, 3), 2),
    ((2, 32, 6, 9, 8), (32, 32, 2, 3, 2), (1, 0, 1), (0, 1, 1), 1),
]


def attrs_of(before: tuple[int, ...], after: tuple[int, ...], groups: int) -> Attrs:
    """Return the attributes of a convolution that moves by one."""
    one = (1,) * len(before)
    return Attrs(stride=one, dilation=one, before=before, after=after, groups=(groups,))


def drawn(shape: tuple[int, ...], seed: int, dtype: str) -> Array:
    """Return numbers whose memory lies in another order than their axes."""
    array = np.random.default_rng(seed).normal(size=shape[::-1]).astype(dtype)
    return array.T


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_strips_give_the_values_and_cotangents_of_patches(
    case: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...], int],
    dtype: str,
) -> None:
    """Results and both cotangents are the reference's in float64, to the dtype's roundings."""
    shape, kernel, before, after, groups = case
    attrs = attrs_of(before, after, groups)
    x, weight = drawn(shape, 0, dtype), drawn(kernel, 1, dtype)
    assert strips_of(conv_sizes(x, weight, attrs)).pays
    b = df.GraphBuilder()
    ends = [b.constant(x), b.constant(weight)]
    (y,) = b.apply(get_op("nn.conv"), ends, attrs)
    cotangent = drawn(y.spec.static_shape, 2, dtype)
    found = df.evaluate(y, *df.grad((y * cotangent).sum(), ends))
    wide, wide_weight, wide_cotangent = (a.astype(float) for a in (x, weight, cotangent))
    exact = (
        get_op("nn.conv").reference(wide, wide_weight, attrs=attrs),
        get_op("nn.conv_input").reference(
            wide_cotangent, wide_weight, attrs=attrs.replace(size=shape[2:])),
        get_op("nn.conv_weight").reference(
            wide, wide_cotangent, attrs=attrs.replace(kernel=kernel[2:])),
    )  # fmt: skip
    for actual, right in zip(found, exact, strict=True):
        bound = 50 * np.finfo(dtype).eps * np.abs(right).max()
        np.testing.assert_allclose(actual, right, rtol=0, atol=bound)


@pytest.mark.parametrize(
    ("shape", "kernel", "attrs"),
    [
        ((1, 32, 17, 16), (32, 32, 1, 3), attrs_of((0, 0), (0, 0), 1)),
        ((1, 32, 40), (32, 32, 3), attrs_of((0,), (0,), 1)),
        ((1, 3, 17, 16), (32, 3, 3, 3), attrs_of((0, 0), (0, 0), 1)),
        ((1, 32, 17, 16), (32, 32, 3, 3), attrs_of((0, 0), (0, 0), 1).replace(stride=(2, 1))),
        ((1, 32, 17, 16), (32, 32, 3, 3), attrs_of((0, 0), (0, 0), 1).replace(dilation=(1, 2))),
        ((1, 32, 9, 9), (32, 32, 3, 3), attrs_of((0, 0), (0, 0), 1)),
    ],
)
def test_other_convolutions_go_by_patches(
    shape: tuple[int, ...], kernel: tuple[int, ...], attrs: Attrs
) -> None:
    """One tap, one axis, few channels, longer steps and small pictures."""
    sizes = conv_sizes(np.empty(shape, np.float32), np.empty(kernel, np.float32), attrs)
    assert not strips_of(sizes).pays
