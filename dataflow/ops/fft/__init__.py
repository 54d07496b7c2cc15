"""Discrete Fourier transforms. Importing this package declares the ops ``fft.*``."""

from dataflow.ops.fft.frequencies import *
from dataflow.ops.fft.several_axes import *
from dataflow.ops.fft.transforms import *
