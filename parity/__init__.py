"""Running an old model and its port side by side, module call by module call.

    from sonnax.parity import assert_parity

    def test_my_port():
        assert_parity(
            "legacy/model.py:build", "ported/model.py:build",
            checkpoint="checkpoints/ckpt-1000", inputs="batch.npz",
        )

`sonnax compare` does the same on the command line, and `sonnax record` writes down
what a model computes where TensorFlow is installed, to be compared elsewhere.
"""

from .comparison import (
    ComparedCall,
    ComparedRun,
    Comparison,
    compare_recordings,
)
from .measures import Difference, Tolerance, measure
from .processes import ComparisonError
from .recorder.recording import Call, Recording, RecordingError, Run, read_recording
from .running import ParityError, assert_parity, compare, record
from .tables import as_json
from .verdict import Parting, is_rounding, parting, verdict

__all__ = [
    # running
    "assert_parity",
    "compare",
    "record",
    # what was found
    "Comparison",
    "ComparedRun",
    "ComparedCall",
    "Difference",
    "Parting",
    "parting",
    "verdict",
    "is_rounding",
    "as_json",
    # by hand
    "read_recording",
    "compare_recordings",
    "measure",
    "Tolerance",
    "Recording",
    "Run",
    "Call",
    # errors
    "ComparisonError",
    "ParityError",
    "RecordingError",
]
