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
    torch.backends.cudnn.allow_tf32 = False  # float32 is float32 for all
    kernels = "oneDNN" if torch.backends.mkldnn.is_available() else "no oneDNN"
    blas = "MKL" if torch.backends.mkl.is_available() else "another BLAS"
    capability = torch.backends.cpu.get_cpu_capability()
    return f"PyTorch {torch.__version__}: {kernels}, {blas}, {capability}, threads: {torch.get_num_threads()}"


def torch_devices() -> list[str]:
    """The processor, and the GPU that PyTorch sees, if there is one."""
    from sfumato.engine import choose_engine

    return sorted({"cpu", choose_engine("torch").device})


def need_bfloat16(device: str) -> None:
    """Refuse to time what only imitates bfloat16.

    Raises:
        RuntimeError: if PyTorch would.
    """
    import torch

    if device != "cpu":
        there = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        there = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    if not there:
        raise RuntimeError(f"{device} has no arithmetic in bfloat16 (a processor needs AMX or AVX-512-BF16)")


def use_jax(threads: int) -> str:
    """For JAX, whose threads are as many as the processors that the process may run on."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import jax

    return f"JAX {jax.__version__}, threads: {threads}"


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
