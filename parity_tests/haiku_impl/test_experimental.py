"""Summaries, drawings and program descriptions."""

import jax
import jax.numpy as jnp
import pytest

from sonnax import haiku_impl

from .beside import LIBRARIES

X = jnp.ones([4, 8])


def models(hk):
    def recurrent(x):
        core = hk.GRU(3)
        return hk.dynamic_unroll(core, x, core.initial_state(None))

    return {
        "mlp": lambda x: hk.nets.MLP([6, 2])(x),
        "norm": lambda x: hk.BatchNorm(True, True, 0.9)(
            hk.Linear(3)(x), is_training=True
        ),
        "recurrent": recurrent,
    }


@pytest.mark.parametrize("name", ["mlp", "norm", "recurrent"])
def test_tables_equal_those_of_haiku(name):
    tables = [hk.experimental.tabulate(models(hk)[name])(X) for hk in LIBRARIES]
    assert tables[0] == tables[1]


def test_tables_of_some_columns_and_calls():
    options = {"columns": ["module", "params_bytes"], "filters": ["has_params"]}
    tables = [
        hk.experimental.tabulate(
            hk.transform(models(hk)["mlp"]),
            **options,
            tabulate_kwargs={"tablefmt": "plain"},
        )(X)
        for hk in LIBRARIES
    ]
    assert tables[0] == tables[1]
    for hk in LIBRARIES:
        with pytest.raises(ValueError, match="Invalid column"):
            hk.experimental.tabulate(lambda: None, columns=["size"])
        with pytest.raises(ValueError, match="Invalid filter"):
            hk.experimental.tabulate(lambda: None, filters=["size"])


@pytest.mark.parametrize("name", ["mlp", "norm", "recurrent"])
def test_program_descriptions_equal_those_of_haiku(name):
    texts = []
    for hk in LIBRARIES:
        f = hk.transform_with_state(models(hk)[name])
        params, state = jax.eval_shape(f.init, jax.random.PRNGKey(0), X)
        info = hk.experimental.jaxpr_info.make_model_info(f.apply)(
            params, state, None, X
        )
        assert hk.experimental.jaxpr_info.as_html_page(info).startswith("<")
        texts.append(hk.experimental.jaxpr_info.format_module(info))
    if name == "mlp":
        assert texts[0] == texts[1]
    headings = [
        [line for line in text.splitlines() if "params" in line or "state" in line]
        for text in texts
    ]
    assert headings[0] == headings[1]


def test_costs_are_added_up():
    def flops(eqn, expression):
        return 1

    totals = []
    for hk in LIBRARIES:
        f = hk.transform(models(hk)["mlp"])
        params = jax.eval_shape(f.init, jax.random.PRNGKey(0), X)
        make = hk.experimental.jaxpr_info.make_model_info
        totals.append(make(f.apply, name="net", compute_flops=flops)(params, None, X))
    assert totals[0].flops == totals[1].flops > 6
    assert totals[0].name == "net"


@pytest.mark.parametrize("name", ["mlp", "norm", "recurrent"])
def test_a_drawing_has_a_box_for_each_method_and_balanced_braces(name):
    f = haiku_impl.transform_with_state(models(haiku_impl)[name])
    key = jax.random.PRNGKey(0)
    params, state = jax.eval_shape(f.init, key, X)
    for draw in (haiku_impl.to_dot, haiku_impl.experimental.abstract_to_dot):
        dot = draw(f.apply)(params, state, key, X)
        assert dot.startswith("digraph G {")
        assert dot.count("{") == dot.count("}")
        for call in haiku_impl.experimental.eval_summary(f)(X):
            assert f"<b>{call.module_details.module.module_name}" in dot
        edges = [line.split(" -> ") for line in dot.splitlines() if " -> " in line]
        nodes = {line.split(" [")[0] for line in dot.splitlines() if line[:1] == "n"}
        assert {end.rstrip(";") for edge in edges for end in edge} <= nodes
        assert "args[0]" in dot
        assert "output[0]" in dot


def test_a_drawing_has_a_box_for_each_compiled_function_that_is_not_inlined():
    def net(x):
        named = jax.jit(lambda x: x + 1)
        inlined = jax.jit(lambda x: x * 2, inline=True)
        return inlined(named(x))

    dot = haiku_impl.to_dot(haiku_impl.transform(net).apply)({}, None, X)
    assert dot.count("jit (") == 1


def test_settings_return_what_they_were():
    for hk in LIBRARIES:
        for change in ("module_auto_repr", "check_jax_usage"):
            f = getattr(hk.experimental, change)
            before = f(False)
            assert f(before) is False
        with hk.config.context(module_auto_repr=False):
            text = hk.testing.transform_and_run(lambda hk=hk: repr(hk.Linear(1)))()
        assert text.startswith("<")
        text = hk.testing.transform_and_run(lambda hk=hk: repr(hk.Linear(1)))()
        assert text == "Linear(output_size=1)"


def test_fast_shapes_equal_real_ones():
    f = haiku_impl.transform_with_state(models(haiku_impl)["norm"])
    key = jax.random.PRNGKey(0)
    fast = haiku_impl.experimental.fast_eval_shape(f.init, key, X)
    assert fast == jax.eval_shape(f.init, key, X)
