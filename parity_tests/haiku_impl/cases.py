"""One table of module cases: every module, every constructor argument."""

from .cases_convolutions import CONVOLUTIONS
from .cases_layers import BASIC, INITIALIZERS
from .cases_nets import NETS
from .cases_normalization import NORMALIZATION
from .cases_recurrent import RECURRENT

CASES = [
    *INITIALIZERS,
    *BASIC,
    *CONVOLUTIONS,
    *NORMALIZATION,
    *RECURRENT,
    *NETS,
]
