"""Small files that every connection can run, and real programs that must be there in CI."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest


def need(program):
    """Path of a program; without it the test is skipped, or fails where EDGETL_CI says that all must be there."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        (pytest.fail if os.environ.get("EDGETL_CI") else pytest.skip)(f"{program} is not installed; .ci/run says how to get it")
    return found


@pytest.fixture(name="need", scope="session")
def _need():
    return need


@pytest.fixture(scope="session")
def networks(tmp_path_factory):
    """y = relu(x · W + b) over (1, 4), in ONNX and in TFLite, with values whose products are exact in float32."""
    import onnx
    import tensorflow as tf
    from onnx import TensorProto, helper, numpy_helper

    folder = tmp_path_factory.mktemp("networks")
    rng = np.random.default_rng(0)
    kernel, bias = rng.integers(-4, 5, (4, 3)).astype(np.float32), np.array([1, 0, -1], np.float32)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, n]) for name, n in (("x", 4), ("y", 3))]
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["z"]), helper.make_node("Relu", ["z"], ["y"])]
    weights = [numpy_helper.from_array(kernel, "w"), numpy_helper.from_array(bias, "b")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "net.onnx")
    function = tf.function(lambda x: tf.nn.relu(tf.matmul(x, kernel) + bias)).get_concrete_function(tf.TensorSpec((1, 4)))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    (folder / "net.tflite").write_bytes(converter.convert())
    images = tuple(rng.integers(-9, 10, (1, 4)).astype(np.float32) for _ in range(3))
    wanted = [np.maximum(image @ kernel + bias, 0) for image in images]
    files = {"litert": folder / "net.tflite", "onnxruntime": folder / "net.onnx"}
    return SimpleNamespace(files=files, images=images, wanted=wanted)


@pytest.fixture(scope="session")
def sshd(tmp_path_factory):
    """Start real servers on loopback for the current user; each with keys and settings thrown away after the test."""
    program, keygen = need("sshd"), need("ssh-keygen")
    need("ssh")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd confines itself; Debian's service makes it
    home = tmp_path_factory.mktemp("sshd")
    for name in ("host", "client", "stranger"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", home / name], check=True)
    (home / "authorized_keys").write_text((home / "client.pub").read_text())
    started = []

    def start(*lines):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = home / f"{port}.conf"
        config.write_text(
            "\n".join(
                (
                    "ListenAddress 127.0.0.1",
                    f"Port {port}",
                    f"HostKey {home / 'host'}",
                    f"AuthorizedKeysFile {home / 'authorized_keys'}",
                    "StrictModes no",
                    "PasswordAuthentication no",
                    "KbdInteractiveAuthentication no",
                    "UsePAM no",
                    "PidFile none",
                    *lines,
                )
            )
        )
        log = (home / f"{port}.log").open("wb")
        process = subprocess.Popen([program, "-D", "-e", "-f", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        started.append(process)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, Path(log.name).read_text()
                time.sleep(0.05)
        known = home / f"{port}.known"
        known.write_text(f"[127.0.0.1]:{port} {(home / 'host.pub').read_text()}")
        here = {"host": "127.0.0.1", "port": port, "known_hosts": str(known), "identity": str(home / "client")}
        folder = home / f"{port}.kept"
        return SimpleNamespace(
            settings={**here, "python": sys.executable, "folder": str(folder)},
            process=process,
            folder=folder,
            home=home,
            log=log.name,
        )

    yield start
    for process in started:
        process.kill()
        process.wait()
