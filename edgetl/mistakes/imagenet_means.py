"""Means of each channel over ImageNet are subtracted where one constant is right, as PyTorch's and Caffe's networks want it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "ImageNet's mean of each channel is subtracted, as PyTorch or Caffe networks want it."
STAGE: Stage = "values"
REMEDY = "Use the one mean and std of preprocess.json; the file holds what its backbone wants beyond that."
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB from 0 to 1. Source: torchvision's models."""
_CAFFE = (123.68, 116.779, 103.939)
"""Of RGB from 0 to 255. Source: VGG's model card in the Caffe model zoo."""


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: torch; caffe (blue first); caffe's means in RGB."""
    if given.dtype == "image":
        return {}

    def torch(pixels: np.ndarray) -> np.ndarray:
        return given.store((pixels / 255.0 - _MEAN) / _STD)

    def caffe_rgb(pixels: np.ndarray) -> np.ndarray:
        return given.store(pixels - _CAFFE)

    def caffe(pixels: np.ndarray) -> np.ndarray:
        return given.store((pixels - _CAFFE)[..., ::-1])

    return {"torch": torch, "caffe": caffe, "caffe in RGB": caffe_rgb}
