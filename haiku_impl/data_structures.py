"""Trees of parameters and state: nested mappings, two levels deep."""

# Conversions.
from .flat_map import (
    FlatComponents,
    FlatMap,
    to_dict,
    to_haiku_dict,
    to_immutable_dict,
    to_mutable_dict,
)

# Selecting, splitting, joining, measuring.
from .filtering import (  # isort: skip
    filter,
    is_subset,
    map,
    merge,
    partition,
    partition_n,
    traverse,
    tree_bytes,
    tree_size,
)

# Stacks.
from .stacks import Stack, ThreadLocalStack  # isort: skip

__all__ = [
    "FlatComponents",
    "FlatMap",
    "Stack",
    "ThreadLocalStack",
    "filter",
    "is_subset",
    "map",
    "merge",
    "partition",
    "partition_n",
    "to_dict",
    "to_haiku_dict",
    "to_immutable_dict",
    "to_mutable_dict",
    "traverse",
    "tree_bytes",
    "tree_size",
]
