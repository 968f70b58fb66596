"""Each thread has frames, hooks, settings and policies of its own."""

import concurrent.futures
import threading

import jax.numpy as jnp

from sonnax import haiku_impl as hk


def in_threads(f, count=4):
    barrier = threading.Barrier(count)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda i: f(i, barrier), range(count)))


def test_functions_run_at_the_same_time():
    def run(i, barrier):
        def f(x):
            names = []
            for _ in range(20):
                barrier.wait(timeout=60)
                module = hk.Bias(b_init=lambda shape, dtype: jnp.full(shape, i, dtype))
                names.append(module.module_name)
                x = module(x)
            return x, names

        f = hk.transform(f)
        params = f.init(None, jnp.zeros([1, 1]))
        return params, f.apply(params, None, jnp.zeros([1, 1]))

    for i, (params, (out, names)) in enumerate(in_threads(run)):
        assert list(params) == names == ["bias", *(f"bias_{n}" for n in range(1, 20))]
        assert float(out[0, 0]) == 20 * i


def test_hooks_of_one_thread_are_not_seen_by_others():
    def run(i, barrier):
        def getter(next_getter, value, context):
            return next_getter(value + i)

        def f():
            with hk.custom_getter(getter):
                barrier.wait(timeout=60)
                return hk.get_parameter("w", [], init=jnp.zeros)

        f = hk.transform(f)
        return float(f.apply(f.init(None), None))

    assert in_threads(run) == [0.0, 1.0, 2.0, 3.0]


def test_settings_and_policies_of_one_thread_are_not_seen_by_others():
    policy = hk.mixed_precision.Policy(jnp.float32, jnp.bfloat16, jnp.bfloat16)

    def run(i, barrier):
        if i == 0:
            hk.mixed_precision.set_policy(hk.Bias, policy)
        hk.config.set(rng_reserve_size=i + 1)
        barrier.wait(timeout=60)
        f = hk.transform(lambda x: hk.Bias()(x))
        x = jnp.zeros([1, 1])
        return f.apply(f.init(None, x), None, x).dtype.name, hk.config.get_config()

    results = in_threads(run)
    assert [dtype for dtype, _ in results] == ["bfloat16"] + 3 * ["float32"]
    assert [config.rng_reserve_size for _, config in results] == [1, 2, 3, 4]
    assert hk.config.get_config().rng_reserve_size == 1
    assert hk.mixed_precision.get_policy(hk.Bias) is None
