"""The training loop: phases of epochs, the best weights kept, and a checkpoint after each epoch.

Everything random follows from (seed, phase, epoch, step), and a checkpoint holds weights, optimizer and history, so a run that
was killed goes on to the same weights, bit for bit, as one that was not (same machine, same versions).
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl.nn import distribution, optimizers, resume, schedules
from edgetl.nn.batches import Examples, batches
from edgetl.nn.classifier import SeededDropout
from edgetl.nn.constraints import Constraint
from edgetl.nn.inference import Rows, Score
from edgetl.recipe import Phase

Event = Callable[[dict[str, Any]], None]
_AT_ONCE, _AT_ONCE_BYTES = 64, 4_000_000
"""Steps of a small network that are done in one call, and the bytes that their examples may have together."""


Loss = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""(inputs, labels, importance, moment) → scalar. `moment`, int32 (2,), seeds all that is random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One phase as the loop runs it."""

    phase: Phase
    network: tf_keras.Model
    """Holds the weights that are trained, judged and kept; the whole network, or a part of it, or it and more."""
    examples: Callable[[int], Examples]
    """Epoch → what it learns from. May look at the network as it is then."""
    loss: Loss
    score: Callable[[], Score]
    """Judges the network as it is."""
    prepare: Callable[[int], None] = lambda epoch: None
    """Sets which layers learn in an epoch."""
    changes: Callable[[int], bool] = lambda epoch: False
    """Whether `prepare` says another thing in this epoch than in the one before."""
    shares: dict[str, float] = field(default_factory=dict)
    """Name of a variable → its share of the learning rate."""
    learns: bool = True
    """False: only forward, for what follows the batches without a gradient."""
    small: bool = False
    """The network is so small that calling and optimizing its graph costs more than running it; has no constraint then."""
    constraint: Constraint | None = None
    """Already settled. Weights are projected onto it after each step; only epochs from which on it holds can be the best."""


def deterministic() -> None:
    """Make TensorFlow's results repeatable; must be called before the first operation."""
    tf.config.experimental.enable_op_determinism()


def seed(number: int) -> None:
    """Make the random weights of the networks that are built from here on repeatable.

    Args:
        number: of the recipe.
    """
    tf_keras.utils.set_random_seed(number)


def freeze_statistics(model: tf_keras.Model) -> tf_keras.Model:
    """Keep batch normalisation from learning and from following the batches, which on a small data set would hurt.

    Args:
        model: any network; changed in place.

    Returns:
        The same network.
    """
    for layer in model.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.trainable = False
    return model


def train(
    model: tf_keras.Model, starts: Sequence[Callable[[], Stretch]], *, seed: int, checkpoint: Path, progress: Event
) -> list[dict[str, Any]]:
    """Train in place; on return the model holds the best weights of the last phase.

    Args:
        model: the whole network.
        starts: make the phases, each when it begins, from the network as it is then.
        seed: of shuffling, augmentation and dropout.
        checkpoint: file that is written after each epoch, and continued from when it exists.
        progress: receives one event after each epoch.

    Returns:
        One entry per epoch: phase, epoch, loss, learning_rate, what the phase's score shows (val_loss, val_top1), seconds and
        cpu_seconds (of all threads).

    Raises:
        FloatingPointError: the loss is not finite.
    """
    saved = resume.load(checkpoint)
    state = saved or resume.Progress()
    if state.phase:
        model.set_weights(resume.load_start(checkpoint.parent, state.phase))
    for number in range(state.phase, len(starts)):
        stretch = starts[number]()
        loop = _Loop(stretch)
        if number == state.phase and state.epochs:
            loop.restore(state)
        else:
            state.phase, state.epochs, state.rank, state.stale = number, 0, None, 0
            state.best = stretch.network.get_weights()
        with _unoptimized() if stretch.small else nullcontext():
            _run(loop, state, seed, checkpoint, progress)
        stretch.network.set_weights(state.best)
        if stretch.constraint is not None:
            stretch.constraint.apply()
        if number + 1 < len(starts):
            resume.save_start(checkpoint.parent, number + 1, model.get_weights())
            state.epochs = 0
    return state.history


def _run(loop: _Loop, state: resume.Progress, seed: int, checkpoint: Path, progress: Event) -> None:
    """Run the epochs of one phase that are still to do."""
    stretch, phase = loop.stretch, loop.stretch.phase
    for epoch in range(state.epochs, phase.epochs):
        if phase.patience is not None and state.stale >= phase.patience:
            break
        begun = time.monotonic(), time.process_time()
        if stretch.changes(epoch):
            loop.rebuild(epoch)
        losses = [entry["val_loss"] for entry in state.history if entry["phase"] == phase.phase and "val_loss" in entry]
        loss = loop.epoch((seed, state.phase, epoch), losses)
        with loop.averaged():
            score = stretch.score()
            if not all(math.isfinite(value) for value in (loss, *score.shown.values())):
                what = f"phase {phase.phase}, epoch {epoch + 1}: the loss is not finite; lower learning_rate."
                raise FloatingPointError(what)
            if stretch.constraint is None or stretch.constraint.holds((epoch + 1) / phase.epochs):
                state.stale += 1
                if score.rank is None or state.rank is None or score.rank > state.rank:
                    state.best, state.rank, state.stale = stretch.network.get_weights(), score.rank, 0
        rate = schedules.rate(phase, epoch, losses)
        spent = {"seconds": time.monotonic() - begun[0], "cpu_seconds": time.process_time() - begun[1]}
        shown = {"loss": loss, **score.shown, "learning_rate": rate, **spent}
        state.history.append({"phase": phase.phase, "epoch": epoch + 1, **shown})
        state.epochs = epoch + 1
        state.weights = stretch.network.get_weights()
        state.optimizer = [v.numpy() for v in loop.optimizer.variables]
        state.average = [v.numpy() for v in loop.average]
        resume.save(checkpoint, state)
        progress({"epochs": phase.epochs, **state.history[-1]})


@contextmanager
def _unoptimized() -> Iterator[None]:
    """Leave graphs as they are for a while: of a few operations nothing is to be gained."""
    before = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False, **before})


class _Averaged:
    """Puts the running mean of the weights into the network for a while."""

    def __init__(self, network: tf_keras.Model, average: list[tf.Variable]) -> None:
        self.network, self.average = network, average

    def __enter__(self) -> None:
        if self.average:
            self.kept = self.network.get_weights()
            self.network.set_weights([v.numpy() for v in self.average])

    def __exit__(self, *error: object) -> None:
        if self.average:
            self.network.set_weights(self.kept)


class _Loop:
    """The compiled steps of one phase."""

    def __init__(self, stretch: Stretch) -> None:
        self.stretch, phase = stretch, stretch.phase
        self.replicas = int(tf.distribute.get_strategy().num_replicas_in_sync)
        self.optimizer = optimizers.make(phase)
        self.rate = phase.learning_rate
        self.at_once = 1
        stretch.prepare(phase.epochs - 1)
        self.optimizer.build(stretch.network.trainable_variables)  # of all that ever learns in this phase
        weights = stretch.network.weights if phase.ema else []
        self.average = [tf.Variable(w, trainable=False) for w in weights]
        self.dropouts = [layer for layer in stretch.network.layers if isinstance(layer, SeededDropout)]
        self.rebuild(0)

    def restore(self, state: resume.Progress) -> None:
        """Go on from where a run stood."""
        self.stretch.network.set_weights(state.weights)
        self.rebuild(state.epochs - 1)
        for variable, value in zip(self.optimizer.variables, state.optimizer, strict=True):
            variable.assign(value)
        self.rate = math.nan  # whatever the optimizer was left with
        for variable, value in zip(self.average, state.average, strict=True):
            variable.assign(value)

    def rebuild(self, epoch: int) -> None:
        """Compile the step anew, for what learns from this epoch on."""
        self.stretch.prepare(epoch)
        self._step: Any = None

    def averaged(self) -> _Averaged:
        """The context in which the network is judged."""
        return _Averaged(self.stretch.network, self.average)

    def _compiled(self, inputs: Rows) -> Any:
        specs = [
            tf.TensorSpec((None, *inputs.shape[1:]), inputs.dtype),
            tf.TensorSpec((None,), tf.int64),
            tf.TensorSpec((None,), tf.float32),
            tf.TensorSpec((2,), tf.int32),
        ]
        if self.at_once > 1:
            more = (tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None,), tf.float32))
            return tf.function(self._steps, input_signature=[*specs[:3], *more, specs[3]], autograph=False)
        if self.replicas == 1:
            return tf.function(self._train_step, input_signature=specs, autograph=False)  # nothing to convert; converting costs

        def together(*parts: Any) -> tf.Tensor:
            found = tf.distribute.get_strategy().run(self._train_step, args=parts)
            return tf.distribute.get_strategy().reduce(tf.distribute.ReduceOp.SUM, found, axis=None)

        return tf.function(together, autograph=False)

    def _steps(self, *parts: tf.Tensor) -> tf.Tensor:
        """Several steps in one call, since a call costs more than a step of a small head; the same steps, in the same order.

        Of the parts, `ends` says where each step's examples end, `rates` its learning rate, `moment` that of the first one.
        """
        inputs, labels, importance, ends, rates, moment = parts
        count = tf.shape(ends)[0]

        def body(step: tf.Tensor, begin: tf.Tensor, losses: tf.TensorArray) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray]:
            own = slice(begin, ends[step])
            self.optimizer.learning_rate.assign(rates[step])
            loss = self._train_step(inputs[own], labels[own], importance[own], moment + tf.stack([0, step]))
            return step + 1, ends[step], losses.write(step, loss)

        start = (tf.constant(0), tf.constant(0), tf.TensorArray(tf.float32, count))
        done = tf.while_loop(lambda step, *rest: step < count, body, start, parallel_iterations=1)
        return done[2].stack()

    def _train_step(
        self, inputs: tf.Tensor, labels: tf.Tensor, importance: tf.Tensor, moment: tf.Tensor, share: Any = None
    ) -> tf.Tensor:
        """One step of one device; `share` is its part of the batch where there are several."""
        network, phase = self.stretch.network, self.stretch.phase
        for layer in self.dropouts:
            layer.moment.assign(moment)
        if not self.stretch.learns:
            return self.stretch.loss(inputs, labels, importance, moment)
        with tf.GradientTape() as tape:
            loss = self.stretch.loss(inputs, labels, importance, moment)
            loss = loss if share is None else loss * share
            total = loss + tf.add_n(network.losses) / self.replicas if network.losses else loss
        variables = network.trainable_variables
        gradients = tape.gradient(total, variables)
        optimizers.apply(self.optimizer, gradients, variables, phase.clip_norm, self.stretch.shares)
        if self.average:  # the first steps count more, as in tf.train.ExponentialMovingAverage with num_updates
            step = tf.cast(self.optimizer.iterations, tf.float32)
            decay = tf.minimum(phase.ema, (1.0 + step) / (10.0 + step))
            for mean, weight in zip(self.average, network.weights, strict=True):
                mean.assign(decay * mean + (1.0 - decay) * weight if weight.dtype.is_floating else weight)
        return loss

    def epoch(self, seed: tuple[int, int, int], losses: Sequence[float]) -> float:
        """Go once through the examples in an order drawn from `seed`; return the mean loss."""
        stretch, epoch = self.stretch, seed[2]
        examples = stretch.examples(epoch)
        if self._step is None:
            if stretch.small and self.replicas == 1:
                shape = (stretch.phase.batch_size, *examples.inputs.shape[1:])
                one = math.prod(shape) * np.dtype(examples.inputs.dtype).itemsize
                self.at_once = max(1, min(_AT_ONCE, _AT_ONCE_BYTES // one))
            self._step = self._compiled(examples.inputs)
        count, total = len(examples.labels), 0.0
        steps = -(-count // stretch.phase.batch_size)
        base = int(np.random.default_rng((*seed, 1)).integers(2**30))
        coming = enumerate(batches(examples, stretch.phase.batch_size, seed, ahead=self.at_once == 1))
        while some := list(itertools.islice(coming, self.at_once)):
            rates = [schedules.rate(stretch.phase, epoch + step / steps, losses) for step, _ in some]
            moment = np.array([base, some[0][0]], np.int32)
            sizes = [len(labels) for _, (_, labels, _) in some]
            if self.at_once > 1:
                columns = (np.concatenate(column) for column in zip(*(batch for _, batch in some), strict=True))
                parts = (*columns, np.cumsum(sizes, dtype=np.int32), np.array(rates, np.float32), moment)
                found = self._step(*map(tf.constant, parts)).numpy()
                total += sum(float(loss) * size for loss, size in zip(found, sizes, strict=True))
                continue
            ((step, (inputs, labels, importance)),) = some
            if rates[0] != self.rate:
                self.optimizer.learning_rate.assign(rates[0])
                self.rate = rates[0]
            if len(labels) < self.replicas:
                continue  # not one image for each device; they come again in the next epoch's order
            if self.replicas == 1:
                loss = self._step(*map(tf.constant, (inputs, labels, importance, moment)))
            else:
                loss = self._step(*distribution.divided((inputs, labels, importance), moment))
            total += float(loss) * len(labels)
            if stretch.constraint is not None:
                stretch.constraint.apply((epoch + (step + 1) / steps) / stretch.phase.epochs)
        return total / count
