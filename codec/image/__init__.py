"""Pictures in memory and in files: what comes before the encoder and after the decoder.

    picture.py   Picture: pixels, alpha, metadata; from and to NumPy arrays and PIL images
    files.py     reading image files of the known types, found by their content
    deep.py      16-bit samples of PNG and TIFF through Pillow
    pnm.py       PNM and PAM, also one after another in a stream
    writing.py   writing image files
    png16.py     PNG of 16 bits
    tiff.py      TIFF, tiff_tags.py its tags and those of EXIF
    source.py    bytes from files, streams and objects
    alpha.py     the lossless alpha plane
    exif.py      the one field of EXIF that matters here, the orientation; xmp.py: where XMP has it
    png_chunks.py, embedded.py   metadata inside PNG, and inside GIF and BMP files
    kinds.py     what a file is whose kind is not read
    atomic.py    a complete file or no file
    metrics.py   PSNR and MS-SSIM
    ssimulacra2.py   SSIMULACRA2, in the compiled core

Nothing is imported here, so that a user of one module does not pay for the others.
"""

from __future__ import annotations
