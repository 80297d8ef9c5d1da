"""The tables of `make bench-train` and `make bench-transfer`, from values given by hand."""

from benchmarks import train, transfer


def test_the_tables_hold_means_and_ratios_of_pairs():
    accuracy = [
        {"seed": seed, "n": 100, "edgetl": top1, "frozen": 0.5, "fine_tuned": {"1e-05": 0.6, "0.0001": 0.7, "0.001": 0.4}}
        for seed, top1 in ((0, 0.9), (1, 0.8))
    ]
    head = [
        {"pair": pair, "epochs": 10, "tutorial": {"cpu_s": 20.0 + pair, "val_top1": 0.5}, "cold": {"cpu_s": 2.0, "val_top1": 0.5},
         "warm": {"cpu_s": 0.5, "val_top1": 0.5}}
        for pair in range(3)
    ]  # fmt: skip
    text = train.text({"accuracy": accuracy, "head": head})
    assert "| edgetl, the recipe | 0.900 | 0.800 | 0.850 |" in text
    assert "| plain loop, then fine-tuned at 0.0001 | 0.700 | 0.700 | 0.700 |" in text
    assert "| 10 epochs | 21.0 | 2.00 | 10.5 (10.0–11.0) | 0.50 | 42.0 (40.0–44.0) | 0.500 / 0.500 |" in text
    assert "head training" not in train.text({"accuracy": accuracy, "head": []})


def test_a_gain_has_its_interval():
    runs = [{"seed": s, "n": 50, "top1_with": w, "top1_without": o} for s, w, o in ((0, 0.8, 0.5), (1, 0.9, 0.5), (2, 0.7, 0.5))]
    text = transfer.text({"recipe": "r", "without": ["adapt"], "runs": runs})
    assert "| without adapt | 0.500 | 0.500 | 0.500 | 0.500 |" in text
    assert "gain +0.300, 95 % interval over seeds +0.052 to +0.548" in text
