/* Hands damaged files to the library and tells what it says; built with sanitizers.
 *
 *     replay WEIGHTS FILES PIXELS
 *
 * FILES holds files one after another, each behind its size, u32 little-endian. For each one a line is
 * printed: status of lic_read_info, of lic_read_metadata, of lic_decode, and the number of bytes that
 * were decoded, which are appended to PIXELS. Pictures above MOST_PIXELS get no room.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lic.h"

#define MOST_PIXELS (128 * 128)

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    if (file == NULL) exit(2);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    data = malloc(*size + 1);
    if (data == NULL || fread(data, 1, *size, file) != *size) exit(2);
    fclose(file);
    return data;
}

static void replay(const lic_model *model, const uint8_t *stored, size_t size, FILE *out) {
    /* Memory of its own and no more than that: a byte read beyond the end is noticed. */
    uint8_t *data = malloc(size > 0 ? size : 1), *pixels;
    lic_info info = {0};
    lic_metadata metadata;
    lic_error error;
    lic_status head, structure, whole;
    size_t room = 1, given = 0;
    if (data == NULL) exit(2);
    memcpy(data, stored, size);
    head = lic_read_info(data, size, &info, &error);
    structure = lic_read_metadata(data, size, &metadata, NULL);
    if (head == LIC_OK && (uint64_t)info.width * info.height <= MOST_PIXELS) {
        room = (size_t)info.pixels_size;
    }
    pixels = malloc(room);
    if (pixels == NULL) exit(2);
    whole = lic_decode(model, data, size, 1, pixels, room, &error);
    if (error.status != whole || (whole != LIC_OK && error.message[0] == 0)) exit(3);
    if (whole == LIC_OK) given = fwrite(pixels, 1, room, out);
    printf("%d %d %d %lu\n", (int)head, (int)structure, (int)whole, (unsigned long)given);
    free(pixels);
    free(data);
}

int main(int argc, char **argv) {
    size_t weights_size, size, at = 0;
    uint8_t *weights, *files;
    lic_model *model;
    FILE *out;
    if (argc != 4) return 2;
    weights = read_file(argv[1], &weights_size);
    files = read_file(argv[2], &size);
    out = fopen(argv[3], "wb");
    if (out == NULL || lic_model_open(weights, weights_size, "scalar", &model, NULL) != LIC_OK) return 2;
    free(weights);
    while (at + 4 <= size) {
        const size_t length = files[at] | (size_t)files[at + 1] << 8 | (size_t)files[at + 2] << 16 |
                              (size_t)files[at + 3] << 24;
        replay(model, files + at + 4, length, out);
        at += 4 + length;
    }
    lic_model_close(model);
    free(files);
    return fclose(out) == 0 ? 0 : 2;
}
