"""What is compiled is kept for the next process, in a folder that nobody else can write to, or not at all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

pytest.importorskip("numba")

PROGRAM = """
import sys
import numpy as np
from sfumato.kernels.compiled.compiler import compiled, watching_compilation

@compiled
def twice(x):
    return x + x

@compiled
def doubled(values, out):
    for i in range(values.size):
        out[i] = twice(values[i])

values = np.arange(5, dtype=sys.argv[1])
out = np.empty_like(values)
with watching_compilation(lambda: print("compiling")):
    doubled(values, out)
print(out.tolist())
"""
"""Doubles numbers of the type asked for, and says when it compiles."""


@pytest.fixture
def run(tmp_path: Path) -> "Run":
    return Run(tmp_path)


class Run:
    """Runs the program, with what is compiled kept under a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        self.program, self.home = folder / "program.py", folder / "home"
        self.kept = self.home / "sfumato" / "kernels"
        self.program.write_text(PROGRAM, encoding="utf-8")
        self.home.mkdir()

    def start(self, dtype: str = "float32") -> "subprocess.Popen[str]":
        command = [sys.executable, str(self.program), dtype]
        places = dict.fromkeys(("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"), str(self.home))
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | places)

    def __call__(self, dtype: str = "float32") -> list[str]:
        process = self.start(dtype)
        output, _ = process.communicate()
        assert process.returncode == 0
        return output.splitlines()

    def files(self) -> list[Path]:
        return [path for path in self.kept.rglob("*") if path.suffix in (".nbi", ".nbc")]


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders for what is kept")

ANSWER = "[0.0, 2.0, 4.0, 6.0, 8.0]"
COMPILED = ["compiling", "compiling", ANSWER]


@on_linux
def test_what_one_process_compiles_the_next_one_reads(run: Run) -> None:
    assert run() == COMPILED
    assert run() == [ANSWER]
    assert run.files() and run.kept.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
@on_linux
def test_two_processes_that_compile_at_once_keep_the_work_of_both(run: Run) -> None:
    """Numba's index of a function is read and written as a whole: without the lock, both results get one name."""
    processes = [run.start(dtype) for dtype in ("float32", "int64")]
    answers = [process.communicate()[0].splitlines()[-1] for process in processes]
    assert answers == [ANSWER, "[0, 2, 4, 6, 8]"]
    assert [run(dtype) for dtype in ("float32", "int64")] == [[ANSWER], ["[0, 2, 4, 6, 8]"]]


@pytest.mark.slow
@on_linux
def test_a_folder_that_others_can_write_to_is_neither_read_nor_written(run: Run) -> None:
    """What lies there is unpickled, so that whoever writes it decides what this process does."""
    run.kept.mkdir(parents=True)
    run.kept.chmod(0o777)
    assert run() == COMPILED
    assert not run.files()
    run.kept.chmod(0o700)
    run.kept.parent.chmod(0o777)  # whoever can rename the folder can put another in its place
    assert run() == COMPILED


@pytest.mark.slow
@on_linux
def test_a_folder_below_one_that_others_can_write_to_is_not_used(run: Run) -> None:
    run.home.chmod(0o777)
    assert run() == COMPILED
    assert not run.files()
    run.home.chmod(0o1777)  # sticky, as /tmp: there nobody can rename what is another's
    assert run() == COMPILED
    assert run.files()


@pytest.mark.slow
@on_linux
def test_nothing_is_kept_beside_the_source_where_the_folder_takes_nothing(run: Run) -> None:
    """Numba would look for other places by itself."""
    run()
    (subfolder,) = (path for path in run.kept.iterdir() if path.is_dir())
    shutil.rmtree(subfolder)
    subfolder.write_text("a file in place of Numba's folder", encoding="utf-8")
    assert run() == COMPILED
    assert not list(run.program.parent.glob("__pycache__/*.nb?"))


@pytest.mark.slow
@on_linux
def test_a_process_that_stands_still_is_not_waited_for_again_and_again(run: Run) -> None:
    run()
    with FileLock(run.kept / "lock"):
        assert run() == COMPILED


@on_linux
def test_a_home_that_cannot_be_written_to_costs_the_compilation_only(run: Run) -> None:
    run.home.rmdir()
    run.home.write_text("a file in place of the folder", encoding="utf-8")
    assert run() == COMPILED


@pytest.mark.slow
@on_linux
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", [b"", b"\x80\x05damaged"], ids=["empty", "pickle"])
def test_damaged_files_are_compiled_anew(run: Run, suffix: str, damage: bytes) -> None:
    run()
    for path in run.files():
        if path.suffix == suffix:
            path.write_bytes(damage)
    assert run()[-1] == ANSWER


def test_loading_the_kernels_does_not_load_numba() -> None:
    script = "import sys, sfumato.kernels.ops, sfumato.cli; print('numba' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_a_compiled_function_gives_what_it_says_when_it_is_run_by_python() -> None:
    from sfumato.kernels.compiled.compiler import compiled

    def sum_of_squares(x: np.ndarray) -> float:
        total = 0.0
        for number in x:
            total += number * number
        return total

    function = compiled(sum_of_squares)
    x = np.arange(7.0)
    assert function(x) == function.function(x) == 91.0
