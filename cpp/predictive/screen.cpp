#include "screen.hpp"

#include "screen_coder.hpp"
#include "screen_walk.hpp"

namespace predictive {
namespace {

template <class Coder, typename T>
void walk(Coder& coder, const View<T>& view, unsigned bits, Cells cells, std::vector<float>* spent) {
    if (bits * view.channels < 32) {
        ScreenWalk<Coder, T, std::uint32_t>(coder, view, bits, cells).run(spent);
    } else {
        ScreenWalk<Coder, T, std::uint64_t>(coder, view, bits, cells).run(spent);
    }
}

}  // namespace

std::vector<std::uint8_t> screen_encode(const Samples& pixels, unsigned bits, Cells cells,
                                        std::vector<float>* spent) {
    ScreenEncoder coder;
    walk(coder, pixels, bits, cells, spent);
    return coder.finish();
}

void screen_decode(std::span<const std::uint8_t> payload, unsigned bits, Cells cells,
                   const Target& out) {
    ScreenDecoder coder(payload);
    walk(coder, out, bits, cells, nullptr);
    coder.finish();
}

}  // namespace predictive
