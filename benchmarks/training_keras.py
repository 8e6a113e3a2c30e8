"""Keras's part in jobs 1 to 4, on TensorFlow."""

import itertools
from typing import Any

import numpy as np

from benchmarks.contest import Program
from benchmarks.libraries import use_tensorflow
from benchmarks.training import PIXEL, STEPS, Training
from benchmarks.workers import Array


def programs(training: Training, threads: int) -> list[Program]:
    """With XLA and without, and with more or fewer steps in one execution."""
    chosen = []
    for jit_compile, steps in itertools.product((False, True), (1, 20, 500)):
        name = f"fit, {'XLA, ' if jit_compile else ''}{steps} steps per execution"
        task = (training, threads, jit_compile, steps)
        usual = steps > 1 and not (training.filters and jit_compile)
        chosen.append(Program("Keras", name, KerasTraining, task, usual))
    return chosen


class KerasTraining:
    """`fit` with float32 data in memory.

    Args:
        training: What to train.
        threads: Number of threads.
        jit_compile: Whether XLA compiles it.
        steps: `steps_per_execution`: steps taken inside of one call of TensorFlow.
    """

    def __init__(self, training: Training, threads: int, jit_compile: bool, steps: int) -> None:
        self.about = use_tensorflow(threads)
        self.training = training
        self.x, self.y = self._arrays(*training.data())
        self.network = self._network(jit_compile, steps)

    def run(self) -> None:
        """All epochs."""
        training = self.training
        if training.batch is None:  # an epoch of Keras's is long compared with a step, so that there is only one
            import tensorflow as tf

            whole = tf.data.Dataset.from_tensors((self.x, self.y)).cache().repeat()
            self.network.fit(whole, steps_per_epoch=training.epochs, epochs=1, verbose=0)
        else:
            self.network.fit(self.x, self.y, batch_size=training.batch, epochs=training.epochs, verbose=0)

    def answer(self) -> dict[str, Array]:
        """Losses and weights of a few steps."""
        x, y = self._arrays(*self.training.few())
        network = self._network(jit_compile=False, steps=1)
        history = network.fit(x, y, batch_size=len(y), epochs=STEPS, shuffle=False, verbose=0)
        weights = [w.transpose(3, 0, 1, 2) if w.ndim == 4 else w for w in network.get_weights()]
        return self.training.answer(history.history["loss"], weights)

    def _arrays(self, x: Array, y: Array) -> tuple[Array, Array]:
        return np.multiply(x, PIXEL, dtype=np.float32) if x.dtype == np.uint8 else x, y

    def _network(self, jit_compile: bool, steps: int) -> Any:
        import keras

        training, weights = self.training, self.training.weights()
        layers: list[Any] = [keras.Input(self.x.shape[1:])]
        for filters in training.filters:
            convolution = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")
            layers += [convolution, keras.layers.MaxPooling2D()]
        layers += [keras.layers.Flatten()] if training.filters else []
        layers += [keras.layers.Dense(units, activation="relu") for units in training.hidden]
        network = keras.Sequential([*layers, keras.layers.Dense(training.outputs)])
        network.set_weights([w.transpose(1, 2, 3, 0) if w.ndim == 4 else w for w in weights])
        kind = (
            keras.optimizers.Adam(training.rate, epsilon=1e-8) if training.adam else keras.optimizers.SGD(training.rate)
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        network.compile(optimizer=kind, loss=loss, jit_compile=jit_compile, steps_per_execution=steps)
        return network
