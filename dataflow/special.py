"""Special functions: those of `df.special`."""

from dataflow.ops.special import *
