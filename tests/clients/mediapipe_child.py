"""Run by MediaPipe's own Python: classify the photos of a `.npy` file (uint8, N x px x px x 3) with TFLite files.

Arguments: the photos, then files. Prints one JSON object: file → rows of {label: score}, or the reason of its refusal.
"""

import json
import sys

import mediapipe
import numpy as np
from mediapipe.tasks import python
from mediapipe.tasks.python import vision

photos = np.load(sys.argv[1])
told = {}
for path in sys.argv[2:]:
    options = vision.ImageClassifierOptions(base_options=python.BaseOptions(model_asset_path=path), max_results=-1)
    try:
        with vision.ImageClassifier.create_from_options(options) as classifier:
            rows = []
            for photo in photos:
                image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(photo))
                (head,) = classifier.classify(image).classifications
                rows.append([[c.index, c.category_name, c.score] for c in head.categories])
            told[path] = rows
    except Exception as error:
        told[path] = str(error)
print(json.dumps(told))
