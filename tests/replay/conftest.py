"""A network with real weights and real photos: MobileNetV1 0.25 at 96 px, its head fitted to some grocery photos, as TFLite."""

import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageOps

PX, RESIZE = 96, 112
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
        for photo in photos[KEPT : KEPT + 14]:
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


def _resized(pixels, height, width, how):
    import tensorflow as tf

    method, antialias = {"nearest": ("nearest", False), "area": ("area", False), "plain": ("bilinear", False)}.get(
        how, (how or "bilinear", True)
    )
    found = tf.image.resize(pixels, (height, width), method, antialias=antialias)
    return np.clip(np.rint(np.asarray(found, np.float64)), 0, 255).astype(np.uint8)


class App:
    """An app that shares no code with edgetl: TensorFlow's decoder and resizer, own arithmetic, LiteRT's kernels of choice.

    `mistakes` is a set of words; `decoder` are options of tf.io.decode_jpeg.
    """

    def __init__(self, path, class_names, reference=False):
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        kernels = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
        self.interpreter = Interpreter(str(path), experimental_op_resolver_type=kernels, num_threads=1)
        self.interpreter.allocate_tensors()
        self.input, self.output = self.interpreter.get_input_details()[0], self.interpreter.get_output_details()[0]
        self.class_names = class_names

    def picture(self, data, mistakes, decoder):
        import io

        import tensorflow as tf

        pixels = tf.io.decode_jpeg(data, channels=3, **decoder).numpy()
        if "exif_ignored" not in mistakes and Image.open(io.BytesIO(data)).getexif().get(0x0112, 1) == 6:
            pixels = np.rot90(pixels, 3)
        how = next((word for word in ("nearest", "area", "plain", "bicubic") if word in mistakes), "")
        if "squash" in mistakes:
            pixels = _resized(pixels, PX, PX, how)
        else:
            factor = RESIZE / min(pixels.shape[:2])
            pixels = _resized(pixels, *(int(side * factor + 0.5) for side in pixels.shape[:2]), how)
            top, left = ((side - PX) // 2 for side in pixels.shape[:2])
            pixels = pixels[top : top + PX, left : left + PX]
        if "bgr" in mistakes:
            pixels = pixels[:, :, [2, 1, 0]]
        return np.transpose(pixels, (1, 0, 2)) if "transposed" in mistakes else pixels

    def values(self, pixels, mistakes):
        numbers = pixels.astype(np.float32)
        values = (numbers - 128) / 127.5
        if "no_division" in mistakes:
            values = numbers
        if "range_0_1" in mistakes:
            values = numbers / 255
        if "double_scaling" in mistakes:
            values = (numbers / 255 - 128) / 127.5
        if "scale_doubled" in mistakes:
            values = values * 2
        if "torch" in mistakes:
            values = (numbers / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
        if "channels_first" in mistakes:
            values = np.ascontiguousarray(np.moveaxis(values, 2, 0)).reshape(PX, PX, 3)
        if self.input["dtype"] == np.int8:
            return np.clip(np.round(values * 127.5), -128, 127).astype(np.int8)
        return values.astype(np.float32)

    def log(self, name, data, mistakes=(), decoder=None, say="probabilities", places=()):
        """One image of an APP.json; `say`: `probabilities`, `top` or `names`; `places` of the input that are logged."""
        from edgetl.replay.observed import LoggedImage, LoggedName, LoggedTensor

        decoder = {"dct_method": "INTEGER_FAST"} if decoder is None else decoder
        values = self.values(self.picture(data, mistakes, decoder), mistakes)
        self.interpreter.set_tensor(self.input["index"], values[None])
        self.interpreter.invoke()
        found = self.interpreter.get_tensor(self.output["index"])[0]
        if found.dtype == np.int8:
            found = (found.astype(np.float32) + 128) / 256
        if "labels_shifted" in mistakes:
            found = np.concatenate([found[-1:], found[:-1]])
        if "labels_shuffled" in mistakes:
            found = found[np.random.default_rng(5).permutation(len(found))]
        tensor = LoggedTensor(samples=tuple(float(values.reshape(-1)[place]) for place in places)) if places else None
        if say == "probabilities":
            return LoggedImage(file=name, tensor=tensor, probabilities=tuple(map(float, found)))
        top = tuple(
            LoggedName(label=self.class_names[i], probability=round(float(found[i]), 2) if say == "top" else None)
            for i in np.argsort(-found)[:3]
        )
        return LoggedImage(file=name, tensor=tensor, top=top)


@pytest.fixture(scope="session")
def replayed(grocer):
    """Open a file of the grocer's and replay its photos in all ways, once: (names, photos, replays, network, an app)."""
    from edgetl import photos
    from edgetl.replay import network, replays
    from edgetl.replay.hypotheses import singles

    made = {}

    def once(io):
        if io not in made:
            path, items = getattr(grocer, io), photos.gather(grocer.data, grocer.class_names, limit=20).items
            given = network.given(path, grocer.preprocess, grocer.class_names)
            opened = network.Network(path, given)
            names, data = [photo.name for photo in items], [photo.read() for photo in items]
            found = replays.with_right(data, given, opened, singles(given))
            made[io] = SimpleNamespace(
                names=names, data=data, replays=found, network=opened, given=given, path=path,
                labels=np.array([photo.label for photo in items]), app=App(path, grocer.class_names),
                reference=App(path, grocer.class_names, reference=True),
            )  # fmt: skip
        return made[io]

    return once
