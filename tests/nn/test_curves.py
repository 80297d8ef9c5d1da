"""The training log is one that TensorBoard's own reader reads."""


def test_events_are_read_back(tmp_path):
    import tensorflow as tf

    from edgetl.nn.curves import Curves

    log = Curves(tmp_path / "log")
    log.note(1, {"phase": "head", "epoch": 1, "loss": 0.5, "val_top1": 0.25, "seconds": 3.0})
    log.close()
    log = Curves(tmp_path / "log")  # a run that goes on
    log.note(2, {"phase": "head", "epoch": 2, "loss": 0.25, "val_top1": 0.75})
    log.close()
    found = {}
    for path in sorted((tmp_path / "log").iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                found[event.step, value.tag] = value.simple_value
    assert found == {
        (1, "head/loss"): 0.5, (1, "head/val_top1"): 0.25, (2, "head/loss"): 0.25, (2, "head/val_top1"): 0.75,
    }  # fmt: skip
