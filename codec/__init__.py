"""Learned image codec: photographs to small files and back.

    import codec

    data = codec.encode(image, quality=50)       # numpy, PIL image, path or file -> bytes
    image = codec.decode(data)                   # bytes, path or file -> numpy (H, W, C) uint8
    codec.info(data).width                       # header only: no weights
    codec.verify(data, against=image).psnr

    encoder = codec.Encoder()                    # options said once, for many images
    data = encoder.encode(image, target_bpp=0.5)

    with codec.open("clip.licv") as video:       # a sequence of pictures
        video[120].array, video.at(4.0).planes
    with codec.VideoWriter("clip.licv", fps=25) as writer:
        writer.append(image)

Names are loaded when first used, so that `import codec` and `codec.info` need no NumPy. PyTorch is
needed by `effort=8` and up, by `device="cuda"` and for training, and by nothing else. Every error
on bad input is a `codec.CodecError`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codec.api import ImageInfo, Verification, decode, encode, info, verify
    from codec.decoder import Decoder
    from codec.encoder import Encoder
    from codec.errors import (
        ChecksumMismatch,
        CodecError,
        DamagedFile,
        DamagedImage,
        InternalError,
        InvalidField,
        InvalidStructure,
        LimitExceeded,
        NotAnImage,
        NotOurFile,
        OptionError,
        OutputError,
        OutputExists,
        TargetUnreachable,
        TrailingData,
        TruncatedFile,
        UnknownModel,
        UnreadableImage,
        UnreadableVideo,
        UnsupportedImage,
        UnsupportedVersion,
        UnsupportedVideo,
        WeightsMismatch,
    )
    from codec.image.picture import Picture
    from codec.options import DecoderOptions, EncoderOptions, Limits
    from codec.video.reader import VideoReader, open
    from codec.video.writer import VideoWriter

__version__ = "0.1.0"

__all__ = [
    "ChecksumMismatch",
    "CodecError",
    "DamagedFile",
    "DamagedImage",
    "Decoder",
    "DecoderOptions",
    "Encoder",
    "EncoderOptions",
    "ImageInfo",
    "InternalError",
    "InvalidField",
    "InvalidStructure",
    "LimitExceeded",
    "Limits",
    "NotAnImage",
    "NotOurFile",
    "OptionError",
    "OutputError",
    "OutputExists",
    "Picture",
    "TargetUnreachable",
    "TrailingData",
    "TruncatedFile",
    "UnknownModel",
    "UnreadableImage",
    "UnreadableVideo",
    "UnsupportedImage",
    "UnsupportedVersion",
    "UnsupportedVideo",
    "Verification",
    "VideoReader",
    "VideoWriter",
    "WeightsMismatch",
    "__version__",
    "decode",
    "encode",
    "info",
    "latents",
    "open",
    "verify",
]

_MODULES = {
    "codec.api": ("ImageInfo", "Verification", "decode", "encode", "info", "latents", "verify"),
    "codec.decoder": ("Decoder",),
    "codec.encoder": ("Encoder",),
    "codec.image.picture": ("Picture",),
    "codec.options": ("DecoderOptions", "EncoderOptions", "Limits"),
    "codec.video.reader": ("VideoReader", "open"),
    "codec.video.writer": ("VideoWriter",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Loads a public name when it is first used (PEP 562); all others come from `codec.errors`."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES.get(name, "codec.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
