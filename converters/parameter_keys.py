"""How the key of a checkpoint becomes a place in `{module: {name: array}}`.

    model/mlp/_layers/0/w/.ATTRIBUTES/VARIABLE_VALUE   object-based checkpoint
    model/mlp/_layers/0/w                              its flat key
    {"model/mlp/_layers/0": {"w": ...}}                module and name

The key of an object-based checkpoint is the variable's path of attribute names
from the root, with a suffix that says which attribute of the object was saved; a
name-based checkpoint has the variable's name alone. Either is split at its last
`/`. A variable that hangs at the root itself belongs to the module `""`. A path
keeps TensorFlow's escapes (`.` is written `..`, and `/` inside a name `.S`), for
two keys would be one without them.
"""

VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


def flat_key(key: str) -> str:
    """The key without the suffix that object-based checkpoints add to a variable.

    Args:
        key: a key of an open checkpoint.

    Returns:
        `module/name`, or `name` alone for a variable at the root.

    Example:

        >>> flat_key("model/mlp/_layers/0/w/.ATTRIBUTES/VARIABLE_VALUE")
        'model/mlp/_layers/0/w'
        >>> flat_key("linear/w")
        'linear/w'
    """
    return key.removesuffix(VALUE_SUFFIX)


def module_and_name(flat: str) -> tuple[str, str]:
    """The two halves of a flat key.

    Args:
        flat: what `flat_key` returned, or any other path.

    Returns:
        The module's path, `""` for the root, and the variable's name.

    Example:

        >>> module_and_name("model/mlp/_layers/0/w")
        ('model/mlp/_layers/0', 'w')
        >>> module_and_name("save_counter")
        ('', 'save_counter')
    """
    module, _, name = flat.rpartition("/")
    return module, name
