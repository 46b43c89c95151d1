"""From a checkpoint to a weights file: integers, tables, floats, and the entry for the register.

    python -m codec.train.export CHECKPOINT --data FOLDER --out FILE

writes FILE and prints the manifest entry for it. Adding that entry to codec/models/manifest.toml (a
new id, for ever) and the file to codec/models/data is a decision, so it is done by hand.

The tables are measured: for every scale the histogram of the symbols that photographs really
produce, blended with the Gaussian so that rare symbols keep a sensible price. Along the trellis the
symbols follow from the prices, so there those of y keep the counts of the training: measured anew
from the Gaussian they end where zeros are dearer, which costs 1 % of rate (LOG.md, entry 15).
Decoders only ever see the resulting integers.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.errors import OptionError
from codec.models.image import ImageConfig, ImageModel, lambdas
from codec.models.weights import ModelWeights, write_weights
from codec.train.checkpoint import read_checkpoint
from codec.train.data import Crops
from codec.transforms.blocks import OUT_SCALE, GatedBlock, ScaledLinear
from codec.transforms.inference import Analyser, Synthesiser
from entropy.coder import CdfTables, pmf_to_cdf
from entropy.integer.convert import integer_network
from entropy.integer.equalise import equalise
from entropy.integer.rounding import round_weights
from entropy.integer.spec import MEAN_BITS
from entropy.models import gaussian
from entropy.models.hyper_analysis import hyper_analyse
from entropy.models.latent_codec import TRELLIS_TABLES, LatentCodec, LatentTables
from entropy.models.quadtree import layer_specs, streams
from entropy.models.quantisers import Trellis

BLEND = 3000.0
"""The Gaussian counts as that many observed symbols."""
STRENGTHS = (0.0, 0.25, 0.4, 0.5, 0.6, 0.75, 1.0)
"""Of the dead zone, tried at export; 1 is what rate and distortion alone ask for. A zero also makes
what comes after it less certain, so the best is lower.
"""
Histogram = list[NDArray[np.float64]]
"""Counts of the symbols -radius..radius, by table."""


def export(model: ImageModel, crops: Crops, count: int = 48, side: int = 512) -> ModelWeights:
    """Weights of a trained model, with tables and dead zone measured on `count` crops of `side`
    pixels, or of what fits into the photographs. The model's exact layers are equalised and rounded
    in place.

    Raises:
        InvalidNetwork: the overflow proof fails.
    """
    model = model.cpu().eval()
    config = model.config
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
    network = integer_network(model.entropy.ops, layer_specs(config.entropy))
    # z always codes: its symbols may not fall under the skip rule.
    z_table = model.entropy.z_table().detach().round().clamp(min=gaussian.SKIP_BELOW)
    step = config.entropy.trellis_step
    z_index: NDArray[np.uint8] = (z_table + (TRELLIS_TABLES if step else 0)).to(torch.uint8).numpy()
    floats = {
        "analysis": _floats(model.analysis),
        "synthesis": _floats(model.synthesis),
        "hyper_analysis": _floats(model.entropy.hyper_analysis),
    }

    def weights(histogram: Histogram | None, strength: float = 0.0) -> ModelWeights:
        tables = LatentTables(_tables(step, histogram), z_index)
        zones = torch.zeros(len(tables.cdf)) if step else gaussian.dead_zones(strength)
        return ModelWeights(config, floats, network, tables, zones)

    if not step:
        strength, histogram = _measure(weights(None), samples)
        return weights(histogram, strength)
    assert model.entropy.trellis is not None
    trained = _trained(model.entropy.trellis)
    first = weights(trained + [np.zeros_like(mass) for mass in _gaussians(step)[TRELLIS_TABLES:]])
    measured = _encode_all(first, samples, first.dead_zone)[1]
    return weights(trained + measured[TRELLIS_TABLES:])


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


def _floats(module: torch.nn.Module) -> dict[str, Tensor]:
    """Parameters with the scales folded in, as the weights file will give them back: rounded to
    float16.
    """
    folded = {k: v.detach() for k, v in module.named_parameters()}
    for name, part in module.named_modules():
        if isinstance(part, ScaledLinear):
            folded[f"{name}.weight"] = part.matrix().detach()
            folded[f"{name}.bias"] = part.offset().detach()
        elif isinstance(part, GatedBlock):
            folded[f"{name}.spatial"] = part.spatial.detach() / part.scale.view(-1, 1, 1, 1)
            folded[f"{name}.reduce.weight"] = part.reduce.weight.detach() * OUT_SCALE
            folded[f"{name}.reduce.bias"] = part.reduce.bias.detach() * OUT_SCALE
    return {k: v.half().float() for k, v in folded.items()}


def _tables(step: int, histogram: Histogram | None) -> CdfTables:
    """CDF tables of all scales, of both quantisers of the trellis and of z where there is one; the
    last entry of each is the escape.
    """
    rows, offsets = [], []
    for table, mass in enumerate(_gaussians(step)):
        if histogram is not None:
            counts = histogram[table]
            counts = (counts + counts[::-1]) / 2
            mass = (counts + BLEND * mass) / (counts.sum() + BLEND)
        rows.append(pmf_to_cdf(np.append(mass, 1e-5)))
        offsets.append(-(len(mass) // 2))
    return CdfTables(rows, offsets=offsets, skip_below=gaussian.SKIP_BELOW)


def _gaussians(step: int) -> list[NDArray[np.float64]]:
    """What the tables are where nothing was measured."""
    every = range(gaussian.SCALE_LEVELS)
    masses = [gaussian.pmf(table, gaussian.radius(table)) for table in every]
    if step:
        unit = step / 2**MEAN_BITS
        masses = [
            gaussian.trellis_pmf(table, gaussian.radius(table, 2 * unit), unit, quantiser)
            for quantiser in (0, 1)
            for table in every
        ] + masses
    return [mass / mass.sum() for mass in masses]


@torch.no_grad()
def _measure(weights: ModelWeights, samples: Tensor) -> tuple[float, Histogram]:
    """The strength of the dead zone with the least rate + lmbda * distortion, and the histogram of
    its symbols by table.
    """
    trial = samples[: max(1, len(samples) // 4)]
    scores = {s: _encode_all(weights, trial, gaussian.dead_zones(s))[0] for s in STRENGTHS}
    best = min(scores, key=lambda strength: scores[strength])
    return best, _encode_all(weights, samples, gaussian.dead_zones(best))[1]


@torch.no_grad()
def _encode_all(
    weights: ModelWeights, samples: Tensor, dead_zone: Tensor
) -> tuple[float, Histogram]:
    """Mean log of rate + lmbda * distortion of samples at different levels, and the histograms."""
    cpu, config = torch.device("cpu"), weights.config
    codec = LatentCodec(config.entropy, weights.network, weights.tables, cpu)
    tables = weights.tables.cdf
    histogram = [np.zeros(1 - 2 * offset) for offset in tables.offsets]
    cost = _bit_costs(tables)
    levels = range(2, config.levels, 6)
    score, pixels = 0.0, samples.shape[1] * samples.shape[2]
    for n, image in enumerate(samples):
        level = levels[n % len(levels)]
        analyse = Analyser(config.transform, weights.floats["analysis"], level, torch.float32)
        synthesise = Synthesiser(
            config.transform, weights.floats["synthesis"], level, torch.float32
        )
        y = analyse(image)
        z = hyper_analyse(weights.floats["hyper_analysis"], y).round()
        segments, y_hat = codec.segments(y, z, level, dead_zone)
        bits = 0.0
        for symbols, indexes in segments:
            for table in np.unique(indexes):
                if table < gaussian.SKIP_BELOW:
                    continue
                radius = -tables.offsets[table]
                chosen = symbols[indexes == table].astype(np.int64)
                inside = chosen[np.abs(chosen) <= radius] + radius
                counts = np.bincount(inside, minlength=2 * radius + 1)
                bits += float(counts @ cost[table]) + 30.0 * (len(chosen) - len(inside))
                if symbols is not segments[0][0] or config.entropy.trellis_step:
                    histogram[table] += counts
        mse = float((synthesise(y_hat).float() - image.float()).square().mean())
        score += float(np.log(bits / pixels + float(lambdas(config.levels)[level]) * mse))
    return score / len(samples), histogram


def _bit_costs(tables: CdfTables) -> list[NDArray[np.float64]]:
    """Bits of every symbol of every table, the escape left out."""
    rows = zip(tables.cdfs, tables.lengths, strict=True)
    return [16.0 - np.log2(np.diff(row[: n + 1].astype(np.float64)))[:-1] for row, n in rows]


def manifest_entry(data: bytes, name: str, model_id: int, levels: int) -> str:
    """The TOML of a manifest entry for a weights file."""
    return (
        f'[[model]]\nid = {model_id}\nname = "{name}"\nprofile = "wavelet"\n'
        f'file = "{name}.safetensors"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\n'
        f'levels = {levels}\ndefault = true\nsummary = ""\n'
    )


def load_average(checkpoint: Path) -> ImageModel:
    """The averaged model of a checkpoint. Raises OptionError if it is none of this model."""
    state = read_checkpoint(checkpoint, torch.device("cpu"))
    try:
        model = ImageModel(ImageConfig().with_trellis(state["config"].get("trellis_step", 0)))
        model.load_state_dict(state["average"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise OptionError(f"checkpoint {checkpoint}: {error}") from error
    model.entropy.ops.exact = True
    return model


def main() -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(description="export a checkpoint to a weights file")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--id", type=int, default=1)
    args = parser.parse_args()
    crops = Crops(args.data, torch.device("cpu"), seed=1)
    weights = export(load_average(args.checkpoint), crops)
    data = write_weights(weights)
    args.out.write_bytes(data)
    print(manifest_entry(data, args.out.stem, args.id, weights.config.levels))
    if not weights.config.entropy.trellis_step:
        zone = float(weights.dead_zone[round(gaussian.index_of(0.5))])
        print(f"# dead zone {zone:.3f} at a deviation of 1/2 symbol")
    print(f"# {len(data)} bytes")


if __name__ == "__main__":
    main()
