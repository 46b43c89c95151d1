#include "screen.hpp"

#include <limits>

#include "screen_coder.hpp"
#include "screen_walk.hpp"

namespace predictive {
namespace {

template <class Coder, typename T>
void walk(Coder& coder, const View<T>& view, unsigned bits, Cells cells, std::vector<float>* spent,
          double most) {
    if (bits * view.channels < 32) {
        ScreenWalk<Coder, T, std::uint32_t>(coder, view, bits, cells).run(spent, most);
    } else {
        ScreenWalk<Coder, T, std::uint64_t>(coder, view, bits, cells).run(spent, most);
    }
}

constexpr double kAnyBits = std::numeric_limits<double>::infinity();

}  // namespace

std::vector<std::uint8_t> screen_encode(const Samples& pixels, unsigned bits, Cells cells,
                                        std::vector<float>* spent) {
    ScreenEncoder coder;
    walk(coder, pixels, bits, cells, spent, kAnyBits);
    return coder.finish();
}

std::vector<float> screen_spent(const Samples& pixels, unsigned bits, Cells cells, double most) {
    ScreenEncoder coder;
    std::vector<float> spent;
    walk(coder, pixels, bits, cells, &spent, most);
    return spent;
}

void screen_decode(std::span<const std::uint8_t> payload, unsigned bits, Cells cells,
                   const Target& out) {
    ScreenDecoder coder(payload);
    walk(coder, out, bits, cells, nullptr, kAnyBits);
    coder.finish();
}

}  // namespace predictive
