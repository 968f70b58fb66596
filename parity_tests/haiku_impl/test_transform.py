"""init and apply: what they take, what they return, and what they leave behind."""

import functools
import inspect

import haiku
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify
from jax.sharding import PartitionSpec

from sonnax import haiku_impl as hk

from .beside import (
    LIBRARIES,
    assert_as_in_haiku,
    assert_equal_in_both,
    assert_same,
    compiled,
    errors_in_both,
)

KEY = jax.random.PRNGKey(0)
X = jnp.ones([4, 3])


def net(x):
    return hk.nets.MLP([8, 2])(x)


def by_hand(params, x):
    layers = list(params.values())
    for i, layer in enumerate(layers):
        x = jnp.dot(x, layer["w"]) + jnp.broadcast_to(layer["b"], (4, len(layer["b"])))
        if i < len(layers) - 1:
            x = jax.nn.relu(x)
    return x


def test_nothing_of_the_core_is_left_in_a_compiled_function():
    f = hk.transform(net)
    params = f.init(KEY, X)

    def apply(params, x):
        return f.apply(params, None, x)

    def hand_written(params, x):
        return by_hand(params, x)

    texts = [
        jax.jit(g).lower(params, X).as_text().replace(g.__name__, "f")
        for g in (apply, hand_written)
    ]
    assert texts[0] == texts[1]


def test_init_returns_plain_dicts_that_share_nothing():
    f = hk.transform_with_state(lambda x: hk.BatchNorm(True, True, 0.9)(x, True))
    for tree in f.init(KEY, X):
        assert type(tree) is dict
        assert {type(bundle) for bundle in tree.values()} == {dict}
    params, state = f.init(KEY, X)
    _, new_state = f.apply(params, state, None, X)
    assert new_state is not state
    before = jax.tree.map(np.asarray, state)
    new_state["batch_norm/~/mean_ema"]["hidden"] = None
    assert_same(before, jax.tree.map(np.asarray, state))


def test_signatures_with_annotations():
    def f(x: int, *, key: float = 1.0) -> str: ...

    params, rng = hk.Params | None, jax.Array | int | None
    state = hk.State | None

    def init(rng: rng, x: int, *, key: float = 1.0) -> hk.Params: ...
    def apply(params: params, rng: rng, x: int, *, key: float = 1.0) -> str: ...
    def keyless(params: params, x: int, *, key: float = 1.0) -> str: ...
    def init_state(
        rng: rng, x: int, *, key: float = 1.0
    ) -> tuple[hk.Params, hk.State]: ...
    def apply_state(
        params: params, state: state, rng: rng, x: int, *, key: float = 1.0
    ) -> tuple[str, hk.State]: ...

    pairs = [
        (hk.transform(f), init, apply),
        (hk.without_apply_rng(hk.transform(f)), init, keyless),
        (hk.transform_with_state(f), init_state, apply_state),
        (hk.with_empty_state(hk.transform(f)), init_state, apply_state),
    ]
    for made, expected_init, expected_apply in pairs:
        assert inspect.signature(made.init) == inspect.signature(expected_init)
        assert inspect.signature(made.apply) == inspect.signature(expected_apply)


def autoencoder(library):
    encode = library.nets.MLP([2], name="encode")
    decode = library.nets.MLP([3], name="decode")
    library.set_state("made", jnp.ones([]))
    return lambda x: decode(encode(x)), {"e": encode, "d": (decode,)}


def test_several_functions_that_share_modules():
    results = []
    for library in LIBRARIES:
        f = library.multi_transform_with_state(functools.partial(autoencoder, library))
        params, state = f.init(KEY, X)
        code, new_state = f.apply["e"](params, state, None, X)
        results.append((params, state, code, new_state))
        with pytest.raises(ValueError, match="multi_transform_with_state"):
            library.multi_transform(functools.partial(autoencoder, library)).init(
                KEY, X
            )
    assert_as_in_haiku(*results)


def test_nested_transforms():
    def program(library):
        inner = library.transform(lambda x: library.Linear(2)(x))

        def f(x):
            params = inner.init(library.next_rng_key(), x)
            outer = library.Linear(2)(x)
            return inner.apply(params, None, x) + outer, library.get_params()

        return f

    assert_equal_in_both(program, X)


def trees(library):
    def f():
        library.get_parameter("w", [2], init=jnp.ones)
        library.set_state("s", {"a": jnp.ones([]), "b": [jnp.zeros([])]})
        seen = library.get_params(), library.get_initial_state()
        library.set_state("s", {"a": jnp.zeros([]), "b": [jnp.ones([])]})
        return *seen, library.get_initial_state(), library.get_current_state()

    return f


def test_trees_seen_from_inside():
    assert_equal_in_both(trees)


@pytest.mark.parametrize("wrap", [hk.data_structures.to_immutable_dict, dict])
def test_parameters_may_come_in_any_mapping(wrap):
    f = hk.transform(net)
    params = f.init(KEY, X)
    out = f.apply(params, None, X)
    assert_same(f.apply(wrap(params), None, X), out)
    assert_same(jax.jit(f.apply)(wrap(params), None, X).shape, out.shape)


def test_parameters_of_haiku_apply_as_they_are(tmp_path):
    f = haiku.transform(lambda x: haiku.nets.MLP([8, 2])(x))
    params = f.init(KEY, X)
    flat = {f"{m}//{n}": v for m, n, v in haiku.data_structures.traverse(params)}
    np.savez(tmp_path / "params.npz", **flat)
    loaded = {}
    for name, value in np.load(tmp_path / "params.npz").items():
        module, name = name.split("//")
        loaded.setdefault(module, {})[name] = value
    ours = hk.transform(net).apply(loaded, None, X)
    assert_as_in_haiku(ours, f.apply(params, None, X))


def test_under_jax_transforms():
    f = hk.without_apply_rng(hk.transform(net))
    with jax.checking_leaks():
        params = jax.jit(f.init)(KEY, X)
        out = f.apply(params, X)
        np.testing.assert_allclose(jax.jit(f.apply)(params, X), out, rtol=1e-6)
        rows = jax.vmap(f.apply, (None, 0))(params, X)
        np.testing.assert_allclose(rows, out, rtol=1e-6)
    grads = jax.grad(lambda params, x: f.apply(params, x).sum())(params, X)
    hand_grads = jax.grad(lambda params, x: by_hand(params, x).sum())(params, X)
    assert_same(grads, hand_grads)
    error, checked = checkify.checkify(f.apply, errors=checkify.all_checks)(params, X)
    assert error.get() is None
    np.testing.assert_allclose(checked, out, rtol=1e-6)
    mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
    sharded = jax.shard_map(
        f.apply,
        mesh=mesh,
        in_specs=(PartitionSpec(), PartitionSpec("i")),
        out_specs=PartitionSpec("i"),
    )
    np.testing.assert_allclose(sharded(params, X), out, rtol=1e-6)


def test_in_double_precision_and_with_explicit_broadcasts_only():
    with jax.enable_x64(True), jax.numpy_rank_promotion("raise"):
        x = jnp.ones([4, 3], jnp.float64)
        params, _, out, _ = assert_equal_in_both(
            lambda library: lambda x: library.nets.MLP([8, 2])(x), x, wrap=compiled
        )
    assert {leaf.dtype.name for leaf in jax.tree.leaves((params, out))} == {"float64"}


ERRORS = {
    "all parameters must be created as part of `init`": lambda library: (
        library.transform(lambda: library.get_parameter("w", [], init=jnp.zeros)).apply(
            {}, None
        )
    ),
    "{get,set}_state": lambda library: library.transform(
        lambda: library.set_state("s", 1)
    ).init(None),
    "pass them positionally": lambda library: library.transform(
        lambda state: state
    ).apply({}, None, state=1),
    "jax.jit(hk.transform(f).apply)": lambda library: library.transform(
        jax.jit(lambda: None)
    ),
    "without_apply_rng": lambda library: library.without_apply_rng(lambda: None),
}


@pytest.mark.parametrize("words", ERRORS)
def test_wrong_use_is_an_error(words):
    for library in LIBRARIES:
        with pytest.raises((ValueError, TypeError)) as caught:
            ERRORS[words](library)
        if library is hk:
            assert words in str(caught.value)


def test_a_params_argument_that_is_no_mapping_is_an_error():
    for library in LIBRARIES:
        with pytest.raises(TypeError, match="params argument does not appear valid"):
            library.transform(lambda: None).apply(KEY, None)
        with pytest.raises(TypeError, match="state argument does not appear valid"):
            library.transform_with_state(lambda: None).apply({}, KEY, None)


def test_outside_a_transform_stateful_functions_are_errors():
    for name in (
        "get_parameter",
        "get_state",
        "set_state",
        "next_rng_key",
        "get_params",
    ):
        for library in LIBRARIES:
            f = getattr(library, name)
            args = [0] * (1 if name.startswith("get_s") else 2)
            with pytest.raises(
                ValueError, match=r"must be used as part of an `hk\.transform`"
            ):
                f(*args[: len(inspect.signature(f).parameters)])


def test_the_original_function_can_be_found_again():
    for made in (hk.transform(net), hk.without_apply_rng(hk.transform(net))):
        assert hk.get_original_fn(made) is net
        assert hk.get_original_fn(made.apply) is net


def test_a_context_entered_by_hand():
    with hk.new_context(rng=1) as context:
        module = hk.Linear(2)
        first = module(X)
        assert not hk.params_frozen()
    with context:
        assert_same(module(X), first)
    params = context.collect_params()
    with hk.new_context(params=params):
        assert hk.params_frozen()
        assert_same(hk.Linear(2)(X), first)


def test_a_module_used_in_a_function_of_the_same_name_is_one_module():
    words = errors_in_both(lambda library: lambda: library.Linear(1, name="a b")(X))
    assert "valid Python identifier" in words
