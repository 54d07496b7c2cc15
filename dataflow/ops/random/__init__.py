"""Random draws by key and counter. Importing this package declares the ops ``random.*``."""

from dataflow.ops.random.choices import *
from dataflow.ops.random.compounds import *
from dataflow.ops.random.continuous import *
from dataflow.ops.random.counts import *
from dataflow.ops.random.directions import *
from dataflow.ops.random.gammas import *
from dataflow.ops.random.integers import rademacher as rademacher
from dataflow.ops.random.integers import randint as randint
from dataflow.ops.random.keys import bits as bits
from dataflow.ops.random.keys import fold_in as fold_in
from dataflow.ops.random.keys import key as key
from dataflow.ops.random.keys import split as split
from dataflow.ops.random.orders import *
from dataflow.ops.random.several import *
from dataflow.ops.random.transformed import *
from dataflow.ops.random.truncation import *
from dataflow.ops.random.uniforms import *
