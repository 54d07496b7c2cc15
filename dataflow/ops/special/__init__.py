"""Special functions, most with the extra `scipy`. Importing it declares the ops ``special.*``."""

from dataflow.ops.special.bessel import *
from dataflow.ops.special.bessel_orders import *
from dataflow.ops.special.betas import *
from dataflow.ops.special.curves import *
from dataflow.ops.special.distributions import *
from dataflow.ops.special.entropies import *
from dataflow.ops.special.exponential_integrals import *
from dataflow.ops.special.exponentials import *
from dataflow.ops.special.factorials import *
from dataflow.ops.special.gammas import *
from dataflow.ops.special.hypergeometric import *
from dataflow.ops.special.incomplete import *
from dataflow.ops.special.incomplete_inverses import *
from dataflow.ops.special.inverses import *
from dataflow.ops.special.macdonald import *
from dataflow.ops.special.normal import *
from dataflow.ops.special.power_transforms import *
from dataflow.ops.special.robust import *
from dataflow.ops.special.shared import *
from dataflow.ops.special.student import *
