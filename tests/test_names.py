"""Names and arguments of NumPy, SciPy and PyTorch that stand for a composition of operations."""

import numpy as np

import dataflow as df

RNG = np.random.default_rng(0)


def test_scipys_special_names_are_here() -> None:
    """df.special has the functions of the main namespace that SciPy keeps there."""
    for name in ("erf", "erfc", "expm1", "log1p"):
        assert getattr(df.special, name) is getattr(df, name)
    x = df.GraphBuilder().constant(np.array([-2.0, 0.0, 0.5, 3.0]))
    np.testing.assert_allclose(df.evaluate(df.special.exp10(x)), [0.01, 1, 10**0.5, 1000])
    whole = df.GraphBuilder().constant(np.array([-1, 2]))
    np.testing.assert_allclose(df.evaluate(df.special.exp10(whole)), [0.1, 100])


def test_triangular_solve_is_solve_triangular() -> None:
    """Both names are one function."""
    assert df.linalg.triangular_solve is df.linalg.solve_triangular
