/* lic: decodes and encodes files of the learned image codec. C99, no Python.
 *
 *     lic_model *model;
 *     lic_model_open(weights, weights_size, NULL, &model, NULL);
 *     lic_info info;
 *     lic_read_info(file, file_size, &info, NULL);
 *     uint8_t *pixels = malloc((size_t)info.pixels_size);
 *     lic_decode(model, file, file_size, 0, pixels, (size_t)info.pixels_size, NULL);
 *     lic_model_close(model);
 *
 * Samples    8 bits, or 16 in the byte order of the machine at an even address; rows from top to bottom, pixels from left to right, the samples of a pixel side
 *            by side: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. No padding between rows. Alpha is
 *            opacity, 255 or 65535 opaque, not premultiplied. The orientation that EXIF may give is not applied.
 * Exactness  The pixels of a file and the bytes of a picture are the same for any kernels, any number of
 *            threads and any processor. Only a compressed alpha plane may have other bytes with another
 *            zlib; it decodes to the same values.
 * Limits     Files and pictures have at most 2^28 pixels, 32768 a side, 2^17 tiles, 2^30 bytes, and
 *            2^24 bytes each of ICC, EXIF and XMP (LIC_LIMIT_EXCEEDED). Nothing is allocated in
 *            proportion to a number in a file before it was compared with these.
 * Ownership  The caller owns all that it passes; nothing is kept after a call but the copy that a model
 *            makes of its weights. What a call gives is released with lic_model_close or lic_free.
 * Threads    There is no state of the process. Every function may be called from any number of threads
 *            at once, with the same model too, except lic_model_close, which must be the last for its
 *            model. The argument `threads` is the number of threads that one call may use, 0 .. 1024:
 *            0 is one for each processor, and more than 64 count as 64.
 * Errors     A function that can fail returns a status, and fills the lic_error if the pointer is not
 *            NULL. After an error nothing has to be released, pointers to results hold NULL, and a
 *            buffer for pixels holds anything.
 */
#ifndef LIC_H
#define LIC_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(LIC_BUILD)
#define LIC_API __declspec(dllexport)
#elif defined(__GNUC__)
#define LIC_API __attribute__((visibility("default")))
#else
#define LIC_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define LIC_VERSION "0.1.0"

/* Model id of files that are predictive as a whole, such as lossless ones: the coder is in the library. */
#define LIC_PREDICTIVE_ID 12

/* The numbers are permanent. */
typedef enum lic_status {
    LIC_OK = 0,

    /* The call. */
    LIC_BAD_ARGUMENT = 1,      /* a NULL pointer, or a number outside its range */
    LIC_BUFFER_TOO_SMALL = 2,  /* the pixels do not fit */
    LIC_UNSUPPORTED = 3,       /* this build or this processor has not what is needed: zlib, kernels */
    LIC_OUT_OF_MEMORY = 4,     /* or of threads */
    LIC_INTERNAL_ERROR = 5,    /* a fault of the library */

    /* The weights. */
    LIC_BAD_WEIGHTS = 8,       /* not a weights file, or one that breaks a rule */
    LIC_WEIGHTS_MISMATCH = 9,  /* in order, but not those that the file was made with */

    /* The file. */
    LIC_TRUNCATED = 16,            /* the data end before something that they promise */
    LIC_NOT_A_FILE = 17,           /* the first bytes are not those of a file */
    LIC_UNSUPPORTED_VERSION = 18,  /* a version, or a reserved value, that needs a newer reader */
    LIC_BAD_CHECKSUM = 19,         /* the bytes are not those that were written */
    LIC_BAD_FIELD = 20,            /* a value that no file may contain */
    LIC_LIMIT_EXCEEDED = 21,       /* legal, but over a limit */
    LIC_TRAILING_DATA = 22,        /* bytes after the end of the file */
    LIC_MISSING_CHUNK = 23,
    LIC_DUPLICATE_CHUNK = 24,
    LIC_CHUNK_ORDER = 25,
    LIC_UNKNOWN_CHUNK = 26,        /* a chunk that must be understood and is not: a newer reader may */
    LIC_DAMAGED_TILE = 27,         /* the checks match, but no encoder makes such a payload */
    LIC_DAMAGED_ALPHA = 28         /* the same of the alpha plane */
} lic_status;

/* The status again, and what was wrong and where, for people; the text ends with a zero byte. */
typedef struct lic_error {
    lic_status status;
    char message[256];
} lic_error;

/* Bytes that somebody else owns. */
typedef struct lic_bytes {
    const uint8_t *data; /* NULL where there are none; not NULL and size 0 is empty but present */
    size_t size;         /* bytes */
} lic_bytes;

/* What the header of a file says. */
typedef struct lic_info {
    uint32_t width, height;   /* pixels, at least 1 */
    uint32_t channels;        /* samples of a pixel, 1 .. 4 as above */
    uint32_t bit_depth;       /* of a sample, 8 or 16 */
    uint64_t pixels_size;     /* bytes of the whole picture: width * height * channels, twice for 16 bits */
    uint16_t model_id;        /* permanent id of the model; LIC_PREDICTIVE_ID: none is needed */
    uint8_t weights_hash[4];  /* first bytes of the SHA-256 of its weights file */
    uint8_t level;            /* quality index, 0 .. 63 */
    uint8_t tile_log2;        /* side of a tile = 2^tile_log2 pixels, 6 .. 15 */
} lic_info;

/* Metadata of a picture, byte for byte. EXIF begins with its TIFF header. */
typedef struct lic_metadata {
    lic_bytes icc, exif, xmp;
} lic_metadata;

/* A model, ready to use. */
typedef struct lic_model lic_model;

typedef struct lic_model_info {
    uint8_t sha256[32];   /* of the weights file */
    uint32_t levels;      /* quality levels: 0 .. levels - 1, the last is the best */
    const char *kernels;  /* name of the kernels that run; valid until the model is closed */
} lic_model_info;

/* How to encode. All zero bytes are a valid value: level 0, no metadata. */
typedef struct lic_encode_options {
    uint16_t model_id;      /* permanent id of the model, for the header: codec/models/manifest.toml */
    uint8_t level;          /* 0 .. levels - 1 */
    uint8_t tile_log2;      /* 6 .. 15: side of a tile = 2^tile_log2 pixels; 0 is 10 */
    uint32_t threads;
    lic_metadata metadata;
    uint8_t bit_depth;      /* of a sample; 0 is 8; 16 only if `exact` */
    uint8_t exact;          /* not 0: lossless or near-lossless; model_id and level do not matter */
    uint16_t error;         /* if `exact`: no colour sample is off by more; 0 is lossless */
} lic_encode_options;

/* Version of the library, as LIC_VERSION was when it was built. */
LIC_API const char *lic_version(void);

/* A few words on a status, any number; ASCII, lives as long as the library. */
LIC_API const char *lic_status_text(lic_status status);

/* Reads the header of a file, and nothing behind it: the first 267 bytes of a file are enough. */
LIC_API lic_status lic_read_info(const uint8_t *data, size_t size, lic_info *info, lic_error *error);

/* Finds the metadata of a file and verifies all of it but the tiles. The pointers lead into `data`. */
LIC_API lic_status lic_read_metadata(const uint8_t *data, size_t size, lic_metadata *metadata,
                                     lic_error *error);

/* Makes a model of a weights file: verifies its structure, copies its bytes, takes their SHA-256.
 *
 * Weights are programs, to be trusted like the library itself, and a damaged file may still be in
 * order: compare lic_model_info.sha256 with the register (codec/models/manifest.toml) before the model
 * is used, where the bytes do not come from a trusted place.
 *
 * kernels: "avx512", "avxvnni", "avx2", "neon" or "scalar"; NULL or "" for the fastest that runs here.
 */
LIC_API lic_status lic_model_open(const uint8_t *weights, size_t size, const char *kernels,
                                  lic_model **model, lic_error *error);

LIC_API lic_status lic_model_describe(const lic_model *model, lic_model_info *info, lic_error *error);

/* NULL is allowed and does nothing. */
LIC_API void lic_model_close(lic_model *model);

/* Decodes the whole picture. model: NULL is allowed where lic_info.model_id is LIC_PREDICTIVE_ID. capacity: bytes at
 * `pixels`, at least lic_info.pixels_size. A damaged file is refused: what is lost of code vectors (profile vq) is guessed
 * by the Python package alone.
 */
LIC_API lic_status lic_decode(const lic_model *model, const uint8_t *data, size_t size,
                              uint32_t threads, uint8_t *pixels, size_t capacity, lic_error *error);

/* Decodes a part of the picture, in pixels, which lies inside it and is not empty; only the tiles that
 * it needs are looked at. capacity: at least width * height * lic_info.channels samples.
 */
LIC_API lic_status lic_decode_crop(const lic_model *model, const uint8_t *data, size_t size,
                                   uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                                   uint32_t threads, uint8_t *pixels, size_t capacity,
                                   lic_error *error);

/* Encodes a picture. With `exact` the same bytes as the Python package makes of it, without a model (NULL).
 * Else all of it by the model: of photographs the same bytes as the Python package, at efforts 1 to 7; that
 * one codes parts that the model does badly (text, screens, noise) sample by sample, which this does not.
 *
 * pixels_size: bytes at `pixels`, exactly width * height * channels, twice for 16 bits.
 * out, out_size: the file, to be released with lic_free, and its bytes.
 */
LIC_API lic_status lic_encode(const lic_model *model, const uint8_t *pixels, size_t pixels_size,
                              uint32_t width, uint32_t height, uint32_t channels,
                              const lic_encode_options *options, uint8_t **out, size_t *out_size,
                              lic_error *error);

/* Releases what lic_encode gave. NULL is allowed. */
LIC_API void lic_free(uint8_t *data);

#ifdef __cplusplus
}
#endif

#endif
