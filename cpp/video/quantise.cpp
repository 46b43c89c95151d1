#include "quantise.hpp"

#include <algorithm>
#include <cstdlib>

namespace video {

namespace {

// An error of a coefficient, in units of 2^-kFineBits, as a cost.
Cost error_cost(std::int64_t error) { return error * error << (16 - 2 * kFineBits); }

}  // namespace

Quantised quantise(const Contexts& contexts, const Surroundings& where, const std::int16_t* differences,
                   int stride, const Weights& weights, Coefficient* out, int out_stride) {
    const int size = 1 << where.log2, total = size * size;
    alignas(64) std::int32_t fine[kMostTransform * kMostTransform];
    forward(differences, stride, where.log2, fine);
    Quantised result;
    for (int n = 0; n < total; ++n) result.nothing += error_cost(fine[n]);
    for (int y = 0; y < size; ++y) std::fill_n(out + y * out_stride, size, Coefficient{0});

    const Scan& scan = scan_of(where.log2);
    const std::int64_t step = weights.step;
    // 2^-4 of a sample is a step's 2^10 / step part, with 8 bits after the point.
    const auto parts = [&](std::int32_t c) { return static_cast<int>((std::int64_t{std::abs(c)} << 10) / step); };
    int last = total - 1;
    while (last >= 0 && parts(fine[scan.y[last] * size + scan.x[last]]) < 140) --last;
    if (last < 0) {
        result.cost = result.nothing;
        return result;
    }

    auto& shared = const_cast<Contexts&>(contexts);  // prices change nothing
    Pricer pricer;
    SquareSyntax<Pricer> syntax(pricer, shared, where);
    const auto price = [&](auto&& code) {
        pricer.bits = 0;
        code();
        return weights.lambda * pricer.bits;
    };
    const auto value_of = [&](int level) -> std::int64_t {
        return std::min<std::int64_t>((level * step + 32) >> 6, 32767) << kFineBits;
    };

    Magnitudes m;
    std::int16_t chosen[kMostTransform * kMostTransform];
    std::uint8_t coded[9 * 9] = {};
    Cost best = result.nothing;
    int best_last = -1;
    Cost behind_nothing = 0;         // cost of zeros from the end down to the place
    for (int n = total - 1; n > last; --n) behind_nothing += error_cost(fine[scan.y[n] * size + scan.x[n]]);
    Cost as_chosen[kMostTransform * kMostTransform];   // cost of the place as chosen, its flags included
    Cost as_last[kMostTransform * kMostTransform];     // the same where it is the last one
    Cost as_zero[kMostTransform * kMostTransform];
    for (int corner = last >> 4; corner >= 0; --corner) {
        const int cx = scan.x[corner << 4] >> 2, cy = scan.y[corner << 4] >> 2;
        const int around = coded[cy * 9 + cx + 1] + 2 * coded[(cy + 1) * 9 + cx];
        const int first = corner == last >> 4 ? last & 15 : 15;
        const bool flagged = corner != last >> 4 && corner != 0;
        Cost corner_cost = 0, corner_zero = 0;
        bool any = false;
        for (int k = first; k >= 0; --k) {
            const int at = corner * 16 + k;
            const int x = scan.x[at], y = scan.y[at];
            const std::int32_t c = fine[y * size + x];
            const std::int64_t wanted = std::abs(c);
            const int most = (parts(c) + 128) >> 8;
            as_zero[at] = error_cost(wanted);
            Cost least = as_zero[at] + price([&] { syntax.magnitude(m, x, y, false, around, 0); });
            int level = 0;
            Cost last_cost = 0;
            for (int candidate = most; candidate > 0 && candidate >= most - 1; --candidate) {
                const Cost error = error_cost(wanted - value_of(candidate));
                const Cost sign = weights.lambda * 256;
                const Cost here = error + sign + price([&] { syntax.magnitude(m, x, y, false, around, candidate); });
                if (here < least) {
                    least = here;
                    level = candidate;
                    last_cost = error + sign;
                }
            }
            if (level > 0) {
                last_cost += price([&] { syntax.magnitude(m, x, y, true, around, level); });
                any = true;
            }
            chosen[at] = static_cast<std::int16_t>(level);
            m(x, y) = static_cast<std::int16_t>(level);
            as_chosen[at] = least;
            as_last[at] = level > 0 ? last_cost : 0;
            corner_cost += least;
            corner_zero += as_zero[at];
        }
        if (flagged) {
            const int flags = around == 3 ? 2 : around > 0 ? 1 : 0;
            const Cost flag = price([&] { syntax.square(flags, true); });
            const Cost empty = price([&] { syntax.square(flags, false); });
            if (!any || corner_zero + empty <= corner_cost + flag) {
                for (int k = 15; k >= 0; --k) {
                    const int at = corner * 16 + k;
                    chosen[at] = 0;
                    m(scan.x[at], scan.y[at]) = 0;
                    as_chosen[at] = as_zero[at];
                    as_last[at] = 0;
                }
                as_chosen[corner * 16] += empty;
                any = false;
            } else {
                as_chosen[corner * 16] += flag;
            }
        }
        coded[cy * 9 + cx] = any;
    }
    // The best place to end: zeros behind it, what was chosen before it.
    Cost below = 0;
    for (int n = 0; n <= last; ++n) below += as_chosen[n];
    Cost zeros = behind_nothing;
    for (int n = last; n >= 0; --n) {
        below -= as_chosen[n];
        if (chosen[n] > 0) {
            int x = scan.x[n], y = scan.y[n];
            const Cost here = below + as_last[n] + zeros + price([&] { syntax.last(x, y); });
            if (here < best) {
                best = here;
                best_last = n;
            }
        }
        zeros += as_zero[n];
    }
    result.cost = best;
    if (best_last < 0) return result;
    result.any = true;
    for (int n = 0; n <= best_last; ++n) {
        const int x = scan.x[n], y = scan.y[n];
        const int level = std::min<int>(chosen[n], 32000);
        out[y * out_stride + x] = static_cast<Coefficient>(fine[y * size + x] < 0 ? -level : level);
    }
    return result;
}

}  // namespace video
