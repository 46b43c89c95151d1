"""Random crops of photographs in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from codec.train.data import Crops, image_files, load_rgb
from tests.model_fixtures import synthetic_picture

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, a small one, and a file that is none."""
    Image.fromarray(synthetic_picture(100, 140, seed=1)).save(tmp_path / "b.png")
    Image.fromarray(synthetic_picture(130, 90, seed=2)).save(tmp_path / "a.webp", lossless=True)
    Image.fromarray(synthetic_picture(40, 40, 1, seed=3)[..., 0]).save(tmp_path / "c.PNG")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_files_are_found_in_order(folder: Path) -> None:
    assert [f.name for f in image_files([folder])] == ["a.webp", "b.png", "c.PNG"]


def test_folder_without_pictures_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no image files"):
        image_files([tmp_path])


def test_grey_pictures_become_rgb(folder: Path) -> None:
    assert load_rgb(folder / "c.PNG").shape == (40, 40, 3)


def test_batch_has_the_size_asked_for(folder: Path) -> None:
    batch = Crops([folder], CPU, seed=0).batch(5, 64)

    assert batch.shape == (5, 64, 64, 3)
    assert batch.dtype == torch.uint8


def test_same_seed_gives_the_same_crops(folder: Path) -> None:
    crops = [Crops([folder], CPU, seed=s) for s in (7, 7, 8)]
    batches = [c.batch(6, 64) for c in crops]

    assert torch.equal(batches[0], batches[1])
    assert not torch.equal(batches[0], batches[2])
    assert not torch.equal(batches[0], crops[0].batch(6, 64))
    crops[0].reseed(7)
    assert torch.equal(batches[0], crops[0].batch(6, 64))


def test_crops_are_views_of_the_pictures(folder: Path) -> None:
    """Every crop, turned one of eight ways, stands somewhere in a picture large enough."""
    crops = Crops([folder], CPU, seed=3)
    seen = set()
    for crop in crops.batch(12, 64):
        found = False
        for turn in range(8):
            view = crop.transpose(0, 1) if turn & 4 else crop
            view = view.flip([a for a in (0, 1) if turn >> a & 1]) if turn & 3 else view
            for n, image in enumerate(crops.images):
                if min(image.shape[:2]) < 64:
                    continue
                windows = image.unfold(0, 64, 1).unfold(1, 64, 1)  # (y, x, 3, 64, 64)
                corner = (windows[..., 0, 0] == view[0, 0]).all(-1)
                for y, x in corner.nonzero().tolist():
                    if torch.equal(image[y : y + 64, x : x + 64], view):
                        found = True
                        seen.add((n, turn))
        assert found
    assert len({n for n, _ in seen}) == 2
    assert len({turn for _, turn in seen}) > 2


@pytest.mark.timeout(60)
def test_side_that_no_picture_has_raises(folder: Path) -> None:
    """Not an endless search."""
    with pytest.raises(ValueError, match="192"):
        Crops([folder], CPU, seed=0).batch(1, 192)


def test_levels_cover_the_range_evenly(folder: Path) -> None:
    crops = Crops([folder], CPU, seed=0)

    for _ in range(20):
        levels = crops.levels(8, 64)
        assert levels.dtype == torch.int64
        assert sorted(levels.tolist()) == sorted(levels.tolist())
        assert [level // 8 for level in sorted(levels.tolist())] == list(range(8))
    assert np.unique(torch.cat([crops.levels(8, 64) for _ in range(200)]).numpy()).size == 64


def test_shrunk_crops_show_more_of_the_picture(tmp_path: Path) -> None:
    """A ramp of one level per pixel rises faster in what was shrunk, by up to two."""
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None], (200, 200, 3))
    Image.fromarray(np.ascontiguousarray(ramp)).save(tmp_path / "ramp.png")

    def slopes(shrunk: float) -> list[float]:
        batch = Crops([tmp_path], CPU, seed=3, shrunk=shrunk).batch(24, 64).float()
        along = [batch[:, 40, 20] - batch[:, 20, 20], batch[:, 20, 40] - batch[:, 20, 20]]
        return [float(s) / 20 for s in torch.stack(along)[..., 0].abs().amax(0)]

    assert set(slopes(0.0)) == {1.0}
    found = slopes(0.5)
    assert sum(s == 1 for s in found) in range(4, 21)
    assert max(found) > 1.5
    assert max(found) <= 2.05
