"""Files: what is saved comes back, any tool reads it, a bad file is refused and harms nobody."""

import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dataflow as df
from dataflow.attrs import Attrs
from dataflow.dim_texts import as_dim
from dataflow.dims import dim_max
from dataflow.errors import FileAccessError, FileFormatError
from dataflow.spec import DTYPES
from scheduler.plan import Buffer, Operand, Plan, PlanInput, PlanOutput, Slice, Step, TileGroup
from scheduler.state import State
from serialization import files
from serialization.arrays import arrow_array, python_values
from serialization.attributes import ATTRS, attrs_from_values, attrs_values, dim_of, text_of
from serialization.digests import columns_digest
from serialization.graphs import GRAPH, graph_rows
from serialization.layout import Layout, Row
from serialization.plans import PLAN, plan_rows
from serialization.states import STATE, state_rows
from serialization.writing import write

KINDS = ("graph", "plan", "state")
CORRUPTED = 150  # positions tried in each kind of file; the seed is fixed


def make_graph() -> df.Graph:
    """Build a graph with named dimensions, a variable with an update, and constants."""
    b = df.GraphBuilder("line")
    x = b.input("x", shape=("batch", 3), dtype="float32")
    w = b.variable("w", np.array([1.5, -2.0, 0.25], np.float32))
    y = 2 * x * w + b.constant(np.arange(3, dtype=np.float32), name="c")
    b.update(w, w * 0.5)
    return b.build(outputs={"y": y, "z": y * x})


def make_plan() -> Plan:
    """Write a plan by hand: one tile group of two slices, its intermediate one slice long."""
    dtype = np.dtype("float32")
    x, out = (Operand(i, 0, (4, 3), (12, 4), dtype, 0, advances=True) for i in (0, 2))
    h = Operand(1, 0, (2, 3), (12, 4), dtype, 0, advances=False)
    steps = tuple(
        Step(f"n{i}", "add", 1, Attrs(), ins, outs, group=0, source="model.py:7")
        for i, (ins, outs) in enumerate([((x, x), (h,)), ((h, h), (out,))])
    )
    return Plan(
        name="by hand", graph_digest="", sizes={"batch": 4}, options={"tile": "2"}, steps=steps,
        groups=(TileGroup(0, 2, (Slice(0, 2), Slice(2, 4))),),
        buffers=(
            Buffer("input", "x", 48, -1, 0, 2), Buffer("temporary", "n0", 24, 0, 0, 2),
            Buffer("temporary", "n1", 48, 64, 0, 2),
        ),
        inputs=(PlanInput("x", 0, x.spec, ("batch", "3")),),
        outputs=(PlanOutput("y", Operand(2, 0, (4, 3), (12, 4), dtype), ("batch", "3")),),
        variables=(), constants={}, peak=128, lower_bound=128,
    )  # fmt: skip


def make_state() -> State:
    """Make a state of every dtype and of awkward shapes."""
    rng = np.random.default_rng(0)
    values = {f"of_{name}": rng.integers(0, 2, (2, 3)).astype(name) for name in DTYPES}
    fortran = np.asfortranarray(rng.normal(size=(5, 7)))
    return State({**values, "none": np.zeros((0, 3)), "one": np.float32(7), "turned": fortran})


def make(kind: str) -> Any:  # noqa: ANN401 - one of three kinds
    """Make something to save."""
    if kind == "plan":
        return df.compile(make_graph(), dims={"batch": 5})
    return make_graph() if kind == "graph" else make_state()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a file in a folder of its own."""
    return tmp_path / "file.arrow"


@pytest.fixture(params=KINDS)
def saved(request: pytest.FixtureRequest, path: Path) -> Path:
    """Save one of each kind."""
    df.save(make(request.param), path)
    return path


def saved_again(path: Path) -> bytes:
    """Load a file, save what it holds, and return the new bytes."""
    again = path.with_name("again.arrow")
    df.save(df.load(path), again)
    return again.read_bytes()


# What is saved comes back


def test_graph_comes_back_node_by_node(path: Path) -> None:
    """A loaded graph has the same nodes, ends and constants, in the same order."""
    graph = make_graph()
    df.save(graph, path)
    loaded = df.load(path)
    assert isinstance(loaded, df.Graph)
    assert list(loaded.nodes()) == list(graph.nodes())
    assert loaded.name == graph.name
    assert loaded.inputs == graph.inputs
    assert list(loaded.outputs.items()) == list(graph.outputs.items())
    assert list(loaded.variables.items()) == list(graph.variables.items())
    assert list(loaded.constants) == list(graph.constants)
    for name, array in graph.constants.items():
        np.testing.assert_array_equal(loaded.constants[name], array, strict=True)


@pytest.mark.parametrize("plan", [make("plan"), make_plan()], ids=["compiled", "tiled"])
def test_plan_comes_back_field_by_field(plan: Plan, path: Path) -> None:
    """A loaded plan equals the saved one in every field, the plan inside it too."""
    df.save(plan, path)
    loaded = df.load(path)
    assert isinstance(loaded, Plan)
    pairs = [(plan, loaded)]
    if plan.initial is not None:
        assert loaded.initial is not None
        pairs.append((plan.initial, loaded.initial))
    for before, after in pairs:
        for field in set(Plan.__dataclass_fields__) - {"constants", "initial"}:
            assert getattr(after, field) == getattr(before, field), field
        assert list(after.constants) == list(before.constants)
        for buffer, array in before.constants.items():
            np.testing.assert_array_equal(after.constants[buffer], array, strict=True)


@pytest.mark.parametrize("mmap", [True, False])
def test_state_comes_back_bit_by_bit(path: Path, *, mmap: bool) -> None:
    """A loaded state has the same arrays, read-only and 64-byte aligned, mapped or read."""
    state = make_state()
    df.save(state, path)
    loaded = df.load(path, mmap=mmap)
    assert isinstance(loaded, State)
    assert list(loaded) == list(state)
    for name, array in loaded.items():
        np.testing.assert_array_equal(array, state[name], strict=True)
        assert not array.flags.writeable
        assert array.size == 0 or array.ctypes.data % 64 == 0


def test_saving_again_gives_the_same_bytes(saved: Path) -> None:
    """Loading and saving changes no byte."""
    assert saved_again(saved) == saved.read_bytes()


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(),
    st.sampled_from([as_dim("batch"), as_dim("2*n + 1") // 3]),
)  # fmt: skip


@given(st.dictionaries(st.text(), SCALARS | st.lists(SCALARS).map(tuple), max_size=5))
def test_attributes_come_back_exactly(values: dict[str, Any]) -> None:
    """Every kind of attribute comes back: -0.0, NaN, mixed tuples and the empty one among them."""
    attrs = Attrs(values)
    array = arrow_array([attrs_values(attrs, "node")], ATTRS)
    array.validate(full=True)
    assert attrs_from_values(python_values(array)[0]).key() == attrs.key()


@st.composite
def dims(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:  # noqa: ANN401 - int or Dim
    """Draw an expression of two names."""
    dim = draw(st.sampled_from([as_dim("a"), as_dim("b")]))
    for _ in range(draw(st.integers(0, 4))):
        other = draw(st.sampled_from([as_dim("a"), as_dim("b"), 2, 3, 7]))
        if isinstance(dim, int):
            break
        calculate = (dim.__add__, dim.__mul__, dim.__floordiv__, lambda o, d=dim: dim_max(d, o))
        dim = draw(st.sampled_from([*calculate, lambda o, d=dim: d - o]))(other)
    return dim


@given(dims())
def test_dimensions_come_back_from_their_text(dim: Any) -> None:  # noqa: ANN401 - int or Dim
    """The text of an expression of dimensions means the same expression."""
    assert dim_of(text_of(dim)) == dim


VALUES = st.lists(st.none() | st.lists(st.tuples(st.text(), st.integers(-5, 5), st.booleans())))
NESTED = pa.list_(pa.struct([("text", pa.string()), ("int", pa.int64()), ("flag", pa.bool_())]))


@given(VALUES)
def test_our_arrays_are_arrows(values: Any) -> None:  # noqa: ANN401 - nested lists
    """Our conversion to and from Arrow arrays agrees with Arrow's own."""
    ours = arrow_array(values, NESTED)
    ours.validate(full=True)
    names = ("text", "int", "flag")
    dicts = [v and [dict(zip(names, t, strict=True)) for t in v] for v in values]
    assert ours.to_pylist() == dicts
    assert python_values(pa.array(dicts, NESTED)) == [v if v is None else tuple(v) for v in values]


@given(VALUES, VALUES)
def test_digest_covers_content_not_layout(before: list[Any], values: list[Any]) -> None:
    """A slice has the digest of a fresh array of the same values, and no other values have it."""
    fresh = arrow_array(values, NESTED)
    sliced = arrow_array(before + values, NESTED).slice(len(before))
    assert columns_digest([sliced]) == columns_digest([fresh])
    assert (columns_digest([arrow_array(before, NESTED)]) == columns_digest([fresh])) == (
        before == values
    )


# Any tool reads it


def read_all(path: Path) -> pa.Table:
    """Read a file with pyarrow alone."""
    with pa.OSFile(os.fspath(path), "rb") as file:
        return pa.ipc.open_file(file).read_all()


def test_pyarrow_and_duckdb_read_each_kind(saved: Path) -> None:
    """DuckDB queries the table, and no column needs quotes."""
    table = read_all(saved)
    rows = table.column("section").to_pylist()
    relation = duckdb.from_arrow(table)
    found = relation.aggregate("section, count(*)").fetchall()
    assert dict(found) == {section: rows.count(section) for section in set(rows)}
    assert relation.project(", ".join(table.schema.names)).columns == table.schema.names


def test_pandas_and_polars_read_each_kind(saved: Path) -> None:
    """Pandas and polars open the file as it is, with the same columns and sections."""
    table = read_all(saved)
    sections = table.column("section").to_pylist()
    for frame in (pd.read_feather(saved), pl.read_ipc(saved)):
        assert list(frame.columns) == table.schema.names
        assert list(frame["section"]) == sections


def test_a_plan_can_be_asked_for_its_operations(path: Path) -> None:
    """The README's query works: how often each operation is called."""
    plan = make("plan")
    df.save(plan, path)
    relation = duckdb.from_arrow(read_all(path)).filter("section = 'step'")
    found = dict(relation.aggregate("op, count(*)").fetchall())
    ops = [step.op for step in (*plan.steps, *plan.initial.steps)]
    assert found == {op: ops.count(op) for op in ops}


# Memory


def test_tensors_are_aligned_in_the_file(path: Path) -> None:
    """Every tensor begins at a multiple of 64 bytes in the file."""
    arrays = {f"v{i}": np.random.default_rng(i).normal(size=n) for i, n in enumerate((1, 9, 100))}
    for names in (["v0"], ["v1", "v0"], ["v2", "v1", "v0"]):
        df.save(State({name: arrays[name] for name in names}), path)
        raw = path.read_bytes()
        assert [raw.find(arrays[name].tobytes()) % 64 for name in names] == [0] * len(names)


@pytest.mark.parametrize("mmap", [True, False])
def test_mapped_tensors_are_the_file(path: Path, *, mmap: bool) -> None:
    """A mapped array shows a byte written to the file later, so it is no copy; a read one not."""
    values = np.random.default_rng(0).normal(size=1000)
    df.save(State({"w": values}), path)
    loaded = df.load(path, mmap=mmap)
    assert isinstance(loaded, State)
    place = path.read_bytes().find(values.tobytes())
    with path.open("r+b") as file:
        file.seek(place)
        file.write(np.float64(123.0).tobytes())
    assert loaded["w"][0] == (123.0 if mmap else values[0])


def test_replaced_file_leaves_mapped_tensors_alone(path: Path) -> None:
    """Saving over a mapped file changes nothing for those who have it mapped."""
    df.save(State({"w": [1.0, 2.0]}), path)
    first = df.load(path)
    df.save(State({"w": [3.0, 4.0]}), path)
    second = df.load(path)
    assert isinstance(first, State)
    assert isinstance(second, State)
    assert (first["w"].tolist(), second["w"].tolist()) == ([1.0, 2.0], [3.0, 4.0])


@pytest.mark.parametrize("kind", ["plan", "state"])
def test_loading_a_plan_or_state_imports_little(kind: str, path: Path) -> None:
    """A cold start pays neither for networkx nor for what pyarrow would pull in."""
    df.save(make(kind), path)
    code = (
        "import sys\nfrom serialization.files import load\nload(sys.argv[1])\n"
        "slow = {'networkx', 'pandas', 'pyarrow.compute', 'pyarrow.parquet', 'scipy', 'rich'}\n"
        "sys.exit(str(sorted(slow & set(sys.modules))) if slow & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], check=False, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")


# A bad file is refused


def test_altered_byte_is_refused_or_means_nothing(saved: Path) -> None:
    """A file with one bit changed is refused, unless the bit was padding: no third outcome."""
    original = saved.read_bytes()
    rng = random.Random(0)  # noqa: S311 - no secret
    refused = 0
    for position in rng.sample(range(len(original)), CORRUPTED):
        altered = bytearray(original)
        altered[position] ^= 1 << rng.randrange(8)
        saved.write_bytes(altered)
        try:
            again = saved_again(saved)
        except FileFormatError as error:
            assert str(error).startswith(f"{saved}: ")  # noqa: PT017 - many tries in one test
            refused += 1
        else:
            assert again == original, position
    assert refused > CORRUPTED // 3


def test_truncated_file_is_refused(saved: Path) -> None:
    """A file that ends anywhere before its end is refused."""
    original = saved.read_bytes()
    lengths = {0, 1, 8, len(original) - 1, *range(0, len(original), len(original) // 40)}
    for length in sorted(lengths):
        saved.write_bytes(original[:length])
        with pytest.raises(FileFormatError, match=r"empty|truncated|no Arrow file"):
            df.load(saved)


def write_arrow(path: Path, *tables: pa.Table, compression: Any = None) -> None:  # noqa: ANN401
    """Write tables as the batches of an Arrow file, as another program would."""
    options = pa.ipc.IpcWriteOptions(compression=compression)
    schema = tables[0].schema
    with (
        pa.OSFile(os.fspath(path), "wb") as sink,
        pa.ipc.new_file(sink, schema, options=options) as writer,
    ):
        for table in tables:
            writer.write_table(table)


def foreign_files() -> Iterator[tuple[str, Callable[[Path], object], str]]:
    """Yield files of other makers, and what the refusal says."""
    table = pa.table({"a": [1, 2]})

    kind = table.replace_schema_metadata({"kind": "state", "format_version": "0"})
    newer = table.replace_schema_metadata({"kind": "state", "format_version": "7", "writer": "w 9"})
    yield "text", lambda path: path.write_text("no Arrow at all, but long enough"), "no Arrow file"
    yield "magic", lambda path: path.write_bytes(b"ARROW1" * 10), "damaged"
    yield "parquet", lambda path: pyarrow.parquet.write_table(table, path), "Parquet"
    yield "arrow", lambda path: write_arrow(path, table), "no kind"
    yield "other keys", lambda path: write_arrow(path, kind), "metadata has"
    yield "newer", lambda path: write_arrow(path, newer), "version is 7, written by w 9.*upgrade"


@pytest.mark.parametrize(
    ("maker", "message"), [pytest.param(m, t, id=i) for i, m, t in foreign_files()]
)
def test_foreign_file_is_refused(maker: Callable[[Path], object], message: str, path: Path) -> None:
    """A file of another format, kind or version is refused, and the message says what it is."""
    maker(path)
    with pytest.raises(FileFormatError, match=message):
        df.load(path)


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_body_is_refused_before_it_is_unpacked(codec: str, path: Path) -> None:
    """The same rows in a compressed body are refused."""
    df.save(make_state(), path)
    table = read_all(path)
    write_arrow(path, table, compression=codec)
    with pytest.raises(FileFormatError, match="compressed"):
        df.load(path)


def test_two_batches_are_refused(path: Path) -> None:
    """A file whose rows are in more than one record batch is refused."""
    df.save(make_state(), path)
    table = read_all(path)
    write_arrow(path, table.slice(0, 2), table.slice(2))
    with pytest.raises(FileFormatError, match="one record batch"):
        df.load(path)


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    """What the system refuses to read is an access error with the path in it."""
    for path in (tmp_path / "missing.arrow", tmp_path, tmp_path / "no" / "folder.arrow"):
        with pytest.raises(FileAccessError, match=path.name):
            df.load(path)


def test_pipe_is_refused_without_waiting(path: Path) -> None:
    """A named pipe, which would block whoever opens it, is refused."""
    os.mkfifo(path)
    with pytest.raises(FileAccessError, match="ordinary file"):
        df.load(path)


@pytest.mark.parametrize("path", [None, 3.5, ["a"]])
def test_what_is_no_path_is_refused(path: Any) -> None:  # noqa: ANN401 - anything
    """Saving to or loading from what is no path is one of our errors, not Python's."""
    with pytest.raises(FileAccessError, match="path"):
        df.save(State({"w": [1.0]}), path)
    with pytest.raises(FileAccessError, match="path"):
        df.load(path)


# A file with right digests can still lie

LIES: list[tuple[str, str, dict[str, Any], str]] = [
    ("state", "tensor", {"dtype": "object"}, "dtype 'object'"),
    ("state", "tensor", {"shape": (-2, -3)}, "negative dimension"),
    ("state", "tensor", {"shape": (2, 4)}, "bytes"),
    ("state", "tensor", {"shape": (2**62, 2**62, 0)}, "64 bits"),
    ("state", "tensor", {"name": "of_int8"}, "twice"),
    ("state", "tensor", {"name": None}, "against the row's section"),
    ("graph", "graph", {"section": "mystery"}, "mystery"),
    ("graph", "node", {"op": "nothing"}, "no op 'nothing"),
    ("graph", "node", {"op_version": 99}, "version 99"),
    ("graph", "node", {"shape": ("batch", "x^2")}, "not a dimension"),
    ("graph", "node", {"shape": ("1+",)}, "not a dimension"),
    ("graph", "node", {"shape": (str(2**63),)}, "64 bits"),
    ("graph", "node", {"inputs": [("multiply_9", 0)]}, "no earlier node"),
    ("graph", "node", {"attrs": [("dtype", "text", (), (), ())]}, "too few"),
    ("graph", "node", {"attrs": [("dtype", "text", (7,), (), ("int8",))]}, "too many"),
    ("graph", "node", {"attrs": [("dtype", "(bool)", (7,), (), ())]}, "no bool"),
    ("graph", "node", {"attrs": [("dtype", "what", (), (), ())]}, "none of"),
    ("graph", "node", {"attrs": [("b", "none", (), (), ()), ("a", "none", (), (), ())]}, "sorted"),
    ("graph", "node", {"attrs": [("shape", "int", (7,), (), ())]}, "'shape' must be tuple"),
    ("graph", "node", {"sweep": "chimney"}, "chimney"),
    ("graph", "node", {"name": "w"}, "twice"),
    ("graph", "output", {"inputs": [("nowhere", 0)]}, "nowhere"),
    ("graph", "output", {"inputs": []}, "0 tensors"),
    ("graph", "output", {"inputs": [("x", -1)]}, "no output -1"),
    ("graph", "variable", {"inputs": []}, "0 tensors"),
    ("graph", "variable", {"inputs": [("x", 0)]}, "depends on an input"),
    ("graph", "input", {"name": "w"}, "input nodes"),
    ("graph", "constant", {"name": "w"}, "differ"),
    ("plan", "plan", {"peak": -1}, "negative"),
    ("plan", "plan", {"peak": 64}, "peak"),
    ("plan", "plan", {"program": "elsewhere"}, "elsewhere"),
    ("plan", "plan", {"program": "initial"}, "another is lost"),
    ("plan", "step", {"op": "nothing"}, "no op 'nothing"),
    ("plan", "step", {"step": 3}, "3 stands where 0"),
    ("plan", "step", {"tile_group": 5}, "group 5"),
    ("plan", "step", {"worker": -1}, "worker -1"),
    ("plan", "step", {"occurs": "never"}, "never"),
    ("plan", "step", {"waits": (1,)}, "worker"),
    ("plan", "group", {"end_step": 99}, "tile group 0"),
    ("plan", "slice", {"tile_group": -1}, "no tile group -1"),
    ("plan", "slice", {"slice_stop": 2**40}, "slice|tile"),
    ("plan", "buffer", {"nbytes": 8}, "bytes"),
    ("plan", "buffer", {"first_step": -1}, "negative"),
    ("plan", "buffer", {"kind": "secret"}, "secret"),
    ("plan", "input", {"buffer": 17}, "no buffer 17"),
    ("plan", "input", {"dtype": "float64"}, "input 'x'|bytes"),
    ("plan", "output", {"outputs": []}, "0 tensors"),
    ("plan", "size", {"size": -4}, "negative"),
    ("plan", "size", {"size": 5}, "its dimensions"),
    ("plan", "input", {"dims": ("batch",)}, "its dimensions"),
    ("plan", "output", {"dims": ("batch", "^")}, "not a dimension"),
]


def rows_of(kind: str) -> tuple[Layout, list[Row]]:
    """Return rows for one of each kind, the plan with a tile group."""
    if kind == "plan":
        return PLAN, list(plan_rows(make_plan()))
    if kind == "graph":
        return GRAPH, list(graph_rows(make_graph()))
    return STATE, list(state_rows(make_state()))


@pytest.mark.parametrize(("kind", "section", "lie", "message"), LIES)
def test_lie_is_refused(
    kind: str, section: str, lie: dict[str, Any], message: str, path: Path
) -> None:
    """A file whose digests are right but whose values aren't is refused with the value named."""
    layout, rows = rows_of(kind)
    index = next(i for i, row in enumerate(rows) if row["section"] == section)
    rows[index] = {**rows[index], **lie}
    write(path, layout, rows)
    with pytest.raises(FileFormatError, match=message):
        df.load(path)


@pytest.mark.parametrize("change", [
    {"buffer": 9}, {"buffer": -1}, {"byte_offset": -4}, {"byte_offset": 4}, {"shape": (4, 300)},
    {"shape": (2**61, 2**61)}, {"strides": (12,)}, {"strides": (4, 4)}, {"strides": (-12, 4)},
    {"dtype": "float16"}, {"dtype": "O"}, {"tile_axis": 2}, {"tile_axis": -2}, {"tile_axis": 1},
], ids=str)  # fmt: skip
def test_operand_outside_of_its_buffer_is_refused(change: dict[str, Any], path: Path) -> None:
    """An operand that would reach other memory, or read it as something else, is refused."""
    layout, rows = rows_of("plan")
    index = next(i for i, row in enumerate(rows) if row["section"] == "step")
    names = ("buffer", "byte_offset", "shape", "strides", "dtype", "tile_axis", "advances")
    operand = dict(zip(names, rows[index]["outputs"][0], strict=True))
    rows[index] = {**rows[index], "outputs": [tuple({**operand, **change}.values())]}
    write(path, layout, rows)
    with pytest.raises(FileFormatError):
        df.load(path)


def test_refusal_names_file_section_and_row(path: Path) -> None:
    """The message says where in which file the fault is."""
    layout, rows = rows_of("state")
    rows[2] = {**rows[2], "dtype": "object"}
    write(path, layout, rows)
    with pytest.raises(FileFormatError, match=r"file\.arrow: section 'tensor', row 3: dtype"):
        df.load(path)


def test_bools_are_zero_or_one(path: Path) -> None:
    """A bool tensor of other bytes, which NumPy would trust, is refused even unverified."""
    df.save(State({"mask": np.zeros(100, np.bool_)}), path)
    raw = bytearray(path.read_bytes())
    data = read_all(path).column("data")[1].as_py()
    raw[raw.rfind(data) + 50] = 2
    path.write_bytes(raw)
    with pytest.raises(FileFormatError, match="neither 0 nor 1"):
        df.load(path, verify=False)


def test_large_files_tensors_are_verified_when_asked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit a tensor's bytes are checked only when asked for, as the docs say."""
    values = np.random.default_rng(0).normal(size=100)
    df.save(State({"w": values}), path)
    raw = bytearray(path.read_bytes())
    raw[raw.find(values.tobytes())] ^= 1
    path.write_bytes(raw)
    with pytest.raises(FileFormatError, match="tensor was altered"):
        df.load(path)
    monkeypatch.setattr(files, "VERIFIED_BELOW", 1)
    df.load(path)
    with pytest.raises(FileFormatError, match="tensor was altered"):
        df.load(path, verify=True)


# Writing


UNSTORABLE: dict[str, Any] = {"int": 2**63, "text": "\ud800", "object": object()}


@pytest.mark.parametrize("value", UNSTORABLE.values(), ids=UNSTORABLE)
def test_what_cannot_be_stored_is_refused(value: Any, path: Path) -> None:  # noqa: ANN401
    """A value that no column holds is refused, and nothing is written."""
    plan = make_plan()
    step = Step("n0", "add", 1, Attrs(odd=value), plan.steps[0].inputs, plan.steps[0].outputs)
    broken = Plan(**{**{f: getattr(plan, f) for f in Plan.__dataclass_fields__}, "steps": (step,)})
    with pytest.raises(FileFormatError):
        df.save(broken, path)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("thing", [None, 42, {"w": np.zeros(2)}, "graph"])
def test_what_is_no_graph_plan_or_state_is_refused(thing: Any, path: Path) -> None:  # noqa: ANN401
    """Other things than the three are an error of ours that says so, and nothing is written."""
    with pytest.raises(FileFormatError, match=f"not {type(thing).__name__}"):
        df.save(thing, path)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 255, "\N{SNOWMAN}" * 85], ids=["ascii", "wide"])
def test_any_name_that_the_system_takes_will_do(name: str, tmp_path: Path) -> None:
    """A name as long as names can be, in bytes, is saved to and replaced."""
    for value in (1.0, 2.0):
        df.save(State({"w": [value]}), tmp_path / name)
    loaded = df.load(tmp_path / name)
    assert isinstance(loaded, State)
    assert loaded["w"].tolist() == [2.0]
    assert [path.name for path in tmp_path.iterdir()] == [name]


class Stop(BaseException):
    """Stands for Ctrl-C at a bad moment."""


@pytest.mark.parametrize("function", ["open", "fsync", "replace"])
@pytest.mark.parametrize(
    "fault", [OSError(28, "No space left on device"), Stop()], ids=["os", "stop"]
)
def test_failed_write_leaves_the_old_file(
    function: str, fault: BaseException, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails on the way, the old file is whole and nothing else is left in the folder."""

    def fail(*_args: object, **_kwargs: object) -> None:
        raise fault

    df.save(State({"w": [1.0]}), path)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        with pytest.raises(FileAccessError if isinstance(fault, OSError) else Stop) as caught:
            df.save(State({"w": [2.0]}), path)
    if isinstance(fault, OSError):
        assert str(path) in str(caught.value)
        assert "No space left" in str(caught.value)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="the system limits no file's size")
def test_refusal_of_the_system_while_writing_leaves_the_old_file(path: Path) -> None:
    """A file that the system stops from growing raises an access error; the old one stays."""
    df.save(State({"w": [1.0]}), path)
    before = path.read_bytes()
    code = (
        "import resource, sys, numpy as np, dataflow as df\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))\n"
        "try: df.save(df.State({'w': np.zeros(2**20)}), sys.argv[1])\n"
        "except df.errors.FileAccessError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], check=True, capture_output=True, text=True, timeout=120
    )
    assert "unchanged" in done.stdout
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_folder_and_missing_folder_are_no_targets(tmp_path: Path) -> None:
    """Saving to a folder, or into one that isn't there, is an access error that names it."""
    for target in (tmp_path, tmp_path / "missing" / "file.arrow"):
        with pytest.raises(FileAccessError, match=target.name):
            df.save(State({}), target)
    assert list(tmp_path.iterdir()) == []


def test_links_and_rights_are_kept(tmp_path: Path) -> None:
    """A link stays a link to the replaced file, whose rights stay what they were."""
    target, link = tmp_path / "target.arrow", tmp_path / "link.arrow"
    df.save(State({"w": [1.0]}), target)
    target.chmod(0o600)
    link.symlink_to(target)
    df.save(State({"w": [2.0]}), link)
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    loaded = df.load(target)
    assert isinstance(loaded, State)
    assert loaded["w"].tolist() == [2.0]
