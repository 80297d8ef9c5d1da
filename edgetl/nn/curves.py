"""Training curves as TensorBoard reads them.

`tf.summary` needs the tensorboard package to write a number; the file itself is records that TensorFlow can write alone
(tensorflow/core/util/event.proto).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import summary_pb2
from tensorflow.core.util import event_pb2

FOLDER = "tensorboard"


class Curves:
    """Writes each epoch's figures as they come; the step counts epochs over all phases."""

    def __init__(self, folder: Path) -> None:
        """Open the log.

        Args:
            folder: where to; `tensorboard --logdir` reads it. A run that goes on adds a file to what is there.
        """
        folder.mkdir(parents=True, exist_ok=True)
        number = len(list(folder.iterdir()))
        self._writer = tf.io.TFRecordWriter(str(folder / f"events.out.tfevents.{int(time.time()):010d}.{number}"))
        self._write(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def note(self, step: int, entry: dict[str, Any]) -> None:
        """Write one epoch.

        Args:
            step: epochs so far, this one included.
            entry: of the history that `edgetl.nn.training.train` keeps.
        """
        values = [
            summary_pb2.Summary.Value(tag=f"{entry['phase']}/{name}", simple_value=value)
            for name, value in entry.items()
            if isinstance(value, float) and not name.endswith("seconds")
        ]
        self._write(event_pb2.Event(wall_time=time.time(), step=step, summary=summary_pb2.Summary(value=values)))

    def _write(self, event: Any) -> None:
        self._writer.write(event.SerializeToString())
        self._writer.flush()

    def close(self) -> None:
        """End the log."""
        self._writer.close()
