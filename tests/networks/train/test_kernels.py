"""Kernels of our own run on a GPU with Triton; everything else is PyTorch's."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from networks.train import kernels


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    kernels._has_triton.cache_clear()
    yield
    kernels._has_triton.cache_clear()


@pytest.mark.parametrize("on_gpu", [False, True])
@pytest.mark.parametrize("triton", [False, True])
def test_kernels_need_a_gpu_and_triton(
    monkeypatch: pytest.MonkeyPatch, on_gpu: bool, triton: bool
) -> None:
    monkeypatch.setattr(kernels, "find_spec", lambda name: object() if triton else None)
    x: Any = SimpleNamespace(is_cuda=on_gpu)

    assert kernels.has_kernels(x) is (on_gpu and triton)
