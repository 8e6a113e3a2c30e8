"""Files that are there whole or not at all."""

import errno
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sfumato import FileError
from sfumato.arrays import Array
from sfumato.storage import dump, load_tensors, save_tensors, write_atomically

DTYPES = st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_])
ARRAYS = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)))
HEADERS = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.floats(0, 1)))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@settings(deadline=None)
@given(tensors=st.dictionaries(st.sampled_from(["a", "b.W", "scaling.offset"]), ARRAYS), header=HEADERS)
def test_tensors_and_header_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, Array], header: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("files") / "tensors"
    save_tensors(path, tensors, header)
    loaded, loaded_header = load_tensors(path)
    assert loaded_header == header
    assert loaded.keys() == tensors.keys()
    for name, array in tensors.items():
        assert (loaded[name].dtype, loaded[name].shape) == (array.dtype, array.shape)
        assert loaded[name].tobytes() == array.tobytes()


@settings(deadline=None)
@given(tensors=st.dictionaries(st.sampled_from(["a", "b.W", "z", "scaling.offset"]), ARRAYS), header=HEADERS)
def test_the_bytes_are_those_of_the_library(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, Array], header: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("files")
    save_tensors(folder / "ours", tensors, header)
    safetensors.numpy.save_file(tensors, folder / "library", metadata={"sfumato": json.dumps(header)})
    assert (folder / "ours").read_bytes() == (folder / "library").read_bytes()


@pytest.mark.parametrize("view", [lambda a: a.T, lambda a: a[::2], lambda a: a[:, ::-1], lambda a: a[:, :, 1]])
def test_a_view_is_stored_as_what_it_shows(view: Any, tmp_path: Path) -> None:
    array = view(np.arange(24.0).reshape(2, 3, 4))
    save_tensors(tmp_path / "tensors", {"a": array}, {})
    np.testing.assert_array_equal(load_tensors(tmp_path / "tensors")[0]["a"], array)


@pytest.mark.parametrize("data", [b"bytes \x00\xff", "text: é, ∂L/∂W\n"])
def test_bytes_and_text_are_written_as_they_are(data: bytes | str, tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", data)
    assert (tmp_path / "file").read_bytes() == (data if isinstance(data, bytes) else data.encode("utf-8"))
    assert names(tmp_path) == ["file"]


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    with monkeypatch.context() as patch, pytest.raises(FileError, match=r"file: cannot be written \(No space left"):
        patch.setattr(step, no_space)
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]
    write_atomically(path, "new")
    assert path.read_text() == "new"


def test_the_error_of_the_system_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(
        FileError, match=r"cannot be written \(No space left on device\); nothing was changed"
    ) as caught:
        save_tensors(tmp_path / "tensors", {}, {})
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_write_that_is_interrupted_leaves_the_old_file_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(step, interrupt)
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_the_remains_of_a_killed_write_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    (tmp_path / ".file.part").write_text("half of a long n")
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file"]


def test_a_file_is_as_readable_as_any_other_one(tmp_path: Path) -> None:
    write_atomically(tmp_path / "ours", "text")
    save_tensors(tmp_path / "model", {"a": np.zeros(3)}, {})
    (tmp_path / "plain").write_text("text")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "model", "plain")}
    assert len(modes) == 1


posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of Unix")

KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from sfumato.storage import save_tensors
os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)
save_tensors(Path(sys.argv[1]), {"a": np.zeros(1000)}, {})
"""
"""A program that is killed once it has written a file, and before that takes its place."""


@posix_only
def test_a_killed_save_leaves_the_old_file_and_the_next_one_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model"
    save_tensors(path, {"a": np.ones(3)}, {})
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    np.testing.assert_array_equal(load_tensors(path)[0]["a"], np.ones(3))
    save_tensors(path, {"a": np.ones(5)}, {})
    assert names(tmp_path) == ["model"]
    np.testing.assert_array_equal(load_tensors(path)[0]["a"], np.ones(5))


@posix_only
@pytest.mark.parametrize("save", [write_atomically, lambda path, text: save_tensors(path, {"a": np.zeros(1)}, {})])
def test_a_link_that_was_planted_beside_is_not_followed(save: Any, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("someone's")
    (tmp_path / ".file.part").symlink_to("other")
    save(tmp_path / "file", "text")
    assert (tmp_path / "other").read_text() == "someone's"
    assert not (tmp_path / "file").is_symlink()
    assert sorted(names(tmp_path)) == ["file", "other"]


READING = """
import os, sys
from pathlib import Path
from sfumato import FileError
from sfumato.storage import load_tensors
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    load_tensors(Path(sys.argv[1]))
except FileError as error:
    print(error)
"""
"""A program of a user who may not read the file."""


@posix_only
def test_what_may_not_be_read_is_not_called_missing() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders let no other user in
        Path(folder).chmod(0o755)
        path = Path(folder) / "model"
        save_tensors(path, {"a": np.zeros(3)}, {})
        path.chmod(0)
        said = subprocess.run([sys.executable, "-c", READING, path], capture_output=True, text=True, check=True).stdout
    assert said == f"{path}: cannot be read (Permission denied)\n"


def test_names_that_are_no_utf_8_are_written_as_json_reads_them(tmp_path: Path) -> None:
    name = b"caf\xe9.csv".decode(errors="surrogateescape")
    write_atomically(tmp_path / "config.json", dump({"data": name}))
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8")) == {"data": name}


@posix_only
@pytest.mark.parametrize("save", [write_atomically, lambda path, text: save_tensors(path, {"a": np.zeros(1)}, {})])
def test_a_link_stays_one_and_what_it_leads_to_is_written(save: Any, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "file").symlink_to("second")
    (tmp_path / "second").symlink_to(Path("disk") / "real")
    for _ in range(2):  # when it leads to nothing yet, too
        save(tmp_path / "file", "text")
        assert (tmp_path / "file").is_symlink()
        assert (tmp_path / "second").is_symlink()
        assert names(tmp_path / "disk") == ["real"]
        assert (tmp_path / "disk" / "real").stat().st_size > 0
    assert sorted(names(tmp_path)) == ["disk", "file", "second"]


def identity(path: Path) -> tuple[int, int, int]:
    """Inode, kind and last change of what lies at a path; not its last access, as following a link is one."""
    found = path.lstat()
    return found.st_ino, found.st_mode, found.st_mtime_ns


@posix_only
def test_only_regular_files_are_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket"))
        for name in ("pipe", "link", "socket", "loop"):
            before = identity(tmp_path / name)
            with pytest.raises(FileError, match=f"{name}: is a (device or a pipe, which no|link that leads to itself)"):
                write_atomically(tmp_path / name, "text")
            assert identity(tmp_path / name) == before
    assert sorted(names(tmp_path)) == ["link", "loop", "pipe", "socket"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"file: cannot be written .*; nothing was changed"):
        write_atomically(tmp_path / "missing" / "file", "text")


def foreign(path: Path) -> None:
    safetensors.numpy.save_file({"a": np.zeros(3)}, path)


def with_header(header: str) -> Any:
    return lambda path: safetensors.numpy.save_file({"a": np.zeros(3)}, path, metadata={"sfumato": header})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "is a folder; name"),
        (lambda path: path.write_bytes(b""), "not a whole safetensors file"),
        (lambda path: path.write_text("a,b\n1,2\n"), "not a whole safetensors file"),
        (foreign, "a safetensors file, but not one that Sfumato wrote"),
        (with_header("{"), "a safetensors file, but not one that Sfumato wrote"),
        (with_header("[1]"), "a safetensors file, but not one that Sfumato wrote"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_path(make: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "tensors"
    make(path)
    with pytest.raises(FileError, match=f"tensors: {message}"):
        load_tensors(path)


@settings(deadline=None, max_examples=30)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_off_anywhere_is_refused(tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    path = tmp_path_factory.mktemp("files") / "tensors"
    save_tensors(path, {"a": np.arange(10.0)}, {"format": "test"})
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FileError, match="not a whole safetensors file"):
        load_tensors(path)
