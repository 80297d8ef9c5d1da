"""A network with real weights and real photos: MobileNetV1 0.25 at 128 px, its head fitted to some grocery photos, as TFLite."""

import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageOps

PX, RESIZE = 128, 144
KEPT = 6
"""Photos of each class that are left for the tests."""


def _features(material, pixels):
    import tf_keras

    weights = material / "weights" / "keras_imagenet" / "mobilenet_2_5_224_tf_no_top.h5"
    base = tf_keras.applications.MobileNet(
        input_shape=(PX, PX, 3), alpha=0.25, include_top=False, weights=str(weights), pooling="avg"
    )
    return base, base.predict((pixels.astype(np.float32) - 128) / 127.5, batch_size=32, verbose=0)


def _lite(model, pixels, io):
    import tensorflow as tf

    function = tf.function(lambda image: model(image, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec((1, PX, PX, 3), tf.float32, name="image"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], model)
    converter.experimental_lower_to_saved_model = False
    if io != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([(p[None].astype(np.float32) - 128) / 127.5] for p in pixels[:40])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = getattr(tf, io)
    return converter.convert()


def _phone(source, target, number):
    """Copy a photo as phones write them: some long, some tall, some turned by EXIF, all JPEG."""
    if number % 3 == 0:
        shutil.copy2(source, target)
        return
    image = Image.open(source)
    width, height = image.size
    if number % 3 == 1:
        image.crop((0, height // 6, width, height - height // 6)).save(target, quality=90)
        return
    turned = image.crop((width // 8, 0, width - width // 8, height)).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(target, quality=90, exif=exif)
    assert ImageOps.exif_transpose(Image.open(target)).size == (width - width // 8 - width // 8, height)


@pytest.fixture(scope="session")
def grocer(material, tmp_path_factory):
    """`float32` and `int8`: files; `data`: folder of photos; `preprocess`, `class_names`."""
    import tf_keras
    from sklearn.linear_model import LogisticRegression

    from edgetl.preprocess import to_pixels
    from edgetl.types import Preprocess

    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    folder = tmp_path_factory.mktemp("grocer")
    preprocess = Preprocess(resize_px=RESIZE, crop_px=PX)
    source = material / "data" / "grocery10" / "train"
    class_names = tuple(sorted(p.name for p in source.iterdir() if p.is_dir()))
    pixels, labels = [], []
    for index, name in enumerate(class_names):
        photos = sorted((source / name).glob("*.jpg"))
        (folder / "data" / name).mkdir(parents=True)
        for number, photo in enumerate(photos[:KEPT]):
            _phone(photo, folder / "data" / name / photo.name, number)
        for photo in photos[KEPT : KEPT + 24]:
            pixels.append(to_pixels(photo.read_bytes(), preprocess))
            labels.append(index)
    pixels = np.array(pixels)
    base, features = _features(material, pixels)
    spread = features.std(axis=0) + 1e-3
    fitted = LogisticRegression(C=0.05, max_iter=300).fit(features / spread, labels)
    dense = tf_keras.layers.Dense(len(class_names), activation="softmax")
    model = tf_keras.Model(base.input, dense(base.output))
    dense.set_weights([(fitted.coef_ / spread).T, fitted.intercept_])
    found = SimpleNamespace(data=folder / "data", preprocess=preprocess, class_names=class_names)
    for io in ("float32", "int8"):
        path = folder / f"grocer_{io}.tflite"
        path.write_bytes(_lite(model, pixels[::6], io))
        setattr(found, io, path)
    return found
