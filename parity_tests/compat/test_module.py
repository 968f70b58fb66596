"""Modules: names, scopes, the order of variables, and reprs are Sonnet's."""

import pytest
import sonnet
import tensorflow as tf

from sonnax import compat

from .libraries import COMPAT, SONNET

LIBRARIES = (SONNET, COMPAT)


def both(f):
    """Returns what `f` gives in Sonnet and in compat."""
    return f(SONNET), f(COMPAT)


def test_variables_come_by_attribute_then_breadth_first():
    def names(snt):
        class Inner(snt.Module):
            def __init__(self, name=None):
                super().__init__(name=name)
                self.z = snt.Variable(1.0, name="z")
                self.a = snt.Variable(1.0, name="a", trainable=False)

        class Outer(snt.Module):
            def __init__(self):
                super().__init__()
                self.y = snt.Variable(1.0, name="y")
                self.m = [Inner("m0"), {"k2": Inner(), "k1": Inner("m1")}]
                self.b = (snt.Variable(1.0, name="b"), Inner("m2"))
                self.shared = self.m[0]
                self.same = self.y

        outer = Outer()
        kinds = "variables", "trainable_variables", "non_trainable_variables"
        found = [[v.name for v in getattr(outer, kind)] for kind in kinds]
        return [*found, [m.name for m in outer.submodules]]

    theirs, ours = both(names)
    assert ours == theirs


def test_names_and_scopes_of_nested_modules():
    def names(snt):
        class Inner(snt.Module):
            def __call__(self):
                if not hasattr(self, "w"):
                    self.w = snt.Variable(1.0, name="w")
                return self.w.name

            @snt.no_name_scope
            def unscoped(self):
                return snt.Variable(1.0, name="u").name

            @property
            def scoped(self):
                return snt.Variable(1.0, name="p").name

        class HTTPServer2Go(snt.Module):
            def __init__(self, name=None):
                super().__init__(name=name)
                self.inner = Inner()

            def __call__(self):
                self.late = Inner(name="late")
                return self.late(), self.inner(), self.late.unscoped(), self.late.scoped

        module = HTTPServer2Go()
        found = [*module(), module.name, module.name_scope.name]
        with module.name_scope:
            found.append(snt.Variable(0.0, name="v").name)
        with module.inner.name_scope:
            found.append(Inner().name_scope.name)
        return [
            *found,
            module.inner.name_scope.name,
            HTTPServer2Go(name="x").inner.name,
        ]

    theirs, ours = both(names)
    assert ours == theirs


def test_a_failing_constructor_leaves_its_scope():
    def name(snt):
        class Failing(snt.Module):
            def __init__(self):
                super().__init__()
                raise KeyError("on purpose")

        with pytest.raises(KeyError):
            Failing()
        return snt.Variable(1.0, name="v").name

    theirs, ours = both(name)
    assert ours == theirs == "v:0"


REPRS = [
    lambda snt: snt.Linear(3),
    lambda snt: snt.Linear(3, True, name="named"),
    lambda snt: snt.Conv2D(3, [2, 2], stride=2, padding="VALID"),
    lambda snt: snt.nets.MLP([3, 4], activate_final=True, name="a_longer_name_for_it"),
    lambda snt: snt.Sequential([snt.Linear(2), snt.Flatten()]),
    lambda snt: snt.BatchNorm(create_scale=True, create_offset=False),
    lambda snt: snt.ExponentialMovingAverage(0.9),
]


@pytest.mark.parametrize("make", REPRS)
def test_reprs_are_the_constructor_calls(make):
    theirs, ours = both(lambda snt: repr(make(snt)))
    assert ours == theirs


def test_modules_without_variables_are_an_error_that_can_be_allowed():
    for snt in LIBRARIES:
        module = snt.Module()
        for kind in ("variables", "trainable_variables"):
            with pytest.raises(ValueError, match=r"(?i)pass an example"):
                getattr(module, kind)
        assert module.non_trainable_variables == ()
        assert snt.allow_empty_variables(module).variables == ()

        @snt.allow_empty_variables
        class Stateless(snt.Module):
            pass

        assert Stateless().trainable_variables == ()


def test_abstract_methods_must_be_there():
    for snt in LIBRARIES:
        with pytest.raises(TypeError, match="abstract"):
            snt.Optimizer()


def test_users_own_classes_take_the_place_of_sonnets():
    def made(snt):
        class Twos(snt.initializers.Initializer):
            def __call__(self, shape, dtype):
                return snt.initializers.Constant(2)(shape, dtype)

        class Sum(snt.regularizers.Regularizer):
            def __call__(self, tensors):
                return sum(snt.numpy.sum(tensor) for tensor in tensors)

        linear = snt.Linear(2, w_init=Twos())
        linear(snt.array([[1.0, 2.0]]))
        return float(Sum()(linear.trainable_variables))

    theirs, ours = both(made)
    assert ours == theirs == 8


def test_base_classes_and_tuples_are_where_sonnet_has_them():
    def found(snt):
        lstm = snt.LSTM(3)
        state = lstm.initial_state(2)
        return [
            isinstance(state, snt.LSTMState),
            snt.LSTMState._fields,
            issubclass(snt.UnrolledLSTM, snt.UnrolledRNN),
            isinstance(lstm, snt.RNNCore),
            isinstance(snt.regularizers.L1(0.1), snt.regularizers.Regularizer),
            isinstance(snt.initializers.Ones(), snt.initializers.Initializer),
            isinstance(snt.Mean(), snt.Metric),
            isinstance(snt.optimizers.SGD(0.1), snt.Optimizer),
        ]

    theirs, ours = both(found)
    assert ours == theirs


def test_methods_keep_their_names_and_docs():
    class Documented(compat.Module):
        def forward(self, x):
            """Doubles."""
            return 2 * x

        @property
        def three(self):
            """Three."""
            return 3

    assert Documented.forward.__name__ == "forward"
    assert Documented.forward.__doc__ == "Doubles."
    assert Documented.three.__doc__ == "Three."
    assert Documented().forward(2) == 4


def test_deferred_modules_become_their_targets():
    def observed(snt):
        made = []
        deferred = snt.Deferred(
            lambda: made.append(1) or snt.Linear(2), call_methods=("__call__", "twice")
        )
        x = snt.array([[1.0, 2.0]])
        before = list(made)
        shape = tuple(deferred(x).shape)
        deferred.extra = 3
        found = [before, made, shape, deferred.target.extra, deferred.output_size]
        del deferred.extra
        found += [hasattr(deferred.target, "extra"), str(deferred)]
        return [*found, [v.name for v in deferred.variables], deferred.name]

    theirs, ours = both(observed)
    assert ours == theirs


def test_the_repr_of_a_deferred_module_does_not_make_it():
    deferred = compat.Deferred(lambda: compat.Linear(2))
    assert "lambda" in repr(deferred)
    compat.Sequential([deferred])
    assert vars(deferred)["_target"] is None


def test_modules_can_be_built_from_shapes():
    def built(snt):
        net = snt.nets.MLP([4, 3])
        spec = snt.build(net, [None, 5])
        norm = snt.BatchNorm(True, True)
        norm_spec = snt.build(norm, [7, 2], is_training=True)
        counts = [int(v) for v in norm.variables if "counter" in v.name]
        shapes = [tuple(spec.shape), tuple(norm_spec.shape)]
        shapes += [tuple(v.shape) for v in (*net.variables, *norm.variables)]
        return shapes, counts

    theirs, ours = both(built)
    assert ours == theirs


def test_building_takes_nests_and_specs():
    spec = compat.build(
        lambda x, y, z: {"sum": x + y["a"], "z": z},
        [3, 2],
        {"a": tf.TensorSpec([2])},
        None,
    )
    assert spec["sum"].shape == (3, 2)
    assert spec["z"] is None
    unknown = compat.build(compat.Conv2D(3, 3, stride=2), [None, None, 8, 1])
    assert unknown.shape == (None, None, 4, 3)


def test_a_custom_getter_changes_what_modules_read():
    for snt in LIBRARIES:

        class Linear(snt.Linear):
            """Of its own, since Sonnet leaves the class of an instance changed."""

        linear = Linear(1, w_init=snt.initializers.Ones())
        other = snt.Linear(1, w_init=snt.initializers.Ones())
        x = snt.array([[1.0]])
        assert float((linear(x) + other(x))[0, 0]) == 2
        with snt.custom_variable_getter(lambda v: v * 3, instances=[linear]):
            assert float(linear(x)[0, 0]) == 3
            assert float(other(x)[0, 0]) == 1
    assert float(linear(x)[0, 0]) == 1  # in Sonnet it is not undone


def test_custom_getters_nest_and_are_undone():
    class Holder:
        pass

    holder = Holder()
    v = compat.Variable(1.0)
    holder.nest = {"a": [v, 2], "b": (v,)}
    with compat.custom_variable_getter(lambda v: v * 3, classes=[Holder]):
        assert holder.nest == {"a": [3, 2], "b": (3,)}
    assert holder.nest["a"][0] is v
    before = compat.Linear.__getattribute__
    linear = compat.Linear(1, w_init=compat.initializers.Ones())
    linear(compat.Variable([[1.0]]))
    with (
        compat.custom_variable_getter(lambda v: v * 3),
        compat.custom_variable_getter(lambda v: v.value(), classes=[compat.Linear]),
    ):
        assert float(linear.w[0, 0]) == 3
    assert compat.Linear.__getattribute__ is before
    assert isinstance(linear.w, compat.Variable)


def test_tables_of_variables_are_sonnets():
    def table(snt, **style):
        net = snt.nets.MLP([3, 2])
        net(snt.array([[1.0, 2.0]]))
        extra = snt.Variable([[1, 2]], trainable=False, dtype="int32", name="other/x")
        return snt.format_variables([*net.variables, extra], **style)

    for style in ({}, {"tablefmt": "github"}):
        assert table(COMPAT, **style) == table(SONNET, **style)
    assert compat.format_variables([]) == sonnet.format_variables([])


def test_variables_are_logged_line_by_line(caplog):
    variable = compat.Variable(1.0, name="v")
    with caplog.at_level("INFO"):
        compat.log_variables([variable])
    lines = compat.format_variables([variable]).split("\n")
    assert [record.message for record in caplog.records] == lines
