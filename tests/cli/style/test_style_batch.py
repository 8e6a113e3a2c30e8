"""`sfumato style` with several contents: into a folder, on from where it stopped, past what cannot be painted."""

import errno
import json
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sfumato.cli.folders import reason
from sfumato.cli.style.batch import PICTURES
from sfumato.errors import DivergenceError, FileError
from sfumato.minimize import SparingSaver
from sfumato.pictures.files import read_image, write_image
from sfumato.storage import make_anew
from sfumato.style.transfer import StyleTransfer

Call = Callable[..., Any]
Refused = Callable[..., str]
Snapshot = Callable[[Path], dict[str, bytes | None]]

LAYERS = ["--content-layers", "block2_conv2", "--style-layers", "block1_conv1,block2_conv1"]
SMALL = ["--style", "style.png", "--size", "48", "--steps", "2", "--scales", "1", "--optimizer", "adam"]
TINY = [*SMALL, "--threads", "1", *LAYERS]


@pytest.fixture
def photos(pictures: list[str], tmp_path: Path) -> Path:
    """A folder of three pictures of different endings, with a few things that are none."""
    folder = tmp_path / "photos"
    (folder / "within").mkdir(parents=True)
    with Image.open(tmp_path / pictures[0]) as picture:
        for name in ("b.png", "a.JPG", "c.bmp", ".hidden.png", "within/d.png"):
            picture.save(folder / name)
    (folder / "notes.txt").write_text("no picture", encoding="utf-8")
    return folder


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_painted_into_a_folder(photos: Path, sfumato: Call, tmp_path: Path) -> None:
    status, out, err = sfumato("style", "photos", *TINY, "-o", "painted")
    assert status == 0
    assert names(tmp_path / "painted") == ["a.JPG", "b.png", "c.bmp.png"], "under their names; .bmp cannot be written"
    assert read_image(tmp_path / "painted" / "a.JPG").shape == (36, 48, 3)
    lines = out.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["painted/a.JPG", "painted/b.png", "painted/c.bmp.png"]
    assert lines[3:] == ["3 painted, 0 skipped, 0 failed, 3 left out; written to painted"]
    left_out = "left out: 1 (hidden); 1 (.txt: not a picture that is read); 1 (a folder within)"
    assert left_out in err.splitlines()
    assert "photos/b.png (2 of 3), scale 1/1, step 1/2: loss " in err


@pytest.mark.slow
def test_cameras_endings_are_painted_and_every_other_file_is_told_with_the_reason(
    photos: Path, here: Call, tmp_path: Path
) -> None:
    (photos / "a.JPG").rename(photos / "a.mpo")
    with Image.open(photos / "b.png") as picture:
        write_image(tmp_path / "c.heic", np.asarray(picture))
    (tmp_path / "c.heic").rename(photos / "c.HIF")
    for name in ("1.CR2", "2.cr2", "doc.pdf"):
        (photos / name).write_bytes(b"")
    done = here("style", "photos", *TINY, "-o", "painted", "--json")
    assert names(tmp_path / "painted") == ["a.mpo.png", "b.png", "c.HIF.png", "c.bmp.png"]
    reasons = {left["file"]: left["reason"] for left in json.loads(done.out)["left_out"]}
    assert reasons["photos/doc.pdf"] == ".pdf: a PDF document, which is not read; export it as PNG"
    assert "2 (.cr2: a camera's raw file, which is not read; develop it to JPEG or TIFF)" in done.err
    for name in ("a.mpo", "c.HIF"):
        (photos / name).unlink()  # an estimate takes longer than such a picture
    estimated = here("style", "photos", *TINY, "--estimate", "--json")
    assert json.loads(estimated.out)["left_out"] == json.loads(done.out)["left_out"]


def test_a_folder_takes_what_is_of_each_contents_own(photos: Path, here: Call, tmp_path: Path) -> None:
    write_image(tmp_path / "mask.png", np.full((60, 80, 3), 200, np.uint8))
    for number, options in enumerate((["--quiet-ground", "1"], ["--content-mask", "mask.png"], ["--colour", "only"])):
        done = here("style", "photos", *TINY, *options, "-o", f"painted{number}")
        assert done.status == 0, done.err
        assert len(names(tmp_path / f"painted{number}")) == 3


def test_each_is_painted_as_it_is_alone(photos: Path, here: Call, tmp_path: Path) -> None:
    assert here("style", "photos", "content.png", *TINY, "-o", "painted").status == 0
    assert names(tmp_path / "painted") == ["a.JPG", "b.png", "c.bmp.png", "content.png"]
    for content, name in (("photos/b.png", "b.png"), ("content.png", "content.png")):
        assert here("style", content, *TINY, "-o", "alone.png", "--overwrite").status == 0
        assert (tmp_path / "alone.png").read_bytes() == (tmp_path / "painted" / name).read_bytes()


@pytest.mark.parametrize("out", ["there", "new/"])
def test_a_single_content_goes_into_a_folder_too(out: str, pictures: list[str], here: Call, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    assert here("style", "content.png", *TINY, "-o", out).status == 0
    assert names(tmp_path / out) == ["content.png"]


def test_what_is_finished_is_skipped_and_what_was_begun_gone_on_with(
    photos: Path, here: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert here("style", "photos", *TINY, "-o", "whole").status == 0
    shown = []

    def stop_in_the_second(_: object, place: str, *rest: object, **more: object) -> None:
        shown.append(place)
        if place.startswith("photos/b.png (2 of 3), scale 1/1, step 1/"):
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr("sfumato.cli.console.RunProgress.show", stop_in_the_second)
        status, out, err = here("style", "photos", *TINY, "-o", "painted", "--json")
    values = json.loads(out)
    assert status == 130
    assert err.splitlines()[-1] == "interrupted; the same command goes on"
    assert [picture["stopped"] for picture in values["pictures"]] == ["finished", "interrupted"]
    assert names(tmp_path / "painted") == [".b.png.checkpoint", "a.JPG", "b.png"]

    status, out, err = here("style", "photos", *TINY, "-o", "painted", "--json")
    values = json.loads(out)
    assert status == 0
    assert values["skipped"] == ["painted/a.JPG"]
    assert [picture["out"] for picture in values["pictures"]] == ["painted/b.png", "painted/c.bmp.png"]
    assert "1 of 3 are finished and left as they are; --overwrite makes them anew" in err
    assert "photos/b.png (2 of 3), scale 1/1, step 2/2: loss" in err
    assert "photos/b.png (2 of 3), scale 1/1, step 1/2" not in err, "it went on after the first step"
    for name in names(tmp_path / "whole"):
        assert (tmp_path / "painted" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert names(tmp_path / "painted") == names(tmp_path / "whole")


def test_finished_pictures_are_left_and_with_overwrite_made_anew(photos: Path, here: Call, tmp_path: Path) -> None:
    (tmp_path / "painted").mkdir()
    for name in ("a.JPG", "b.png", "c.bmp.png"):
        (tmp_path / "painted" / name).write_bytes(b"mine")
    status, out, _ = here("style", "photos", *TINY, "-o", "painted")
    assert (status, out) == (0, "0 painted, 3 skipped, 0 failed, 3 left out; written to painted\n")
    assert (tmp_path / "painted" / "b.png").read_bytes() == b"mine"
    assert here("style", "photos", *TINY, "-o", "painted", "--overwrite").status == 0
    assert read_image(tmp_path / "painted" / "b.png").shape == (36, 48, 3)


def test_what_cannot_be_painted_is_reported_at_the_end(photos: Path, sfumato: Call, tmp_path: Path) -> None:
    (photos / "aa.png").write_text("not a picture", encoding="utf-8")
    Image.new("RGB", (8, 8)).save(photos / "tiny.png")
    status, out, err = sfumato("style", "photos", "none.png", *TINY, "-o", "painted", "--json", "--quiet")
    values = json.loads(out)
    assert status == 2
    assert values.keys() == {"pictures", "skipped", "failed", "left_out", "out"}
    assert {left["file"] for left in values["left_out"]} == {"photos/.hidden.png", "photos/notes.txt", "photos/within"}
    assert [picture["out"] for picture in values["pictures"]] == ["painted/a.JPG", "painted/b.png", "painted/c.bmp.png"]
    assert [failure["content"] for failure in values["failed"]] == ["photos/aa.png", "photos/tiny.png", "none.png"]
    assert err.splitlines() == [f"sfumato: {failure['error']}" for failure in values["failed"]]
    assert "photos/aa.png: is not a picture that can be read" in err
    assert "photos/tiny.png: is 8 x 8 pixels; a picture needs at least 16 each way" in err
    assert "none.png: cannot be read (No such file or directory); check the path" in err
    assert (values["skipped"], values["out"]) == ([], "painted")
    assert names(tmp_path / "painted") == ["a.JPG", "b.png", "c.bmp.png"]


def test_pictures_that_differ_in_their_ending_alone_are_both_painted(photos: Path, here: Call, tmp_path: Path) -> None:
    (photos / "c.png").write_bytes((photos / "b.png").read_bytes())
    assert here("style", "photos", *TINY, "-o", "painted").status == 0
    assert names(tmp_path / "painted") == ["a.JPG", "b.png", "c.bmp.png", "c.png"]


def test_the_picture_so_far_of_a_killed_batch_does_not_count_as_finished(
    photos: Path, here: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert here("style", "photos", *TINY, "-o", "whole").status == 0
    begun = []

    def killed(path: Path, *rest: Any, **more: Any) -> None:
        begun.append(path.with_name(f".{path.name}.checkpoint").exists())
        raise SystemExit(9)

    arguments = ["style", "photos", *TINY, "--save-every", "1", "-o", "painted"]
    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr("sfumato.minimize.SparingSaver.save_sometimes", SparingSaver.save_now)
        for module in ("stylize", "result"):
            patched.setattr(f"sfumato.style.{module}.write_image", killed)
        here(*arguments)
    assert begun == [True], "nothing is written before there is something to go on with"
    assert here(*arguments).status == 0
    for name in names(tmp_path / "whole"):
        assert (tmp_path / "painted" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert names(tmp_path / "painted") == names(tmp_path / "whole")


def test_a_picture_that_diverged_does_not_count_as_finished(
    photos: Path, here: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    step = StyleTransfer.run

    def diverging(self: StyleTransfer, content: Any, *rest: Any, **more: Any) -> Any:
        result = step(self, content, *rest, **more)
        if str(content).endswith("b.png"):
            raise DivergenceError("the picture diverged")
        return result

    monkeypatch.setattr("sfumato.minimize.SparingSaver.save_sometimes", SparingSaver.save_now)
    monkeypatch.setattr(StyleTransfer, "run", diverging)
    for _ in range(2):
        status, out, _ = here("style", "photos", *TINY, "--save-every", "1", "-o", "painted", "--json", "--quiet")
        assert status == 2
        (failure,) = json.loads(out)["failed"]
        assert failure["error"] == "photos/b.png: the picture diverged"
        assert names(tmp_path / "painted") == ["a.JPG", "c.bmp.png"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_ends_it_with_what_was_painted_before(
    number: int, photos: Path, here: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full_after_the_first(path: Path) -> None:
        if "a.JPG" not in path.name:
            raise OSError(number, "no room")
        make_anew(path)

    monkeypatch.setattr("sfumato.storage.make_anew", full_after_the_first)
    status, out, err = here("style", "photos", *TINY, "-o", "painted", "--json")
    values = json.loads(out)
    assert status == 2
    assert [picture["out"] for picture in values["pictures"]] == ["painted/a.JPG"]
    assert [failure["content"] for failure in values["failed"]] == ["photos/b.png"], "the third is not tried"
    assert (
        err.splitlines()[-2] == "the disk is full, so no other was tried; the same command goes on once there is room"
    )
    assert "cannot be written (no room); nothing was changed" in err.splitlines()[-1]
    assert names(tmp_path / "painted") == ["a.JPG"]


def test_a_folder_with_the_name_of_a_result_is_no_result(photos: Path, here: Call, tmp_path: Path) -> None:
    (tmp_path / "painted" / "b.png").mkdir(parents=True)
    for more in ([], ["--overwrite"]):
        status, out, err = here("style", "photos", *TINY, "-o", "painted", "--quiet", *more)
        assert status == 2
        assert out.endswith(", 1 failed, 3 left out; written to painted\n")
        assert "photos/b.png: painted/b.png: is a folder; move it, or name another folder for the results\n" in err


def test_an_error_names_its_picture_even_where_another_name_ends_in_it() -> None:
    assert reason(PICTURES, "k.png", FileError("sk.png: is damaged")) == "k.png: sk.png: is damaged"
    assert reason(PICTURES, "k.png", FileError("k.png: is damaged")) == "k.png: is damaged"


def test_the_values_of_each_picture_are_those_that_it_has_alone(photos: Path, here: Call) -> None:
    alone = json.loads(here("style", "photos/b.png", *TINY, "-o", "alone.png", "--json").out)
    of_all = json.loads(here("style", "photos", *TINY, "-o", "painted", "--json").out)["pictures"][1]
    assert alone.keys() == of_all.keys()
    assert (alone["loss"], alone["settings"]) == (of_all["loss"], of_all["settings"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("photos -o painted --style-layers block1_conv9", "vgg19 has no layer 'block1_conv9'"),
        (
            "photos -o painted --content-layers block1_conv1:-1",
            "the weight of block1_conv1 must be a number of 0 or more",
        ),
        ("photos -o painted --style none.png", "none.png: cannot be read (No such file or directory); check the path"),
        ("photos -o painted --optimizer lbgfs", "no optimizer is called 'lbgfs'"),
        ("photos -o painted --vgg-weights none.h5", "none.h5: no such file"),
        ("photos -o painted --resume --overwrite", "contradict"),
        ("photos", "several contents, or a folder of them, need --out: the folder of the results"),
        ("photos -o ''", "--out names no folder: give it one"),
        ("photos -o style.png", "style.png: is a file; the results of several contents need a folder"),
        (
            "content.png photos/b.png -o new.png",
            "new.png: is the name of a picture; the results of several contents need",
        ),
        ("photos -o nowhere/painted", "nowhere/painted: there is no folder nowhere; make it first"),
        ("photos -o photos", "photos: is the folder of the contents; name another for the results"),
        ("photos/b.png content.png -o photos", "photos/b.png: is one of the pictures to read; name another folder"),
        ("photos/b.png photos/within/b.png -o new", "both would become new/b.png; choose two folders, in two commands"),
        ("photos photos/b.png -o painted", "photos/b.png and photos/b.png: both would become painted/b.png"),
        (
            "photos/within/empty -o painted",
            "photos/within/empty: there is no picture in this folder; name one with files",
        ),
        ("photos '' -o painted", "CONTENT is empty: name a file"),
    ],
)
def test_what_concerns_all_is_refused_at_once(arguments: str, said: str, photos: Path, refused: Refused) -> None:
    (photos / "within" / "empty").mkdir()
    assert said in refused("style", *TINY, *shlex.split(arguments), "--quiet")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no links for everyone")
def test_links_to_a_content_are_known_for_what_they_are(photos: Path, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "painted").mkdir()
    (tmp_path / "painted" / "b.png").hardlink_to(photos / "b.png")
    (tmp_path / "again").symlink_to(photos)
    arguments = ("style", "photos", *TINY, "--overwrite", "--quiet", "-o")
    assert "painted/b.png: is one of the pictures to read" in refused(*arguments, "painted")
    assert "again: is the folder of the contents" in refused(*arguments, "again")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no links for everyone")
def test_a_link_among_the_results_stays_one(photos: Path, here: Call, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "painted").mkdir()
    link = tmp_path / "painted" / "b.png"
    link.symlink_to(tmp_path / "elsewhere.png")
    assert here("style", "photos", *TINY, "-o", "painted").status == 0
    assert link.is_symlink()
    assert read_image(tmp_path / "elsewhere.png").shape == (36, 48, 3)
    link.unlink()
    link.symlink_to(tmp_path / "elsewhere")
    assert "elsewhere: pictures are written as .png" in refused("style", "photos", *TINY, "-o", "painted")


def test_quality_is_for_the_formats_that_have_one(photos: Path, here: Call, tmp_path: Path) -> None:
    sizes = []
    for quality in ("10", "90"):
        assert here("style", "photos", *TINY, "-o", quality, "--quality", quality).status == 0
        sizes.append((tmp_path / quality / "a.JPG").stat().st_size)
    assert sizes[0] < sizes[1]
    assert (tmp_path / "10" / "b.png").read_bytes() == (tmp_path / "90" / "b.png").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_leaves_no_question_how_to_go_on(photos: Path, start: Call, here: Call, tmp_path: Path) -> None:
    process = start("style", "photos", *TINY, "--steps", "500", "--verbose", "-o", "painted")
    process.until(lambda: ", step 3/" in process.stderr.readline())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert err.splitlines()[-1] == "interrupted; the same command goes on"
    assert out.splitlines()[-1].endswith("; written to painted")
    assert [name for name in names(tmp_path / "painted") if name.endswith(".checkpoint")]
