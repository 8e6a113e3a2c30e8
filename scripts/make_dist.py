"""Build the distributions into dist/, check them, try the wheel away from the tree, and pack the site.

    .venv-dist/bin/python scripts/make_dist.py

`make dist` calls it in an environment that has twine, and uv, which installs in seconds what takes pip a minute. The
wheel is installed into a fresh environment in a temporary folder, where the program trains on the digits and paints a
small picture. The site, where `make docs` has built it, becomes dist/sfumato-<version>-site.zip. The first step that
fails ends it, with an exit status of 1.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
SITE = ROOT / "docs" / "_build" / "html"
UV = (sys.executable, "-m", "uv")
PICTURES = ROOT / "examples" / "images"


def run(*command: str | Path, folder: Path = ROOT) -> None:
    """Print a command and run it in a folder, where no variable leads Python back to the tree."""
    print("+", *command, flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        subprocess.run(command, cwd=folder, env=environment, check=True)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{Path(command[0]).name} failed with exit status {error.returncode}; see above")


def build() -> Path:
    """Build the source distribution, and from it the wheel, check both, and return the wheel."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(*UV, "build", "--quiet", "--out-dir", DIST)
    (wheel,) = DIST.glob("*.whl")
    run(sys.executable, "-m", "twine", "check", "--strict", *DIST.glob("sfumato-*"))
    return wheel


def try_wheel(wheel: Path) -> None:
    """Install a wheel into a fresh environment, and train and paint there."""
    with tempfile.TemporaryDirectory(prefix="sfumato-wheel-") as name:
        folder = Path(name)
        programs = folder / "environment" / ("Scripts" if os.name == "nt" else "bin")
        run(*UV, "venv", "--quiet", "--python", sys.executable, folder / "environment")
        run(*UV, "pip", "install", "--quiet", "--python", folder / "environment", wheel)
        run(programs / "sfumato", "train", "digits", "--epochs", "3", "--out", "digits", folder=folder)
        pictures = (PICTURES / "chelsea.jpg", PICTURES / "starry_night.jpg")
        run(programs / "sfumato", "style", *pictures, "--size", "128", "--steps", "5", "-o", "out.png", folder=folder)
        for made in (folder / "digits" / "model.safetensors", folder / "out.png"):
            if not made.is_file():
                sys.exit(f"the wheel's program has not written {made.name}")


def pack_site(wheel: Path) -> None:
    """Pack the built site, in a folder named like the archive, beside a wheel."""
    name = "-".join([*wheel.name.split("-")[:2], "site"])
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(SITE, Path(folder) / name)
        shutil.make_archive(str(DIST / name), "zip", folder, name)


if __name__ == "__main__":
    built = build()
    try_wheel(built)
    if SITE.is_dir():
        pack_site(built)
    else:
        print("No site is packed: `make docs` builds it.")
    for path in sorted(DIST.glob("sfumato-*")):
        print(f"{path.stat().st_size / 1e6:6.1f} MB  {path.relative_to(ROOT)}")
