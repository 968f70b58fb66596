"""Trains on eight devices and on one; `test_distribute.py` runs it as a process."""

import os

os.environ["XLA_FLAGS"] = (
    f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
)

import json

import jax
import jax.numpy as jnp
import numpy as np

from sonnax import compat as snt

STEPS, BATCH = 3, 16


def make_net():
    norm = snt.distribute.CrossReplicaBatchNorm(
        create_scale=True,
        create_offset=True,
        moving_mean=snt.ExponentialMovingAverage(0.9, name="mean"),
        moving_variance=snt.ExponentialMovingAverage(0.9, name="variance"),
    )

    class Net(snt.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = snt.Conv2D(3, 3, with_bias=False), norm
            self.linear = snt.Linear(2)

        def __call__(self, x):
            x = jax.nn.relu(self.norm(self.conv(x), is_training=True))
            return self.linear(jnp.mean(x, axis=(1, 2)))

    return Net()


def data():
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        x = rng.normal(size=(BATCH, 4, 4, 2)).astype("float32")
        yield x, rng.normal(size=(BATCH, 2)).astype("float32")


def step_of(net, optimizer):
    def step(x, y):
        loss = lambda: jnp.mean((net(x) - y) ** 2)
        value, gradients = snt.value_and_grad(loss, net)()
        context = snt.distribute.get_replica_context()
        value, gradients = context.all_reduce("mean", (value, gradients))
        optimizer.apply(gradients, net.trainable_variables)
        return value

    return step


def train(replicator, compile_whole):
    """Returns losses and variables after a few steps; without a replicator, on one."""
    snt.random.set_seed(0)
    net, optimizer = make_net(), snt.optimizers.Adam(0.01)
    step = step_of(net, optimizer)
    losses = []
    if replicator is None:
        run = snt.jit(step)
        losses = [float(run(x, y)) for x, y in data()]
    else:
        run = lambda batch: replicator.run(step, args=batch)
        run = snt.jit(run) if compile_whole else run
        for batch in replicator.experimental_distribute_dataset(data()):
            per_replica = run(batch)
            assert len(set(map(float, per_replica.values))) == 1
            losses.append(float(replicator.reduce("mean", per_replica)))
    values = [*net.variables, *optimizer.variables]
    return losses, {v.name: v.numpy().tolist() for v in values}


def train_in_the_pure_gear():
    """The same with jax.shard_map around a pure function."""
    snt.random.set_seed(0)
    f = snt.functional.transform_with_state(lambda x: make_net()(x))
    params, state = f.init(next(data())[0], rng=0)
    mesh = jax.sharding.Mesh(jax.devices(), ("replica",))
    batch, whole = jax.P("replica"), jax.P()
    sharded = jax.shard_map(
        f.apply,
        mesh=mesh,
        in_specs=(whole, whole, batch),
        out_specs=(batch, whole),
        check_vma=False,
    )
    differences = []
    for x, _ in data():
        expected, expected_state = jax.jit(f.apply)(params, state, x)
        y, state = jax.jit(sharded)(params, state, x)
        pairs = zip(
            jax.tree.leaves((y, state)), jax.tree.leaves((expected, expected_state))
        )
        differences += [float(jnp.max(jnp.abs(a - b))) for a, b in pairs]
    return max(differences)


def random_numbers(replicator):
    """Whether replicas draw different numbers, and start from equal variables."""
    linear = snt.Linear(4)

    def run():
        y = linear(jnp.ones([1, 3]))
        return y, jax.random.uniform(snt.random.next_key())

    y, drawn = replicator.run(run)
    return {
        "equal outputs": len({tuple(v.ravel().tolist()) for v in y.values}),
        "drawn": len(set(map(float, drawn.values))),
    }


def own_values(replicator):
    """What each replica knows of itself, and what is read outside."""
    last = snt.Variable(0, trainable=False)

    def run(x, factor):
        context = snt.distribute.get_replica_context()
        last.assign(context.replica_id_in_sync_group + 10)
        return {
            "x": x * factor,
            "gathered": context.all_gather(x, axis=0),
            "size": context.num_replicas_in_sync,
        }

    made = replicator.experimental_distribute_values_from_function(
        lambda context: np.float32([context.replica_id_in_sync_group])
    )
    out = replicator.run(run, args=(made,), kwargs={"factor": 2.0})
    return {
        "x": [float(v[0]) for v in out["x"].values],
        "gathered": out["gathered"].values[3].tolist(),
        "size": [int(v) for v in replicator.experimental_local_results(out["size"])],
        "sum": float(replicator.reduce("sum", out["x"], axis=0)),
        "last": int(last),
    }


def refusals(replicator):
    errors = {}
    for name, function in {
        "uneven": lambda: next(
            replicator.experimental_distribute_dataset([np.ones([9, 2])])
        ),
        "count": lambda: replicator.run(
            lambda x: x, (snt.distribute.PerReplica(jnp.ones([3])),)
        ),
        "operation": lambda: replicator.reduce("max", jnp.ones([])),
        "tpu": snt.distribute.TpuReplicator,
    }.items():
        try:
            function()
        except ValueError as error:
            errors[name] = str(error)
    with replicator.scope():
        try:
            make_net()(jnp.ones([2, 4, 4, 2]))
        except TypeError as error:
            errors["scope"] = str(error)
    return errors


if __name__ == "__main__":
    eight = snt.distribute.Replicator()
    print(
        json.dumps(
            {
                "replicas": eight.num_replicas_in_sync,
                "one": train(None, False),
                "eight": train(eight, False),
                "eight, compiled around": train(eight, True),
                "pure": train_in_the_pure_gear(),
                "random": random_numbers(eight),
                "own": own_values(eight),
                "refusals": refusals(eight),
            }
        )
    )
