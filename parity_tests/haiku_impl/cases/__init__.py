"""One table of module cases: every module, every constructor argument."""

from .convolutions import CONVOLUTIONS
from .layers import BASIC, INITIALIZERS
from .nets import NETS
from .normalization import NORMALIZATION
from .recurrent import RECURRENT

CASES = [
    *INITIALIZERS,
    *BASIC,
    *CONVOLUTIONS,
    *NORMALIZATION,
    *RECURRENT,
    *NETS,
]
