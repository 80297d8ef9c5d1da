"""How a drawing is held against what was published."""

import pytest

from edgetl.networks._find import draw


@pytest.fixture
def published():
    """Compare a drawing's million multiply-accumulates and parameters with published ones; None: not published."""

    def compare(model, macs_m, params_m, *, alpha=None, px=None, macs_off=0.03, params_off=0.02):
        network = draw(model, alpha, px)
        if macs_m is not None:
            assert network.macs / 1e6 == pytest.approx(macs_m, rel=macs_off)
        if params_m is not None:
            assert network.weights / 1e6 == pytest.approx(params_m, rel=params_off)

    return compare
