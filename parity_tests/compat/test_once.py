"""Methods that run once, as Sonnet's do."""

import pytest

from .libraries import COMPAT, SONNET


@pytest.fixture(params=[SONNET, COMPAT], ids=repr)
def snt(request):
    return request.param


def test_once_for_each_instance(snt):
    class Counting(snt.Module):
        calls = 0

        @snt.once
        def count(self):
            Counting.calls += 1

    first, second = Counting(), Counting()
    for module in (first, second, first, second):
        module.count()
    assert Counting.calls == 2


def test_once_for_a_function(snt):
    calls = []

    @snt.once
    def f():
        calls.append(1)

    f()
    f()
    assert calls == [1]


def test_a_call_that_fails_does_not_count(snt):
    class Failing(snt.Module):
        attempts = 0

        @snt.once
        def fail_first(self):
            self.attempts += 1
            if self.attempts == 1:
                raise KeyError

    module = Failing()
    with pytest.raises(KeyError):
        module.fail_first()
    module.fail_first()
    module.fail_first()
    assert module.attempts == 2


def test_returning_a_value_is_an_error(snt):
    class Returning(snt.Module):
        @snt.once
        def one(self):
            return 1

    with pytest.raises(ValueError, match="cannot return"):
        Returning().one()


def test_overridden_methods_run_apart(snt):
    calls = []

    class Base(snt.Module):
        @snt.once
        def start(self):
            calls.append("base")

    class Derived(Base):
        @snt.once
        def start(self):
            super().start()
            calls.append("derived")

    module = Derived()
    module.start()
    module.start()
    assert calls == ["base", "derived"]
