"""The original weights of VGG, downloaded once and kept in the user's cache."""

import os
from collections.abc import Callable
from pathlib import Path

from sfumato.errors import FileError

ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications"
"""Address of the weights in Keras's own applications."""

ADDRESS_VARIABLE = "SFUMATO_VGG_URL"
"""Environment variable with another address, for a mirror."""

FILES = {
    "vgg16": ("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc"),
    "vgg19": ("vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5", "253f8cb515780f3b799900260a226db6"),
}
"""Files of each network without the classifier (59 and 80 MB), and their MD5, as Keras states them."""

CHUNK = 2**16

Progress = Callable[[int, int], None]
"""Function of the bytes downloaded so far, and of their number in all."""


def fetch_keras(architecture: str, progress: Progress | None = None) -> Path:
    """Download Keras's weights for "vgg16" or "vgg19", unless the cache has them whole; returns their path.

    The file gets its name only once it is complete and has the right hash.

    Raises:
        FileError: if they cannot be fetched or kept; the message says that the built-in weights need no download.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")  # a library call prints nothing
    name, md5 = FILES[architecture]
    url = f"{os.environ.get(ADDRESS_VARIABLE, ADDRESS).rstrip('/')}/{architecture}/{name}"
    folder = pooch.os_cache("sfumato")
    downloader = pooch.HTTPDownloader(progressbar=_Reporter(progress) if progress else False, chunk_size=CHUNK)
    try:
        return Path(pooch.retrieve(url, f"md5:{md5}", fname=name, path=folder, downloader=downloader))
    except (OSError, ValueError) as error:  # what requests raises is an OSError
        reason = _reason(error, folder)
    raise FileError(f"{url}: {reason}; try again later, or use the built-in weights (vgg19), which need no download")


def _reason(error: Exception, folder: Path) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code} ({error.response.reason})"
    for kind, reason in (
        (requests.Timeout, "the server does not answer in time"),
        (requests.exceptions.ChunkedEncodingError, "the connection broke off before the file was whole"),
        (requests.ConnectionError, "the server cannot be reached"),
        (requests.RequestException, f"cannot be fetched ({error})"),
        (OSError, f"cannot be kept in {folder} ({error})"),
    ):
        if isinstance(error, kind):
            return reason
    return "what came is not the original file (its hash is another one)"


class _Reporter:
    """Adapter from Pooch's progress bar to a plain function."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.total = 0
        self.done = 0

    def update(self, count: int) -> None:
        self.done = min(self.done + count, self.total)
        if self.done:  # a server need not say how much there is
            self.progress(self.done, self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Do nothing, since nothing is open."""
