"""Rows of an array on disk are those of the array, in any order, through views, and at the same memory."""

import numpy as np
import pytest

from edgetl.rowfile import RowFile


@pytest.fixture
def stored(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (40, 3, 5), np.uint8)
    np.save(tmp_path / "a.npy", values)
    return values, RowFile(tmp_path / "a.npy")


@pytest.mark.parametrize("rows", [slice(3, 9), slice(None), np.array([7, 2, 2, 39, 0]), slice(38, 100), np.array([], np.int64)])
def test_it_reads_what_numpy_reads(stored, rows):
    values, file = stored
    assert np.array_equal(file[rows], values[rows])
    assert file[rows].dtype == values.dtype


def test_one_row_loses_its_axis(stored):
    values, file = stored
    assert np.array_equal(file[5], values[5])


def test_views_and_joins_of_views(stored):
    values, file = stored
    view = file.view(np.array([9, 1, 30]))
    assert view.shape == (3, 3, 5)
    assert np.array_equal(view[np.array([2, 0])], values[[30, 9]])
    assert np.array_equal(view.joined(file.view(np.array([0])))[:], values[[9, 1, 30, 0]])


def test_files_are_not_joined_with_others(stored, tmp_path):
    np.save(tmp_path / "b.npy", np.zeros((2, 3, 5), np.uint8))
    with pytest.raises(ValueError, match=r"b.npy is not a.npy"):
        stored[1].joined(RowFile(tmp_path / "b.npy"))


def test_a_short_file_and_a_foreign_one_are_refused(stored, tmp_path):
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "short.npy").write_bytes(data[:-1])
    with pytest.raises(ValueError, match="shorter than its header says"):
        RowFile(tmp_path / "short.npy")
    np.save(tmp_path / "objects.npy", np.array([{}, None], object), allow_pickle=True)
    with pytest.raises(ValueError, match="not a plain array"):
        RowFile(tmp_path / "objects.npy")
