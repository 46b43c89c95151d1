"""From a checkpoint to a weights file: integers, tables, programs, and the entry for the register.

    python -m codec.train.export CHECKPOINT --data FOLDER --out FILE

writes FILE and prints the manifest entry for it. Adding that entry to codec/models/manifest.toml (a
new id, for ever) and the file to codec/models/data is a decision, so it is done by hand.

The tables of z are measured: for every scale the histogram of the symbols that photographs really
produce, blended with the Gaussian so that rare symbols keep a sensible price. Along the trellis the
symbols follow from the prices, so the tables of y keep the counts of the training: measured anew
from the Gaussian they end where zeros are dearer, which costs 1 % of rate (training log, entry 15).
Decoders only ever see the resulting integers.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.errors import OptionError
from codec.models.registry import PSNR
from codec.train.checkpoint import read_checkpoint
from codec.train.config import TrainConfig
from codec.train.data import Crops
from codec.train.export_vector import export_vectors
from codec.trainable.distortion import Recipe
from codec.trainable.folded import Folded, folded
from codec.trainable.integers import Limits, largest_values
from codec.trainable.model import ImageModel
from codec.trainable.recipes import new_model, recipe
from codec.trainable.vector_model import VectorModel
from codec.trainable.weights import LatentTables, TrainedWeights, write_trained
from codec.transforms.wavelet import analyse
from entropy.coder import CdfTables, pmf_to_cdf
from entropy.models import gaussian
from entropy.models.hyper_graph import hyper_analyse
from entropy.models.latent_codec import TRELLIS_TABLES
from entropy.models.quadtree import layer_specs, streams
from entropy.models.quantisers import Trellis
from networks.export.convert import integer_network
from networks.export.equalise import equalise
from networks.export.rounding import round_weights
from networks.train.spec import MEAN_BITS

BLEND = 3000.0
"""The Gaussian counts as that many observed symbols."""
Histogram = list[NDArray[np.float64]]
"""Counts of the symbols -radius..radius, by table."""


def export(
    model: ImageModel | VectorModel,
    crops: Crops,
    count: int = 48,
    side: int = 512,
    limits: Limits | None = None,
    distortion: Recipe | None = None,
) -> bytes:
    """The weights file of a trained model, with tables and ranges measured on `count` crops of
    `side` pixels, or of what fits into the photographs. The model's exact layers are equalised and
    rounded in place. `distortion`: what it was trained for, None for the squared error.

    Raises:
        InvalidNetwork: the overflow proof fails.
        OptionError: the model does not code along the trellis, as those that are registered do.
    """
    if isinstance(model, VectorModel):
        return export_vectors(model, crops, count)
    model = model.cpu().eval()
    config = model.config
    if model.entropy.trellis is None:
        raise OptionError("a model is exported with a trellis: give its recipe a trellis_step")
    side = min(side, crops.largest_side // 64 * 64)
    samples = crops.batch(count, side).cpu()
    typical, last = samples[: max(1, count // 2)], config.levels - 1
    equalise(
        model.entropy.ops,
        streams(),
        lambda: _run(model, typical, (0, last // 4, last // 2, 3 * last // 4, last)),
    )
    # The lowest rates are where a wrong scale costs most.
    low = tuple(last * n // 64 for n in (2, 6, 12, 24, 40, 56))
    round_weights(model.entropy.ops, lambda: _run(model, typical[: max(1, count // 4)], low))
    weights = trained_weights(model)
    measured = _z_histogram(weights, samples)
    tables = replace(weights.tables, cdf=_tables(model.entropy.trellis, measured))
    largest = largest_values(
        weights.floats, config.transform, list(samples), (0, last // 3, 2 * last // 3, last)
    )
    return write_trained(replace(weights, tables=tables, distortion=distortion), largest, limits)


@torch.no_grad()
def trained_weights(model: ImageModel) -> TrainedWeights:
    """A model as it is, with Gaussian tables for z.

    Raises:
        InvalidNetwork: the overflow proof fails.
    """
    config, entropy = model.config, model.entropy
    assert entropy.trellis is not None
    # z always codes: its symbols may not fall under the skip rule.
    z_table = entropy.z_table().detach().round().clamp(min=gaussian.SKIP_BELOW) + TRELLIS_TABLES
    z_index: NDArray[np.uint8] = z_table.to(torch.uint8).numpy()
    floats = {
        "analysis": folded(model.analysis),
        "synthesis": folded(model.synthesis),
        "hyper_analysis": folded(entropy.hyper_analysis),
    }
    network = integer_network(entropy.ops, layer_specs(config.entropy))
    tables = LatentTables(_tables(entropy.trellis, None), z_index)
    return TrainedWeights(config, floats, network, tables)


def _trained(trellis: Trellis) -> Histogram:
    """Counts of the training: the tables of both quantisers, one after the other."""
    found = []
    rows = trellis.counts.view(TRELLIS_TABLES, -1).numpy().astype(np.float64)
    for table, row in enumerate(rows):
        radius = gaussian.radius(table % gaussian.SCALE_LEVELS, 2 * trellis.unit)
        one_side = row[1 : radius + 1] / 2
        found.append(np.concatenate([one_side[::-1], row[:1], one_side]))
    return found


@torch.no_grad()
def _run(model: ImageModel, samples: Tensor, levels: tuple[int, ...]) -> None:
    """The model on samples, each at every one of the levels."""
    for image in samples:
        for level in levels:
            model(image[None].float() / 255, torch.tensor([level]))


def _tables(trellis: Trellis, z_histogram: Histogram | None) -> CdfTables:
    """CDF tables of both quantisers of the trellis and of z; the last entry is the escape."""
    rows, offsets = [], []
    masses = _gaussians(trellis.step)
    histogram = _trained(trellis) + (
        z_histogram or [np.zeros_like(mass) for mass in masses[TRELLIS_TABLES:]]
    )
    for mass, seen in zip(masses, histogram, strict=True):
        counts = (seen + seen[::-1]) / 2
        blended = (counts + BLEND * mass) / (counts.sum() + BLEND)
        rows.append(pmf_to_cdf(np.append(blended, 1e-5)))
        offsets.append(-(len(mass) // 2))
    return CdfTables(rows, offsets=offsets, skip_below=gaussian.SKIP_BELOW)


def _gaussians(step: int) -> list[NDArray[np.float64]]:
    """What the tables are where nothing was measured."""
    every = range(gaussian.SCALE_LEVELS)
    unit = step / 2**MEAN_BITS
    masses = [
        gaussian.trellis_pmf(table, gaussian.radius(table, 2 * unit), unit, quantiser)
        for quantiser in (0, 1)
        for table in every
    ]
    masses += [gaussian.pmf(table, gaussian.radius(table)) for table in every]
    return [mass / mass.sum() for mass in masses]


@torch.no_grad()
def _z_histogram(weights: TrainedWeights, samples: Tensor) -> Histogram:
    """Symbols of z by table, of samples at different levels."""
    config, tables = weights.config, weights.tables
    offsets = tables.cdf.offsets[TRELLIS_TABLES:]
    histogram = [np.zeros(1 - 2 * offset) for offset in offsets]
    levels = range(2, config.levels, 6)
    for n, image in enumerate(samples):
        level = levels[n % len(levels)]
        y = analyse(
            Folded(weights.floats["analysis"], config.levels, level),
            config.transform,
            image.float() / 255 - 0.5,
        )
        z = hyper_analyse(Folded(weights.floats["hyper_analysis"], config.levels, level), y)
        symbols = z.round().flatten(0, 1).numpy().astype(np.int64)
        for channel, table in enumerate(tables.z_index[level].astype(int) - TRELLIS_TABLES):
            radius = -offsets[table]
            seen = symbols[:, channel]
            inside = seen[np.abs(seen) <= radius] + radius
            histogram[table] += np.bincount(inside, minlength=2 * radius + 1)
    return histogram


def manifest_entry(data: bytes, name: str, model_id: int, config: TrainConfig) -> str:
    """The TOML of a manifest entry for a weights file; what is measured is missing still."""
    tune = PSNR if config.distortion is None else config.loss
    return (
        f'[[model]]\nid = {model_id}\nname = "{name}"\nprofile = "{config.profile}"\n'
        f'tune = "{tune}"\n'
        f'file = "{name}.weights"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\n'
        f'levels = {recipe(config.profile).levels}\nexact = true\ndefault = true\nsummary = ""\n'
    )


def load_average(checkpoint: Path) -> ImageModel | VectorModel:
    """The averaged model of a checkpoint. Raises OptionError if it is none of this model."""
    return load_trained(checkpoint)[0]


def load_trained(checkpoint: Path) -> tuple[ImageModel | VectorModel, TrainConfig]:
    """The averaged model of a checkpoint, and the recipe it was trained with.

    Raises:
        OptionError: it is none of this model.
    """
    state = read_checkpoint(checkpoint, torch.device("cpu"))
    try:
        config = TrainConfig(**state["config"])
        model = new_model(config.profile, config.trellis_step)
        model.load_state_dict(state["average"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise OptionError(f"checkpoint {checkpoint}: {error}") from error
    if isinstance(model, ImageModel):
        model.entropy.ops.exact = True
    return model, config


def main() -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(description="export a checkpoint to a weights file")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--id", type=int, default=1)
    args = parser.parse_args()
    crops = Crops(args.data, torch.device("cpu"), seed=1)
    model, config = load_trained(args.checkpoint)
    data = export(model, crops, distortion=config.distortion)
    args.out.write_bytes(data)
    print(manifest_entry(data, args.out.stem, args.id, config))
    print(f"# {len(data)} bytes")


if __name__ == "__main__":
    main()
