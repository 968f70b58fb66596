"""A checkpoint that real Sonnet trained under TensorFlow, and what Sonnet computed.

`data/checkpoint` (with the files beside it) is what `tf.train.CheckpointManager`
left on disk; `data/recorded.npz` holds the test set, Sonnet's logits and loss on
it, and 20 further batches with the losses of Sonnet's next 20 training steps.
`train_sonnet.py` wrote both; it is the only file here that needs TensorFlow.
"""

from pathlib import Path

DATA = Path(__file__).parent / "data"
RECORDED = DATA / "recorded.npz"

__all__ = ["DATA", "RECORDED"]
