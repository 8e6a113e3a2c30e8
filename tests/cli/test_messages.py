"""The command line says in its options what the library says in Python's arguments."""

import pytest

from sfumato.cli.messages import in_options


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("add overwrite=True to replace it", "add --overwrite to replace it"),
        ("leave out dropout (dropout=0), or", "leave out dropout (--dropout 0), or"),
        ('decay (schedule="exponential"), or', "decay (--schedule exponential), or"),
        ("backend='torch' needs PyTorch", "--backend torch needs PyTorch"),
        ("use device='cuda:1'", "use --device cuda:1"),
        ("regularise (l2=..., dropout=...).", "regularise (--l2, --dropout)."),
        ("stop there (early_stopping=20).", "stop there (--early-stopping 20)."),
        ("a rate of learning_rate=1e-3.", "a rate of --learning-rate 1e-3."),
        ("resume=True needs out=...: the folder", "--resume needs --out: the folder"),
        ("leave out quality=, or write .jpg", "leave out --quality, or write .jpg"),
        ("first_frame=True", "--first-frame"),
    ],
)
def test_arguments_are_said_as_options(said: str, expected: str) -> None:
    assert in_options(said) == expected


@pytest.mark.parametrize(
    "said",
    [
        "out/seed=1: is a folder",  # of a path
        "there is no column 'seed=1'; choose an index",  # what a user wrote
        "there is no file seed=1.png",
        "sky.png=1 is a mask",
        "rainfall=3 is no option of any command",
        "convolutional_network(filters=[32, 64], hidden=[128], ...)",  # a call in Python as a whole
        "--overwrite stays as it is, and so does a == b",
    ],
)
def test_everything_else_stays_as_it_is(said: str) -> None:
    assert in_options(said) == said
