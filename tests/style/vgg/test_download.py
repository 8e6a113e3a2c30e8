"""Fetching Keras's weights: once, whole, and with a clear line for everything that can go wrong."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest

from sfumato import FileError
from sfumato.style.vgg import download
from sfumato.style.vgg.network import load_vgg


class Server(ThreadingHTTPServer):
    """Serves one file at any address, in the manner that a test sets."""

    content = b""
    status = 200
    sent: int | None = None
    """How many bytes come before the connection breaks off; None for all."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Answers with what the server has."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content[: self.server.sent])

    def log_message(self, *_: Any) -> None:
        """Tests print nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_vgg: Any, write_keras: Any) -> Iterator[Server]:
    """A server that has VGG16's weights, and an empty cache."""
    write_keras(tmp_path / "original.h5", small_vgg("vgg16"))
    serving = Server()
    serving.content = (tmp_path / "original.h5").read_bytes()
    name = download.FILES["vgg16"][0]
    monkeypatch.setitem(download.FILES, "vgg16", (name, hashlib.md5(serving.content).hexdigest()))
    monkeypatch.setenv("SFUMATO_VGG_URL", f"http://127.0.0.1:{serving.server_port}/keras-applications/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield serving
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture
def cached(tmp_path: Path) -> Callable[[], list[str]]:
    """Names of the files in the cache."""
    return lambda: [path.name for path in (tmp_path / "cache" / "sfumato").glob("*")]


def test_the_weights_are_fetched_once(
    server: Server, small_vgg: Any, cached: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[int, int]] = []
    theta = load_vgg("vgg16", weights="keras", progress=lambda *step: seen.append(step)).theta
    np.testing.assert_array_equal(
        theta, np.concatenate([p.ravel() for pair in small_vgg("vgg16").values() for p in pair])
    )
    assert seen[-1] == (len(server.content), len(server.content))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    load_vgg("vgg16", weights="keras", last="conv1_1")
    assert server.asked == [f"/keras-applications/vgg16/{download.FILES['vgg16'][0]}"]
    assert cached() == [download.FILES["vgg16"][0]]
    assert capfd.readouterr() == ("", "")  # a library call prints nothing


def test_a_damaged_file_in_the_cache_is_fetched_again(server: Server, tmp_path: Path) -> None:
    load_vgg("vgg16", weights="keras")
    path = tmp_path / "cache" / "sfumato" / download.FILES["vgg16"][0]
    path.write_bytes(path.read_bytes()[:-100])
    load_vgg("vgg16", weights="keras")
    assert path.read_bytes() == server.content
    assert len(server.asked) == 2


def not_there(server: Server) -> None:
    server.status = 404


def out_of_order(server: Server) -> None:
    server.status = 503


def broken_off(server: Server) -> None:
    server.sent = 1000


def truncated(server: Server) -> None:
    server.content = server.content[:-1]


def wrong(server: Server) -> None:
    server.content = b"<html>Please log in</html>"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (not_there, r"the server answers 404 \(Not Found\)"),
        (out_of_order, r"the server answers 503 \(Service Unavailable\)"),
        (broken_off, "the connection broke off before the file was whole"),
        (truncated, "what came is not the original file"),
        (wrong, "what came is not the original file"),
    ],
)
def test_each_failure_is_one_line_and_leaves_nothing(
    spoil: Callable[[Server], None], message: str, server: Server, cached: Any
) -> None:
    spoil(server)
    with pytest.raises(FileError, match=message) as caught:
        load_vgg("vgg16", weights="keras")
    assert str(caught.value).startswith(f"http://127.0.0.1:{server.server_port}/keras-applications/vgg16/")
    assert str(caught.value).endswith("use the built-in weights (vgg19), which need no download")
    assert "\n" not in str(caught.value)
    assert cached() == []


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://127.0.0.1:1", "the server cannot be reached"),
        ("http://nowhere.invalid", "the server cannot be reached"),
        ("http://", "cannot be fetched"),
        ("gopher://127.0.0.1", "cannot be fetched"),
    ],
)
def test_an_address_that_leads_nowhere(
    address: str, message: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFUMATO_VGG_URL", address)
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(FileError, match=f"{message}.*; try again later, or use the built-in weights"):
        load_vgg("vgg16", weights="keras")


def test_a_cache_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(FileError, match=r"cannot be kept in .*cache"):
        load_vgg("vgg16", weights="keras")


def test_the_addresses_are_kerass() -> None:
    assert download.ADDRESS == "https://storage.googleapis.com/tensorflow/keras-applications"
    assert download.FILES["vgg19"] == (
        "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "253f8cb515780f3b799900260a226db6",
    )
