"""CompressAI's pretrained models, each as a peer, with the coder of that library.

torch is imported late: the memory of other peers is measured.

The settings are the qualities of the zoo; the weights must be at hand (torch.hub's cache), since
nothing is downloaded in the middle of a measurement.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.peers.base import RGB, PeerFailed, PeerMissing

_QUALITIES = {
    "bmshj2018-factorized": 8,
    "bmshj2018-hyperprior": 8,
    "mbt2018-mean": 8,
    "mbt2018": 8,
    "cheng2020-anchor": 6,
    "cheng2020-attn": 6,
}
NAMES = tuple(_QUALITIES)
_STRIDE = 64


class ZooPeer:
    """One architecture of the zoo, optimised for MSE."""

    parallel = False

    def __init__(self, name: str) -> None:
        try:
            import compressai
            import compressai.zoo
        except ImportError as error:
            raise PeerMissing(f"{name}: install compressai") from error
        self.name = name
        self.version = f"compressai {compressai.__version__}, {name}, mse"
        self.settings = tuple(map(float, range(1, _QUALITIES[name] + 1)))
        self._zoo: Any = compressai.zoo
        self._models: dict[int, Any] = {}
        self._require_weights()

    def _require_weights(self) -> None:
        """Weights of all qualities in the cache, or a clear message."""
        from pathlib import Path

        import torch

        urls = self._zoo.image.model_urls[self.name]["mse"]
        cache = Path(torch.hub.get_dir()) / "checkpoints"
        missing = [q for q, url in urls.items() if not (cache / url.rsplit("/", 1)[1]).exists()]
        if missing:
            raise PeerMissing(
                f"{self.name}: the weights of qualities {', '.join(map(str, missing))} are not in "
                f"torch.hub's cache; load each once with compressai.zoo, pretrained=True"
            )

    def _model(self, quality: int) -> Any:
        if quality not in self._models:
            make = self._zoo.image_models[self.name]
            model = make(quality=quality, metric="mse", pretrained=True).eval()
            model.update()
            self._models = {quality: model}  # one at a time: they are large
        return self._models[quality]

    def encode(self, image: RGB, setting: float) -> bytes:
        import torch
        import torch.nn.functional as F

        height, width = image.shape[:2]
        x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        x = F.pad(x, (0, -width % _STRIDE, 0, -height % _STRIDE), mode="replicate")
        with torch.inference_mode():
            coded = self._model(round(setting)).compress(x)
        strings = [group[0] for group in coded["strings"]]
        head = [round(setting), height, width, *coded["shape"], len(strings), *map(len, strings)]
        return b"".join(n.to_bytes(4, "little") for n in head) + b"".join(strings)

    def decode(self, data: bytes) -> RGB:
        import torch

        def number(i: int) -> int:
            return int.from_bytes(data[4 * i : 4 * i + 4], "little")

        quality, height, width, h, w, count = map(number, range(6))
        start, strings = 4 * (6 + count), []
        for i in range(count):
            strings.append([data[start : start + number(6 + i)]])
            start += number(6 + i)
        if start != len(data):
            raise PeerFailed(f"{self.name}: {len(data)} bytes, expected {start}")
        with torch.inference_mode():
            x = self._model(quality).decompress(strings, (h, w))["x_hat"][0]
        pixels = (x[:, :height, :width].clamp(0, 1) * 255).round().permute(1, 2, 0)
        image: RGB = pixels.to(torch.uint8).numpy().astype(np.uint8)
        return image
