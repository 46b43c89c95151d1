#include "filter.hpp"

#include <algorithm>
#include <cstring>

#include "program.hpp"
#include "weights_file.hpp"

namespace video {

namespace {

networks::Network network_of(std::span<const std::uint8_t> weights, const networks::Kernels& kernels) {
    const networks::WeightsFile file(weights);
    return networks::Network(networks::read_program(file, "filter"), kernels);
}

constexpr int kMiddle = 1 << (kDepth - 1);

// Sample less the middle, and what the residual added.
void pairs(const Plane& decoded, const Plane& predicted, int channel, int channels, std::int16_t* out) {
    for (int y = 0; y < decoded.height(); ++y) {
        const Sample* d = decoded.row(y);
        const Sample* p = predicted.row(y);
        std::int16_t* to = out + static_cast<std::ptrdiff_t>(y) * decoded.width() * channels + channel;
        for (int x = 0; x < decoded.width(); ++x, to += channels) {
            to[0] = static_cast<std::int16_t>(d[x] - kMiddle);
            to[channels / 2] = static_cast<std::int16_t>(d[x] - p[x]);
        }
    }
}

// Every second sample of a plane in both directions, for the filter's chroma of 4:4:4.
Plane halved(const Plane& plane) {
    Plane out(plane.width() / 2, plane.height() / 2);
    for (int y = 0; y < out.height(); ++y) {
        const Sample* a = plane.row(2 * y);
        const Sample* b = plane.row(2 * y + 1);
        for (int x = 0; x < out.width(); ++x) {
            out.row(y)[x] = static_cast<Sample>((a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1] + 2) >> 2);
        }
    }
    return out;
}

}  // namespace

Filter::Filter(std::span<const std::uint8_t> weights, const networks::Kernels& kernels)
    : network_(network_of(weights, kernels)) {}

Corrections Filter::run(const Picture& picture, const Picture& predicted, int level, threads::Team& team) const {
    const Format& format = picture.format;
    const auto w = static_cast<std::size_t>(format.padded_width()), h = static_cast<std::size_t>(format.padded_height());
    std::vector<std::int16_t> luma(w * h * 2), chroma(w * h);
    pairs(picture.planes[0], predicted.planes[0], 0, 2, luma.data());
    for (int plane = 1; plane < kPlanes; ++plane) {
        if (format.subsampled) {
            pairs(picture.planes[plane], predicted.planes[plane], plane - 1, 4, chroma.data());
        } else {
            pairs(halved(picture.planes[plane]), halved(predicted.planes[plane]), plane - 1, 4, chroma.data());
        }
    }
    using networks::Array;
    using networks::Type;
    const std::vector<Array> outputs = network_.run({Array::view(Type::i16, h, w, 2, luma.data()),
                                                     Array::view(Type::i16, h / 2, w / 2, 4, chroma.data())},
                                                    static_cast<std::size_t>(level), team);
    Corrections corrections;
    const auto* y = outputs[0].as<std::int16_t>();
    corrections.planes[0].assign(y, y + w * h);
    const auto* uv = outputs[1].as<std::int16_t>();
    for (int plane = 1; plane < kPlanes; ++plane) {
        const int pw = format.plane_width(plane), ph = format.plane_height(plane), s = format.subsampled ? 0 : 1;
        auto& out = corrections.planes[plane];
        out.resize(static_cast<std::size_t>(pw) * static_cast<std::size_t>(ph));
        for (int v = 0; v < ph; ++v) {
            for (int u = 0; u < pw; ++u) {
                out[static_cast<std::size_t>(v) * pw + u] =
                    uv[(static_cast<std::size_t>(v >> s) * (w / 2) + (u >> s)) * 2 + static_cast<std::size_t>(plane - 1)];
            }
        }
    }
    return corrections;
}

void apply_filter(const Corrections& corrections, const FrameData& frame, Picture& picture) {
    const Format& format = picture.format;
    for (int plane = 0; plane < kPlanes; ++plane) {
        const int s = format.shift(plane), w = format.plane_width(plane), h = format.plane_height(plane);
        const int size = kTree >> s;
        const auto& marks = frame.filter[plane > 0 ? 1 : 0];
        for (int y = 0; y < h; ++y) {
            Sample* to = picture.planes[plane].row(y);
            const std::int16_t* c = corrections.planes[plane].data() + static_cast<std::ptrdiff_t>(y) * w;
            const std::uint8_t* mark = marks.data() + static_cast<std::ptrdiff_t>(y / size) * format.tree_columns();
            for (int x0 = 0; x0 < w; x0 += size, ++mark) {
                if (!*mark) continue;
                const int end = std::min(x0 + size, w);
                for (int x = x0; x < end; ++x) to[x] = clamp_sample(to[x] + c[x]);
            }
        }
    }
}

}  // namespace video
