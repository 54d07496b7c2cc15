"""Special functions, most with the extra `scipy`. Importing it declares the ops ``special.*``."""

from dataflow.ops.special.bessel import *
from dataflow.ops.special.bessel_orders import *
from dataflow.ops.special.entropies import *
from dataflow.ops.special.exponentials import *
from dataflow.ops.special.gammas import *
from dataflow.ops.special.inverses import *
from dataflow.ops.special.normal import *
from dataflow.ops.special.shared import *
