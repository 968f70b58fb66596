"""The types, and the small functions, that user code meets under their own names."""

import collections.abc

import jax
import jax.numpy as jnp
import pytest

from sonnax import haiku_impl

from .beside import (
    LIBRARIES,
    assert_as_in_haiku,
    errors_in_both,
)

KEY = jax.random.PRNGKey(0)
X = jnp.ones([2, 3])


def contexts(hk):
    """Returns what hooks are told, by the kind of the hook."""
    seen = {}

    def note(kind):
        def hook(following, *args):
            seen[kind] = args[-1]
            return following(*args[:-1])

        return hook

    def f():
        with (
            hk.custom_getter(note("getter")),
            hk.custom_creator(note("creator")),
            hk.custom_setter(note("setter")),
            hk.intercept_methods(note_of_method(seen)),
        ):
            hk.set_state("s", X)
            return hk.Linear(2)(X)

    hk.transform_with_state(f).init(KEY)
    return seen


def note_of_method(seen):
    def interceptor(next_f, args, kwargs, context):
        seen["method"] = context
        return next_f(*args, **kwargs)

    return interceptor


def updater(hk):
    def f():
        _, found = hk.lift_with_state(lambda: ({}, {}))
        found.ignore_update()
        return found

    return hk.testing.transform_and_run(f, jax_transform=None)()


def in_transform(hk, make):
    return hk.testing.transform_and_run(lambda: make(hk), jax_transform=None)()


def invocation(hk):
    return hk.experimental.eval_summary(hk.transform(lambda x: hk.Linear(2)(x)))(X)[0]


def model_info(hk):
    f = hk.transform(lambda x: hk.Linear(2)(x))
    params = jax.eval_shape(f.init, KEY, X)
    return hk.experimental.jaxpr_info.make_model_info(f.apply)(params, None, X)


class Flat:
    """Names no module in another way."""

    def stacked_to_flat(self, stacked_module_name, scan_idx):
        return stacked_module_name

    def flat_to_stacked(self, unstacked_module_name):
        return None


# Each makes a value and gives the type that Haiku's users test it for.
VALUES = {
    "Transformed": lambda hk: (hk.transform(abs), hk.Transformed),
    "TransformedWithState": lambda hk: (
        hk.transform_with_state(abs),
        hk.TransformedWithState,
    ),
    "MultiTransformed": lambda hk: (
        hk.multi_transform(lambda: (abs, abs)),
        hk.MultiTransformed,
    ),
    "MultiTransformedWithState": lambda hk: (
        hk.multi_transform_with_state(lambda: (abs, abs)),
        hk.MultiTransformedWithState,
    ),
    "GetterContext": lambda hk: (contexts(hk)["getter"], hk.GetterContext),
    "ParamContext": lambda hk: (contexts(hk)["creator"], hk.experimental.ParamContext),
    "SetterContext": lambda hk: (contexts(hk)["setter"], hk.SetterContext),
    "MethodContext": lambda hk: (contexts(hk)["method"], hk.MethodContext),
    "LiftWithStateUpdater": lambda hk: (updater(hk), hk.LiftWithStateUpdater),
    "LSTMState": lambda hk: (
        in_transform(hk, lambda hk: hk.LSTM(2).initial_state(1)),
        hk.LSTMState,
    ),
    "RNNCore": lambda hk: (in_transform(hk, lambda hk: hk.GRU(2)), hk.RNNCore),
    "ModuleProtocol": lambda hk: (
        in_transform(hk, lambda hk: hk.Linear(2)),
        hk.ModuleProtocol,
    ),
    "SupportsCall": lambda hk: (
        in_transform(hk, lambda hk: hk.Linear(2)),
        hk.SupportsCall,
    ),
    "LayerStackTransparencyMapping": lambda hk: (
        Flat(),
        hk.LayerStackTransparencyMapping,
    ),
    "MethodInvocation": lambda hk: (invocation(hk), hk.experimental.MethodInvocation),
    "ModuleDetails": lambda hk: (
        invocation(hk).module_details,
        hk.experimental.ModuleDetails,
    ),
    "ArraySpec": lambda hk: (invocation(hk).args_spec[0], hk.experimental.ArraySpec),
    "jaxpr_info.Module": lambda hk: (model_info(hk), hk.experimental.jaxpr_info.Module),
    "jaxpr_info.Expression": lambda hk: (
        model_info(hk).expressions[-1],
        hk.experimental.jaxpr_info.Expression,
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_have_the_types_that_haiku_names(name):
    fields = []
    for hk in LIBRARIES:
        value, kind = VALUES[name](hk)
        if name != "LayerStackTransparencyMapping":  # Haiku's can't be tested for
            assert isinstance(value, kind)
        fields.append([f for f in dir(value) if not f.startswith("_")])
    assert fields[0] == fields[1]


def test_aliases_stand_for_mappings_and_functions():
    for hk in LIBRARIES:
        params = hk.transform(lambda hk=hk: hk.Linear(2)(X)).init(KEY)
        for alias in (hk.Params, hk.State, hk.MutableParams, hk.MutableState):
            assert isinstance(params, alias.__origin__)
        for alias in (hk.initializers.Initializer, hk.pad.PadFn):
            assert alias.__origin__ is collections.abc.Callable


def pads(hk):
    pad = hk.pad
    return [
        *(getattr(pad, name)(5) for name in ("valid", "same", "full", "causal")),
        pad.reverse_causal(4),
        pad.create([pad.same, pad.full], [3, 2], [2, 1], 2),
        pad.create_from_padfn(pad.causal, 3, (1, 2), 2),
        pad.create_from_tuple((1, 2), 3),
        pad.create_from_tuple([(1, 2), (0, 1)], 2),
    ]


def test_paddings_and_axes_are_haikus():
    def found(hk):
        axes = [
            hk.get_channel_index(text) for text in ("NHWC", "NCHW", "channels_last")
        ]
        return jax.tree.map(jnp.asarray, [pads(hk), axes])

    assert_as_in_haiku(*(found(hk) for hk in LIBRARIES))
    for hk in LIBRARIES:
        assert hk.pad.is_padfn([hk.pad.same, hk.pad.full])
        assert not hk.pad.is_padfn([(1, 2)])
        with pytest.raises(ValueError):
            hk.get_channel_index("NCHWC")


def test_state_can_be_left_out_and_put_in():
    results = []
    for hk in LIBRARIES:
        f = hk.transform_with_state(lambda x, hk=hk: hk.Linear(2)(x))
        f = hk.without_state(f)
        params = f.init(KEY, X)
        back = hk.with_empty_state(f)
        results.append((params, f.apply(params, None, X), back.init(KEY, X)))
        stateful = hk.transform_with_state(lambda hk=hk: hk.set_state("s", X))
        with pytest.raises(ValueError, match="transform_with_state"):
            hk.without_state(stateful).init(None)
    assert_as_in_haiku(*results)


def test_a_value_that_is_not_stored_is_no_value():
    def program(hk):
        def f():
            with hk.custom_creator(lambda *args: hk.experimental.DO_NOT_STORE):
                return hk.get_parameter("w", [], init=jnp.ones)

        return f

    errors_in_both(program, error=(ValueError, TypeError))


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152, 200])
def test_residual_networks_of_every_depth_have_haikus_layers(depth):
    """Of their constructors alone: the smaller ones of the table run."""
    names = []
    for hk in LIBRARIES:
        made = []
        names.append(made)

        def note(next_f, args, kwargs, context, made=made):
            next_f(*args, **kwargs)
            made.append((context.method_name, context.module.module_name))

        def build(hk=hk, note=note):
            with hk.intercept_methods(note):
                getattr(hk.nets, f"ResNet{depth}")(10, resnet_v2=depth % 4 == 0)

        hk.testing.transform_and_run(build, jax_transform=None)()
    assert sorted(names[0]) == sorted(names[1])
    assert len(names[0]) > depth


def test_pages_have_the_same_parts():
    for part in ("css", "js"):
        assert all(getattr(hk.experimental.jaxpr_info, part)() for hk in LIBRARIES)
    page = haiku_impl.experimental.jaxpr_info.as_html(model_info(haiku_impl))
    assert "linear" in page
