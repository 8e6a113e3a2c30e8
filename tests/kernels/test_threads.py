"""Threads: who has them when, and that nothing but the speed depends on their number."""

import threading
from collections.abc import Callable, Iterator

import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from sfumato.kernels.threads import parallel_kernels, run_in_threads


def blas_threads() -> int:
    libraries: list[dict[str, int]] = ThreadpoolController().select(user_api="blas").info()
    return max(library["num_threads"] for library in libraries)


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    with threadpool_limits(2, user_api="blas"):
        yield


def squares(count: int) -> list[int]:
    return run_in_threads(lambda: lambda number: number**2, range(count))


def threads_taking_part(together: int) -> int:
    """How many threads work on items that wait until so many of them are worked on at once."""
    meeting = threading.Barrier(together)
    seen = set()

    def wait(_: int) -> None:
        meeting.wait(timeout=30)
        seen.add(threading.get_ident())

    run_in_threads(lambda: wait, range(together))
    return len(seen)


def test_within_the_kernels_have_the_threads_that_blas_had_and_blas_has_one() -> None:
    assert threads_taking_part(1) == 1
    with parallel_kernels():
        assert blas_threads() == 1
        assert threads_taking_part(2) == 2
    assert blas_threads() == 2


@pytest.mark.parametrize("when", [True, False])
def test_entering_again_changes_nothing(when: bool) -> None:
    with parallel_kernels():
        with parallel_kernels(when):
            assert blas_threads() == 1
            assert threads_taking_part(2) == 2
        assert blas_threads() == 1
        assert threads_taking_part(2) == 2
    assert blas_threads() == 2


def test_a_job_that_has_no_use_for_it_leaves_blas_its_threads() -> None:
    with parallel_kernels(False):
        assert blas_threads() == 2


def test_one_thread_stays_one() -> None:
    with threadpool_limits(1, user_api="blas"), parallel_kernels():
        seen = run_in_threads(lambda: lambda _: threading.get_ident(), range(20))
        assert set(seen) == {threading.get_ident()}


def test_jobs_that_overlap_leave_blas_its_threads_when_the_last_of_them_ends() -> None:
    first, second = parallel_kernels(), parallel_kernels()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas_threads() == 1
    assert squares(50) == [number**2 for number in range(50)]
    second.__exit__(None, None, None)
    assert blas_threads() == 2


def test_an_error_within_gives_blas_its_threads_back() -> None:
    with pytest.raises(KeyError), parallel_kernels():
        raise KeyError
    assert blas_threads() == 2


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 200])
def test_results_come_in_the_order_of_the_items(parallel: bool, count: int) -> None:
    with parallel_kernels(parallel):
        assert squares(count) == [number**2 for number in range(count)]


@pytest.mark.parametrize("parallel", [False, True])
def test_each_thread_has_a_function_of_its_own(parallel: bool) -> None:
    def make() -> Callable[[int], bool]:
        maker = threading.get_ident()
        return lambda _: threading.get_ident() == maker

    with parallel_kernels(parallel):
        assert all(run_in_threads(make, range(100)))


@pytest.mark.parametrize("parallel", [False, True])
def test_an_exception_reaches_the_caller_and_the_threads_go_on_to_other_work(parallel: bool) -> None:
    def fail(number: int) -> None:
        if number == 7:
            raise ArithmeticError(f"item {number}")

    with parallel_kernels(parallel):
        with pytest.raises(ArithmeticError, match="item 7"):
            run_in_threads(lambda: fail, range(100))
        assert squares(50) == [number**2 for number in range(50)]
