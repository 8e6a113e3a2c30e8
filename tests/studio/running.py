"""A studio that runs: the real program, asked over HTTP as its page asks."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

PROGRAM = [sys.executable, "-c", "from sfumato.cli import main; main()", "studio"]

LAYERS = {"content_layers": {"block2_conv2": 1.0}, "style_layers": {"block2_conv1": 1.0}}
FAST: dict[str, Any] = {"size": 64, "steps": 4, "scales": 1, **LAYERS}
"""Settings that take a moment."""


class Studio:
    """A studio that runs.

    Attributes:
        folder: What it keeps.
        process: The program.
        url: The page's address, without the key.
        key: The key.
        http: Asks as the page does: with the key, from its own origin.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        command = [*PROGRAM, "--folder", str(folder), "--no-browser", *(options or ("--port", "0"))]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=os.environ
        )
        assert self.process.stdout is not None
        self.url, _, self.key = self.process.stdout.readline().strip().partition("/#key=")
        headers = {"Authorization": f"Bearer {self.key}", "Origin": self.url}
        self.http = httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def give(self, path: Path) -> str:
        """Hand in a picture; returns its id."""
        answer = self.http.put("/api/pictures", params={"name": path.name}, content=path.read_bytes())
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def paint(self, content: str, *styles: str, names: dict[str, str] | None = None, **settings: Any) -> str:
        """Put a job in the queue; returns its name."""
        asked = {"content": content, "styles": [[style, 1] for style in styles], "names": names or {}}
        answer = self.http.post("/api/jobs", json={**asked, "settings": settings})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def job(self, name: str, place: str = "jobs") -> dict[str, Any]:
        """What the page is told of a job: one of painting, or of "trainings"."""
        told: dict[str, Any] = self.http.get(f"/api/{place}/{name}").json()
        return told

    def until(self, name: str, happened: Callable[[dict[str, Any]], object], *, place: str = "jobs") -> dict[str, Any]:
        """Wait until a job is as it should be, and return it."""
        end = time.monotonic() + 180  # on a machine with other work
        while not happened(job := self.job(name, place)):
            assert time.monotonic() < end, {name: value for name, value in job.items() if name != "records"}
            time.sleep(0.02)
        return job

    def painted(self, name: str) -> dict[str, Any]:
        """Wait until a job is over, and return it."""
        return self.until(name, lambda job: job["state"] not in ("waiting", "painting"))

    def jobs(self) -> list[str]:
        """Names of all jobs."""
        return [job["id"] for job in self.http.get("/api/jobs").json()["jobs"]]

    def said(self) -> str:
        """Wait for its end; returns what it has said on standard error."""
        return self.process.communicate(timeout=30)[1]

    def close(self) -> None:
        """End it as Ctrl-C does."""
        self.http.close()
        self.process.terminate()
        self.process.communicate(timeout=30)
