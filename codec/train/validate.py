"""Rate and distortion of a model over a folder of images, by ideal code length."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F

from codec.train.data import image_files, load_rgb
from codec.train.export import load_average
from codec.trainable.model import ImageModel
from codec.trainable.precision import multiplies_bfloat16
from codec.trainable.restore import restore
from codec.trainable.vector_model import VectorModel
from codec.trainable.weights import read_trained


def model_of(path: Path) -> ImageModel | VectorModel:
    """The model of a weights file (.weights), with the integers and prices that decode, or the
    average of a checkpoint, in floats.

    Raises:
        OptionError: it is neither.
        WeightsMismatch: it is a damaged weights file.
    """
    if path.suffix == ".weights":
        weights = read_trained(path.read_bytes())
        model = ImageModel(weights.config)
        restore(model, weights)
        model.entropy.ops.exact = True
        return model.eval()
    average = load_average(path)
    if isinstance(average, ImageModel):
        average.entropy.ops.exact = False
    return average.eval()


@torch.no_grad()
def validate(
    model: ImageModel | VectorModel,
    folder: Path,
    device: torch.device,
    levels: tuple[int, ...] = (4, 16, 28, 40, 52, 60),
    crop: int | None = None,
    every: int = 1,
) -> list[dict[str, float]]:
    """Mean bpp (noise-free ideal code length) and mean RGB PSNR over the images, at each level.

    crop: use the centre crop of that side; every: use every n-th image.
    """
    model.eval()
    amp = device.type == "cpu" and multiplies_bfloat16(device)
    result = []
    files = image_files([folder])[::every]
    for level in levels:
        bpp = psnr = 0.0
        for file in files:
            x = load_rgb(file).to(device)
            if crop is not None:
                top, left = (x.shape[0] - crop) // 2, (x.shape[1] - crop) // 2
                x = x[top : top + crop, left : left + crop]
            height, width = x.shape[:2]
            planes = x.permute(2, 0, 1)[None].float() / 255
            planes = F.pad(planes, (0, -width % 64, 0, -height % 64), mode="replicate")
            chosen = torch.tensor([level], device=device)
            with torch.autocast(device.type, torch.bfloat16, enabled=amp):
                x_hat, y_bits, z_bits = model(planes.permute(0, 2, 3, 1), chosen)
            image = (x_hat[0, :height, :width].clamp(0, 1) * 255).round()
            mse = (image - x.float()).square().mean()
            psnr += float(10 * torch.log10(255.0**2 / mse)) / len(files)
            bpp += float(y_bits + z_bits) / (height * width) / len(files)
        result.append({"level": level, "bpp": round(bpp, 5), "psnr": round(psnr, 4)})
    return result
