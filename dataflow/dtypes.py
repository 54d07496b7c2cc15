"""The names of the Array API standard that stand for values: dtypes and constants."""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "bool", "complex64", "complex128", "e", "float16", "float32", "float64", "inf", "int8",
    "int16", "int32", "int64", "nan", "newaxis", "pi", "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip

bool = np.dtype("bool")
int8, int16, int32, int64 = map(np.dtype, ("int8", "int16", "int32", "int64"))
uint8, uint16, uint32, uint64 = map(np.dtype, ("uint8", "uint16", "uint32", "uint64"))
float16, float32, float64 = map(np.dtype, ("float16", "float32", "float64"))
complex64, complex128 = map(np.dtype, ("complex64", "complex128"))

e, inf, nan, pi = math.e, math.inf, math.nan, math.pi
newaxis = None
