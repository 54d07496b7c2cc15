"""Random draws by key: the functions of `df.random`."""

from dataflow.ops.random import *
