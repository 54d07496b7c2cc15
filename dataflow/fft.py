"""Discrete Fourier transforms: the functions of `df.fft`."""

from dataflow.namespace import public_names as _public_names
from dataflow.ops.fft import *


def __dir__() -> list[str]:
    return _public_names(globals())
