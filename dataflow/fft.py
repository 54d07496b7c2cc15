"""Discrete Fourier transforms: the functions of `df.fft`."""

from dataflow.ops.fft import *
