"""Cases of recurrent cores, and of running them over sequences."""

import numpy as np
from sonnet.src import recurrent

from .case import Case, dtype

LENGTHS = [0, 5, 2]
# TrainableState takes the dtype of the arrays that it starts from.
OWN_DTYPE = dict.fromkeys(["float64", "bfloat16"], "has arrays of one dtype")


def step(core, inputs):
    """Two steps, so that the state is not just zeros."""
    outputs, state = core(inputs, core.initial_state(inputs.shape[0]))
    return outputs, core(inputs, state)


def unrolled(snt, core, how="dynamic_unroll", **options):
    class Unrolled(snt.Module):
        def __init__(self):
            super().__init__(name="unrolled")
            self.core = core

        def __call__(self, inputs):
            state = core.initial_state(inputs.shape[1])
            return getattr(snt, how)(core, inputs, state, **options)

    return Unrolled()


def fallback_unrolled_lstm(snt):
    """Sonnet's own loop: the gradients of TensorFlow's operation on CPUs are wrong."""

    class UnrolledLSTM(recurrent.UnrolledLSTM):
        def __call__(self, inputs, state):
            self._initialize(inputs)
            return recurrent._fallback_unrolled_lstm(
                inputs, state, self._w_i, self._w_h, self.b
            )

    return UnrolledLSTM(3, dtype=dtype())


class Counter:
    """A core with a scalar in its state, of either library."""

    def __init__(self, numpy):
        self.numpy = numpy

    def __call__(self, inputs, state):
        t, h = state
        if inputs.dtype != h.dtype:
            raise TypeError("The inputs have another dtype, which cores refuse.")
        return (inputs * (h + t), h), (t + 1, h)

    def initial_state(self, batch_size):
        ones = np.ones([batch_size, 2], dtype().as_numpy_dtype)
        return self.numpy.asarray(ones[0, 0]), self.numpy.asarray(ones)


def sequence(module, inputs):
    return module(inputs, module.initial_state(inputs.shape[1]))


CORES = {
    "VanillaRNN": lambda snt: snt.VanillaRNN(3, dtype=dtype()),
    "VanillaRNN with relu": lambda snt: snt.VanillaRNN(3, snt.nn.relu, dtype=dtype()),
    "LSTM": lambda snt: snt.LSTM(3, dtype=dtype()),
    "LSTM with projection": lambda snt: snt.LSTM(
        3, projection_size=2, forget_bias=0.5, dtype=dtype(), name="projected"
    ),
    "GRU": lambda snt: snt.GRU(3, dtype=dtype()),
    "DeepRNN": lambda snt: snt.DeepRNN(
        [snt.LSTM(3, dtype=dtype()), snt.nn.relu, snt.GRU(2, dtype=dtype())]
    ),
    "deep_rnn_with_skip_connections": lambda snt: snt.deep_rnn_with_skip_connections(
        [snt.GRU(3, dtype=dtype()), snt.VanillaRNN(2, dtype=dtype())]
    ),
    "deep_rnn_with_skip_connections, last outputs": lambda snt: (
        snt.deep_rnn_with_skip_connections(
            [snt.GRU(3, dtype=dtype()), snt.GRU(2, dtype=dtype())],
            concat_final_output=False,
            name="last",
        )
    ),
    "deep_rnn_with_residual_connections": lambda snt: (
        snt.deep_rnn_with_residual_connections(
            [snt.LSTM(2, dtype=dtype()), snt.GRU(2, dtype=dtype())]
        )
    ),
    "lstm_with_recurrent_dropout for testing": lambda snt: (
        snt.lstm_with_recurrent_dropout(3, dropout=0.5, dtype=dtype())[1]
    ),
}

CONV_CORES = {
    "Conv1DLSTM": (lambda snt: snt.Conv1DLSTM([5, 2], 3, 3, dtype=dtype()), (4, 5, 2)),
    "Conv2DLSTM": (
        lambda snt: snt.Conv2DLSTM([4, 3, 2], 3, [3, 2], forget_bias=0, dtype=dtype()),
        (2, 4, 3, 2),
    ),
    "Conv3DLSTM": (
        lambda snt: snt.Conv3DLSTM([3, 2, 2, 1], 2, 2, dtype=dtype(), name="conv"),
        (2, 3, 2, 2, 1),
    ),
}

CASES = [
    *(Case(name, make, [(4, 2)], call=step) for name, make in CORES.items()),
    *(
        Case(name, make, [shape], call=step)
        for name, (make, shape) in CONV_CORES.items()
    ),
    Case(
        "lstm_with_recurrent_dropout for training",
        lambda snt: snt.lstm_with_recurrent_dropout(3, dtype=dtype())[0],
        [(4, 2)],
        call=step,
        random=True,
    ),
    Case(
        "UnrolledLSTM",
        lambda snt: snt.UnrolledLSTM(3, dtype=dtype()),
        [(5, 4, 2)],
        call=sequence,
        reference=fallback_unrolled_lstm,
    ),
    Case(
        "TrainableState",
        lambda snt: snt.TrainableState.for_core(snt.LSTM(3, dtype=dtype())),
        call=lambda module: module(2),
    ),
    Case(
        "TrainableState in part",
        lambda snt: snt.TrainableState(
            {"a": np.zeros([2], "float32"), "b": [np.ones([1, 2], "float32")]},
            mask={"a": False, "b": [True]},
        ),
        call=lambda module: module(2),
        excluded=OWN_DTYPE,
    ),
    Case(
        "TrainableState of one array",
        lambda snt: snt.TrainableState(np.zeros([2], "float32"), name="one"),
        call=lambda module: module(3),
        excluded=OWN_DTYPE,
    ),
    *(
        Case(
            f"{how}{about}",
            lambda snt, how=how, options=options: unrolled(
                snt, snt.LSTM(3, dtype=dtype()), how, **options
            ),
            [(5, 3, 2)],
        )
        for how in ("dynamic_unroll", "static_unroll")
        for about, options in (
            ("", {}),
            (" with lengths", {"sequence_length": np.array(LENGTHS, "int32")}),
        )
    ),
    *(
        Case(
            f"{how} of a scalar state",
            lambda snt, how=how: unrolled(
                snt,
                Counter(snt.numpy),
                how,
                sequence_length=np.array(LENGTHS, "int32"),
            ),
            [(5, 3, 2)],
        )
        for how in ("dynamic_unroll", "static_unroll")
    ),
    Case(
        "dynamic_unroll with TensorFlow's options",
        lambda snt: unrolled(
            snt,
            snt.DeepRNN([snt.GRU(3, dtype=dtype()), snt.GRU(2, dtype=dtype())]),
            parallel_iterations=4,
            swap_memory=True,
        ),
        [(4, 2, 3)],
    ),
]
