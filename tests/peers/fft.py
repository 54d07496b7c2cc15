"""Cross-checks of discrete Fourier transforms."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import dataflow as df
from tests.peers.table import Row

RNG = np.random.default_rng(1)
REAL = RNG.uniform(-2, 2, (3, 6, 5))
COMPLEX = REAL + 1j * RNG.uniform(-2, 2, (3, 6, 5))
LENGTHS = (None, 4, 5, 9)
NORMS = ("backward", "ortho", "forward")


def one_axis(name: str, x: np.ndarray) -> Iterator[Row]:
    """Yield rows of a function of one axis: each length with a norm, cut, padded, odd and even."""
    for n in LENGTHS:
        options: dict[str, Any] = {"n": n, "norm": NORMS[0 if n is None else n % 3]}
        axis = 1 if n in (4, 5) else -1
        yield Row(
            name, (x,),
            lambda t, o=options, a=axis: getattr(df.fft, name)(t, axis=a, **o),
            lambda m, t, o=options, a=axis: getattr(m.fft, name)(t, dim=a, **o),
            lambda m, t, o=options, a=axis: getattr(m.numpy.fft, name)(t, axis=a, **o),
        )  # fmt: skip


def several_axes(name: str, x: np.ndarray) -> Iterator[Row]:
    """Yield rows of a function of several axes."""
    for s, axes, norm in ((None, None, "backward"), ((4, 7), (0, 2), "ortho"),
                          (None, (2, 1), "forward"), ((3, 8), (-1, 0), "backward")):  # fmt: skip
        yield Row(
            name, (x,),
            lambda t, s=s, a=axes, o=norm: getattr(df.fft, name)(t, s=s, axes=a, norm=o),
            lambda m, t, s=s, a=axes, o=norm: getattr(m.fft, name)(t, s=s, dim=a, norm=o),
            lambda m, t, s=s, a=axes, o=norm: getattr(m.numpy.fft, name)(
                t, s=s, axes=a, norm=o),
        )  # fmt: skip


INPUTS = {"fft": COMPLEX, "ifft": COMPLEX, "rfft": REAL, "irfft": COMPLEX, "hfft": COMPLEX,
          "ihfft": REAL}  # fmt: skip
INPUTS_OF_SEVERAL = {"fftn": COMPLEX, "ifftn": COMPLEX, "rfftn": REAL, "irfftn": COMPLEX}

ROWS = [
    *(row for name, x in INPUTS.items() for row in one_axis(name, x)),
    *(row for name, x in INPUTS_OF_SEVERAL.items() for row in several_axes(name, x)),
    Row("fft", (REAL,), df.fft.fft, lambda t, x: t.fft.fft(x), lambda j, x: j.numpy.fft.fft(x)),
    Row("fft2", (COMPLEX,), df.fft.fft2, lambda t, x: t.fft.fft2(x),
        lambda j, x: j.numpy.fft.fft2(x)),
    *(Row(name, (x,), getattr(df.fft, name), lambda t, x, n=name: getattr(t.fft, n)(x),
          lambda j, x, n=name: getattr(j.numpy.fft, n)(x))
      for name, x in (("ifft2", COMPLEX), ("rfft2", REAL), ("fftshift", REAL),
                      ("ifftshift", COMPLEX))),
    *(Row(name, (REAL[0, 0, :length],),
          lambda x, n=name, k=count: x * getattr(df.fft, n)(
              k, 0.5, dtype="float64", device=x.builder),
          lambda t, x, n=name, k=count: x * getattr(t.fft, n)(k, 0.5, dtype=x.dtype),
          lambda j, x, n=name, k=count: x * getattr(j.numpy.fft, n)(k, 0.5))
      for name, count, length in (("fftfreq", 5, 5), ("rfftfreq", 7, 4))),
    Row("irfft2", (COMPLEX,), df.fft.irfft2, lambda t, x: t.fft.irfft2(x),
        lambda j, x: j.numpy.fft.irfft2(x)),
]  # fmt: skip
