"""Rows of a `.npy` file, read when they are asked for: memory stays the same however many rows there are.

Why not numpy's memory map: the pages it has touched count as the process's own memory until the system takes them back, so a
data set larger than memory looks like, and on some systems is, a process that eats it all.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np


class RowWriter:
    """A `.npy` file that is filled row by row, in any order, by any thread; rows never written are zero and take no room."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str) -> None:
        """Make the file.

        Args:
            path: `.npy` file.
            shape: of the whole array.
            dtype: numpy's name of a plain type.
        """
        header = io.BytesIO()
        descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
        np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": shape})
        self._start, self._dtype, self._shape = len(header.getvalue()), np.dtype(dtype), shape[1:]
        self._row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * self._dtype.itemsize
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(self._file, header.getvalue())
        os.ftruncate(self._file, self._start + shape[0] * self._row_bytes)

    def __setitem__(self, row: int, values: np.ndarray) -> None:
        """Write one row.

        Args:
            row: its number.
            values: the array's type and the shape of a row.
        """
        if values.shape != self._shape or values.dtype != self._dtype:
            raise ValueError(f"a row of {values.dtype} {values.shape} does not fit {self._dtype} {self._shape}")
        data = memoryview(np.ascontiguousarray(values).reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        place = self._start + row * self._row_bytes
        while data:
            count = os.pwrite(self._file, data, place)
            data, place = data[count:], place + count

    def close(self) -> None:
        """End the file."""
        os.close(self._file)


class RowFile:
    """A read-only array on disk, or some rows of it in a given order, indexed along its first axis like a numpy array."""

    def __init__(self, path: Path, rows: np.ndarray | None = None) -> None:
        """Open a file.

        Args:
            path: `.npy` file, C order, of a plain type.
            rows: int64 (N,), the rows that this view shows, in order; None = all.

        Raises:
            ValueError: the file is no such array, or shorter than it says.
        """
        self.path = path
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file)
            self._start = file.tell()
        if fortran or dtype.hasobject or not shape:
            raise ValueError(f"{path.name}: is not a plain array of rows.")
        self.dtype: np.dtype[Any] = dtype
        self._row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
        if path.stat().st_size < self._start + shape[0] * self._row_bytes:
            raise ValueError(f"{path.name}: is shorter than its header says.")
        self._rows = np.arange(shape[0], dtype=np.int64) if rows is None else np.asarray(rows, np.int64)
        self.shape: tuple[int, ...] = (len(self._rows), *shape[1:])
        self._file = os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        """Close the file."""
        if hasattr(self, "_file"):
            os.close(self._file)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: int | slice | np.ndarray) -> np.ndarray:
        """Read rows.

        Args:
            rows: one number (the row without its first axis), a slice, or int (M,).

        Returns:
            The values, in the order asked for.
        """
        wanted = self._rows[rows]
        if wanted.ndim == 0:
            row: np.ndarray = self._read(np.array([wanted]))[0]
            return row
        return self._read(wanted)

    def view(self, rows: np.ndarray) -> RowFile:
        """Show some of these rows.

        Args:
            rows: int (M,), numbers within this view.

        Returns:
            Another view of the same file.
        """
        return RowFile(self.path, self._rows[rows])

    def joined(self, other: RowFile) -> RowFile:
        """Show the rows of two views of one file, one after the other.

        Args:
            other: a view of the same file.

        Returns:
            Another view of it.

        Raises:
            ValueError: it is another file.
        """
        if other.path != self.path:
            raise ValueError(f"{other.path.name} is not {self.path.name}")
        return RowFile(self.path, np.concatenate([self._rows, other._rows]))

    def _read(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        if not out.size:
            return out
        flat = out.reshape(len(rows), -1).view(np.uint8)
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        for first, last in zip([0, *breaks], [*breaks, len(rows)], strict=True):  # neighbours in one read
            part = memoryview(flat[first:last].reshape(-1))  # type: ignore[arg-type]
            place = self._start + int(rows[first]) * self._row_bytes
            while part:
                count = os.preadv(self._file, [part], place)
                if not count:
                    raise OSError(f"{self.path}: ended while it was read")
                part, place = part[count:], place + count
        return out
