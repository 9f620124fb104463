"""Which of NumPy's functions needs which treatment: the tables, by name."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Methods of an array that are the function of the same name.
METHODS = words("""
    sum prod mean std var max min argmax argmin cumsum cumprod all any dot trace take repeat searchsorted
    diagonal swapaxes squeeze argsort nonzero compress conj conjugate round
""")

# Functions of several arrays in one list, which must not be stacked into one array.
OF_SEVERAL = words("""
    concatenate concat stack vstack hstack dstack column_stack block multi_dot select piecewise
""")

# Functions whose result may look into the memory of their argument.
SHARING = words("""
    swapaxes moveaxis rollaxis squeeze expand_dims broadcast_to broadcast_arrays atleast_1d atleast_2d atleast_3d
    diagonal diag real imag real_if_close flip fliplr flipud rot90 split array_split hsplit vsplit dsplit
    permute_dims matrix_transpose einsum nan_to_num meshgrid unstack resize trim_zeros astype
""")

# Functions that write into their argument.
IN_PLACE = words("put place putmask put_along_axis")

# Options about memory layout: without effect here, whatever they say.
WITHOUT_EFFECT = words("order subok like")

# Functions that make an array of constants, into which traced numbers may be stored later.
MAKERS = words("""
    zeros ones empty eye identity tri arange linspace logspace geomspace tile repeat copy
    zeros_like ones_like empty_like full_like diag outer fromiter vander
""")
CONVERTERS = words("array asarray asanyarray ascontiguousarray asarray_chkfinite")

# Ufunc methods, by the function that is the same.
REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all"}
REDUCTIONS |= {"logical_or": "any"}
ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}

# The functions of `math`, by NumPy's names.
MATH = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "pow": "power"}
MATH |= {"asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "fsum": "sum", "prod": "prod"}
MATH |= {
    name: name
    for name in words("""
        sin cos tan sinh cosh tanh exp exp2 expm1 log2 log10 log1p sqrt cbrt fabs degrees radians hypot
        isnan isinf isfinite copysign fmod
    """)
}
