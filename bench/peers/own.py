"""Our codec: files through the public API, decoded by a process that never saw the encoder."""

from __future__ import annotations

import subprocess
import sys
from typing import IO, Any

import numpy as np

import codec
from bench.peers.base import RGB, PeerFailed, PeerMissing

_DECODER = """
import sys
import codec
decoder = codec.Decoder()
source, sink = sys.stdin.buffer, sys.stdout.buffer
while size := source.read(8):
    try:
        image = decoder.decode(source.read(int.from_bytes(size, "little")))
        head = [0, *image.shape[:2]]
        body = image.tobytes()
    except codec.CodecError as error:
        body = str(error).encode()
        head = [1, 0, len(body)]
    sink.write(b"".join(n.to_bytes(8, "little") for n in head) + body)
    sink.flush()
"""


class OwnPeer:
    """A model of ours, NAME or NAME-eEFFORT: "wavelet", the default profile as it is, "visual", its
    model for what people see, "light", the profile that encodes fast, or "vq", code vectors. The
    setting is the quality level of the model.

    Raises:
        PeerMissing: this version has no such model.
    """

    parallel = False

    def __init__(self, name: str) -> None:
        self.name = name
        model, _, effort = name.partition("-e")
        profile, tune = _MODELS[model]
        self._options: dict[str, Any] = {"effort": int(effort)} if effort else {}
        try:
            self._encoder = codec.Encoder(profile=profile, tune=tune)
        except codec.UnknownModel as error:
            raise PeerMissing(f"{name}: {error}") from error
        entry = self._encoder.entry
        self.version = f"codec {codec.__version__}, {entry.name} {entry.weights_hash.hex()}"
        last = entry.levels - 1
        coarser = range(0, last, max(1, entry.levels // 8))
        self.settings: tuple[float, ...] = (*map(float, coarser), float(last))
        self._process: subprocess.Popen[bytes] | None = None

    def encode(self, image: RGB, setting: float) -> bytes:
        try:
            data: bytes = self._encoder.encode(image, level=round(setting), **self._options)
        except codec.CodecError as error:
            raise PeerFailed(f"{self.name} at level {setting:g}: {error}") from error
        return data

    def within(self, image: RGB, size: int) -> bytes:
        """The file of the finest level that spends at most `size` bytes, or of the coarsest where
        none does.

        Raises:
            PeerFailed: the codec does not take the picture.
        """
        try:
            data: bytes = self._encoder.encode(image, target_size=size, **self._options)
        except codec.TargetUnreachable:
            return self.encode(image, 0)
        except codec.CodecError as error:
            raise PeerFailed(f"{self.name} within {size} bytes: {error}") from error
        return data

    def decode(self, data: bytes) -> RGB:
        source, sink = self._pipes()
        source.write(len(data).to_bytes(8, "little") + data)
        source.flush()
        head = sink.read(24)
        if len(head) < 24:
            raise PeerFailed(f"{self.name}: the decoding process ended")
        failed, height, width = (int.from_bytes(head[i : i + 8], "little") for i in (0, 8, 16))
        if failed:
            raise PeerFailed(f"{self.name}: {sink.read(width).decode()}")
        pixels = np.frombuffer(sink.read(height * width * 3), np.uint8)
        return pixels.reshape(height, width, 3)

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Of the decoding process, started when first needed."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _DECODER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def close(self) -> None:
        """End the decoding process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


_MODELS = {
    "wavelet": ("wavelet", None), "visual": ("wavelet", "visual"), "light": ("wavelet-light", None),
    "vq": ("vq", None),
}  # fmt: skip
"""Profile and tune by the first part of a name."""
NAMES = (
    "wavelet", "wavelet-e8", "wavelet-e9", "wavelet-e10", "visual", "visual-e8", "visual-e9",
    "light", "vq",
)  # fmt: skip
