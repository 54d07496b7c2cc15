"""The operations, a family a file; the packages below it hold the namespaces beside the main one.

Importing this package declares nothing. `dataflow.registry` imports the one file that declares an
op, so that a replay loads what its plan uses, and `dataflow.dispatch` all of them where a graph is
built. What the main namespace offers stands here for type checkers.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow.ops.activations import *
    from dataflow.ops.along import *
    from dataflow.ops.arithmetic import *
    from dataflow.ops.arranging import *
    from dataflow.ops.averages import *
    from dataflow.ops.axes import *
    from dataflow.ops.bins import *
    from dataflow.ops.bitwise import *
    from dataflow.ops.casting import *
    from dataflow.ops.closeness import *
    from dataflow.ops.comparison import *
    from dataflow.ops.complex_numbers import *
    from dataflow.ops.contractions import *
    from dataflow.ops.convolving import *
    from dataflow.ops.copying import *
    from dataflow.ops.counting import *
    from dataflow.ops.creation import *
    from dataflow.ops.crossentropy import *
    from dataflow.ops.crossing import *
    from dataflow.ops.cumulative import *
    from dataflow.ops.diagonals import *
    from dataflow.ops.differences import *
    from dataflow.ops.draws import *
    from dataflow.ops.einsum import *
    from dataflow.ops.elementary import *
    from dataflow.ops.error_complement import *
    from dataflow.ops.error_function import *
    from dataflow.ops.extremes import *
    from dataflow.ops.factored import *
    from dataflow.ops.finiteness import *
    from dataflow.ops.floating import *
    from dataflow.ops.gathering import *
    from dataflow.ops.grids import *
    from dataflow.ops.histograms import *
    from dataflow.ops.hyperbolic import *
    from dataflow.ops.indexing import *
    from dataflow.ops.inserting import *
    from dataflow.ops.integers import *
    from dataflow.ops.integrals import *
    from dataflow.ops.interpolation import *
    from dataflow.ops.joining import *
    from dataflow.ops.logarithms import *
    from dataflow.ops.logsumexp import *
    from dataflow.ops.matmul import *
    from dataflow.ops.membership import *
    from dataflow.ops.nans import *
    from dataflow.ops.neural import *
    from dataflow.ops.normalizing import *
    from dataflow.ops.onehot import *
    from dataflow.ops.padding import *
    from dataflow.ops.parabolas import *
    from dataflow.ops.partitioning import *
    from dataflow.ops.polynomials import *
    from dataflow.ops.powers import *
    from dataflow.ops.products import *
    from dataflow.ops.promotion import *
    from dataflow.ops.ranges import *
    from dataflow.ops.ranked_products import *
    from dataflow.ops.ranks import *
    from dataflow.ops.raveling import *
    from dataflow.ops.recurrences import *
    from dataflow.ops.reductions import *
    from dataflow.ops.repeating import *
    from dataflow.ops.rounding import *
    from dataflow.ops.running import *
    from dataflow.ops.scattering import *
    from dataflow.ops.searching import *
    from dataflow.ops.segments import *
    from dataflow.ops.selection import *
    from dataflow.ops.shaping import *
    from dataflow.ops.sinc import *
    from dataflow.ops.sized import *
    from dataflow.ops.slopes import *
    from dataflow.ops.sorting import *
    from dataflow.ops.spacing import *
    from dataflow.ops.splitting import *
    from dataflow.ops.stacking import *
    from dataflow.ops.statistics import *
    from dataflow.ops.stopping import *
    from dataflow.ops.tables import *
    from dataflow.ops.triangles import *
    from dataflow.ops.trigonometry import *
    from dataflow.ops.truth import *
    from dataflow.ops.unbounded import *
    from dataflow.ops.unwrapping import *
    from dataflow.ops.updates import *
    from dataflow.ops.variance import *
    from dataflow.ops.vector_products import *
