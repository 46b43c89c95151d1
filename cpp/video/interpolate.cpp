#include "interpolate.hpp"

#include "targets.hpp"

namespace video {

namespace {

constexpr std::int16_t kLuma[4][8] = {{0, 0, 0, 64, 0, 0, 0, 0},
                                      {-1, 4, -10, 58, 17, -5, 1, 0},
                                      {-1, 4, -11, 40, 40, -11, 4, -1},
                                      {0, 1, -5, 17, 58, -10, 4, -1}};
constexpr std::int16_t kChroma[8][4] = {{0, 64, 0, 0},    {-2, 58, 10, -2}, {-4, 54, 16, -2},
                                        {-6, 46, 28, -4}, {-4, 36, 36, -4}, {-4, 28, 46, -6},
                                        {-2, 16, 54, -4}, {-2, 10, 58, -2}};
constexpr int kUp = kMiddleBits - kDepth;       // 4
constexpr int kFirst = 6 - kUp;                 // shift after the first filter
constexpr int kOffset = 1 << (kMiddleBits - 1);

// One filter of Taps taps along rows (step 1) or columns (step: a stride).
template <int Taps>
VIDEO_INLINE void samples_filter(const Sample* in, int stride, int step, int w, int h, const std::int16_t* c,
                           Middle* out) {
    const Sample* at = in - (Taps / 2 - 1) * step;
    for (int y = 0; y < h; ++y, at += stride, out += kBlockStride) {
        for (int x = 0; x < w; ++x) {
            int sum = 0;
            for (int k = 0; k < Taps; ++k) sum += c[k] * at[x + k * step];
            out[x] = static_cast<Middle>((sum >> kFirst) - kOffset);
        }
    }
}

template <int Taps>
VIDEO_INLINE void middle_filter(const Middle* in, int w, int h, const std::int16_t* c, Middle* out) {
    for (int y = 0; y < h; ++y, in += kBlockStride, out += kBlockStride) {
        for (int x = 0; x < w; ++x) {
            int sum = 0;
            for (int k = 0; k < Taps; ++k) sum += c[k] * in[x + k * kBlockStride];
            out[x] = static_cast<Middle>(sum >> 6);
        }
    }
}

template <int Taps>
VIDEO_INLINE void filter(const Sample* in, int stride, int w, int h, const std::int16_t* cx,
                   const std::int16_t* cy, bool along, bool across, Middle* out) {
    if (!along && !across) {
        for (int y = 0; y < h; ++y, in += stride, out += kBlockStride) {
            for (int x = 0; x < w; ++x) out[x] = static_cast<Middle>((in[x] << kUp) - kOffset);
        }
    } else if (!across) {
        samples_filter<Taps>(in, stride, 1, w, h, cx, out);
    } else if (!along) {
        samples_filter<Taps>(in, stride, stride, w, h, cy, out);
    } else {
        Middle rows[(kBlockStride + 7) * kBlockStride];
        samples_filter<Taps>(in - (Taps / 2 - 1) * stride, stride, 1, w, h + Taps - 1, cx, rows);
        middle_filter<Taps>(rows, w, h, cy, out);
    }
}

VIDEO_TARGETS void filter8(const Sample* in, int stride, int w, int h, int fx, int fy, Middle* out) {
    filter<8>(in, stride, w, h, kLuma[fx], kLuma[fy], fx != 0, fy != 0, out);
}

VIDEO_TARGETS void filter4(const Sample* in, int stride, int w, int h, int fx, int fy, Middle* out) {
    filter<4>(in, stride, w, h, kChroma[fx], kChroma[fy], fx != 0, fy != 0, out);
}

VIDEO_TARGETS void round_one_(const Middle* a, int w, int h, Sample* out, int stride) {
    constexpr int kRound = kOffset + (1 << (kUp - 1));
    for (int y = 0; y < h; ++y, a += kBlockStride, out += stride) {
        for (int x = 0; x < w; ++x) out[x] = clamp_sample((a[x] + kRound) >> kUp);
    }
}

VIDEO_TARGETS void round_mean_(const Middle* a, const Middle* b, int w, int h, Sample* out, int stride) {
    constexpr int kRound = 2 * kOffset + (1 << kUp);
    for (int y = 0; y < h; ++y, a += kBlockStride, b += kBlockStride, out += stride) {
        for (int x = 0; x < w; ++x) out[x] = clamp_sample((a[x] + b[x] + kRound) >> (kUp + 1));
    }
}

}  // namespace

void interpolate(const Plane& plane, int x, int y, int w, int h, Vector vector, int bits, Middle* out) {
    const int mask = (1 << bits) - 1;
    // Farther outside all samples are the edge's, as they are at these places.
    const int left = clamp_int(x + (vector.dx >> bits), 4 - kBorder, plane.width() + kBorder - 5 - w);
    const int top = clamp_int(y + (vector.dy >> bits), 4 - kBorder, plane.height() + kBorder - 5 - h);
    const Sample* in = plane.row(top) + left;
    if (bits == 2) {
        filter8(in, plane.stride(), w, h, vector.dx & mask, vector.dy & mask, out);
    } else {
        filter4(in, plane.stride(), w, h, vector.dx & mask, vector.dy & mask, out);
    }
}

void round_one(const Middle* a, int w, int h, Sample* out, int stride) { round_one_(a, w, h, out, stride); }

void round_mean(const Middle* a, const Middle* b, int w, int h, Sample* out, int stride) {
    round_mean_(a, b, w, h, out, stride);
}

}  // namespace video
