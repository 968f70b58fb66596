"""TensorFlow's DataType numbers and the NumPy dtypes that hold their values.

Source: tensorflow/core/framework/types.proto; values of four bits and fewer take a
byte each.
"""

from __future__ import annotations

import dataclasses

import ml_dtypes
import numpy as np

__all__ = ["BY_NUMBER", "STRING", "VARIANT", "TensorDtype", "of_array", "of_number"]

STRING = 7
VARIANT = 21


@dataclasses.dataclass(frozen=True)
class TensorDtype:
    """One of TensorFlow's element types.

    Args:
      number: its DataType number.
      name: TensorFlow's name for it.
      numpy: the dtype of its values in NumPy: `object` for strings, whose values are
        `bytes`; None where NumPy has no form for them.
      v1_field: the field of a `TensorProto` that holds its values in a V1
        checkpoint, or None where V1 can't hold them.
    """

    number: int
    name: str
    numpy: np.dtype | None
    v1_field: str | None = None


_ROWS = [
    (1, "float32", np.float32, "float_val"),
    (2, "float64", np.float64, "double_val"),
    (3, "int32", np.int32, "int_val"),
    (4, "uint8", np.uint8, "int_val"),
    (5, "int16", np.int16, "int_val"),
    (6, "int8", np.int8, "int_val"),
    (STRING, "string", object, "string_val"),
    (8, "complex64", np.complex64, "scomplex_val"),
    (9, "int64", np.int64, "int64_val"),
    (10, "bool", np.bool_, "bool_val"),
    (11, "qint8", np.int8, "int_val"),
    (12, "quint8", np.uint8, "int_val"),
    (13, "qint32", np.int32, "int_val"),
    (14, "bfloat16", ml_dtypes.bfloat16, None),
    (15, "qint16", np.int16, None),
    (16, "quint16", np.uint16, None),
    (17, "uint16", np.uint16, "int_val"),
    (18, "complex128", np.complex128, "dcomplex_val"),
    (19, "float16", np.float16, "half_val"),
    (20, "resource", None, None),
    (VARIANT, "variant", None, None),
    (22, "uint32", np.uint32, None),
    (23, "uint64", np.uint64, None),
    (24, "float8_e5m2", ml_dtypes.float8_e5m2, None),
    (25, "float8_e4m3fn", ml_dtypes.float8_e4m3fn, None),
    (26, "float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz, None),
    (27, "float8_e4m3b11fnuz", ml_dtypes.float8_e4m3b11fnuz, None),
    (28, "float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz, None),
    (29, "int4", ml_dtypes.int4, None),
    (30, "uint4", ml_dtypes.uint4, None),
    (31, "int2", ml_dtypes.int2, None),
    (32, "uint2", ml_dtypes.uint2, None),
    (33, "float4_e2m1fn", ml_dtypes.float4_e2m1fn, None),
]

BY_NUMBER = {
    number: TensorDtype(
        number, name, None if numpy is None else np.dtype(numpy), v1_field
    )
    for number, name, numpy, v1_field in _ROWS
}
# The first of several types with one NumPy dtype: int8 before qint8.
_BY_NUMPY = {row.numpy: row for row in reversed(BY_NUMBER.values()) if row.numpy}


def of_number(number: int) -> TensorDtype:
    """Returns the type of a DataType number; an unknown one gets no NumPy dtype.

    Example:
      >>> of_number(14).numpy
      dtype(bfloat16)
      >>> of_number(99)
      TensorDtype(number=99, name='DataType 99', numpy=None, v1_field=None)
    """
    return BY_NUMBER.get(number) or TensorDtype(number, f"DataType {number}", None)


def of_array(array: np.ndarray) -> TensorDtype | None:
    """Returns the type that stores an array, or None; text and `object` are strings.

    Example:
      >>> of_array(np.zeros(3, ">f4")).name, of_array(np.array([b"ab"])).name
      ('float32', 'string')
    """
    if array.dtype.kind in "SU":
        return BY_NUMBER[STRING]
    return _BY_NUMPY.get(array.dtype.newbyteorder("="))
