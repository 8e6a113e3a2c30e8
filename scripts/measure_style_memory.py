"""What style transfers were estimated to take, and what they take: memory of the whole process, and time.

    python scripts/measure_style_memory.py 512 1024 2048@2GB --steps 12 --scales 1

Each size, with the memory that it is allowed after an @, is one run of `sfumato style --estimate` and one without, on
the pictures of `examples/images`. Options after the sizes go to both.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PICTURES = [str(ROOT / "examples" / "images" / name) for name in ("chelsea.jpg", "starry_night.jpg")]
HEAD = "| asked | pixels | tiles | pairs | memory: estimated | taken | ratio | time: estimated | taken | ratio |"


def call(*arguments: str) -> dict[str, Any]:
    """What `sfumato style` says about a run, or an estimate of one."""
    program = [sys.executable, "-c", "from sfumato.cli import main; main()", "style", *PICTURES, "--json", "--quiet"]
    done = subprocess.run([*program, *arguments], check=True, stdout=subprocess.PIPE, encoding="utf-8")
    values: dict[str, Any] = json.loads(done.stdout)
    return values


def main() -> None:
    """Print a row for each size."""
    arguments = sys.argv[1:]
    count = next((index for index, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    print(HEAD, "|---" * (HEAD.count("|") - 1) + "|", sep="\n", flush=True)
    for asked in arguments[:count]:
        size, _, memory = asked.partition("@")
        options = ["--size", size, *(["--memory", memory] if memory else []), *arguments[count:]]
        told, took = call("--estimate", *options), call(*options)
        cells = [
            asked,
            f"{told['width']} x {told['height']}",
            told["tiles"],
            took["settings"]["plan"]["history"],
            f"{told['memory_bytes'] / 1e6:.0f} MB",
            f"{took['peak_memory_bytes'] / 1e6:.0f} MB",
            f"{told['memory_bytes'] / took['peak_memory_bytes']:.2f}",
            f"{told['seconds']:.0f} s",
            f"{took['seconds']:.0f} s ({took['steps']} steps)",
            f"{told['seconds'] / took['seconds']:.2f}",
        ]
        print("|", " | ".join(map(str, cells)), "|", flush=True)


if __name__ == "__main__":
    main()
