"""Random keys are bit for bit those of dm-haiku."""

import jax
import jax.numpy as jnp
import pytest

from sonnax import haiku_impl

from .beside import LIBRARIES, assert_as_in_haiku, assert_equal_in_both, errors_in_both


def with_own_keys(hk, seed):
    with hk.with_rng(jax.random.PRNGKey(seed)):
        return hk.next_rng_key()


def replaced(hk):
    state = hk.maybe_get_rng_sequence_state()
    first = hk.next_rng_key()
    hk.replace_rng_sequence_state(state)
    return first, hk.next_rng_key()


def reserved(hk):
    hk.reserve_rng_keys(3)
    return [hk.next_rng_key() for _ in range(5)], hk.maybe_get_rng_sequence_state()


DRAWS = {
    "one": lambda hk: hk.next_rng_key(),
    "three": lambda hk: [hk.next_rng_key() for _ in range(3)],
    "stacked": lambda hk: hk.next_rng_keys(4),
    "stacked after one": lambda hk: (hk.next_rng_key(), hk.next_rng_keys(2)),
    "maybe": lambda hk: hk.maybe_next_rng_key(),
    "reserved": reserved,
    "state": lambda hk: hk.maybe_get_rng_sequence_state(),
    "replaced": replaced,
    "optimized": lambda hk: hk.experimental.optimize_rng_use(DRAWS["three"])(hk),
}


@pytest.mark.parametrize("typed", [False, True], ids=["raw", "typed"])
@pytest.mark.parametrize("reserve", [1, 5])
@pytest.mark.parametrize("draw", DRAWS)
def test_keys(draw, reserve, typed):
    def program(hk):
        def f():
            with hk.config.context(rng_reserve_size=reserve):
                if draw == "optimized":
                    three = hk.experimental.optimize_rng_use(lambda: DRAWS["three"](hk))
                    return three()
                return DRAWS[draw](hk)

        return f

    assert_equal_in_both(program, typed=typed)


def test_keys_of_a_sequence_of_its_own():
    assert_equal_in_both(lambda hk: lambda: with_own_keys(hk, 7))


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg", "unsafe_rbg"])
def test_keys_of_other_generators(impl):
    keys = []
    for hk in LIBRARIES:
        f = hk.transform(lambda hk=hk: [hk.next_rng_key() for _ in range(3)])
        with jax.default_prng_impl(impl):
            keys.append(f.apply({}, jax.random.PRNGKey(3)))
        keys.append(f.apply({}, jax.random.key(3, impl=impl)))
    assert_as_in_haiku(keys[:2], keys[2:])


@pytest.mark.parametrize("seed", [0, 42, jnp.int32(7)])
def test_a_seed_stands_for_a_key(seed):
    ours, theirs = (hk.transform(hk.next_rng_key).apply({}, seed) for hk in LIBRARIES)
    assert_as_in_haiku(ours, theirs)


def test_sequences_outside_a_transform():
    for make in (
        lambda hk: hk.PRNGSequence(3),
        lambda hk: hk.PRNGSequence(jax.random.key(3)),
    ):
        ours, theirs = (make(hk) for hk in LIBRARIES)
        for sequence in (ours, theirs):
            sequence.reserve(2)
        assert_as_in_haiku([next(ours), *ours.take(4)], [next(theirs), *theirs.take(4)])
        assert_as_in_haiku(ours.internal_state, theirs.internal_state)
        assert_as_in_haiku(
            next(haiku_impl.PRNGSequence(ours.internal_state)), next(theirs)
        )


def test_an_init_that_draws_one_key_splits_once():
    jaxpr = jax.make_jaxpr(haiku_impl.transform(haiku_impl.next_rng_key).apply)(
        {}, jax.random.key(0)
    )
    assert str(jaxpr).count("random_split") == 1


WRONG_KEYS = {
    "a list": [1, 2],
    "two keys": jax.random.split(jax.random.PRNGKey(0), 2),
    "two typed keys": jax.random.split(jax.random.key(0), 2),
    "floats": jnp.zeros([2]),
    "text": "seed",
}


@pytest.mark.parametrize("case", WRONG_KEYS)
def test_wrong_keys_are_errors(case):
    for hk in LIBRARIES:
        f = hk.transform_with_state(lambda hk=hk: hk.maybe_next_rng_key())
        with pytest.raises(
            ValueError, match=r"Init must be called with an RNG as the first"
        ):
            f.init(WRONG_KEYS[case])
        with pytest.raises(ValueError, match="must be called with an RNG as the third"):
            f.apply({}, {}, WRONG_KEYS[case])
        with pytest.raises(
            ValueError, match="must be called with an RNG as the second"
        ):
            hk.transform(lambda: None).apply({}, WRONG_KEYS[case])
        with pytest.raises(
            ValueError, match=r"not a JAX PRNGKey|expected shape and/or dtype"
        ):
            hk.PRNGSequence(WRONG_KEYS[case])


@pytest.mark.parametrize(
    "draw",
    [
        lambda hk: hk.next_rng_key(),
        lambda hk: hk.next_rng_keys(2),
        lambda hk: hk.reserve_rng_keys(2),
    ],
)
def test_drawing_without_a_key_is_an_error(draw):
    for hk in LIBRARIES:
        with pytest.raises(ValueError, match="must pass a non-None PRNGKey"):
            hk.transform(lambda hk=hk: draw(hk)).init(None)
    with pytest.raises(haiku_impl.MissingRNGError):
        haiku_impl.transform(lambda: draw(haiku_impl)).init(None)


def test_replacing_no_sequence_is_an_error():
    def program(hk):
        def f():
            hk.replace_rng_sequence_state((jax.random.PRNGKey(0), ()))

        return f

    for hk in LIBRARIES:
        with pytest.raises(ValueError, match="requires an RNG to be passed"):
            hk.transform(program(hk)).init(None)


def test_a_reserve_of_no_keys_is_an_error():
    for hk in LIBRARIES:
        with pytest.raises(ValueError, match="RNG reserve size"):
            hk.experimental.rng_reserve_size(0)
    assert "at least 1" in errors_in_both(
        lambda hk: lambda: hk.experimental.rng_reserve_size(0)
    )
