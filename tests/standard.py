"""The functions of the Python Array API standard, transcribed from its pages: names and signatures.

See https://data-apis.org/array-api/2024.12/API_specification. Functions of its extensions have the
extension's name before a dot. Methods, operators and constants are in `METHODS` and `CONSTANTS`.
"""

VERSION = "2024.12"

CONSTANTS = ("e", "inf", "nan", "newaxis", "pi")

DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
          "float32", "float64", "complex64", "complex128")  # fmt: skip

_OF_ONE = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "bitwise_invert", "ceil", "conj",
    "cos", "cosh", "exp", "expm1", "floor", "imag", "isfinite", "isinf", "isnan", "log", "log1p",
    "log2", "log10", "logical_not", "negative", "positive", "real", "reciprocal", "round",
    "sign", "signbit", "sin", "sinh", "square", "sqrt", "tan", "tanh", "trunc",
)  # fmt: skip

_OF_TWO = (
    "add", "atan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "copysign", "divide", "equal", "floor_divide", "greater", "greater_equal",
    "hypot", "less", "less_equal", "logaddexp", "logical_and", "logical_or", "logical_xor",
    "maximum", "minimum", "multiply", "nextafter", "not_equal", "pow", "remainder", "subtract",
)  # fmt: skip

_EXTREME = "x, /, *, axis=None, keepdims=False"
_SUM = "x, /, *, axis=None, dtype=None, keepdims=False"
_SPREAD = "x, /, *, axis=None, correction=0.0, keepdims=False"
_CUMULATIVE = "x, /, *, axis=None, dtype=None, include_initial=False"
_ORDER = "x, /, *, axis=-1, descending=False, stable=True"
_SHAPE = "shape, *, dtype=None, device=None"
_LIKE = "x, /, *, dtype=None, device=None"
_LINE = "x, /, *, n=None, axis=-1, norm='backward'"
_LINES = "x, /, *, s=None, axes=None, norm='backward'"
_FREQUENCIES = "n, /, *, d=1.0, dtype=None, device=None"

FUNCTIONS = {
    # Creation
    "arange": "start, /, stop=None, step=1, *, dtype=None, device=None",
    "asarray": "obj, /, *, dtype=None, device=None, copy=None",
    "empty": _SHAPE,
    "empty_like": _LIKE,
    "eye": "n_rows, n_cols=None, /, *, k=0, dtype=None, device=None",
    "from_dlpack": "x, /, *, device=None, copy=None",
    "full": "shape, fill_value, *, dtype=None, device=None",
    "full_like": "x, /, fill_value, *, dtype=None, device=None",
    "linspace": "start, stop, /, num, *, dtype=None, device=None, endpoint=True",
    "meshgrid": "*arrays, indexing='xy'",
    "ones": _SHAPE,
    "ones_like": _LIKE,
    "tril": "x, /, *, k=0",
    "triu": "x, /, *, k=0",
    "zeros": _SHAPE,
    "zeros_like": _LIKE,
    # Data types
    "astype": "x, dtype, /, *, copy=True, device=None",
    "can_cast": "from_, to, /",
    "finfo": "type, /",
    "iinfo": "type, /",
    "isdtype": "dtype, kind",
    "result_type": "*arrays_and_dtypes",
    # Element by element
    **dict.fromkeys(_OF_ONE, "x, /"),
    **dict.fromkeys(_OF_TWO, "x1, x2, /"),
    "clip": "x, /, min=None, max=None",
    # Indexing
    "take": "x, indices, /, *, axis=None",
    "take_along_axis": "x, indices, /, *, axis=-1",
    # Inspection
    "__array_namespace_info__": "",
    # Linear algebra
    "matmul": "x1, x2, /",
    "matrix_transpose": "x, /",
    "tensordot": "x1, x2, /, *, axes=2",
    "vecdot": "x1, x2, /, *, axis=-1",
    # Manipulation
    "broadcast_arrays": "*arrays",
    "broadcast_to": "x, /, shape",
    "concat": "arrays, /, *, axis=0",
    "expand_dims": "x, /, *, axis=0",
    "flip": "x, /, *, axis=None",
    "moveaxis": "x, source, destination, /",
    "permute_dims": "x, /, axes",
    "repeat": "x, repeats, /, *, axis=None",
    "reshape": "x, /, shape, *, copy=None",
    "roll": "x, /, shift, *, axis=None",
    "squeeze": "x, /, axis",
    "stack": "arrays, /, *, axis=0",
    "tile": "x, repetitions, /",
    "unstack": "x, /, *, axis=0",
    # Searching
    "argmax": _EXTREME,
    "argmin": _EXTREME,
    "count_nonzero": _EXTREME,
    "nonzero": "x, /",
    "searchsorted": "x1, x2, /, *, side='left', sorter=None",
    "where": "condition, x1, x2, /",
    # Sets
    "unique_all": "x, /",
    "unique_counts": "x, /",
    "unique_inverse": "x, /",
    "unique_values": "x, /",
    # Sorting
    "argsort": _ORDER,
    "sort": _ORDER,
    # Statistics
    "cumulative_prod": _CUMULATIVE,
    "cumulative_sum": _CUMULATIVE,
    "max": _EXTREME,
    "mean": _EXTREME,
    "min": _EXTREME,
    "prod": _SUM,
    "std": _SPREAD,
    "sum": _SUM,
    "var": _SPREAD,
    # Utilities
    "all": _EXTREME,
    "any": _EXTREME,
    "diff": "x, /, *, axis=-1, n=1, prepend=None, append=None",
    # The extension for linear algebra
    "linalg.cholesky": "x, /, *, upper=False",
    "linalg.cross": "x1, x2, /, *, axis=-1",
    "linalg.det": "x, /",
    "linalg.diagonal": "x, /, *, offset=0",
    "linalg.eigh": "x, /",
    "linalg.eigvalsh": "x, /",
    "linalg.inv": "x, /",
    "linalg.matmul": "x1, x2, /",
    "linalg.matrix_norm": "x, /, *, keepdims=False, ord='fro'",
    "linalg.matrix_power": "x, n, /",
    "linalg.matrix_rank": "x, /, *, rtol=None",
    "linalg.matrix_transpose": "x, /",
    "linalg.outer": "x1, x2, /",
    "linalg.pinv": "x, /, *, rtol=None",
    "linalg.qr": "x, /, *, mode='reduced'",
    "linalg.slogdet": "x, /",
    "linalg.solve": "x1, x2, /",
    "linalg.svd": "x, /, *, full_matrices=True",
    "linalg.svdvals": "x, /",
    "linalg.tensordot": "x1, x2, /, *, axes=2",
    "linalg.trace": "x, /, *, offset=0, dtype=None",
    "linalg.vecdot": "x1, x2, /, *, axis=-1",
    "linalg.vector_norm": "x, /, *, axis=None, keepdims=False, ord=2",
    # The extension for Fourier transforms
    "fft.fft": _LINE,
    "fft.ifft": _LINE,
    "fft.fftn": _LINES,
    "fft.ifftn": _LINES,
    "fft.rfft": _LINE,
    "fft.irfft": _LINE,
    "fft.rfftn": _LINES,
    "fft.irfftn": _LINES,
    "fft.hfft": _LINE,
    "fft.ihfft": _LINE,
    "fft.fftfreq": _FREQUENCIES,
    "fft.rfftfreq": _FREQUENCIES,
    "fft.fftshift": "x, /, *, axes=None",
    "fft.ifftshift": "x, /, *, axes=None",
}

DATA_DEPENDENT = ("nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values")
"""What the standard lets a library leave out: the shape of the result depends on values."""

METHODS = (
    "__abs__", "__add__", "__and__", "__array_namespace__", "__bool__", "__complex__",
    "__dlpack__", "__dlpack_device__", "__eq__", "__float__", "__floordiv__", "__ge__",
    "__getitem__", "__gt__", "__index__", "__int__", "__invert__", "__le__", "__lshift__",
    "__lt__", "__matmul__", "__mod__", "__mul__", "__ne__", "__neg__", "__or__", "__pos__",
    "__pow__", "__rshift__", "__setitem__", "__sub__", "__truediv__", "__xor__", "__radd__",
    "__rsub__", "__rmul__", "__rtruediv__", "__rfloordiv__", "__rpow__", "__rmod__",
    "__rmatmul__", "__rand__", "__ror__", "__rxor__", "__rlshift__", "__rrshift__", "to_device",
    "dtype", "device", "mT", "ndim", "shape", "size", "T",
)  # fmt: skip
