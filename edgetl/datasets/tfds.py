"""A data set that TensorFlow Datasets has prepared on this machine: `DATA_DIR/NAME[/CONFIG]/VERSION/`, TFRecord files in it.

Neither that package nor the data set's own code is needed: `tfds build NAME` on any machine writes the folder. Splits `train`,
`validation` and `test` are used as such (of a set with no `test`, `validation` is the test), a set with one split is dealt by the
recipe, other splits (`extra`, `unlabelled`) are left out. Source of the layout: tensorflow.org/datasets/external_tfrecord.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.datasets import _records
from edgetl.errors import DataError, UnknownName
from edgetl.types import Dataset, Sample, Split

if TYPE_CHECKING:
    from edgetl.datasets._base import Spec

TITLE = "A data set prepared by TensorFlow Datasets: name, name:version or name/config; path is its data_dir."
REQUIRED = ("name",)
OPTIONAL = ("path", "image_key", "label_key")

_SPLITS: dict[str, Split] = {"train": "train", "validation": "val", "test": "test"}
_NAME = re.compile(r"(?P<name>[\w.+-]+(/[\w.+-]+)?)(:(?P<version>\d+\.\d+\.\d+))?")
_SHOWN, _MAX_JSON_BYTES, _MAX_CLASSES = 50, 20_000_000, 100_000


def unavailable() -> str | None:
    """See `DatasetModule.unavailable`."""
    return None


def fingerprint(spec: Spec) -> dict[str, str]:
    """See `DatasetModule.fingerprint`: sha256 over the files' names and contents."""
    lines, folder = [], _folder(spec)
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    return {"content": hashlib.sha256("".join(lines).encode()).hexdigest()}


def load(spec: Spec) -> Dataset:
    """See `DatasetModule.load`. Every shard must be there with as many records as the set's description says."""
    folder, faults = _folder(spec), list[str]()
    info = _json(folder / "dataset_info.json")
    image_key, label_key = spec.image_key or "image", spec.label_key or "label"
    names = _class_names(folder, image_key, label_key)
    if info.get("fileFormat", "tfrecord") != "tfrecord":
        raise DataError(f"{folder}: holds {info['fileFormat']} files. Prepare it with `tfds build --file_format=tfrecord`.")
    shards = _shards(folder, info)
    used = {split for split, _, _ in shards}
    known: dict[str, Split] = {**_SPLITS, "validation": "test"} if used == {"train", "validation"} else _SPLITS
    samples = []
    for split, path, wanted in shards:
        settled = known[split] if len(used) > 1 else None
        found = 0
        try:
            with path.open("rb") as file:
                for number, (place, length) in enumerate(_records.places(file, path.name)):
                    file.seek(place)
                    label, complaint = _label(file.read(length), image_key, label_key, len(names))
                    found += 1
                    if complaint is not None:
                        faults.append(f"{path.name}#{number}: {complaint}.")
                        continue
                    read = functools.partial(_records.read, path, place, length, image_key)
                    samples.append(Sample(name=f"{path.name}#{number}", class_index=label, split=settled, read=read))
            if found != wanted:
                faults.append(f"{path.name}: holds {found} records, dataset_info.json says {wanted}. Prepare the set again.")
        except OSError:
            faults.append(f"{path.name}: is missing or cannot be read. Prepare the set again.")
        except DataError as error:
            faults.append(str(error))
    if faults:
        more = [f"and {len(faults) - _SHOWN} more."] if len(faults) > _SHOWN else []
        raise DataError(f"data.name: {spec.name}: cannot be used ({len(faults)} fault(s)).", [*faults[:_SHOWN], *more])
    given = info.get("redistributionInfo")
    licence = given.get("license") if isinstance(given, dict) else None
    return Dataset(class_names=names, samples=tuple(samples), licence=str(licence or "see the data set's page"))


def _folder(spec: Spec) -> Path:
    """Find the version that is wanted, or the newest."""
    root = Path(spec.path or os.environ.get("TFDS_DATA_DIR", "") or Path.home() / "tensorflow_datasets")
    match = _NAME.fullmatch(spec.name or "")
    if match is None or ".." in match["name"].split("/"):
        raise DataError(f"data.name: {spec.name}: must be name, name:1.2.3, name/config or name/config:1.2.3.")
    if not root.is_dir():
        raise DataError(f"data.path: {root}: no such folder. It is the data_dir that TensorFlow Datasets writes to.")
    base = root / match["name"]
    versions = {path.parent.name: path.parent for path in base.glob("*/dataset_info.json")}
    if not versions:
        known = sorted(
            {p.parent.parent.relative_to(root).as_posix() for d in (1, 2) for p in root.glob("*/" * d + "*/dataset_info.json")}
        )
        raise UnknownName(
            "prepared data set", match["name"], known, f"{root} (`tfds build {match['name'].split('/')[0]}` prepares it)"
        )
    if match["version"] is not None and match["version"] not in versions:
        raise UnknownName("version", match["version"], sorted(versions), str(base))
    newest = max(versions, key=lambda name: [int(part) if part.isdigit() else 0 for part in name.split(".")])
    return versions[match["version"] or newest]


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_JSON_BYTES:
            raise DataError(f"{path}: is larger than {_MAX_JSON_BYTES} bytes.")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read: {' '.join(str(error).split())[:120]}. Prepare the set again.") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: is not the description of a data set. Prepare the set again.")
    return found


def _class_names(folder: Path, image_key: str, label_key: str) -> tuple[str, ...]:
    """Check that the two features are there, and read the names of the classes."""
    try:
        features = _json(folder / "features.json")["featuresDict"]["features"]
        kinds = {name: str(feature["pythonClassName"]).rpartition(".")[2] for name, feature in features.items()}
        count = int(features.get(label_key, {}).get("classLabel", {}).get("numClasses", 0))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{folder / 'features.json'}: is not a description of features. Prepare the set again.") from error
    listing = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
    for key, kind, option in ((image_key, "Image", "image_key"), (label_key, "ClassLabel", "label_key")):
        if kinds.get(key) != kind:
            raise DataError(f"data.{option}: {key}: no {kind} of this name. The set has: {listing}.")
    if not 1 < count <= _MAX_CLASSES:
        raise DataError(f"{folder / 'features.json'}: {label_key} has {count} classes; must be 2 to {_MAX_CLASSES}.")
    path = folder / f"{label_key}.labels.txt"
    if not path.is_file():
        return tuple(str(number) for number in range(count))
    try:
        names = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is not UTF-8 text: {' '.join(str(error).split())[:100]}. Prepare the set again.") from error
    if len(names) != count or len(set(names)) != count:
        raise DataError(f"{path}: has {len(set(names))} names, features.json says {count} classes. Prepare the set again.")
    return names


def _shards(folder: Path, info: dict[str, Any]) -> list[tuple[str, Path, int]]:
    """Split, file and number of records of each shard of the splits that are used."""
    try:
        name = str(info["name"])
        lengths = {str(split["name"]): [int(n) for n in split["shardLengths"]] for split in info["splits"]}
        default = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
        templates = {str(split["name"]): str(split.get("filepathTemplate", default)) for split in info["splits"]}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder / 'dataset_info.json'}: does not list its splits and shards. Prepare the set again.") from error
    used = [split for split in lengths if split in _SPLITS] or (list(lengths) if len(lengths) == 1 else [])
    if not used:
        raise DataError(f"{folder}: has no split train, validation or test, only {', '.join(lengths) or 'none'}.")
    found = []
    for split in used:
        of = len(lengths[split])
        for number, length in enumerate(lengths[split]):
            words = {
                "{DATASET}": name, "{SPLIT}": split, "{FILEFORMAT}": "tfrecord", "{SHARD_X_OF_Y}": f"{number:05d}-of-{of:05d}",
                "{SHARD_INDEX}": f"{number:05d}", "{NUM_SHARDS}": f"{of:05d}",
            }  # fmt: skip
            file = templates[split]
            for word, value in words.items():
                file = file.replace(word, value)
            if Path(file).name != file:
                raise DataError(f"{folder / 'dataset_info.json'}: names a file outside its folder: {file}.")
            found.append((split, folder / file, length))
    return found


def _label(data: bytes, image_key: str, label_key: str, count: int) -> tuple[int, str | None]:
    """Class of a record, and what is wrong with the record."""
    try:
        features = _records.example(data)
    except ValueError as error:
        return 0, str(error)
    if not isinstance(next(iter(features.get(image_key, [])), None), bytes):
        return 0, f"has no image named {image_key}"
    values = features.get(label_key, [])
    label = values[0] if len(values) == 1 else None
    if not isinstance(label, int) or not 0 <= label < count:
        return 0, f"its {label_key} is not one of the {count} classes"
    return label, None
