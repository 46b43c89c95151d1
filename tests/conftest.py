"""What all tests share: a small random model, registered for the test that asks for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from codec.models.registry import ModelEntry
    from codec.trainable.model import ImageModel
    from codec.trainable.weights import TrainedWeights

# Before torch is loaded, here and in processes of the tests: their tensors are too small to share,
# and threads that wait for a busy processor take most of the time. Tests of threads set their own.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if not Path("/dev/nvidia0").exists():  # kernels for a GPU run in Triton's interpreter
    os.environ.setdefault("TRITON_INTERPRET", "1")
settings.register_profile("tests", deadline=None)  # a busy machine is not a finding
settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips tests marked gpu where there is no GPU."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(scope="session")
def tiny_trainable() -> ImageModel:
    """The small model as it is trained; do not change it."""
    from tests.model_fixtures import random_model

    return random_model()


@pytest.fixture(scope="session")
def tiny_weights(tiny_trainable: ImageModel) -> TrainedWeights:
    """The small model as it is exported."""
    from tests.model_fixtures import weights_of

    return weights_of(tiny_trainable)


@pytest.fixture(scope="session")
def tiny_entry(
    tiny_weights: TrainedWeights, tmp_path_factory: pytest.TempPathFactory
) -> ModelEntry:
    """The small model in a weights file, not registered."""
    from tests.model_fixtures import register_file

    return register_file(tiny_weights, tmp_path_factory.mktemp("weights"))


@pytest.fixture
def tiny_model(tiny_entry: ModelEntry, monkeypatch: pytest.MonkeyPatch) -> ModelEntry:
    """The small model as the only one of profile wavelet, beside the predictive coder."""
    from codec.models import registry

    coder = registry.predictive()
    monkeypatch.setattr(registry, "entries", lambda: (coder, tiny_entry))
    return tiny_entry
