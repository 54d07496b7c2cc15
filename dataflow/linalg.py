"""Linear algebra: the functions of `df.linalg`."""

from dataflow.ops.linalg import *
