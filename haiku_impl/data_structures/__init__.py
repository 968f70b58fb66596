"""Trees of parameters and state: nested mappings, two levels deep."""

# isort: skip_file

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
from .filtering import (
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
from .stacks import Stack, ThreadLocalStack

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
