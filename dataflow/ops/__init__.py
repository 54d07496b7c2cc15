"""The operations, a family a file. Importing this package fills the registry."""

from dataflow.ops import leaves as leaves
from dataflow.ops.activations import *
from dataflow.ops.arithmetic import *
from dataflow.ops.axes import *
from dataflow.ops.bitwise import *
from dataflow.ops.casting import *
from dataflow.ops.comparison import *
from dataflow.ops.copying import *
from dataflow.ops.creation import *
from dataflow.ops.crossentropy import *
from dataflow.ops.elementary import *
from dataflow.ops.error_function import *
from dataflow.ops.gathering import *
from dataflow.ops.indexing import *
from dataflow.ops.joining import *
from dataflow.ops.linalg import *
from dataflow.ops.neural import *
from dataflow.ops.normalizing import *
from dataflow.ops.onehot import *
from dataflow.ops.powers import *
from dataflow.ops.random import *
from dataflow.ops.reductions import *
from dataflow.ops.searching import *
from dataflow.ops.selection import *
from dataflow.ops.shaping import *
from dataflow.ops.stopping import *
