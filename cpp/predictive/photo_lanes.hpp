// The kernels of coder P over a class S that says what its vectors can do. Included by one file for
// each instruction set; everything is in an anonymous namespace, so that no function compiled here can
// be linked into what runs elsewhere.
//
// S has: V, a vector of kWidth int32 with the operators + - * & | << >>; kTile, sums that fit its
// registers for all 16 lanes together; load, store, splat, min, max, abs, choose(a < b, x, y), bin
// (position of an activity's highest bit and the three bits after it), lookup, pair, dot,
// dot_all (with one pair for all lanes), kQuads (whether it has dot4_all, a product of quads), narrow
// (stores int16), and what photo_symbols.hpp asks for.
#pragma once

#include "photo_symbols.hpp"

namespace predictive {
namespace {

template <typename S>
struct Photo : PhotoSymbols<S> {
    using V = typename S::V;
    static constexpr int kWidth = S::kWidth, kBlocks = kLanes / kWidth;

    struct Context {
        V start, activity, reciprocal, logarithm, limit, limit_eighths;
    };

    // Value of a plane at a place that was decoded before.
    PREDICTIVE_INLINE static V at(const std::int32_t* p, int plane, int down, int right) {
        return S::load(p + plane * kPlane + (right + kLag * down) * kRecord + down);
    }
    PREDICTIVE_INLINE static V size(const std::int32_t* p, int plane, int down, int right) {
        return S::abs(at(p, plane, down, right));
    }

    PREDICTIVE_INLINE static V limited(V v, V limit) {
        return S::min(S::max(v, S::splat(0) - limit), limit);
    }
    PREDICTIVE_INLINE static V limited(V v) { return limited(v, S::splat(kLimit)); }

    PREDICTIVE_INLINE static V first_prediction(V w, V n, V nw, V ne) {
        const V low = S::min(S::min(w, n), ne), high = S::max(S::max(w, n), ne);
        const V plane = ((w << 2) + (n - nw) * S::splat(3) + (ne - n)) >> 2;
        return S::min(S::max(plane, low), high);
    }

    // The first prediction and the scale of a channel's sample.
    PREDICTIVE_INLINE static Context context(const Setting& s, const std::int32_t* p, int channel) {
        const int x = channel * kKinds, e = x + 1;
        const V w = at(p, x, 0, -1), n = at(p, x, -1, 0), nw = at(p, x, -1, -1), ne = at(p, x, -1, 1);
        Context c;
        c.start = first_prediction(w, n, nw, ne);
        const V near = size(p, e, 0, -1) + size(p, e, -1, 0);
        const V far = size(p, e, 0, -2) + size(p, e, -1, -1) + size(p, e, -1, 1);
        const V slopes = S::abs(w - nw) + S::abs(n - nw) + S::abs(n - ne);
        const V rest = size(p, e, -1, 2) + size(p, e, -2, 0) + slopes;
        const V sum = near * S::splat(24) + far * S::splat(12) + rest * S::splat(6) + S::splat(45 * s.step);
        c.activity = S::min(sum, S::splat((1 << 24) - 1));
        const V bin = S::bin(c.activity);
        c.reciprocal = S::lookup(s.reciprocals, bin);
        c.logarithm = S::lookup(s.logarithms, bin);
        c.limit = (c.activity >> 4) - (c.activity >> 7);  // 7 s
        c.limit_eighths = (c.activity >> 1) - (c.activity >> 4);
        return c;
    }

    // Differences in 1/256 s.
    PREDICTIVE_INLINE static V normal(V v, const Context& c) {
        return (limited(v, c.limit) * c.reciprocal) >> 14;
    }
    PREDICTIVE_INLINE static V normal_eighths(V v, const Context& c) {
        return (limited(v, c.limit_eighths) * c.reciprocal) >> 17;
    }

    // An offset in 1/256 s in 1/8 or 1/16 level.
    template <int kFiner>
    PREDICTIVE_INLINE static V scaled(V offset, V activity) {
        const V large = (offset * (activity >> 8)) >> (4 - kFiner);
        const V small = (offset * (activity & S::splat(0xffff))) >> (12 - kFiner);
        return S::choose(activity, S::splat(1 << 16), small, large);
    }

    static constexpr int kOwn[16][2] = {{0, -1}, {0, -2}, {0, -3}, {-1, -3}, {-1, -2}, {-1, -1},
                                        {-1, 0}, {-1, 1}, {-1, 2}, {-1, 3},  {-2, -2}, {-2, -1},
                                        {-2, 0}, {-2, 1}, {-2, 2}, {-3, 0}};
    static constexpr int kCross[5][2] = {{0, 0}, {0, -1}, {-1, 0}, {-1, -1}, {-1, 1}};
    static constexpr int kErrors[7][2] = {{0, -1}, {0, -2}, {-1, -1}, {-1, 0}, {-1, 1}, {-1, 2}, {-2, 0}};

    // Input i of the linear predictor.
    template <int kChannel>
    PREDICTIVE_INLINE static V input(const std::int32_t* p, const Context& c, int i) {
        if (i < 16) return normal(at(p, kChannel * kKinds, kOwn[i][0], kOwn[i][1]) - c.start, c);
        if (i >= kLinear[kChannel]) return S::splat(0);
        const int other = (i - 16) / 5 * kKinds, k = (i - 16) % 5;
        const V base = (at(p, other, 0, -1) + at(p, other, -1, 0)) >> 1;
        return normal(at(p, other, kCross[k][0], kCross[k][1]) - base, c);
    }

    // Features of kWidth lanes, pair or quad i at words + i * kLanes.
    template <int kChannel>
    PREDICTIVE_INLINE static void features(const Setting& s, const std::int32_t* p, int first,
                                           std::int32_t* words, std::int32_t* activity,
                                           std::int32_t* logarithm, Predicted& out) {
        constexpr int kLinearPairs = (kLinear[kChannel] + 1) / 2;
        constexpr int e = kChannel * kKinds + 1, linear = e + 1;
        const Context c = context(s, p, kChannel);
        constexpr int kPairs = kFeatures[kChannel] / 2;
        V pairs[kPairs];
        V sum = S::splat(1 << (kWeightBits - 1));
#pragma GCC unroll 16
        for (int i = 0; i < kLinearPairs; ++i) {
            pairs[i] = S::pair(input<kChannel>(p, c, 2 * i), input<kChannel>(p, c, 2 * i + 1));
            sum = S::dot(sum, pairs[i], S::splat(s.linear[kChannel][i]));
        }
        const V offset = limited(sum >> kWeightBits);
        const V predicted = (c.start << 3) + scaled<0>(offset, c.activity);
        S::store(out.start + first, c.start);
        S::store(out.linear + first, predicted);
        S::store(activity, c.activity);
        S::store(logarithm, c.logarithm);

        int count = kLinearPairs;
        const auto put = [&pairs, &count](V a, V b) __attribute__((always_inline)) {
            pairs[count++] = S::pair(a, b);
        };
        V v[7];
#pragma GCC unroll 7
        for (int i = 0; i < 7; ++i) v[i] = normal(at(p, e, kErrors[i][0], kErrors[i][1]), c);
        put(offset, S::abs(v[0]));
        put(S::abs(v[1]), S::abs(v[2]));
        put(S::abs(v[3]), S::abs(v[4]));
        put(S::abs(v[5]), S::abs(v[6]));
        put(v[0], v[3]);
        put(v[2], v[4]);
        put(S::max(S::min(c.logarithm, S::splat(1536)), S::splat(-kLimit)),
            limited(S::splat(s.log_step) - c.logarithm));
#pragma GCC unroll 7
        for (int i = 0; i < 7; ++i) v[i] = normal_eighths(at(p, linear, kErrors[i][0], kErrors[i][1]), c);
        put(v[0], v[1]);
        put(v[2], v[3]);
        put(v[4], v[5]);
        put(v[6], S::abs(v[0]));
        put(S::abs(v[1]), S::abs(v[2]));
        put(S::abs(v[3]), S::abs(v[4]));
        put(S::abs(v[5]), S::abs(v[6]));
#pragma GCC unroll 2
        for (int other = 0; other < kChannel; ++other) {
            const V a = normal(at(p, other * kKinds + 1, 0, 0), c);
            const V b = normal_eighths(at(p, other * kKinds + 2, 0, 0), c);
            put(a, S::abs(a));
            put(b, S::abs(b));
        }
        if (kPairs % 2 == 0 && count == kPairs - 1) pairs[count] = S::splat(0);
        if constexpr (S::kQuads) {
#pragma GCC unroll 16
            for (int i = 0; i < kPairs; i += 2) {
                const V low = (pairs[i] >> kInputDrop) & S::splat(0x00ff00ff);
                const V high = (pairs[i + 1] << (8 - kInputDrop)) & S::splat(static_cast<int>(0xff00ff00));
                S::store(words + i / 2 * kLanes, (low | high) ^ S::splat(static_cast<int>(0x80808080)));
            }
        } else {
#pragma GCC unroll 32
            for (int i = 0; i < kPairs; ++i) S::store(words + i * kLanes, S::dropped(pairs[i]));
        }
    }

    // kCount sums for all lanes, from `count` pairs, or quads, of inputs.
    template <int kCount, bool kOfQuads>
    PREDICTIVE_INLINE static void sums(const std::int32_t* words, int count, const std::int32_t* weights,
                                       int stride, const std::int32_t* bias, V (&s)[kCount][kBlocks]) {
#pragma GCC unroll 24
        for (int o = 0; o < kCount; ++o) {
#pragma GCC unroll 4
            for (int b = 0; b < kBlocks; ++b) s[o][b] = S::splat(bias[o]);
        }
        for (int i = 0; i < count; ++i) {
            V x[kBlocks];
#pragma GCC unroll 4
            for (int b = 0; b < kBlocks; ++b) x[b] = S::load(words + i * kLanes + b * kWidth);
#pragma GCC unroll 24
            for (int o = 0; o < kCount; ++o) {
#pragma GCC unroll 4
                for (int b = 0; b < kBlocks; ++b) {
                    const std::int32_t* const w = weights + i * stride + o;
                    if constexpr (kOfQuads) {
                        s[o][b] = S::dot4_all(s[o][b], x[b], w);
                    } else {
                        s[o][b] = S::dot_all(s[o][b], x[b], w);
                    }
                }
            }
        }
    }

    // A layer whose outputs are kept between 0 and kMost, as quads if the next layer takes them.
    template <int kOutputs, int kMost, bool kToQuads>
    PREDICTIVE_INLINE static void hidden(const std::int32_t* words, const Layer& layer, std::int32_t* out) {
        constexpr int kTile = S::kTile;
        static_assert(kOutputs % kTile == 0 && kTile % 4 == 0);
        for (int o = 0; o < kOutputs; o += kTile) {
            V s[kTile][kBlocks];
            if constexpr (S::kQuads) {
                sums<kTile, true>(words, layer.inputs / 4, layer.quads + o, kOutputs, layer.quad_bias + o, s);
            } else {
                sums<kTile, false>(words, layer.inputs / 2, layer.pairs + o, kOutputs, layer.bias + o, s);
            }
#pragma GCC unroll 24
            for (int k = 0; k < kTile; ++k) {
#pragma GCC unroll 4
                for (int b = 0; b < kBlocks; ++b) {
                    const V value = s[k][b] >> S::splat(layer.shift[o + k]);
                    s[k][b] = S::max(S::min(value, S::splat(kMost)), S::splat(0));
                }
            }
#pragma GCC unroll 6
            for (int k = 0; k < kTile; k += 4) {
#pragma GCC unroll 4
                for (int b = 0; b < kBlocks; ++b) {
                    const V low = S::pair(s[k][b], s[k + 1][b]), high = S::pair(s[k + 2][b], s[k + 3][b]);
                    if constexpr (S::kQuads && kToQuads) {
                        S::store(out + (o + k) / 4 * kLanes + b * kWidth, low | (high << 8));
                    } else {
                        S::store(out + (o + k) / 2 * kLanes + b * kWidth, low);
                        S::store(out + ((o + k) / 2 + 1) * kLanes + b * kWidth, high);
                    }
                }
            }
        }
    }

    template <int kChannel>
    static void predict(const Setting& s, const std::int32_t* record, Predicted& out) {
        alignas(64) std::int32_t words[kMostPairs * kLanes];
        alignas(64) std::int32_t hidden1[kHidden1 / 2 * kLanes], hidden2[kHidden2 / 2 * kLanes];
        alignas(64) std::int32_t activity[kLanes], logarithm[kLanes];
        for (int b = 0; b < kLanes; b += kWidth) {
            features<kChannel>(s, record + b, b, words + b, activity + b, logarithm + b, out);
        }
        const Net& net = s.nets[kChannel];
        hidden<kHidden1, kHiddenLimit1, true>(words, net.first, hidden1);
        hidden<kHidden2, kHiddenLimit2, false>(hidden1, net.second, hidden2);
        V given[2][kBlocks];
        sums<2, false>(hidden2, kHidden2 / 2, net.third, 2, net.third_bias, given);
#pragma GCC unroll 4
        for (int b = 0; b < kBlocks; ++b) {
            const int l = b * kWidth;
            const V offset = limited(given[0][b] >> kWeightBits);
            const V finer = limited(given[1][b] >> kWeightBits);
            const V mean = (S::load(out.linear + l) << 1) + scaled<1>(offset, S::load(activity + l));
            const V log_scale = S::load(logarithm + l) + finer - S::splat(s.log_step);
            const V green = kChannel == 0 ? S::splat(0) : S::load(record + l);
            const V lowest = S::splat(0) - green, highest = lowest + S::splat(s.highest);
            const V centre = S::max(S::min((mean + S::splat(8)) >> 4, highest), lowest);
            const V rest = limited(mean - (centre << 4), S::splat(8)), part = S::abs(rest);
            V scale = ((log_scale * S::splat(3) + S::splat(128)) >> 8) + S::splat(12);
            scale = S::max(S::min(scale, S::splat(kMostScale)), S::splat(0));
            // A third of an octave is a table; above the last, the last three and more and more bits.
            const V over = S::max(scale - S::splat(kScales - 3), S::splat(0));
            const V shift = (over * S::splat(0x5556)) >> 16;  // over / 3
            const V zero = S::splat(0), one = S::splat(1), step = S::splat(2 * s.step);
            V phase = S::choose(part, step, zero, one) + S::choose(part, step * S::splat(3), zero, one);
            phase = S::choose(zero, shift, zero, phase);
            S::store(out.centre + l, centre);
            S::store(out.table + l, (scale - shift * S::splat(3)) * S::splat(kPhases) + phase);
            S::store(out.shift + l, shift);
            S::store(out.flip + l, S::choose(rest, zero, S::splat(-1), zero));
        }
    }

    static void commit(const Predicted& predicted, int channel, std::int32_t* record) {
        std::int32_t* x = record + channel * kKinds * kPlane;
        for (int l = 0; l < kLanes; l += kWidth) {
            const V value = S::load(x + l);
            S::store(x + kPlane + l, value - S::load(predicted.start + l));
            S::store(x + 2 * kPlane + l, (value << 3) - S::load(predicted.linear + l));
        }
    }

    template <int kChannel>
    static void inputs(const Setting& s, const std::int32_t* record, Predicted& predicted,
                       std::int16_t* out) {
        for (int b = 0; b < kLanes; b += kWidth) {
            const std::int32_t* p = record + b;
            constexpr int x = kChannel * kKinds;
            if (out == nullptr) {
                S::store(predicted.start + b, first_prediction(at(p, x, 0, -1), at(p, x, -1, 0),
                                                               at(p, x, -1, -1), at(p, x, -1, 1)));
                continue;
            }
            const Context c = context(s, p, kChannel);
            S::store(predicted.start + b, c.start);
#pragma GCC unroll 26
            for (int i = 0; i < kLinear[kChannel]; ++i) {
                S::narrow(out + i * kChunk + b, input<kChannel>(p, c, i));
            }
            S::narrow(out + kLinear[kChannel] * kChunk + b,
                      normal(S::load(p + kChannel * kKinds * kPlane) - c.start, c));
        }
    }

    static void products(const std::int16_t* f, const std::int16_t* g, int rows, int count,
                         std::int64_t* sums) {
        for (int i = 0; i < rows; ++i) {
            for (int j = 0; j <= i; ++j) {
                std::int64_t sum = 0;
                for (int first = 0; first < count; first += 256) {  // 256 products fit 32 bits
                    const std::int16_t *a = f + i * kChunk + first, *b = g + j * kChunk + first;
                    const int rest = count - first < 256 ? count - first : 256;
                    std::int32_t part = 0;
                    for (int n = 0; n < rest; ++n) part += a[n] * b[n];
                    sum += part;
                }
                sums[i * (kMostLinear + 1) + j] += sum;
            }
        }
    }
};

}  // namespace
}  // namespace predictive
