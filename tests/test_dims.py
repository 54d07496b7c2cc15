"""Dimensions: their canonical form means what Python's arithmetic means, and hostile text fails."""

from collections.abc import Callable
from operator import add, floordiv, mul, sub

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.dim_texts import as_dim
from dataflow.dims import Dim, bind_dim, dim_max, exact_quotient, product
from dataflow.errors import ShapeError
from dataflow.spec import broadcast_shapes

NAMES = ("batch", "n", "m")
SIZES = st.fixed_dictionaries({name: st.integers(0, 7) for name in NAMES})
OPERATORS: dict[str, Callable[[int, int], int]] = {
    "({} + {})": add,
    "({} - {})": sub,
    "({} * {})": mul,
    "({} // {})": floordiv,
    "max({}, {})": max,
}

Expression = tuple[str, Callable[[dict[str, int]], int]]


def combined(template: str, left: Expression, right: Expression) -> Expression:
    """Join two expressions into one: its text, and its value given the sizes."""
    operator = OPERATORS[template]
    return (
        template.format(left[0], right[0]),
        lambda sizes: operator(left[1](sizes), right[1](sizes)),
    )


leaves = st.one_of(
    st.sampled_from(NAMES).map(lambda name: (name, lambda sizes: sizes[name])),
    st.integers(0, 5).map(lambda size: (str(size), lambda _: size)),
)
EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    leaves,
    lambda inner: st.builds(combined, st.sampled_from(sorted(OPERATORS)), inner, inner),
    max_leaves=6,
)


def parsed(text: str) -> int | Dim | None:
    """Return the dimension that a text stands for, None where a constant is negative or over 0."""
    try:
        return as_dim(text)
    except ShapeError:
        return None


@given(EXPRESSIONS, SIZES)
def test_bound_expression_is_pythons_own_value(
    expression: Expression, sizes: dict[str, int]
) -> None:
    """Parsing to canonical form and binding gives what Python calculates from the text."""
    text, value = expression
    dim = parsed(text)
    if dim is None:
        return
    try:
        expected = value(sizes)
    except ZeroDivisionError:
        return  # 0*(n//0) is 0 for us
    assert bind_dim(dim, sizes) == expected


@given(EXPRESSIONS)
def test_text_is_read_back(expression: Expression) -> None:
    """The text of a dimension stands for that same dimension."""
    dim = parsed(expression[0])
    if isinstance(dim, Dim):
        assert as_dim(str(dim)) == dim
        assert str(as_dim(str(dim))) == str(dim)


@given(EXPRESSIONS, EXPRESSIONS)
def test_order_of_operands_makes_no_difference(a: Expression, b: Expression) -> None:
    """Sums, products and maxima are equal, hash alike and read alike in either order."""
    left, right = parsed(a[0]), parsed(b[0])
    if left is None or right is None:
        return
    for one, other in (
        (left + right, right + left),
        (left * right, right * left),
        (dim_max(left, right), dim_max(right, left)),
    ):
        assert (one, hash(one), str(one)) == (other, hash(other), str(other))


@given(EXPRESSIONS, EXPRESSIONS, SIZES)
def test_exact_quotient_is_exact(a: Expression, b: Expression, sizes: dict[str, int]) -> None:
    """A quotient that is said to be exact, times the divisor, is the dividend at every size."""
    left, right = parsed(a[0]), parsed(b[0])
    if left is None or right is None:
        return
    quotient = exact_quotient(left, right)
    if quotient is not None:
        try:
            values = [bind_dim(dim, sizes) for dim in (quotient, right, left)]
        except ShapeError:
            return  # a division by 0
        assert product(values[:2]) == values[2] or values[1] == 0


@given(EXPRESSIONS, SIZES, SIZES)
def test_binding_may_be_done_in_parts(
    expression: Expression, sizes: dict[str, int], order: dict[str, int]
) -> None:
    """Binding one name after another gives what binding all at once gives."""
    dim = parsed(expression[0])
    try:
        expected = bind_dim(0 if dim is None else dim, sizes)
        for name in sorted(NAMES, key=order.__getitem__):
            dim = bind_dim(0 if dim is None else dim, {name: sizes[name]})
    except ShapeError:
        return  # a division by 0
    assert (0 if dim is None else dim) == expected


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1 + batch*2", "2*batch + 1"),
        ("(batch + 1)*(batch - 1)", "batch*batch - 1"),
        ("(batch + 1)//2", "(batch + 1)//2"),
        ("2*batch//2", "batch"),
        ("max(n, batch, n)", "max(batch, n)"),
        ("n*batch", "batch*n"),
        ("n - 2*batch", "-2*batch + n"),
        ("n*n + (0 - 1)//batch", "n*n + (-1)//batch"),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    """Like terms are joined, factors sorted, and exact divisions carried out."""
    assert str(as_dim(text)) == canonical


def test_names_that_cancel_leave_an_int() -> None:
    """An expression without names is a plain int."""
    batch = as_dim("batch")
    assert (batch - batch, type(batch - batch)) == (0, int)
    assert as_dim("batch*0 + 3") == 3
    assert (3 * batch) // batch == 3


def test_names_are_those_that_are_left() -> None:
    """A dimension knows the names that it depends on, within // and max too."""
    dim = as_dim("max(batch, n//2) + m - m")
    assert isinstance(dim, Dim)
    assert dim.names() == {"batch", "n"}


def test_division_by_zero_is_refused() -> None:
    """Dividing by 0, at once or when a size is bound, is a ShapeError that says what divides."""
    with pytest.raises(ShapeError, match="divided by 0"):
        as_dim("batch") // 0
    with pytest.raises(ShapeError, match=r"8//batch divides by 0"):
        bind_dim(as_dim("8//batch"), {"batch": 0})


def test_a_name_has_no_truth_value() -> None:
    """A dimension that isn't bound is neither zero nor not: asking is an error that says so."""
    with pytest.raises(ShapeError, match="not known before compile"):
        bool(as_dim("batch"))


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "batch +", "1.5", "'batch'", "batch ** 2", "batch / 2", "batch % 2", "-3", "~n",
        "abs(n)", "max()", "max(n, key=n)", "__import__('os')", "n.real", "n[0]", "n if n else m",
        "lambda: 1", "[1]", "(1, 2)", "n; m", "n\nm", "True", "lambda", "f(n)", "max(*n)",
        "n @ m", "n < m", "1 // 0", "n := 3", "ñ.x", "0x", "\0",
    ],
)  # fmt: skip
def test_foreign_text_is_refused(text: str) -> None:
    """Whatever isn't names, ints, +, -, *, // and max is a ShapeError, and is never run."""
    with pytest.raises(ShapeError):
        as_dim(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 400 + "n" + ")" * 400,
        "-" * 900 + "n",
        "+".join(["n"] * 100_000),
        "n" * 100_000,
        "9" * 100_000,
        "*".join(["(n + m + a + b + c + d)"] * 40),
        "*".join(["(n + 1)"] * 120),
        "max(" * 200 + "n" + ", 1)" * 200,
        "(n + 1)//(" * 90 + "n" + ")" * 90,
        "*".join(["9999999"] * 120) + "*n",
    ],
    ids=[
        "nested", "minuses", "long sum", "long name", "long int", "many terms", "high power",
        "nested max", "nested division", "huge factor",
    ],
)  # fmt: skip
def test_hostile_text_ends_quickly(text: str) -> None:
    """Deep, long or explosive text gives a dimension of bounded size or a ShapeError."""
    try:
        dim = as_dim(text)
    except ShapeError:
        return
    assert isinstance(dim, Dim)
    assert len(str(dim)) <= 10_000
    assert as_dim(dim) is dim


@pytest.mark.parametrize("value", [-1, True, 1.0, None, [1]])
def test_what_is_no_size_is_refused(value: object) -> None:
    """A dimension is an int of 0 or more, a name or an expression."""
    with pytest.raises(ShapeError):
        as_dim(value)  # type: ignore[arg-type]  # what is tested


@given(st.lists(st.lists(st.sampled_from(["batch", "n", 1, 2, 3]), max_size=3), min_size=1,
                max_size=3), st.integers(2, 5), st.integers(2, 5))  # fmt: skip
def test_broadcasting_of_names_holds_once_bound(
    texts: list[list[str | int]], batch: int, n: int
) -> None:
    """What broadcasts with names broadcasts with any sizes, to the bound shape, 0 and 1 too."""
    shapes = [tuple(as_dim(text) for text in shape) for shape in texts]
    try:
        named = broadcast_shapes(shapes)
    except ShapeError:
        return
    for sizes in ({"batch": batch, "n": n}, {"batch": 0, "n": 1}, {"batch": 1, "n": 0}):
        bound = [tuple(bind_dim(dim, sizes) for dim in shape) for shape in shapes]
        assert broadcast_shapes(bound) == tuple(bind_dim(dim, sizes) for dim in named)


@pytest.mark.parametrize(
    ("a", "b"), [("batch", "n"), ("batch", 3), ("batch", "batch + 1"), (2, 3), ("batch", 0)]
)
def test_different_dimensions_do_not_broadcast(a: str | int, b: str | int) -> None:
    """Two dimensions broadcast only if they are the same expression or one is the literal 1."""
    with pytest.raises(ShapeError, match="don't broadcast"):
        broadcast_shapes([(as_dim(a),), (as_dim(b),)])
