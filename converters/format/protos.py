"""The message types of TensorFlow's checkpoints, as tables for `wire`.

Source: tensorflow/core/framework/{tensor,tensor_shape,tensor_slice,versions}.proto,
tensorflow/core/protobuf/{tensor_bundle,trackable_object_graph,meta_graph,
saved_model}.proto, tensorflow/core/util/saved_tensor_slice.proto.
"""

from __future__ import annotations

from .wire import Field, Message

__all__ = [
    "BUNDLE_ENTRY",
    "BUNDLE_HEADER",
    "OBJECT_GRAPH",
    "SAVED_MODEL",
    "SAVED_TENSOR_SLICES",
    "SHAPE",
]

VERSIONS = Message(
    "VersionDef",
    {
        1: Field("producer", "int32"),
        2: Field("min_consumer", "int32"),
        3: Field("bad_consumers", "packed varint", repeated=True),
    },
)
SHAPE = Message(
    "TensorShapeProto",
    {
        2: Field(
            "dims",
            Message("Dim", {1: Field("size", "int64"), 2: Field("name", "string")}),
            repeated=True,
        ),
        3: Field("unknown_rank", "bool"),
    },
)
# `length` keeps its presence: None is a whole dimension, 0 an empty slice.
SLICE = Message(
    "TensorSliceProto",
    {
        1: Field(
            "extents",
            Message(
                "Extent", {1: Field("start", "int64"), 2: Field("length", "int64?")}
            ),
            repeated=True,
        )
    },
)

BUNDLE_HEADER = Message(
    "BundleHeaderProto",
    {
        1: Field("num_shards", "int32"),
        2: Field("endianness", "int32"),
        3: Field("version", VERSIONS),
    },
)
# Many entries share a shape, so it stays encoded until it is looked up.
BUNDLE_ENTRY = Message(
    "BundleEntryProto",
    {
        1: Field("dtype", "int32"),
        2: Field("shape", "bytes"),
        3: Field("shard_id", "int32"),
        4: Field("offset", "int64"),
        5: Field("size", "int64"),
        6: Field("crc32c", "fixed32"),
        7: Field("slices", SLICE, repeated=True),
    },
)

# The values stay encoded until their dtype says which field holds them.
_VALUES = Message(
    "TensorProto",
    {
        5: Field("float_val", "packed fixed32", repeated=True),
        6: Field("double_val", "packed fixed64", repeated=True),
        7: Field("int_val", "packed varint", repeated=True),
        8: Field("string_val", "bytes", repeated=True),
        9: Field("scomplex_val", "packed fixed32", repeated=True),
        10: Field("int64_val", "packed varint", repeated=True),
        11: Field("bool_val", "packed varint", repeated=True),
        12: Field("dcomplex_val", "packed fixed64", repeated=True),
        13: Field("half_val", "packed varint", repeated=True),
    },
)
SAVED_TENSOR_SLICES = Message(
    "SavedTensorSlices",
    {
        1: Field(
            "meta",
            Message(
                "SavedTensorSliceMeta",
                {
                    1: Field(
                        "tensors",
                        Message(
                            "SavedSliceMeta",
                            {
                                1: Field("name", "string"),
                                2: Field("shape", SHAPE),
                                3: Field("type", "int32"),
                                4: Field("slices", SLICE, repeated=True),
                            },
                        ),
                        repeated=True,
                    ),
                    2: Field("versions", VERSIONS),
                },
            ),
        ),
        2: Field(
            "data",
            Message(
                "SavedSlice",
                {
                    1: Field("name", "string"),
                    2: Field("slice", SLICE),
                    3: Field("data", _VALUES),
                },
            ),
        ),
    },
)

OBJECT_GRAPH = Message(
    "TrackableObjectGraph",
    {
        1: Field(
            "nodes",
            Message(
                "TrackableObject",
                {
                    1: Field(
                        "children",
                        Message(
                            "ObjectReference",
                            {
                                1: Field("node_id", "int32"),
                                2: Field("local_name", "string"),
                            },
                        ),
                        repeated=True,
                    ),
                    2: Field(
                        "attributes",
                        Message(
                            "SerializedTensor",
                            {
                                1: Field("name", "string"),
                                2: Field("full_name", "string"),
                                3: Field("checkpoint_key", "string"),
                            },
                        ),
                        repeated=True,
                    ),
                    3: Field(
                        "slot_variables",
                        Message(
                            "SlotVariableReference",
                            {
                                1: Field("original_variable_node_id", "int32"),
                                2: Field("slot_name", "string"),
                                3: Field("slot_variable_node_id", "int32"),
                            },
                        ),
                        repeated=True,
                    ),
                },
            ),
            repeated=True,
        )
    },
)

_TENSOR_INFO = Message(
    "TensorInfo",
    {
        1: Field("name", "string"),
        2: Field("dtype", "int32"),
        3: Field("shape", SHAPE),
    },
)


def _map_of(message: Message) -> Message:
    """Returns the entry type of a protobuf map from strings to a message."""
    return Message("MapEntry", {1: Field("key", "string"), 2: Field("value", message)})


SAVED_MODEL = Message(
    "SavedModel",
    {
        1: Field("schema_version", "int64"),
        2: Field(
            "meta_graphs",
            Message(
                "MetaGraphDef",
                {
                    1: Field(
                        "meta_info",
                        Message(
                            "MetaInfoDef",
                            {
                                4: Field("tags", "string", repeated=True),
                                5: Field("tensorflow_version", "string"),
                            },
                        ),
                    ),
                    5: Field(
                        "signatures",
                        _map_of(
                            Message(
                                "SignatureDef",
                                {
                                    1: Field(
                                        "inputs", _map_of(_TENSOR_INFO), repeated=True
                                    ),
                                    2: Field(
                                        "outputs", _map_of(_TENSOR_INFO), repeated=True
                                    ),
                                    3: Field("method_name", "string"),
                                },
                            )
                        ),
                        repeated=True,
                    ),
                },
            ),
            repeated=True,
        ),
    },
)
