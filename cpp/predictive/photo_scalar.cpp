// Kernels of coder P in plain C++, for every processor; the twin that all others are compared with.
#include <bit>

#include "photo_lanes.hpp"

namespace predictive {
namespace {

struct Plain {
    using V = std::int32_t;
    static constexpr int kWidth = 1, kTile = 4;
    static constexpr bool kQuads = false;

    static V load(const std::int32_t* p) { return *p; }
    static void store(std::int32_t* p, V v) { *p = v; }
    static V splat(std::int32_t v) { return v; }
    static V min(V a, V b) { return a < b ? a : b; }
    static V max(V a, V b) { return a < b ? b : a; }
    static V abs(V v) { return v < 0 ? -v : v; }
    static V choose(V a, V b, V less, V other) { return a < b ? less : other; }
    static bool any_less(V a, V b) { return a < b; }
    static V bin(V activity) {
        const int top = std::bit_width(static_cast<std::uint32_t>(activity)) - 1;
        return 8 * (top - 5) + (activity >> (top - 3) & 7);
    }
    static V lookup(const std::int32_t* table, V index) { return table[index]; }
    static V pair(V low, V high) {
        return static_cast<V>(static_cast<std::uint32_t>(low & 0xffff) |
                              static_cast<std::uint32_t>(high) << 16);
    }
    static V dropped(V both) {
        return pair(static_cast<std::int16_t>(both) >> kInputDrop, both >> (16 + kInputDrop));
    }
    static V dot(V sum, V a, V b) {
        return sum + static_cast<std::int16_t>(a) * static_cast<std::int16_t>(b) + (a >> 16) * (b >> 16);
    }
    static V dot_all(V sum, V a, const std::int32_t* b) { return dot(sum, a, *b); }
    static void narrow(std::int16_t* p, V v) { *p = static_cast<std::int16_t>(v); }
    static int find(const std::uint16_t* starts, std::uint16_t slot) {
        int token = 0;
        while (token + 1 < kTokens && starts[token + 1] <= slot) ++token;
        return token;
    }
};

bool supported() { return true; }

using K = Photo<Plain>;

}  // namespace

extern const PhotoKernels kPhotoScalar;
const PhotoKernels kPhotoScalar{"scalar", supported,
                                {K::predict<0>, K::predict<1>, K::predict<2>},
                                K::decode, K::encode, K::commit,
                                {K::inputs<0>, K::inputs<1>, K::inputs<2>},
                                K::products};

}  // namespace predictive
