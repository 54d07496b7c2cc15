"""The ops `fft.fft`, `fft.rfft` and `fft.irfft`: transforms along one axis, of a fixed length.

They are linear, so a jvp is the op again. With F the matrix of a transform, a vjp in PyTorch's
convention is the conjugate transpose of F, which is the transform the other way:

    fft    F is symmetric, so its conjugate is the inverse transform without its 1/n.
    rfft   y_k = Σ_j x_j e^(-2πijk/n) for k = 0 … n//2. The gradient is Re Σ_k g_k e^(2πijk/n),
           and `irfft` sums the same over all n frequencies: each k in twice, as k and n - k, but
           for the zero frequency and (n even) Nyquist's, which are once. So they are halved first.
    irfft  counts these frequencies twice: so its gradient is `rfft`, doubled there.

A shorter or longer transform is of a slice, or of the array padded with zeros: other nodes. Many
axes are transformed one after the other: two arrays are alive at once, as inside NumPy.

Where a transform has no factor, NumPy multiplies by an integer 1, for which it casts single
precision to double: four times the array, allocated behind one's back. So a transform in single
precision always gets the factor 1/n, and is multiplied by n again in place.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dataflow.attrs import Attrs
from dataflow.calling import apply, call_function
from dataflow.elementwise import maps_jvp, maps_vjp, traffic
from dataflow.errors import ArgumentError, DTypeError, ShapeError
from dataflow.operation import Cost, Op, Sample, Workspace, register
from dataflow.ops.one_axis import batch_along_axis, tile_beside_axis
from dataflow.ops.structure import check_inputs, single_dim
from dataflow.sampling import COMPLEX
from dataflow.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.dims import Dim
    from dataflow.elementwise import LinearMap
    from dataflow.operation import Application, Array, Arrays, Call, Kernel, Specs
    from dataflow.tensor import Tensor

__all__ = ["FFT", "IRFFT", "NORMS", "REAL_OF", "RFFT"]

NORMS = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
"""For each normalisation of a transform, the one that its reverse has the same factor by."""

REAL_OF = {"complex64": "float32", "complex128": "float64"}
COMPLEX_OF = {real: name for name, real in REAL_OF.items()}

_SINGLE = ("float32", "complex64")
_WITHOUT_FACTOR = {"fft": "backward", "rfft": "backward", "ifft": "forward", "irfft": "forward"}

_PLAN, _PRIME_PLAN, _OBJECTS = 64, 176, 4096
"""Bytes that NumPy's transform allocates: for each element of the axis, for lengths of small prime
factors and for others, and in all. Measured at 2e6 elements: up to 64 and 160 for each."""


# infer


def _check_line(spec: Spec, attrs: Attrs) -> int:
    """Return the axis, after checking what all three ops have."""
    axis, norm = attrs.integer("axis"), attrs.text("norm")
    if not 0 <= axis < spec.ndim:
        msg = f"axis {axis} must be below {spec.ndim}, the number of axes"
        raise ShapeError(msg)
    if norm not in NORMS:
        msg = f"norm is one of {', '.join(NORMS)}, not {norm!r}"
        raise ArgumentError(msg)
    return axis


def _check_length(length: int | Dim) -> int | Dim:
    if isinstance(length, int) and length < 1:
        msg = f"a transform is of 1 element or more along its axis, not {length}"
        raise ShapeError(msg)
    return length


def _check_dtype(spec: Spec, names: dict[str, str]) -> None:
    if spec.dtype.name not in names:
        msg = f"takes {' or '.join(names)}, not {spec.dtype}: cast with astype"
        raise DTypeError(msg)


def _with_length(spec: Spec, axis: int, length: int | Dim, dtype: str) -> Specs:
    return (Spec((*spec.shape[:axis], length, *spec.shape[axis + 1 :]), np.dtype(dtype)),)


def _fft_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    _check_dtype(spec, REAL_OF)
    _check_length(spec.shape[_check_line(spec, attrs)])
    attrs.flag("inverse")
    return (spec,)


def _rfft_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    _check_dtype(spec, COMPLEX_OF)
    axis = _check_line(spec, attrs)
    length = _check_length(spec.shape[axis])
    return _with_length(spec, axis, length // 2 + 1, COMPLEX_OF[spec.dtype.name])


def _irfft_infer(specs: Specs, attrs: Attrs) -> Specs:
    spec = check_inputs(specs)
    _check_dtype(spec, REAL_OF)
    axis, length = _check_line(spec, attrs), _check_length(single_dim(attrs, "length"))
    if spec.shape[axis] != length // 2 + 1:
        msg = (f"{length} real elements have {length // 2 + 1} frequencies, not "
               f"{spec.shape[axis]}, along axis {axis} of {spec}")  # fmt: skip
        raise ShapeError(msg)
    return _with_length(spec, axis, length, REAL_OF[spec.dtype.name])


# Kernels: NumPy's transforms, which write into `out` and allocate a plan and one line of the axis


def _fft_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    inverse, length = attrs.flag("inverse"), ins[0].shape[attrs.integer("axis")]
    return _calls(np.fft.ifft if inverse else np.fft.fft, outs[0], ins[0], length, attrs)


def _rfft_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return _calls(np.fft.rfft, outs[0], ins[0], ins[0].shape[attrs.integer("axis")], attrs)


def _irfft_kernel(outs: Arrays, ins: Arrays, scratch: Arrays, attrs: Attrs) -> list[Call]:
    return _calls(np.fft.irfft, outs[0], ins[0], attrs.integers("length")[0], attrs)


def _calls(
    transform: Callable[..., Array], out: Array, x: Array, length: int, attrs: Attrs
) -> list[Call]:
    """Return the calls of one of NumPy's transforms, and of the factor that it must have."""
    axis, norm = attrs.integer("axis"), attrs.text("norm")
    if x.dtype.name not in _SINGLE or norm != _WITHOUT_FACTOR[transform.__name__]:
        return [(transform, (x, length, axis, norm, out))]
    factor = np.asarray(length, np.float32)
    return [
        (transform, (x, length, axis, NORMS[norm], out)),
        *((np.multiply, (part, factor, part)) for part in _parts(out)),
    ]


def _parts(out: Array) -> list[Array]:
    """Return the real numbers that an array is made of, as one view where its layout allows it."""
    if out.dtype.kind == "f" or out.flags.c_contiguous:
        return [out.view(np.float32)]
    return [out.real, out.imag]


def _fft_reference(x: Array, attrs: Attrs) -> Array:
    transform = np.fft.ifft if attrs.flag("inverse") else np.fft.fft
    return transform(x, axis=attrs.integer("axis"), norm=_norm(attrs))


def _rfft_reference(x: Array, attrs: Attrs) -> Array:
    return np.fft.rfft(x, axis=attrs.integer("axis"), norm=_norm(attrs))


def _irfft_reference(x: Array, attrs: Attrs) -> Array:
    return np.fft.irfft(x, attrs.integers("length")[0], attrs.integer("axis"), _norm(attrs))


def _norm(attrs: Attrs) -> Any:  # noqa: ANN401 - one of three texts
    return attrs.text("norm")


def _length(ins: Specs, attrs: Attrs) -> int:
    """Return the number of elements along the axis, of the real side where there is one."""
    if "length" in attrs:
        return attrs.integers("length")[0]
    return ins[0].static_shape[attrs.integer("axis")]


def _workspace(specs: Specs, attrs: Attrs) -> Workspace:
    _check_line(specs[0], attrs)
    length = _length(specs, attrs)
    is_hard = _largest_prime(length) ** 2 > length
    return Workspace(internal=_OBJECTS + length * (_PRIME_PLAN if is_hard else _PLAN))


def _largest_prime(number: int) -> int:
    """Return the largest prime factor: its size decides how NumPy plans a transform."""
    divisor, rest, largest = 2, number, 1
    while divisor * divisor <= rest:
        while rest % divisor == 0:
            rest, largest = rest // divisor, divisor
        divisor += 1
    return max(rest, largest)


# Derivatives


def _again(application: Application, change: Tensor) -> Tensor:
    return apply(application.op, (change,), application.attrs)


def _reverse_fft(application: Application, change: Tensor) -> Tensor:
    attrs = application.attrs
    inverse, norm = not attrs.flag("inverse"), NORMS[attrs.text("norm")]
    return apply(FFT, (change,), attrs.replace(inverse=inverse, norm=norm))


def _reverse_rfft(application: Application, change: Tensor) -> Tensor:
    attrs, axis = application.attrs, application.attrs.integer("axis")
    length = application.inputs[0].shape[axis]
    halved = change * _weights(change, axis, length, 0.5)
    return apply(IRFFT, (halved,), _reversed(attrs).replace(length=(length,)))


def _reverse_irfft(application: Application, change: Tensor) -> Tensor:
    attrs, axis = application.attrs, application.attrs.integer("axis")
    length = change.shape[axis]
    found = apply(RFFT, (change,), Attrs(axis=axis, norm=_reversed(attrs).text("norm")))
    return found * _weights(found, axis, length, 2.0)


def _reversed(attrs: Attrs) -> Attrs:
    return attrs.replace(norm=NORMS[attrs.text("norm")])


def _weights(half: Tensor, axis: int, length: int | Dim, inner: float) -> Tensor:
    """Return 1 for the zero frequency and Nyquist's, `inner` for the others, along an axis."""
    builder, count = half.builder, half.shape[axis]
    index = builder.arange(count)
    is_edge = (index == 0) | (index * 2 == builder.size_of((length,), np.int64))
    weights = is_edge.astype(REAL_OF[half.dtype.name]) * (1 - inner) + inner
    return call_function("reshape", weights, (count, *[1] * (half.ndim - axis - 1)))


# The rest of the records


def _cost(share: float, ins: Specs, outs: Specs, attrs: Attrs) -> Cost:
    """Count 5 n log2 n operations for a line, half of it where one side is real."""
    length = _length(ins, attrs)
    lines = math.prod(outs[0].static_shape) // outs[0].static_shape[attrs.integer("axis")]
    flops = int(share * 5 * length * math.log2(length + 1))
    return Cost(flops * lines, traffic(ins, outs))


_LINES: list[tuple[tuple[int, ...], int, str]] = [
    ((1,), 0, "backward"), ((0, 3), 1, "backward"), ((2, 5, 3), 1, "forward"),
    ((3, 4), 0, "ortho"), ((2, 6), 1, "backward"),
]  # fmt: skip
"""Shapes of the real side, axes and normalisations."""


def _complex_draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    drawn = rng.uniform(-3, 3, shape) + 1j * rng.uniform(-3, 3, shape)
    return np.asarray(drawn).astype(dtype)


def _fft_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_complex_draw(rng, shape, dtype),),
                   Attrs(axis=axis, norm=norm, inverse=bool(i % 2)))
            for dtype in COMPLEX for i, (shape, axis, norm) in enumerate(_LINES)]  # fmt: skip


def _rfft_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.uniform(-3, 3, shape).astype(dtype),), Attrs(axis=axis, norm=norm))
            for dtype in COMPLEX_OF for shape, axis, norm in _LINES]  # fmt: skip


def _irfft_samples(rng: np.random.Generator) -> list[Sample]:
    made = []
    for dtype in COMPLEX:
        for shape, axis, norm in _LINES:
            half = (*shape[:axis], shape[axis] // 2 + 1, *shape[axis + 1 :])
            attrs = Attrs(axis=axis, norm=norm, length=(shape[axis],))
            made.append(Sample((_complex_draw(rng, half, dtype),), attrs))
    return made


def _transform(
    name: str, label: str, share: float, *, infer: Callable[[Specs, Attrs], Specs], kernel: Kernel,
    reference: Callable[..., Array], back: LinearMap,
    samples: Callable[[np.random.Generator], list[Sample]],
) -> Op:  # fmt: skip
    return register(Op(
        name=f"fft.{name}", label=label, infer=infer, kernel=kernel, reference=reference,
        vjp=maps_vjp((back,)), jvp=maps_jvp((_again,)), batch=batch_along_axis,
        tiling=tile_beside_axis, cost=partial(_cost, share), samples=samples, workspace=_workspace,
    ))  # fmt: skip


FFT = _transform("fft", "Fft", 1, infer=_fft_infer, kernel=_fft_kernel, reference=_fft_reference,
                 back=_reverse_fft, samples=_fft_samples)  # fmt: skip
RFFT = _transform("rfft", "Rfft", 0.5, infer=_rfft_infer, kernel=_rfft_kernel,
                  reference=_rfft_reference, back=_reverse_rfft,
                  samples=_rfft_samples)  # fmt: skip
IRFFT = _transform("irfft", "Irfft", 0.5, infer=_irfft_infer, kernel=_irfft_kernel,
                   reference=_irfft_reference, back=_reverse_irfft,
                   samples=_irfft_samples)  # fmt: skip
