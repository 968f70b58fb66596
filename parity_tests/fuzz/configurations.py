"""Legal and less legal configurations of every module of Sonnet, drawn by hypothesis.

Each strategy gives a `Case`, as the tables of parity_tests/compat/cases hold them.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ..compat.cases.case import Case, integers

Draw = Callable[[Any], Any]
MODULES: dict[str, st.SearchStrategy[Case]] = {}

sizes = st.integers(1, 4)
# Of two elements a norm makes -1 and 1 whatever they are, and gradients cancel out.
normed = st.integers(4, 6)
flags = st.booleans()
FUSED = {"float64": "TensorFlow's fused operation has float32 alone"}


def module(function: Callable[[Draw], Case]) -> Callable[[Draw], Case]:
    """Adds a strategy, under the name of the function, which has the module's."""
    MODULES[function.__name__] = st.composite(lambda draw: function(draw))()
    return function


def _case(name: str, *args: Any, inputs: Any, **options: Any) -> Case:
    """A case of a module that is called with arrays alone."""
    more = {k: options.pop(k) for k in ("calls", "call", "excluded") if k in options}
    shown = ", ".join([*map(str, args), *(f"{k}={v}" for k, v in options.items())])
    make = lambda snt: _find(snt, name)(*args, **options)
    return Case(f"{name}({shown}) on {inputs}", make, inputs, **more)


def _find(snt: Any, name: str) -> Any:
    for part in name.split("."):
        snt = getattr(snt, part)
    return snt


def _shape(draw: Draw, rank: int, most: int = 5) -> tuple[int, ...]:
    return tuple(draw(st.integers(1, most)) for _ in range(rank))


def _strides(draw: Draw, rank: int, window: Any) -> Any:
    """Strides for a window; in 3-D none is longer than the window.

    There TensorFlow's own kernels on a CPU begin elsewhere than its kernels of oneDNN,
    and than those of 1-D and 2-D.
    """
    shortest = window if isinstance(window, int) else min(window)
    return _window(draw, rank, min(shortest, 3) if rank == 3 else 3)


def _window(draw: Draw, rank: int, most: int) -> Any:
    if draw(flags):
        return draw(st.integers(1, most))
    return [draw(st.integers(1, most)) for _ in range(rank)]


@module
def Linear(draw: Draw) -> Case:
    return _case("Linear", draw(sizes), draw(flags), inputs=[_shape(draw, draw(sizes))])


@module
def Bias(draw: Draw) -> Case:
    rank = draw(st.integers(2, 4))
    dims = draw(st.none() | st.lists(st.integers(1, rank - 1), unique=True))
    return _case("Bias", bias_dims=dims, inputs=[_shape(draw, rank)])


@module
def ParallelLinears(draw: Draw) -> Case:
    return _case("ParallelLinears", draw(sizes), draw(flags), inputs=[_shape(draw, 3)])


@module
def Embed(draw: Draw) -> Case:
    vocabulary = draw(st.integers(1, 6))
    ids = integers(vocabulary, *_shape(draw, draw(st.integers(0, 3)), 4))
    options = {"densify_gradients": draw(flags)}
    return _case("Embed", vocabulary, draw(st.none() | sizes), inputs=[ids], **options)


def _convolution(draw: Draw, rank: int) -> Case:
    window = _window(draw, rank, 4)
    options: dict[str, Any] = {
        "stride": _strides(draw, rank, window),
        "rate": _window(draw, rank, 3),
        "padding": draw(st.sampled_from(["SAME", "VALID", "same", "valid"])),
        "with_bias": draw(flags),
    }
    shape = (*_shape(draw, 1, 3), *_shape(draw, rank, 7), *_shape(draw, 1, 3))
    return _case(f"Conv{rank}D", draw(sizes), window, inputs=[shape], **options)


def _transposed(draw: Draw, rank: int) -> Case:
    # Without a rate: TensorFlow has none on CPUs.
    window = _window(draw, rank, 4)
    options: dict[str, Any] = {
        "stride": _strides(draw, rank, window),
        "padding": draw(st.sampled_from(["SAME", "VALID"])),
        "with_bias": draw(flags),
    }
    shape = (*_shape(draw, 1, 3), *_shape(draw, rank, 4), *_shape(draw, 1, 3))
    name = f"Conv{rank}DTranspose"
    return _case(name, draw(sizes), window, inputs=[shape], **options)


for _rank in (1, 2, 3):
    for _name, _of_rank in (
        (f"Conv{_rank}D", _convolution),
        (f"Conv{_rank}DTranspose", _transposed),
    ):
        MODULES[_name] = st.composite(
            lambda draw, of_rank=_of_rank, rank=_rank: of_rank(draw, rank)
        )()


@module
def DepthwiseConv2D(draw: Draw) -> Case:
    options: dict[str, Any] = {
        "channel_multiplier": draw(st.integers(1, 3)),
        # Of both together TensorFlow computes something else, and sonnax refuses it.
        **draw(
            st.fixed_dictionaries({"stride": st.integers(1, 3)})
            | st.fixed_dictionaries({"rate": st.integers(1, 3)})
        ),
        "padding": draw(st.sampled_from(["SAME", "VALID"])),
        "with_bias": draw(flags),
    }
    shape = (draw(sizes), *_shape(draw, 2, 7), draw(sizes))
    window = _window(draw, 2, 4)
    return _case("DepthwiseConv2D", window, inputs=[shape], **options)


@module
def LayerNorm(draw: Draw) -> Case:
    rank = draw(st.integers(2, 4))
    axis = draw(
        st.integers(-rank, rank - 1)
        | st.lists(st.integers(1, rank - 1), min_size=1, unique=True)
        | st.sampled_from([slice(1, None), slice(2), slice(-2, None)])
    )
    shape = tuple(draw(normed) for _ in range(rank))
    eps = draw(st.sampled_from([1e-5, 1e-2]))
    return _case("LayerNorm", axis, draw(flags), draw(flags), eps, inputs=[shape])


@module
def InstanceNorm(draw: Draw) -> Case:
    shape = tuple(draw(normed) for _ in range(draw(st.integers(3, 4))))
    return _case("InstanceNorm", draw(flags), draw(flags), inputs=[shape])


@module
def GroupNorm(draw: Draw) -> Case:
    groups, each = draw(st.integers(1, 3)), draw(normed)
    spatial = tuple(draw(st.integers(2, 4)) for _ in range(draw(st.integers(0, 2))))
    shape = (draw(sizes), *spatial, groups * each + (draw(st.integers(0, 5)) == 0))
    return _case("GroupNorm", groups, draw(flags), draw(flags), inputs=[shape])


@module
def BatchNorm(draw: Draw) -> Case:
    rank = draw(st.integers(2, 4))
    shape = tuple(draw(normed) for _ in range(rank))
    steps = [{"is_training": True}]
    for _ in range(draw(st.integers(0, 3))):
        training = draw(flags)
        local = {} if training else {"test_local_stats": draw(flags)}
        steps.append({"is_training": training, **local})
    return _case(
        "BatchNorm",
        draw(flags),
        draw(flags),
        draw(st.sampled_from([0.0, 0.5, 0.9])),
        draw(st.sampled_from([1e-5, 1e-2])),
        inputs=[shape],
        calls=steps,
        excluded=FUSED if rank == 4 else {},
    )


def _steps(core: Any, *inputs: Any, **kwargs: Any) -> Any:
    """Two steps, so that the state is not only what it is at first."""
    outputs, state = core(inputs[0], core.initial_state(inputs[0].shape[0]))
    return outputs, core(inputs[0], state)


def _core(name: str, *args: Any, inputs: Any, **options: Any) -> Case:
    return _case(name, *args, inputs=inputs, call=_steps, **options)


@module
def VanillaRNN(draw: Draw) -> Case:
    return _core("VanillaRNN", draw(sizes), inputs=[_shape(draw, 2)])


@module
def LSTM(draw: Draw) -> Case:
    options = {
        "projection_size": draw(st.none() | sizes),
        "forget_bias": draw(st.sampled_from([0.0, 1.0, -0.5])),
    }
    return _core("LSTM", draw(sizes), inputs=[_shape(draw, 2)], **options)


@module
def GRU(draw: Draw) -> Case:
    return _core("GRU", draw(sizes), inputs=[_shape(draw, 2)])


def _convolutional_lstm(draw: Draw, rank: int) -> Case:
    spatial, channels = _shape(draw, rank, 4), draw(sizes)
    return _core(
        f"Conv{rank}DLSTM",
        (*spatial, channels),
        draw(sizes),
        _window(draw, rank, 3),
        forget_bias=draw(st.sampled_from([0.0, 1.0])),
        inputs=[(draw(sizes), *spatial, channels)],
    )


for _rank in (1, 2, 3):
    MODULES[f"Conv{_rank}DLSTM"] = st.composite(
        lambda draw, rank=_rank: _convolutional_lstm(draw, rank)
    )()


@module
def dynamic_unroll(draw: Draw) -> Case:
    steps, batch, size = draw(st.integers(1, 5)), draw(sizes), draw(sizes)
    lengths = draw(
        st.none() | st.lists(st.integers(0, steps), min_size=batch, max_size=batch)
    )
    outputs = draw(flags)
    how = draw(st.sampled_from(["dynamic_unroll", "static_unroll"]))
    kind = draw(st.sampled_from(["LSTM", "GRU", "VanillaRNN"]))

    def make(snt: Any) -> Any:
        return getattr(snt, kind)(3)

    def call(core: Any, inputs: Any) -> Any:
        import sonnet

        from sonnax import compat

        snt = sonnet if isinstance(core, sonnet.Module) else compat
        return getattr(snt, how)(
            core,
            inputs,
            core.initial_state(batch),
            sequence_length=lengths,
            return_all_states=outputs,
        )

    name = f"{how} of {kind}, lengths {lengths}, all states {outputs}"
    return Case(
        f"{name} on {(steps, batch, size)}", make, [(steps, batch, size)], call=call
    )


@module
def MLP(draw: Draw) -> Case:
    options = {"with_bias": draw(flags), "activate_final": draw(flags)}
    widths = draw(st.lists(sizes, min_size=1, max_size=3))
    return _case("nets.MLP", widths, inputs=[_shape(draw, 2)], **options)


@module
def VectorQuantizer(draw: Draw) -> Case:
    size, codes = draw(sizes), draw(st.integers(1, 6))
    shape = (*_shape(draw, draw(st.integers(1, 3)), 4), size)
    cost = draw(st.sampled_from([0.0, 0.25]))
    return _case(
        "nets.VectorQuantizer",
        size,
        codes,
        cost,
        inputs=[shape],
        calls=[{"is_training": True}],
    )


@module
def VectorQuantizerEMA(draw: Draw) -> Case:
    size, codes = draw(sizes), draw(st.integers(1, 6))
    shape = (*_shape(draw, draw(st.integers(1, 3)), 4), size)
    training = [{"is_training": draw(flags)} for _ in range(draw(st.integers(1, 3)))]
    return _case(
        "nets.VectorQuantizerEMA",
        size,
        codes,
        0.25,
        draw(st.sampled_from([0.5, 0.9])),
        inputs=[shape],
        calls=training,
        excluded={
            "gradients": "TensorFlow has none through the variables of an average"
        },
    )


@module
def Flatten(draw: Draw) -> Case:
    rank = draw(st.integers(1, 4))
    return _case("Flatten", draw(st.integers(1, 3)), inputs=[_shape(draw, rank)])


@module
def Reshape(draw: Draw) -> Case:
    shape = draw(st.sampled_from([(-1,), (2, -1), (-1, 3), (6,), (3, 2), (1, 6, 1)]))
    given = draw(st.sampled_from([(2, 6), (2, 3, 2), (3, 2, 4)]))
    dims = draw(st.integers(0, 2))
    return _case("Reshape", shape, dims, inputs=[given])


@module
def ExponentialMovingAverage(draw: Draw) -> Case:
    decay = draw(st.sampled_from([0.0, 0.25, 0.9]))
    calls = [{}] * draw(st.integers(1, 3))
    return _case(
        "ExponentialMovingAverage",
        decay,
        inputs=[_shape(draw, draw(sizes))],
        calls=calls,
        excluded={
            "gradients": "TensorFlow has none through the variables of an average"
        },
    )


@module
def BatchApply(draw: Draw) -> Case:
    rank = draw(st.integers(2, 4))
    dims = draw(st.integers(1, 3))
    return Case(
        f"BatchApply(Linear(3), {dims}) on rank {rank}",
        lambda snt: snt.BatchApply(snt.Linear(3), dims),
        [_shape(draw, rank)],
    )
