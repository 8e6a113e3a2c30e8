"""How each library is told its number of threads, in a process that is its own; and a line on what it then runs on."""

import os
import warnings


def use_blas(threads: int) -> str:
    """For NumPy, and what is built on it."""
    import numpy as np
    from threadpoolctl import threadpool_info, threadpool_limits

    threadpool_limits(threads)
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    blas = ", ".join(
        sorted({f"{pool['internal_api']} {pool['version']} for {pool.get('architecture', '?')}" for pool in pools})
    )
    return f"NumPy {np.__version__}: {blas}, threads: {max(pool['num_threads'] for pool in pools)}"


def use_torch(threads: int) -> str:
    """For PyTorch."""
    import torch

    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    kernels = "oneDNN" if torch.backends.mkldnn.is_available() else "no oneDNN"
    blas = "MKL" if torch.backends.mkl.is_available() else "another BLAS"
    capability = torch.backends.cpu.get_cpu_capability()
    return f"PyTorch {torch.__version__}: {kernels}, {blas}, {capability}, threads: {torch.get_num_threads()}"


def use_tensorflow(threads: int) -> str:
    """For TensorFlow, and Keras on top of it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras
        import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return f"TensorFlow {tf.__version__}, Keras {keras.__version__}, threads: {threads}"
