"""Neural operations beyond the core. Importing this package declares the ops ``nn.*``."""

from dataflow.ops.nn.adaptive_pooling import *
from dataflow.ops.nn.attention import *
from dataflow.ops.nn.avg_pooling import *
from dataflow.ops.nn.binary import *
from dataflow.ops.nn.classification import *
from dataflow.ops.nn.convolution import *
from dataflow.ops.nn.ctc import *
from dataflow.ops.nn.dropping import *
from dataflow.ops.nn.embedding import *
from dataflow.ops.nn.folding import *
from dataflow.ops.nn.gates import *
from dataflow.ops.nn.global_pooling import *
from dataflow.ops.nn.grids import *
from dataflow.ops.nn.leaking import *
from dataflow.ops.nn.losses import *
from dataflow.ops.nn.lp_pooling import *
from dataflow.ops.nn.max_pooling import *
from dataflow.ops.nn.norms import *
from dataflow.ops.nn.padding import *
from dataflow.ops.nn.ranking import *
from dataflow.ops.nn.rectifiers import *
from dataflow.ops.nn.resizing import *
from dataflow.ops.nn.response_norm import *
from dataflow.ops.nn.shuffling import *
from dataflow.ops.nn.softplus import *
from dataflow.ops.nn.unpooling import *
