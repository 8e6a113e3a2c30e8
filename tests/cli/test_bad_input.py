"""Bad input: one line that says what, where and what to do, status 2, nothing written, never a traceback."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]
Refused = Callable[..., str]

OUT_OF_RANGE = [
    ("--learning-rate -1", "the learning rate must be a positive number, not -1"),
    ("--learning-rate 0", "the learning rate must be a positive number"),
    ("--learning-rate nan", "the learning rate must be a positive number"),
    ("--learning-rate inf", "the learning rate must be a positive number"),
    ("--learning-rate 1e400", "the learning rate must be a positive number"),
    ("--learning-rate fast", "'--learning-rate'"),
    ("--batch-size 0", "--batch-size takes a whole number of at least 1, or full; not '0'"),
    ("--batch-size -5", "--batch-size takes a whole number"),
    ("--batch-size 2.5", "--batch-size takes a whole number"),
    ("--batch-size half", "--batch-size takes a whole number"),
    ("--epochs 0", "'--epochs'"),
    ("--epochs -1", "'--epochs'"),
    ("--epochs 1.5", "'--epochs'"),
    ("--early-stopping 0", "patience of early stopping must be at least 1"),
    ("--dropout 1", "the probability of dropping must be at least 0 and below 1, not 1.0"),
    ("--dropout -0.1", "the probability of dropping"),
    ("--dropout nan", "the probability of dropping"),
    ("--l2 -1", "--l2 takes a number of at least 0, not -1"),
    ("--l2 nan", "--l2 takes"),
    ("--l2 inf", "--l2 takes"),
    ("--optimizer adamw --l2 -1", "--l2 takes a number of at least 0, not -1"),
    ("--optimizer momentum --beta 1", "beta must be at least 0 and below 1, not 1"),
    ("--optimizer nesterov --beta -0.1", "beta must be"),
    ("--beta1 1", "beta1 must be at least 0 and below 1"),
    ("--beta2 nan", "beta2 must be"),
    ("--epsilon 0", "epsilon must be a positive number, not 0"),
    ("--epsilon inf", "epsilon must be a positive number"),
    ("--schedule exponential --decay 0", "the decay must be a positive number"),
    ("--schedule cosine --decay nan", "the decay must be a positive number"),
    ("--init normal --init-scale 0", "the scale of normal weights must be a positive number"),
    ("--hidden 0", "--hidden takes whole numbers of units, 1 to 1000000, such as 15,9, or none; not '0'"),
    ("--hidden=", "--hidden takes whole numbers of units, 1 to 1000000, such as 15,9, or none; not ''"),
    ("--hidden abc", "--hidden takes whole numbers"),
    ("--hidden 15,,9", "--hidden takes whole numbers"),
    ("--hidden 15,-9", "--hidden takes whole numbers"),
    ("--hidden 1e3", "--hidden takes whole numbers"),
    ("--hidden 1000000000000000000000", "--hidden takes whole numbers of units, 1 to 1000000"),
    ("--seed -1", "'--seed'"),
    (f"--seed {2**64}", "'--seed'"),
    (f"--seed {2**70}", "'--seed'"),
    ("--seed 1.5", "'--seed'"),
    ("--threads 0", "'--threads'"),
    ("--limit 0", "'--limit'"),
    ("--limit 1", "circles, --test: cannot hold out the fraction 0.2 of 1 examples"),
    ("--validation 1.5", "--validation takes a fraction of at least 0 and below 1, or a file, not 1.5"),
    ("--validation -0.5", "--validation takes a fraction"),
    ("--validation nan", "--validation takes a fraction"),
    ("--validation 1e-9", "circles, --validation: cannot hold out the fraction 1e-09"),
    ("--validation tenth", "there is no data 'tenth'"),
    ("--test 1", "--test takes a fraction of at least 0 and below 1, or a file, not 1"),
    ("--validation=", "--validation is empty: give a fraction or a file, or leave it out"),
    ("--test=", "--test is empty: give a fraction or a file, or leave it out"),
    ("--class-weight=", "--class-weight: no class is called ''"),
    ("--batch-size=", "--batch-size takes a whole number of at least 1, or full; not ''"),
    ("--target=", "leave out the target"),
    ("--out=", "--out names no folder: give it one, or leave it out"),
    ("--test nowhere.csv", "nowhere.csv: cannot be read (No such file or directory); check the path"),
]

UNKNOWN = [
    ("--optimizer adm", "'--optimizer'", "'adam'"),
    ("--activation rlu", "'--activation'", "'relu'"),
    ("--schedule step", "'--schedule'", "'inverse-time'"),
    ("--init random", "'--init'", "'xavier'"),
    ("--scaling minmax", "'--scaling'", "'standard'"),
    ("--task ranking", "'--task'", "'regression'"),
    ("--architecture convolutional", "'--architecture'", "'dense'"),
    ("--momentum-form heavy", "'--momentum-form'", "'classical'"),
    ("--hiden 5", "--hiden", "--hidden"),
    ("moons", "moons", "argument"),
]


@pytest.mark.parametrize(("options", "said"), OUT_OF_RANGE)
def test_a_value_out_of_range(options: str, said: str, refused: Refused) -> None:
    assert said in refused("train", "circles", "--epochs", "1", *options.split())


@pytest.mark.parametrize(("options", "name", "choice"), UNKNOWN)
def test_an_unknown_choice_is_told_what_there_is(options: str, name: str, choice: str, refused: Refused) -> None:
    said = refused("train", "circles", "--epochs", "1", *options.split())
    assert name in said
    assert choice in said


def test_an_unknown_name_is_told_the_one_that_was_meant(refused: Refused) -> None:
    assert "did you mean 'mnist'?" in refused("train", "mnits")
    assert "did you mean 'breast-cancer'?" in refused("check", "breast_cancer")
    assert "Did you mean 'train'?" in refused("trian", "mnist")
    assert "one of: mnist, digits, blobs" in refused("train", "imagenet")


@pytest.mark.parametrize(
    "arguments", [["train"], ["evaluate"], ["evaluate", "model"], ["predict", "model"], ["train", "moons", "--epochs"]]
)
def test_a_missing_argument_is_named(arguments: list[str], refused: Refused) -> None:
    named = {"train": "DATA", "evaluate": "DATA" if len(arguments) > 1 else "MODEL", "predict": "FILE"}
    assert ("--epochs" if arguments[-1] == "--epochs" else f"'{named[arguments[0]]}'") in refused(*arguments)


TABLES = {
    "empty": ("", "is empty; give rows of numbers"),
    "blank": ("\n \n\n", "is empty; give rows of numbers"),
    "header": ("a,b,c\n", "has a header but no rows; give rows of numbers below it"),
    "one-row": ("a,b,c\n1,2,x\n", "has only one row of values; give at least 2"),
    "one-column": ("a\n1\n2\n", "has only one column"),
    "text": ("a,c\n1,1.5\n3,2.5\n4,x\n5,y\n", "line 4, column 'c': 'x' is not a number; correct it or remove the row"),
    "infinite": ("a,b,c\n1,2,x\n3,1e999,y\n", "line 3, column 'b': 'inf' is not finite"),
    "no-target": (
        "a,b,c\n1,2,NA\n3,4,\n",
        "column 'c': the target is missing in every row; choose another column: --target",
    ),
    "all-different": ("a,b\n1,u\n3,v\n2,w\n7,x\n5,y\n4,z\n", "the target has 6 different texts in 6 rows"),
    "one-class": ("a,b,c\n1,2,x\n3,4,x\n", "column 'c': the target is 'x' in every row; give examples of at least 2"),
    "short-row": ("a,b,c\n1,2,x\n3,y\n", "line 3: the number of values is 2, not 3 as in the header"),
    "short-rows": ("kind,a,b,note\nx,1,2\ny,3,4\nx,5,6\n", "line 2: the number of values is 3, not 4 as in the header"),
    "long-row": ("a,b,c\n1,2,x\n3,4,5,y\n", "line 3: the number of values is 4, not 3 as in the header"),
    "open-quote": ('a,b,c\n1,2,x\n3,4,"y\n', "line 3"),
    "two-rows": ("a,b,c\n1,2,x\n3,4,y\n", "--test: cannot hold out the fraction 0.2 of 2 examples"),
    "four-rows": ("a,b\n1,x\n2,y\n3,x\n4,y\n", "--validation: cannot hold out the fraction 0.1 of 3 examples"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_wrong(name: str, refused: Refused, tmp_path: Path) -> None:
    content, said = TABLES[name]
    (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8")
    told = refused("train", f"{name}.csv", "-o", "run")
    assert told.startswith(f"{name}.csv")
    assert said in told


def test_a_table_in_another_encoding(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "flowers.csv").write_text("größe,art\n1,x\n2,y\n", encoding="utf-16-le")
    told = refused("train", "flowers.csv")
    assert "flowers.csv, line 1: the byte f6 is not part of UTF-8 text" in told
    assert "name its encoding: --encoding utf-16" in told
    assert "there is no encoding 'ebdic'; name one such as" in refused("train", "flowers.csv", "--encoding", "ebdic")
    assert "--separator takes one sign, tab or space; not 'ab'" in refused("train", "flowers.csv", "--separator", "ab")


@pytest.mark.parametrize("arguments", [["train"], ["evaluate", "{model}"], ["predict", "{model}"], ["check"]])
def test_data_that_are_not_there(arguments: list[str], refused: Refused, trained: Path, tmp_path: Path) -> None:
    command = [argument.format(model=trained) for argument in arguments]
    assert "nowhere.csv: cannot be read (No such file or directory)" in refused(*command, "nowhere.csv")
    (tmp_path / "folder").mkdir()
    assert refused(*command, "folder").startswith("folder: ")
    assert "File name too long" in refused(*command, "x" * 300)


def test_idx_files_that_are_wrong(refused: Refused, tmp_path: Path) -> None:
    images, labels = tmp_path / "train-images-idx3-ubyte", tmp_path / "train-labels-idx1-ubyte"
    whole = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7, 9])
    images.write_bytes(whole)
    assert "holds no file train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz" in refused("train", ".")
    labels.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 1, 0]))
    for wrong, said in (
        (whole[:-1], "expected 18 bytes for an array of shape (2, 1, 1), found 17; fetch it again"),
        (whole[:6], "ends within its header"),
        (b"\x1f\x8b" + whole, "cannot be decompressed"),
        (b"P5 28 28", "not an IDX file"),
    ):
        images.write_bytes(wrong)
        told = refused("train", ".")
        assert told.startswith("train-images-idx3-ubyte: ")
        assert said in told


@pytest.mark.parametrize(
    "arguments",
    [["train", "spiral", "--dropout", "1"], ["train", "no.csv"], ["evaluate", "none", "spiral"], ["check"], ["tarin"]],
)
def test_the_program_itself_says_so_in_one_line_with_status_2(
    arguments: list[str], sfumato: Call, tmp_path: Path
) -> None:
    status, out, err = sfumato(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("sfumato: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"WORLD_SIZE": "abc"}, "the environment variable WORLD_SIZE is 'abc', and not a whole number from 1"),
        ({"WORLD_SIZE": "0"}, "the environment variable WORLD_SIZE is '0'"),
        ({"WORLD_SIZE": "9" * 5000}, "the environment variable WORLD_SIZE is '999"),
        ({"WORLD_SIZE": "2", "RANK": "x"}, "the environment variable RANK is 'x', and not a whole number from 0"),
        ({"WORLD_SIZE": "2", "RANK": "2"}, "this is process 2 of 2, from 0; unset RANK"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_PORT": "x"}, "the environment variable MASTER_PORT is 'x'"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "localhost", "MASTER_PORT": "99999"}, "cannot meet"),
        ({"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "zz"}, "the environment variable LOCAL_RANK is 'zz'"),
        ({"SOURCE_DATE_EPOCH": "abc"}, "the environment variable SOURCE_DATE_EPOCH is 'abc'"),
    ],
)
def test_environment_variables_that_make_no_sense(
    variables: dict[str, str], said: str, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfumato.cli.processes.PATIENCE", 0)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert said in refused("train", "circles", "--epochs", "1")


def test_a_memory_shared_by_no_whole_number_of_processes(
    refused: Refused, pictures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "0")
    assert "the environment variable LOCAL_WORLD_SIZE is '0'" in refused("style", *pictures, "-o", "out.png")
