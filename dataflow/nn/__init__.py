"""Neural networks: functions, and layers that declare their variables when they are called."""

from dataflow.namespace import public_names as _public_names
from dataflow.nn import initializers as initializers
from dataflow.nn.attention import *
from dataflow.nn.batch_norm import *
from dataflow.nn.calls import *
from dataflow.nn.cells import *
from dataflow.nn.convolution import *
from dataflow.nn.decoder import *
from dataflow.nn.dense import Dense as Dense
from dataflow.nn.dense import softmax_cross_entropy as softmax_cross_entropy
from dataflow.nn.dropping import *
from dataflow.nn.embeddings import *
from dataflow.nn.linear import *
from dataflow.nn.normalization import *
from dataflow.nn.piecewise import *
from dataflow.nn.pooling import *
from dataflow.nn.prelu import *
from dataflow.nn.recurrent import *
from dataflow.nn.sequential import *
from dataflow.nn.smooth import *
from dataflow.nn.starting import *
from dataflow.nn.transformer import *
from dataflow.nn.windows import *
from dataflow.ops.activations import *
from dataflow.ops.elementary import tanh as tanh
from dataflow.ops.nn import *
from dataflow.ops.onehot import *


def __dir__() -> list[str]:
    return ["initializers", *_public_names(globals())]
