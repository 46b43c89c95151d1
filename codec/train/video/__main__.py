"""python -m codec.train.video DUMPS... --out CHECKPOINT --minutes N

DUMPS are folders of dumps (`codec.train.video.samples`); those whose names begin with what
--held-out says measure. Folders are looked through again while it runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from codec.train.loop import keep_freed_memory
from codec.train.video.export import read_filter
from codec.train.video.samples import Dumps
from codec.train.video.training import HELD_OUT, Options, Trainer
from codec.video.filter import FilterConfig


def main() -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(prog="python -m codec.train.video")
    parser.add_argument("dumps", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--held-out", nargs="*", default=HELD_OUT)
    parser.add_argument("--start", type=Path, help="checkpoint or weights to begin with")
    parser.add_argument("--resume", action="store_true", help="go on from OUT")
    parser.add_argument("--threads", type=int, default=1)
    defaults, sizes = Options(0), FilterConfig()
    for name in Options.__dataclass_fields__:
        if name != "minutes":
            value = getattr(defaults, name)
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    for name in ("trunk", "hidden", "blocks"):
        parser.add_argument(f"--{name}", type=int, default=getattr(sizes, name))
    given = vars(parser.parse_args())

    torch.set_num_threads(given["threads"])
    torch.set_flush_denormal(True)
    keep_freed_memory()
    names = tuple(given["held_out"])
    options = Options(given["minutes"], **{
        k: given[k] for k in Options.__dataclass_fields__ if k != "minutes"
    })  # fmt: skip
    config = FilterConfig(given["trunk"], given["hidden"], given["blocks"])
    trainer = Trainer(config, options)
    if given["resume"]:
        trainer.load(given["out"], resume=True)
    elif given["start"]:
        if given["start"].suffix == ".weights":
            trainer.begin(read_filter(given["start"].read_bytes()))
        else:
            trainer.load(given["start"], resume=False)
    train = Dumps(given["dumps"], options.seed + trainer.steps,
                  lambda name: not name.startswith(names))  # fmt: skip
    held_out = Dumps(given["dumps"], 0, lambda name: name.startswith(names)) if names else None
    trainer.run(train, held_out, given["out"])


if __name__ == "__main__":
    main()
