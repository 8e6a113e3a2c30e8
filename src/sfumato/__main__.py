"""`python -m sfumato` is the program `sfumato`; so is `torchrun -m sfumato`, in several processes."""

from sfumato.cli import main

main()
