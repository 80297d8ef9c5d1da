"""Learning rates over a phase, against values worked out by hand."""

import pytest

from edgetl.nn.schedules import rate
from edgetl.recipe import Phase


def _phase(**settings):
    return Phase(**{"phase": "p", "epochs": 10, "learning_rate": 0.8, **settings})


@pytest.mark.parametrize(
    ("settings", "position", "losses", "expected"),
    [
        ({"schedule": "constant"}, 7.5, [], 0.8),
        ({}, 0.0, [], 0.8),
        ({}, 5.0, [], 0.4),
        ({}, 10.0, [], 0.0),
        ({"warmup_epochs": 2}, 0.0, [], 0.0),
        ({"warmup_epochs": 2}, 1.0, [], 0.4),
        ({"warmup_epochs": 2}, 2.0, [], 0.8),
        ({"warmup_epochs": 2}, 6.0, [], 0.4),
        ({"schedule": "step", "schedule_epochs": 3}, 2.99, [], 0.8),
        ({"schedule": "step", "schedule_epochs": 3}, 3.0, [], 0.08),
        ({"schedule": "step", "schedule_epochs": 3, "schedule_factor": 0.5}, 9.0, [], 0.1),
        ({"schedule": "plateau", "schedule_epochs": 2}, 3.0, [1.0, 0.9, 0.8], 0.8),
        ({"schedule": "plateau", "schedule_epochs": 2}, 3.0, [1.0, 1.1, 1.0], 0.4),
        ({"schedule": "plateau", "schedule_epochs": 2}, 5.0, [1.0, 1.1, 1.0, 1.2, 1.0], 0.2),
        ({"schedule": "plateau", "schedule_epochs": 2}, 5.0, [1.0, 1.1, 1.0, 0.5, 0.6], 0.4),
    ],
)
def test_the_rate(settings, position, losses, expected):
    assert rate(_phase(**settings), position, losses) == pytest.approx(expected)
