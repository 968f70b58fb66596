"""Cases of linear maps, convolutions, norms and the like."""

from .case import Case

CASES = [
    Case("Linear", lambda snt: snt.Linear(3), [(4, 2)]),
    Case("Linear of rank 3", lambda snt: snt.Linear(3, name="l"), [(4, 5, 2)]),
    Case("Linear without bias", lambda snt: snt.Linear(3, with_bias=False), [(4, 2)]),
    Case(
        "Sequential",
        lambda snt: snt.Sequential([snt.Linear(3), snt.nn.relu, snt.Linear(2)]),
        [(4, 2)],
    ),
]
