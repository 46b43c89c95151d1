"""What the caller's process is like does not matter: settings, forks, threads that never end."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest
import torch

import codec
from codec.frame.refine import STEPS
from codec.models.registry import ModelEntry
from tests.fresh import fresh, registering
from tests.model_fixtures import synthetic_picture

PICTURE = synthetic_picture(64, 100)
LARGE = synthetic_picture(170, 180)
"""Large enough for MS-SSIM."""


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch, tiny_model: ModelEntry) -> None:
    """The small model, and little refinement."""
    monkeypatch.setitem(STEPS, 8, 2)


@contextmanager
def changed(get: Callable[[], Any], put: Callable[[Any], Any], value: Any) -> Iterator[None]:
    """Changes a setting for a while; it is still changed at the end."""
    before = get()
    put(value)
    try:
        yield
        assert get() == value
    finally:
        put(before)


SETTINGS: dict[str, Callable[[], Any]] = {
    "float64": lambda: changed(torch.get_default_dtype, torch.set_default_dtype, torch.float64),
    "bfloat16": lambda: changed(torch.get_default_dtype, torch.set_default_dtype, torch.bfloat16),
    "device": lambda: torch.device("meta"),
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "precision": lambda: changed(
        torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "medium"
    ),
    "threads": lambda: changed(torch.get_num_threads, torch.set_num_threads, 3),
    "numpy": lambda: np.errstate(all="raise"),
}


@pytest.mark.parametrize("options", [{}, {"effort": 8}, {"lossless": True}], ids=str)
@pytest.mark.parametrize("name", list(SETTINGS))
def test_settings_of_the_caller_do_not_matter(name: str, options: dict[str, Any]) -> None:
    expected = codec.encode(PICTURE, **options)

    with SETTINGS[name]():
        data = codec.encode(PICTURE, **options)
        codec.verify(codec.encode(LARGE), LARGE)
        pixels = codec.decode(data)

    assert data == expected
    assert np.array_equal(pixels, codec.decode(expected))


def test_settings_may_be_made_before_anything_is_loaded(tiny_entry: ModelEntry) -> None:
    code = (
        "import numpy as np, torch, warnings\n"
        "{}\n"
        f"import codec\n{registering(tiny_entry)}"
        "picture = np.arange(64 * 70 * 3, dtype=np.uint32).reshape(64, 70, 3) // 57 % 256\n"
        "data = [codec.encode(picture.astype(np.uint8), effort=e) for e in (7, 8)]\n"
        "print([part.hex() for part in data])\n"
    )
    odd = (
        "torch.set_default_dtype(torch.float64); torch.set_default_device('meta')\n"
        "np.seterr(all='raise'); warnings.simplefilter('error')"
    )

    assert fresh(code.format(odd)).stdout == fresh(code.format("")).stdout


def encoded(effort: int, threads: int) -> bytes:
    """A file of the picture; with a name, so that it pickles."""
    return codec.encode(PICTURE, effort=effort, threads=threads)


@pytest.mark.parametrize("effort", [7, 8])
def test_processes_that_fork_after_the_codec_was_used_work(effort: int) -> None:
    expected = encoded(effort, 2)
    context = multiprocessing.get_context("fork")

    with context.Pool(2) as pool:
        found = pool.starmap_async(encoded, [(effort, 2)] * 4).get(timeout=120)
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        found += [executor.submit(encoded, effort, 2).result(timeout=120) for _ in range(2)]

    assert found == [expected] * 6
    assert encoded(effort, 2) == expected


def test_processes_that_fork_while_threads_compute_work() -> None:
    expected, stop = encoded(7, 2), threading.Event()

    def work() -> None:
        while not stop.is_set():
            encoded(7, 2)

    with ExitStack() as stack:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
            stack.callback(thread.join)
        stack.callback(stop.set)
        context = multiprocessing.get_context("fork")
        for _ in range(5):
            with context.Pool(1) as pool:
                assert pool.apply_async(encoded, (7, 2)).get(timeout=60) == expected


@pytest.mark.parametrize("options", ["", "effort=8", "lossless=True"])
@pytest.mark.parametrize("after", ["encoder.encode(picture)", "time.sleep(60)"])
def test_program_ends_silently_while_a_daemon_thread_lives(
    options: str, after: str, tiny_entry: ModelEntry
) -> None:
    code = (
        "import threading, time\nimport numpy as np\nimport codec\n"
        f"{registering(tiny_entry)}"
        "from codec.frame.model import loaded\n"
        "encoder, picture = codec.Encoder(), np.zeros((700, 700, 3), np.uint8)\n"
        "begun = threading.Event()\n"
        "def work():\n"
        "    model = loaded(entry)\n"
        f"    encoder.encode(picture[:64, :64], {options})\n"
        "    begun.set()\n"
        f"    while True: {after.replace('picture)', f'picture, {options})')}\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "begun.wait()\ntime.sleep(0.3)\n"
    )

    result = fresh(code)

    assert (result.stdout, result.stderr) == ("", "")


def test_threads_that_are_no_daemons_finish_their_work(tiny_entry: ModelEntry) -> None:
    code = (
        "import threading, time\nimport numpy as np\nimport codec\n"
        f"{registering(tiny_entry)}"
        "def work():\n"
        "    time.sleep(0.5)\n"
        "    print(len(codec.encode(np.zeros((300, 300, 3), np.uint8))) > 0)\n"
        "threading.Thread(target=work).start()\n"
    )

    assert fresh(code).stdout == "True\n"
