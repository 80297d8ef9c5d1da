"""Metadata of the TFLite Tasks libraries: what MediaPipe's ImageClassifier and Android Studio read of a file, written into it.

A flatbuffer (identifier M001) in one of the model's buffers, and a zip of the labels behind the model. Numbers of fields and of
members of enums: mediapipe/tasks/metadata/metadata_schema.fbs, schema 1.5.0; what stands here is known to parsers from 1.0.0 on.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgetl import declared
from edgetl.converters._base import INPUT_NAME, OUTPUT_NAME, Source
from edgetl.errors import ConversionError

if TYPE_CHECKING:
    from edgetl.recipe import Target

NAME = "TFLITE_METADATA"
LABELS, SCORES = "labels.txt", "score_calibration.csv"
_PARSER = "1.0.0"
_AXIS_LABELS, _AXIS_SCORE_CALIBRATION = 2, 4
_IMAGE, _RGB = 2, 1
_NORMALIZATION, _SCORE_CALIBRATION, _INVERSE_LOGISTIC = 1, 2, 2
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def describe(data: bytes, source: Source, target: Target, dtype: str) -> bytes:
    """Write into a TFLite file what clients read of it.

    Args:
        data: a `.tflite` file without metadata of this kind, its input `image`, its output `probabilities`.
        source: its words, preprocessing, labels and calibrated scores.
        target: what was asked for.
        dtype: of its input.

    Returns:
        The same network with metadata; the same arguments give the same bytes.

    Raises:
        ConversionError: a class name has a line break, so it cannot stand in a file of labels.
    """
    broken = [name for name in source.class_names if len(name.splitlines()) != 1]
    if broken:
        raise ConversionError(f"class {broken[0]!r} is empty or has a line break, which a file of labels cannot hold. Rename it.")
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    entries = {NAME: _flatbuffer(source, target, dtype)}
    if target.normalise == declared.GRAPH:
        entries[declared.KEY] = declared.GRAPH.encode()
    model.metadata = list(model.metadata or ())
    for name, content in entries.items():
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = list(content)
        entry.name, entry.buffer = name.encode(), len(model.buffers)
        model.buffers.append(buffer)
        model.metadata.append(entry)
    builder = flatbuffers.Builder(len(data) + 65536)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    files = {LABELS: "".join(f"{name}\n" for name in source.class_names)}
    if source.scores is not None:  # no line break at the end: MediaPipe counts the lines
        files[SCORES] = "\n".join(f"1,{slope:.6g},{offset:.6g}" for slope, offset in source.scores)
    return _packed(bytes(builder.Output()), files)


def _packed(data: bytes, files: Mapping[str, str]) -> bytes:
    """Append a zip, stored, since MediaPipe maps it."""
    stream = io.BytesIO()
    stream.write(data)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, text.encode("utf-8"))
    return stream.getvalue()


def _flatbuffer(source: Source, target: Target, dtype: str) -> bytes:
    """The table ModelMetadata."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    spec = declared.left_for_app(source.preprocess, graph=target.normalise == declared.GRAPH)
    words = source.words
    taken = {"uint8": "bytes as they are", "int8": "bytes less 128"}.get(dtype, f"(byte - {spec.mean:g}) / {spec.std:g}")
    limits = {"uint8": (0.0, 255.0), "int8": (-128.0, 127.0)}.get(dtype, spec.input_range)
    mean, std = (_floats(builder, [value]) for value in (spec.mean, spec.std))
    normalisation = _union(builder, _NORMALIZATION, _table(builder, {0: mean, 1: std}))
    size = _table(builder, {0: ("Uint32", spec.crop_px), 1: ("Uint32", spec.crop_px)})
    picture = _union(builder, _IMAGE, _table(builder, {0: ("Int8", _RGB), 1: size}))
    image = {
        0: builder.CreateString(INPUT_NAME),
        1: builder.CreateString(f"Upright RGB picture of {spec.crop_px} x {spec.crop_px} pixels: {taken}."),
        3: picture,
        4: _offsets(builder, [normalisation]),
        5: _stats(builder, *limits),
    }
    files = [_file(builder, LABELS, "Class names in the order of the scores, a line each.", _AXIS_LABELS)]
    scores = {0: builder.CreateString(OUTPUT_NAME), 1: builder.CreateString("Score of each class."), 5: _stats(builder, 0.0, 1.0)}
    if source.scores is not None:
        files.append(
            _file(builder, SCORES, "Scale, slope and offset of each class, a line each.", _AXIS_SCORE_CALIBRATION)
        )
        options = _table(builder, {0: ("Int8", _INVERSE_LOGISTIC)})
        scores[4] = _offsets(builder, [_union(builder, _SCORE_CALIBRATION, options)])
    scores[6] = _offsets(builder, files)
    ends = [_offsets(builder, [_table(builder, end)]) for end in (image, scores)]
    graph = _offsets(builder, [_table(builder, {2: ends[0], 3: ends[1]})])
    texts = {0: words.title, 1: words.description, 2: words.version, 4: words.author, 5: words.licence, 7: _PARSER}
    told = {place: builder.CreateString(text) for place, text in texts.items() if text}
    builder.Finish(_table(builder, {**told, 3: graph}), file_identifier=b"M001")
    return bytes(builder.Output())


def _table(builder: Any, fields: Mapping[int, int | tuple[str, int]]) -> int:
    """A table: number of the field → place of what is written already, or type and value of a number."""
    builder.StartObject(max(fields) + 1)
    for place, field in fields.items():
        if isinstance(field, int):
            builder.PrependUOffsetTRelativeSlot(place, field, 0)
        else:
            getattr(builder, f"Prepend{field[0]}Slot")(place, field[1], 0)
    return int(builder.EndObject())


def _union(builder: Any, kind: int, value: int) -> int:
    """A table that holds a union alone: ProcessUnit, Content."""
    return _table(builder, {0: ("Uint8", kind), 1: value})


def _offsets(builder: Any, places: Sequence[int]) -> int:
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return int(builder.EndVector())


def _floats(builder: Any, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())


def _stats(builder: Any, low: float, high: float) -> int:
    most, least = _floats(builder, [high]), _floats(builder, [low])
    return _table(builder, {0: most, 1: least})


def _file(builder: Any, name: str, description: str, kind: int) -> int:
    texts = builder.CreateString(name), builder.CreateString(description)
    return _table(builder, {0: texts[0], 1: texts[1], 2: ("Int8", kind)})
