"""What `inspect` and `help` say of each public name, and how much is left untyped."""

import ast
import inspect
import pydoc

import pytest

from sonnax import compat as snt
from sonnax import haiku_impl as hk
from sonnax.parity_tests import public

NAMES = public.names()
CLASSES = {name: value for name, value in NAMES.items() if inspect.isclass(value)}
MODULES = {
    name: cls
    for name, cls in CLASSES.items()
    if issubclass(cls, snt.Module | hk.Module)
}
SIMPLE = {
    name: value
    for name, value in NAMES.items()
    if not inspect.isclass(value) and public.declared(value) is not None
}

# The functions with arguments of any type, by the reason.
OF_ANY_TYPE = {
    "they are passed on": """
        hk.BatchApply.__call__ hk.Deferred.__call__ hk.Sequential.__call__
        hk.SupportsCall.__call__ hk.cond hk.data_structures.FlatMap.__init__
        hk.eval_shape hk.experimental.fast_eval_shape hk.jit hk.remat
        parity.assert_parity rlax.PolicyTarget.replace rlax.tree_fn
        snt.BatchApply.__call__ snt.Conv1DLSTM.initial_state
        snt.DeepRNN.initial_state snt.Deferred.__call__ snt.Sequential.__call__
        snt.UnrolledLSTM.initial_state snt.build snt.lstm_with_recurrent_dropout
    """,
    "objects of any class, whose attributes are looked up": """
        converters.restore converters.save converters.save_names
        trfl.policy_entropy_loss trfl.policy_gradient_loss trfl.sequence_a2c_loss
    """,
    "trees with any leaves, or anything at all": """
        converters.HaikuTrees.__new__ converters.save_haiku rlax.tree_split_key
        rlax.tree_split_leaves snt.IndexedSlices.tree_unflatten
        snt.merge_leading_dims snt.split_leading_dim snt.random.write
    """,
    "TensorFlow's objects, of which most are accepted and not used": """
        snt.distribute.ReplicaContext.all_reduce snt.distribute.Replicator.__init__
        snt.distribute.Replicator.experimental_distribute_dataset
        snt.distribute.Replicator.reduce snt.distribute.TpuReplicator.__init__
        trfl.Categorical.__init__ trfl.Categorical.sample
    """,
    "a function or a pair of them, which overloads or checks tell apart": """
        hk.experimental.eval_summary hk.experimental.tabulate hk.without_apply_rng
    """,
}


def test_the_walk_finds_the_public_names():
    expected = {"snt.Linear", "snt.nets.MLP", "hk.nets.MLP", "rlax.huber_loss"}
    expected |= {"trfl.qlearning", "converters.restore", "parity.compare"}
    assert expected <= set(NAMES)
    assert len(NAMES) > 500
    assert len(MODULES) > 90


@pytest.mark.parametrize("name", MODULES)
def test_a_module_shows_the_arguments_of_its_constructor(name):
    cls = MODULES[name]
    constructor = list(inspect.signature(cls.__init__).parameters)
    assert list(inspect.signature(cls).parameters) == constructor[1:]


@pytest.mark.parametrize("name", MODULES)
def test_help_of_a_constructor_explains_the_arguments_of_its_class(name):
    cls = MODULES[name]
    arguments = list(inspect.signature(cls).parameters)
    if arguments == ["name"]:
        return
    documentation = inspect.getdoc(cls.__init__) or ""
    bases = {inspect.getdoc(module.__init__) for module in (snt.Module, hk.Module)}
    assert documentation not in bases
    assert [a for a in arguments if f"{a}:" not in documentation] == []


@pytest.mark.parametrize("name", SIMPLE)
def test_a_function_shows_its_own_arguments(name):
    shown = set(inspect.signature(SIMPLE[name]).parameters)
    assert "self" not in shown
    assert shown != {"args", "kwargs"}


@pytest.mark.parametrize("name", NAMES)
def test_help_says_what_it_is(name):
    own = vars(NAMES[name]).get("__doc__") or NAMES[name].__doc__
    assert own, f"{name} has no docstring"
    first = own.strip().splitlines()[0]
    assert first in pydoc.render_doc(NAMES[name], renderer=pydoc.plaintext)


def test_arguments_of_any_type_are_those_that_have_a_reason():
    found = {
        name
        for name, function in public.functions().items()
        if any(is_of_any_type(a) for a in public.arguments(public.declared(function)))
    }
    assert found == set(" ".join(OF_ANY_TYPE.values()).split())


def is_of_any_type(argument):
    return argument.annotation is None or ast.unparse(argument.annotation) == "Any"
