/* lic_convert: decodes a file to PGM, PPM or PAM, or encodes a PGM or PPM, with the C library.
 *
 *     lic_convert decode WEIGHTS in.lic out.ppm
 *     lic_convert encode WEIGHTS in.ppm out.lic LEVEL MODEL_ID
 *
 * WEIGHTS is a weights file of codec/models/data, LEVEL is 0 .. 63, MODEL_ID is the id of the weights in
 * codec/models/manifest.toml. Pictures with alpha become PAM. Orientation and metadata are left out.
 *
 * Built with the library (cpp/README.md), or against an installed one:
 *
 *     cc -std=c99 lic_convert.c -llic -o lic_convert
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lic.h"

static void fail(const char *what, const char *why) {
    fprintf(stderr, "lic_convert: %s: %s\n", what, why);
    exit(1);
}

static void check(lic_status status, const lic_error *error, const char *what) {
    if (status == LIC_OK) return;
    fprintf(stderr, "lic_convert: %s: %s (%s)\n", what, error->message, lic_status_text(status));
    exit(1);
}

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t room = 0;
    if (file == NULL) fail(path, "cannot be opened");
    *size = 0;
    do {
        if (*size == room) {
            uint8_t *more = realloc(data, room = room > 0 ? 2 * room : 65536);
            if (more == NULL) fail(path, "not enough memory");
            data = more;
        }
        *size += fread(data + *size, 1, room - *size, file);
    } while (!feof(file) && !ferror(file));
    if (ferror(file)) fail(path, "cannot be read");
    fclose(file);
    return data;
}

/* Writes a header, a text, and bytes behind it. */
static void write_file(const char *path, const char *header, const uint8_t *data, size_t size) {
    FILE *file = fopen(path, "wb");
    if (file == NULL) fail(path, "cannot be opened");
    fputs(header, file);
    fwrite(data, 1, size, file);
    if (ferror(file) | fclose(file)) fail(path, "cannot be written");
}

/* The next number of a PGM or PPM header: white space and comments come before it. */
static uint32_t number(const uint8_t *data, size_t size, size_t *at) {
    uint64_t value = 0;
    while (*at < size && (strchr(" \t\r\n", data[*at]) != NULL || data[*at] == '#')) {
        if (data[*at] == '#') while (*at < size && data[*at] != '\n') ++*at;
        else ++*at;
    }
    for (; *at < size && data[*at] >= '0' && data[*at] <= '9' && value < 1000000; ++*at) {
        value = 10 * value + (uint64_t)(data[*at] - '0');
    }
    return (uint32_t)value;
}

static void decode(const lic_model *model, const char *in, const char *out) {
    lic_error error;
    lic_info info;
    size_t size;
    char header[128];
    uint8_t *pixels, *file = read_file(in, &size);
    check(lic_read_info(file, size, &info, &error), &error, in);
    pixels = malloc((size_t)info.pixels_size);
    if (pixels == NULL) fail(in, "not enough memory");
    check(lic_decode(model, file, size, 0, pixels, (size_t)info.pixels_size, &error), &error, in);
    if (info.channels % 2 == 1) {
        snprintf(header, sizeof header, "P%d\n%lu %lu\n255\n", info.channels == 1 ? 5 : 6,
                 (unsigned long)info.width, (unsigned long)info.height);
    } else {
        snprintf(header, sizeof header,
                 "P7\nWIDTH %lu\nHEIGHT %lu\nDEPTH %lu\nMAXVAL 255\nTUPLTYPE %s\nENDHDR\n",
                 (unsigned long)info.width, (unsigned long)info.height, (unsigned long)info.channels,
                 info.channels == 2 ? "GRAYSCALE_ALPHA" : "RGB_ALPHA");
    }
    write_file(out, header, pixels, (size_t)info.pixels_size);
    free(pixels);
    free(file);
}

static void encode(const lic_model *model, const char *in, const char *out, int level, int id) {
    lic_error error;
    lic_encode_options options = {0};
    uint32_t width, height, largest, channels;
    size_t size, file_size, at = 2;
    uint8_t *file, *data = read_file(in, &size);
    if (size < 2 || data[0] != 'P' || (data[1] != '5' && data[1] != '6')) fail(in, "not a PGM or PPM");
    channels = data[1] == '5' ? 1 : 3;
    width = number(data, size, &at);
    height = number(data, size, &at);
    largest = number(data, size, &at);
    if (at++ >= size || largest != 255) fail(in, "samples are not of 8 bits");
    options.level = (uint8_t)level;
    options.model_id = (uint16_t)id;
    check(lic_encode(model, data + at, size - at, width, height, channels, &options, &file,
                     &file_size, &error), &error, in);
    write_file(out, "", file, file_size);
    lic_free(file);
    free(data);
}

int main(int argc, char **argv) {
    lic_error error;
    lic_model *model;
    size_t size;
    uint8_t *weights;
    const int decoding = argc == 5 && strcmp(argv[1], "decode") == 0;
    const int level = argc == 7 ? atoi(argv[5]) : 0, id = argc == 7 ? atoi(argv[6]) : 0;
    if (!decoding && (argc != 7 || strcmp(argv[1], "encode") != 0 || level < 0 || level > 63 ||
                      id < 0 || id > 65535)) {
        fprintf(stderr, "usage: lic_convert decode WEIGHTS in.lic out.ppm\n"
                        "       lic_convert encode WEIGHTS in.ppm out.lic LEVEL MODEL_ID\n");
        return 2;
    }
    weights = read_file(argv[2], &size);
    check(lic_model_open(weights, size, NULL, &model, &error), &error, argv[2]);
    free(weights); /* the model has a copy */
    if (decoding) decode(model, argv[3], argv[4]);
    else encode(model, argv[3], argv[4], level, id);
    lic_model_close(model);
    return 0;
}
