"""Studios that run, and pictures to paint with them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.studio.running import Studio

from sfumato.pictures.files import write_image


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio that tests share."""
    studio = Studio(tmp_path_factory.mktemp("studio") / "kept")
    yield studio
    studio.close()


@pytest.fixture
def studio(served: Studio) -> Iterator[Studio]:
    """The studio that tests share, whose jobs are removed after the test."""
    yield served
    for name in served.jobs():
        served.http.post(f"/api/jobs/{name}/stop")
        served.painted(name)
        served.http.post(f"/api/jobs/{name}/remove")


@pytest.fixture
def start_studio(tmp_path: Path) -> Iterator[Callable[..., Studio]]:
    """Starts a studio in the test's folder, again and again if need be; none outlives the test."""
    started = []

    def call(*options: str) -> Studio:
        started.append(Studio(tmp_path / "kept", *options))
        return started[-1]

    yield call
    for studio in started:
        studio.close()


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Path]:
    """A content of 80 x 60 pixels and a style of 64 x 64, as files of the test's folder."""
    rows, columns = np.mgrid[0:60, 0:80]
    disc = np.hypot(rows - 30, columns - 40) < 20
    content = np.stack([3 * columns, 4 * rows, np.where(disc, 200, 40)], axis=-1)
    style = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).repeat(4, axis=0).repeat(4, axis=1)
    write_image(tmp_path / "content.png", content.astype(np.uint8))
    write_image(tmp_path / "style.png", style.astype(np.uint8))
    return tmp_path / "content.png", tmp_path / "style.png"
