// Kernels in plain C++, for every processor; the twin that all others are compared with.
#include "kernels.hpp"

namespace networks {
namespace {

constexpr std::size_t kPanel = 8;

bool supported() { return true; }

void product(const Product& product, const std::int16_t* x, std::size_t stride, std::size_t rows,
             std::int32_t* out) {
    const std::size_t inputs = 2 * product.words;
    for (std::size_t first = 0; first < product.outputs; first += kPanel) {
        const std::int16_t* weights = product.weights + first * inputs;
        for (std::size_t n = 0; n < rows; ++n) {
            std::int32_t sums[kPanel];
            for (std::size_t c = 0; c < kPanel; ++c) sums[c] = product.bias[first + c];
            for (std::size_t i = 0; i < inputs; ++i) {
                const std::int32_t value = x[n * stride + i];
                for (std::size_t c = 0; c < kPanel; ++c) sums[c] += value * weights[i * kPanel + c];
            }
            for (std::size_t c = 0; c < kPanel; ++c) {
                out[n * product.outputs + first + c] = sums[c] >> product.shift[first + c];
            }
        }
    }
}

void narrow(const std::int32_t* v, const std::int32_t* low, const std::int32_t* high,
            std::size_t count, std::int16_t* out) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::int32_t most = v[i] < high[i] ? v[i] : high[i];
        out[i] = static_cast<std::int16_t>(most > low[i] ? most : low[i]);
    }
}

}  // namespace

const Kernels kScalarKernels{"scalar", kPanel, Order::kPlanes, supported, product, nullptr, nullptr,
                             narrow};

}  // namespace networks
