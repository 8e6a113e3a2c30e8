"""Make the sounds that come with the package.

    apt-get install fluidsynth fluid-soundfont-gm espeak-ng sonic-pi-samples
    python -m scripts.make_sounds

Two tunes in the public domain, played by fluidsynth with the soundfont FluidR3 (MIT), and a loop of tabla of Sonic Pi's
samples (CC0): those of the benchmarks, as Ogg Vorbis. The extra `sound` is needed.
"""

import tempfile
from pathlib import Path

from benchmarks.sound_files import make_sounds

from sfumato.sound.builtin import FOLDER
from sfumato.sound.files import read_sound, write_sound

SOUNDS = {"piano": "green_piano", "guitar": "ode_guitar", "tabla": "tabla"}
"""Names in the package, and those of the benchmarks."""


def main() -> None:
    """Write the sounds of the package."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        make_sounds(Path(folder))
        for name, made in SOUNDS.items():
            path = FOLDER / f"{name}.ogg"
            write_sound(path, read_sound(Path(folder) / f"{made}.wav"))
            print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
