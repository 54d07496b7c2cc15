"""Every public function has a row of cross-checks, or a reason why it can have none.

Neither PyTorch nor JAX is imported: the rows' names say which functions they are about. What they
compute is compared in `tests/test_peers.py`.
"""

import importlib
import re
from pathlib import Path

import pytest

from dataflow.dispatch import FUNCTIONS, load_all

EXCUSES = {
    "draws random numbers, whose distribution tests/test_random.py compares with SciPy's": (
        "random.ball random.bernoulli random.binomial random.bits random.categorical random.cauchy "
        "random.chisquare random.choice random.dirichlet random.double_sided_maxwell "
        "random.exponential random.f random.fold_in random.generalized_normal random.geometric "
        "random.gumbel random.key random.laplace random.logistic random.lognormal random.maxwell "
        "random.multinomial random.multivariate_normal random.negative_binomial random.normal "
        "random.orthogonal random.pareto random.permutation random.poisson random.rademacher "
        "random.randint random.rayleigh random.t random.triangular random.truncated_normal "
        "random.beta random.gamma random.loggamma random.split "
        "random.uniform random.wald random.weibull_min nn.dropout nn.dropout1d nn.dropout2d "
        "nn.dropout3d nn.alpha_dropout nn.feature_alpha_dropout nn.rrelu nn.gumbel_softmax"
    ),
    "has no tensor as its result, or only whether, how or where one is held": (
        "broadcast_shapes result_type can_cast finfo iinfo numel ndim shape size iscomplexobj "
        "isrealobj isdtype einsum_path"
    ),
    "makes an array of given numbers or of no certain ones": (
        "empty empty_like asarray from_dlpack"
    ),
    "gives whole numbers alone, which its own tests compare with NumPy's": (
        "tril_indices triu_indices tril_indices_from triu_indices_from diag_indices "
        "diag_indices_from ix_"
    ),
    "is a part of unique's results, nonzero's or histogram's, which have rows": (
        "unique_all unique_values unique_counts unique_inverse unique_consecutive nonzero_static "
        "histogram_bin_edges histogram2d histogramdd"
    ),
    "is refused, because the size of its result depends on data": (
        "masked_select trim_zeros union1d setdiff1d intersect1d setxor1d"
    ),
    "is written with the functions of other rows": (
        "backward moments setitem segment_mean linear_recurrence"
    ),
    "is in neither; its own tests compare it with SciPy's": (
        "simpson linalg.solve_banded linalg.solveh_banded linalg.pinvh "
        "linalg.solve_continuous_lyapunov linalg.solve_discrete_lyapunov "
        "linalg.orthogonal_procrustes linalg.circulant linalg.hankel linalg.khatri_rao "
        "linalg.solve_continuous_are linalg.solve_discrete_are linalg.logm "
        "linalg.fractional_matrix_power linalg.subspace_angles linalg.orth linalg.null_space "
        "linalg.issymmetric linalg.ishermitian linalg.solve_toeplitz linalg.matmul_toeplitz "
        "linalg.solve_circulant linalg.cosm linalg.sinm linalg.tanm linalg.coshm linalg.sinhm "
        "linalg.tanhm special.jv special.yv special.iv special.ive special.kv special.kve "
        "special.exprel special.inv_boxcox special.inv_boxcox1p special.erfi special.chdtr "
        "special.chdtrc special.gdtr special.gdtrc special.pdtr special.pdtrc special.fdtr "
        "special.fdtrc special.shichi special.rgamma special.binom special.perm "
        "special.gammaincinv special.gammainccinv special.betaincinv special.erfcinv special.kn "
        "special.huber special.pseudo_huber special.exp10 special.stdtr"
    ),
    "is in neither; its own tests compare it with its definition": (
        "nn.sigmoid_focal_loss nn.sinusoidal_encoding nn.rotary_embedding"
    ),
}
"""For each reason, the functions that have no row because of it, each by its first name."""

EXCUSED = sorted(name for names in EXCUSES.values() for name in names.split())


def rows_names() -> set[str]:
    """Return what the rows are about: names, with a namespace before them or not."""
    families = [p.stem for p in (Path(__file__).parent / "peers").glob("*.py")]
    rows = [row for family in families if family != "table"
            for row in importlib.import_module(f"tests.peers.{family}").ROWS]  # fmt: skip
    return {re.split("[- ]", row.name)[0] for row in rows}


def names_of_each() -> list[list[str]]:
    """Return each public function's names: one function may have several."""
    load_all()
    found: dict[int, list[str]] = {}
    for name, function in FUNCTIONS.items():
        found.setdefault(id(function), []).append(name)
    return list(found.values())


def has_row(names: list[str], rows: set[str]) -> bool:
    """Return whether a row is about a function, by any of its names.

    A row may leave the namespace out, but for draws: `random.t` isn't the transpose `t`.
    """
    return any(name in rows or (not name.startswith("random.") and name.rpartition(".")[2] in rows)
               for name in names)  # fmt: skip


def test_every_function_has_a_row_or_an_excuse() -> None:
    """Each public function is compared with PyTorch's or JAX's, or `EXCUSES` has it."""
    rows = rows_names()
    missing = [names[0] for names in names_of_each()
               if not has_row(names, rows) and not set(names) & set(EXCUSED)]  # fmt: skip
    assert not missing, f"add rows to tests/peers, or to EXCUSES with a reason: {missing}"


def test_no_excuse_is_needless() -> None:
    """What is excused exists, once, and has no row."""
    rows = rows_names()
    unneeded = [names for names in names_of_each()
                if set(names) & set(EXCUSED) and has_row(names, rows)]  # fmt: skip
    assert not unneeded
    assert len(set(EXCUSED)) == len(EXCUSED)


@pytest.mark.parametrize("name", EXCUSED)
def test_excused_function_exists(name: str) -> None:
    """An excuse is for a function that there is."""
    load_all()
    assert name in FUNCTIONS
