"""Rate and distortion of the codec on a folder of images, from real files, against a published
curve.

    python -m bench.rd --images KODAK --out bench/results/kodak.json

bpp counts every byte of the file; PSNR is over all RGB samples of an image, decoded from the file;
both are means over the images. The BD-rate (PCHIP, package bjontegaard) is taken where the anchor
spends 0.1 to 1.5 bpp.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import bjontegaard
import click
import numpy as np
from PIL import Image
from scipy.interpolate import PchipInterpolator

import codec

ANCHOR = Path(__file__).parent / "anchors" / "kodak_vtm.json"
LEVELS = (0, 8, 16, 24, 32, 40, 48, 56, 63)
BPP_RANGE = (0.1, 1.5)


def bd_rate(anchor: dict[str, list[float]], bpp: list[float], psnr: list[float]) -> float:
    """BD-rate in percent against the part of the anchor within BPP_RANGE."""
    rate_at = PchipInterpolator(anchor["psnr"], np.log(anchor["bpp"]))
    dense = np.linspace(anchor["psnr"][0], anchor["psnr"][-1], 2000)
    inside = dense[
        (np.exp(rate_at(dense)) >= BPP_RANGE[0]) & (np.exp(rate_at(dense)) <= BPP_RANGE[1])
    ]
    grid = np.linspace(inside[0], inside[-1], 24)
    return float(
        bjontegaard.bd_rate(
            np.exp(rate_at(grid)), grid, bpp, psnr, method="pchip",
            require_matching_points=False, min_overlap=0,
        )
    )  # fmt: skip


def measure(files: list[Path], levels: tuple[int, ...], tile: int) -> list[dict[str, Any]]:
    """One row per level: bpp, psnr and the values of each image."""
    encoder, decoder = codec.Encoder(), codec.Decoder()
    rows = []
    for level in levels:
        bpp, psnr = [], []
        for file in files:
            pixels = np.array(Image.open(file).convert("RGB"))
            data = encoder.encode(pixels, level=level, tile=tile)
            error = decoder.decode(data).astype(np.float64) - pixels
            bpp.append(8 * len(data) / (pixels.shape[0] * pixels.shape[1]))
            psnr.append(float(10 * np.log10(255**2 / np.mean(error**2))))
        row = {"level": level, "bpp": float(np.mean(bpp)), "psnr": float(np.mean(psnr))}
        click.echo(f"level {level:2d}  {row['bpp']:.4f} bpp  {row['psnr']:.3f} dB", err=True)
        rows.append(row | {"images": {"bpp": bpp, "psnr": psnr}})
    return rows


@click.command()
@click.option("--images", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--anchor", type=click.Path(exists=True, path_type=Path), default=ANCHOR)
@click.option("--tile", default=codec.EncoderOptions().tile, show_default=True)
@click.option("--every", default=1, show_default=True, help="Use every n-th image.")
@click.option("--out", type=click.Path(path_type=Path))
def main(images: Path, anchor: Path, tile: int, every: int, out: Path | None) -> None:
    """Measure the default model on the PNG files of a folder."""
    files = sorted(images.glob("*.png"))[::every]
    if not files:
        raise click.ClickException(f"no PNG files in {images.name}")
    started = time.time()
    rows = measure(files, LEVELS, tile)
    published = json.loads(anchor.read_text())
    bd = bd_rate(published, [r["bpp"] for r in rows], [r["psnr"] for r in rows])
    digest = hashlib.sha256(b"".join(hashlib.sha256(f.read_bytes()).digest() for f in files))
    entry = codec.info(codec.encode(np.zeros((64, 64, 3), np.uint8)))
    report = {
        "command": " ".join(["python -m bench.rd", *sys.argv[1:]]),
        "version": codec.__version__,
        "model": entry.model,
        "weights": entry.weights_hash,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "images": len(files),
        "data_sha256": digest.hexdigest(),
        "tile": tile,
        "anchor": published["codec"],
        "anchor_source": published["source"],
        "bd_rate_percent": round(bd, 2),
        "seconds": round(time.time() - started, 1),
        "rows": rows,
    }
    if out is not None:
        report["command"] = report["command"].replace(str(images), "KODAK")
        out.write_text(json.dumps(report, indent=1) + "\n")
    click.echo(f"BD-rate {bd:+.2f} % against {published['codec']}")


if __name__ == "__main__":
    main()
