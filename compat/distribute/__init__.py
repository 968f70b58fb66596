"""`snt.distribute`: training on several devices."""

from .cross_replica_batch_norm import CrossReplicaBatchNorm
from .replica_context import ReplicaContext, get_replica_context
from .replicator import PerReplica, Replicator, TpuReplicator, create_variables_eagerly

__all__ = [
    "CrossReplicaBatchNorm",
    "PerReplica",
    "ReplicaContext",
    "Replicator",
    "TpuReplicator",
    "create_variables_eagerly",
    "get_replica_context",
]
