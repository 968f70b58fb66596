"""Policies cast what they cast in dm-haiku."""

import jax.numpy as jnp
import jmp
import pytest

from sonnax.haiku_impl import mixed_precision

from .beside import LIBRARIES, assert_equal_in_both

X = jnp.ones([1, 2])


def modules(hk):
    """An outer module that calls an inner one."""

    class Inner(hk.Module):
        def __call__(self, x):
            w = hk.get_parameter("w", [2], jnp.float32, init=jnp.ones)
            n = hk.get_state("n", [], init=jnp.zeros)
            hk.set_state("n", n + 1)
            return x * w + n, (x.dtype.name, w.dtype.name, n.dtype.name)

    class Outer(hk.Module):
        def __call__(self, x):
            w = hk.get_parameter("w", [2], jnp.bfloat16, init=jnp.ones)
            y, names = Inner()(x + w)
            return y, names, (x.dtype.name, w.dtype.name, y.dtype.name)

    return Outer, Inner


POLICIES = {
    "none": (None, None),
    "outer": ("p=f16,c=f32,o=bf16", None),
    "inner": (None, "p=f16,c=bf16,o=f32"),
    "both": ("p=f32,c=bf16,o=f32", "p=f16,c=f32,o=f16"),
    "output only": ("o=f16", None),
}


@pytest.mark.parametrize("case", POLICIES)
def test_dtypes(case):
    seen = []

    def program(hk):
        names = []
        seen.append(names)

        def f(x):
            classes = modules(hk)
            for cls, text in zip(classes, POLICIES[case]):
                if text:
                    hk.mixed_precision.set_policy(cls, jmp.get_policy(text))
            out, *rest = classes[0]()(x)
            for cls in classes:
                hk.mixed_precision.clear_policy(cls)
            names.append(rest)
            return out

        return f

    assert_equal_in_both(program, X)
    assert seen[0] == seen[1]


def test_own_policies_do_what_those_of_jmp_do():
    own = mixed_precision.Policy(jnp.float16, jnp.bfloat16, jnp.float32)
    other = jmp.Policy(jnp.float16, jnp.bfloat16, jnp.float32)
    tree = {"x": X, "n": jnp.ones([], jnp.int32), "s": 1}
    for name in ("cast_to_param", "cast_to_compute", "cast_to_output"):
        ours, theirs = (getattr(policy, name)(tree) for policy in (own, other))
        assert {k: v.dtype for k, v in ours.items() if k != "s"} == {
            k: v.dtype for k, v in theirs.items() if k != "s"
        }


def test_policies_are_kept_by_qualified_name():
    for hk in LIBRARIES:
        policy = jmp.get_policy("o=f16")
        with hk.mixed_precision.push_policy(hk.Linear, policy):
            reloaded = type(hk.Module)(
                "Linear", (hk.Module,), {"__module__": hk.Linear.__module__}
            )
            reloaded.__qualname__ = hk.Linear.__qualname__
            assert hk.mixed_precision.get_policy(reloaded) is policy
        assert hk.mixed_precision.get_policy(hk.Linear) is None
        first, second = modules(hk)[0], modules(hk)[0]
        hk.mixed_precision.set_policy(first, policy)
        assert hk.mixed_precision.get_policy(second) is None
        hk.mixed_precision.clear_policy(first)


def test_the_current_policy_is_that_of_the_innermost_module():
    for hk in LIBRARIES:
        seen = []
        policy = jmp.get_policy("o=f16")

        class Noted(hk.Module):
            def __call__(self, hk=hk, seen=seen):
                seen.append(hk.mixed_precision.current_policy())

        with hk.mixed_precision.push_policy(Noted, policy):
            hk.testing.transform_and_run(lambda Noted=Noted: Noted()())()
        hk.testing.transform_and_run(lambda Noted=Noted: Noted()())()
        assert seen == [policy, policy, None, None]


def test_wrong_use_is_an_error():
    for hk in LIBRARIES:

        class Pushing(hk.Module):
            def __call__(self, hk=hk):
                with hk.mixed_precision.push_policy(
                    type(self), jmp.get_policy("o=f16")
                ):
                    pass

        with pytest.raises(ValueError, match="same class is not supported"):
            hk.testing.transform_and_run(lambda Pushing=Pushing: Pushing()())()
        with pytest.raises(AssertionError, match="clear_policy"):
            hk.mixed_precision.set_policy(Pushing, None)


def test_without_policies_there_are_no_interceptors():
    from sonnax.haiku_impl.core import frames

    policy = mixed_precision.Policy(jnp.float32, jnp.float32, jnp.float32)
    for cls in modules(LIBRARIES[0]):
        with mixed_precision.push_policy(cls, policy):
            assert frames.thread.interceptors
    assert not frames.thread.interceptors
