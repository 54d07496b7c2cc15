"""The operations, a family a file. Importing this package fills the registry."""

from dataflow.ops import leaves as leaves
from dataflow.ops.arithmetic import *
from dataflow.ops.casting import *
from dataflow.ops.copying import *
from dataflow.ops.reductions import *
from dataflow.ops.shaping import *
