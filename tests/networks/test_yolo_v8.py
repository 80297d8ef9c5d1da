"""YOLOv8: half of the FLOPs, and the parameters, of its documentation, at 640 px."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("yolov8n", 4350, 3.157),
        ("yolov8s", 14300, 11.166),
        ("yolov8m", 39450, 25.9),
        ("yolov8l", 82600, 43.7),
        ("yolov8x", 128900, 68.2),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
