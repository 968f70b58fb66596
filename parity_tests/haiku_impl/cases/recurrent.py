"""Cases of recurrent cores and of attention."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .case import Case, initial

RESETS = np.array([True, False, True])
CAUSAL = np.tril(np.ones((1, 1, 4, 4), bool))


def one_step(core: Any) -> Any:
    """Runs a core for a step, from a state that is not zero."""

    def step(x, *others):
        state = constant_state(core, x.shape[0] if x.ndim > 1 else None, x.dtype)
        return core((x, *others) if others else x, state)

    return step


def unrolled(unroller: Any, core: Any, batch_axis: int = 1, **options: Any) -> Any:
    """Runs a core on a sequence."""

    def run(x):
        state = constant_state(core, x.shape[batch_axis], x.dtype)
        return unroller(core, x, state, **options)

    return run


def constant_state(core: Any, batch_size: int | None, dtype: Any) -> Any:
    # Of the initial state only the shape: it is a case of its own.
    shapes = jax.eval_shape(lambda: core.initial_state(batch_size))
    return jax.tree.map(lambda s: jnp.full(s.shape, 0.5, dtype), shapes)


def initial_states(*cores: Any) -> Any:
    return lambda: [(core.initial_state(None), core.initial_state(2)) for core in cores]


def attended(hk: Any, *args: Any, mask: Any = None, **options: Any) -> Any:
    def run(query, key, value):
        attention = hk.MultiHeadAttention(*args, **options)
        return attention(query, key, value, mask)

    return run


RECURRENT = [
    Case(
        "initial_state of every core",
        lambda hk: initial_states(
            hk.VanillaRNN(3),
            hk.LSTM(3),
            hk.GRU(3),
            hk.Conv1DLSTM([4], 3, 2),
            hk.Conv2DLSTM([4, 5], 3, 2),
            hk.Conv3DLSTM([4, 5, 6], 3, 2),
            hk.IdentityCore(),
            hk.ResetCore(hk.LSTM(3)),
            hk.DeepRNN([hk.LSTM(3), jax.nn.relu, hk.GRU(4)]),
        ),
        [],
    ),
    Case("VanillaRNN", lambda hk: one_step(hk.VanillaRNN(4)), [(3, 2)]),
    Case(
        "VanillaRNN, one bias",
        lambda hk: one_step(hk.VanillaRNN(4, False, "v")),
        [(3, 2)],
    ),
    Case("VanillaRNN, unbatched", lambda hk: one_step(hk.VanillaRNN(4)), [(2,)]),
    Case("LSTM", lambda hk: one_step(hk.LSTM(4, name="l")), [(3, 2)]),
    Case("LSTM, unbatched", lambda hk: one_step(hk.LSTM(4)), [(2,)]),
    Case("GRU", lambda hk: one_step(hk.GRU(4, name="g")), [(3, 2)]),
    Case(
        "GRU, unbatched, with initial values",
        lambda hk: one_step(
            hk.GRU(
                4,
                w_i_init=initial(hk, "uniform"),
                w_h_init=initial(hk, "orthogonal"),
                b_init=initial(hk, "normal"),
            )
        ),
        [(2,)],
    ),
    Case(
        "Conv1DLSTM",
        lambda hk: one_step(hk.Conv1DLSTM([5], 3, 3, name="c")),
        [(2, 5, 2)],
    ),
    Case(
        "Conv2DLSTM",
        lambda hk: one_step(hk.Conv2DLSTM((4, 3), 2, (2, 3))),
        [(2, 4, 3, 2)],
    ),
    Case(
        "Conv3DLSTM",
        lambda hk: one_step(hk.Conv3DLSTM((2, 2, 2), 2, 2)),
        [(1, 2, 2, 2, 2)],
    ),
    Case("IdentityCore", lambda hk: one_step(hk.IdentityCore(name="i")), [(3, 2)]),
    Case(
        "ResetCore",
        lambda hk: one_step(hk.ResetCore(hk.LSTM(4), name="r")),
        [(3, 2), RESETS],
    ),
    Case(
        "ResetCore, unbatched",
        lambda hk: one_step(hk.ResetCore(hk.GRU(4))),
        [(2,), RESETS[0]],
    ),
    Case(
        "ResetCore, a tree",
        lambda hk: (
            lambda x, a, b: one_step(hk.ResetCore(hk.LSTM(4)))(x, hk.LSTMState(a, b))
        ),
        [(3, 2), RESETS, ~RESETS],
    ),
    Case(
        "DeepRNN",
        lambda hk: one_step(hk.DeepRNN([hk.LSTM(4), jax.nn.relu, hk.GRU(3)], name="d")),
        [(3, 2)],
    ),
    Case(
        "deep_rnn_with_skip_connections",
        lambda hk: one_step(
            hk.deep_rnn_with_skip_connections([hk.LSTM(4), hk.GRU(3)], name="s")
        ),
        [(3, 2)],
    ),
    Case(
        "static_unroll", lambda hk: unrolled(hk.static_unroll, hk.GRU(3)), [(3, 2, 2)]
    ),
    Case(
        "static_unroll, batch first",
        lambda hk: unrolled(hk.static_unroll, hk.GRU(3), 0, time_major=False),
        [(2, 3, 2)],
    ),
    Case(
        "dynamic_unroll", lambda hk: unrolled(hk.dynamic_unroll, hk.GRU(3)), [(3, 2, 2)]
    ),
    Case(
        "dynamic_unroll, batch first, all states",
        lambda hk: unrolled(
            *(hk.dynamic_unroll, hk.GRU(3), 0),
            time_major=False,
            return_all_states=True,
        ),
        [(2, 3, 2)],
    ),
    Case(
        "dynamic_unroll, reversed",
        lambda hk: unrolled(hk.dynamic_unroll, hk.GRU(3), reverse=True, unroll=2),
        [(4, 2, 2)],
    ),
    Case(
        "MultiHeadAttention",
        lambda hk: attended(hk, 2, 3, w_init=initial(hk, "he_uniform"), name="a"),
        [(2, 4, 5)] * 3,
    ),
    Case(
        "MultiHeadAttention with everything",
        lambda hk: attended(
            hk,
            *(2, 3),
            w_init=initial(hk, "he_uniform"),
            b_init=initial(hk, "normal"),
            value_size=5,
            model_size=7,
            mask=CAUSAL,
        ),
        [(2, 4, 5), (2, 4, 3), (2, 4, 6)],
    ),
    Case(
        "MultiHeadAttention, scale, without bias",
        lambda hk: attended(hk, 2, 3, 0.5, with_bias=False),
        [(4, 5), (2, 3), (2, 6)],
    ),
]
