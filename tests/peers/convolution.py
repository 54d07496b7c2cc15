"""Cross-checks of convolution and transposed convolution."""

from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

SIZES = {1: (9,), 2: (7, 6), 3: (5, 5, 6)}
KERNELS = {1: (3,), 2: (3, 2), 3: (2, 3, 1)}
OPTIONS: list[dict[str, Any]] = [
    {}, {"stride": 2}, {"padding": 1}, {"dilation": 2}, {"groups": 2},
    {"stride": 2, "padding": 1, "groups": 2}, {"stride": 3, "padding": 2, "dilation": 2},
    {"padding": 1, "dilation": 2, "groups": 4},
]  # fmt: skip


def arrays(axes: int, groups: int, *, transposed: bool = False) -> tuple[np.ndarray, ...]:
    """Draw x, a weight and a bias."""
    rng = np.random.default_rng(axes)
    weight = (4, 6 // groups if groups < 3 else 2) if transposed else (4, 4 // groups)
    filters = weight[1] * groups if transposed else 4
    shapes = ((2, 4, *SIZES[axes]), (*weight, *KERNELS[axes]), (filters,))
    return tuple(rng.uniform(-1, 1, shape) for shape in shapes)


def jax_conv(axes: int, options: dict[str, Any]) -> Any:  # noqa: ANN401 - a function
    """Return the same convolution by JAX's most general one."""
    padding = options.get("padding", 0)
    pairs = [(padding, padding)] * axes if isinstance(padding, int) else padding

    def conv(j: Any, x: Any, w: Any, b: Any) -> Any:  # noqa: ANN401 - JAX's arrays
        made = j.lax.conv_general_dilated(
            x, w, (options.get("stride", 1),) * axes,
            pairs.upper() if isinstance(pairs, str) else pairs,
            rhs_dilation=(options.get("dilation", 1),) * axes,
            feature_group_count=options.get("groups", 1),
        )  # fmt: skip
        return made + b.reshape(-1, *[1] * axes)

    return conv


def jax_transposed(axes: int, options: dict[str, Any]) -> Any:  # noqa: ANN401 - a function
    """Return the same transposed convolution as one of an image with gaps, of turned filters."""
    stride, padding, more, dilation, groups = (
        options.get(name, default)
        for name, default in (("stride", 1), ("padding", 0), ("output_padding", 0),
                              ("dilation", 1), ("groups", 1))
    )  # fmt: skip

    def conv(j: Any, x: Any, w: Any, b: Any) -> Any:  # noqa: ANN401 - JAX's arrays
        kernel = w.shape[2:]
        split = w.reshape(groups, w.shape[0] // groups, *w.shape[1:]).swapaxes(1, 2)
        turned = j.numpy.flip(split, tuple(range(3, 3 + axes))).reshape(-1, split.shape[2], *kernel)
        ends = [dilation * (k - 1) - padding for k in kernel]
        made = j.lax.conv_general_dilated(
            x, turned, (1,) * axes, [(end, end + more) for end in ends],
            lhs_dilation=(stride,) * axes, rhs_dilation=(dilation,) * axes,
            feature_group_count=groups,
        )  # fmt: skip
        return made + b.reshape(-1, *[1] * axes)

    return conv


def row(axes: int, options: dict[str, Any]) -> Row:
    """Return the row of one convolution."""
    name = f"conv{axes}d"
    return Row(
        name, arrays(axes, options.get("groups", 1)),
        lambda x, w, b: getattr(df.nn, name)(x, w, b, **options),
        lambda t, x, w, b: getattr(t.nn.functional, name)(x, w, b, **options),
        jax_conv(axes, options) if axes == 2 or not options else None,
    )  # fmt: skip


def transposed(axes: int, options: dict[str, Any]) -> Row:
    """Return the row of one transposed convolution."""
    name = f"conv_transpose{axes}d"
    return Row(
        name, arrays(axes, options.get("groups", 1), transposed=True),
        lambda x, w, b: getattr(df.nn, name)(x, w, b, **options),
        lambda t, x, w, b: getattr(t.nn.functional, name)(x, w, b, **options),
        jax_transposed(axes, options) if axes == 2 or not options else None,
    )  # fmt: skip


def of_one(row: Row) -> Row:
    """Return the row of one example without its axis."""
    x, *rest = row.arrays
    return row._replace(arrays=(x[0], *rest), jax=None)


X, W, B = arrays(2, 1)

ROWS = [
    *[row(axes, options) for axes in (1, 2, 3) for options in OPTIONS],
    *[transposed(axes, options) for axes in (1, 2, 3) for options in OPTIONS],
    *[of_one(make(axes, {"stride": 2})) for axes in (1, 2, 3) for make in (row, transposed)],
    transposed(1, {"stride": 2, "output_padding": 1}),
    transposed(2, {"dilation": 2, "output_padding": 1, "padding": 1})._replace(jax=None),
    transposed(1, {"dilation": 3, "stride": 2, "output_padding": 2})._replace(jax=None),
    transposed(1, {"dilation": 3, "padding": 1, "output_padding": 2})._replace(jax=None),
    transposed(2, {"stride": 3, "padding": 1, "output_padding": 2, "groups": 2}),
    transposed(3, {"stride": 2, "dilation": 2, "output_padding": 1}),
    row(2, {"padding": "same"})._replace(torch=None),  # which warns that it copies
    *[row(2, {"padding": "same", "stride": stride})._replace(torch=None) for stride in (2, 3)],
    row(2, {"padding": "valid"}),
    row(1, {"padding": "same", "dilation": 3}),
    row(2, {"stride": 4}), transposed(2, {"stride": 4, "output_padding": 3}),
    Row("conv2d", (X, W, B),
        lambda x, w, b: df.nn.conv2d(x, w, b, (2, 1), ((0, 1), (2, 1)), (1, 2)), None,
        lambda j, x, w, b: b.reshape(-1, 1, 1) + j.lax.conv_general_dilated(
            x, w, (2, 1), ((0, 1), (2, 1)), rhs_dilation=(1, 2))),
    Row("conv2d", (X + 1j * X[::-1], W + 1j * W[::-1]), df.nn.conv2d,
        lambda t, x, w: t.nn.functional.conv2d(x, w), None),
    Row("conv2d", (X, W[:, :, :1, :1]), df.nn.conv2d,
        lambda t, x, w: t.nn.functional.conv2d(x, w),
        lambda j, x, w: j.lax.conv_general_dilated(x, w, (1, 1), "VALID")),
]  # fmt: skip
