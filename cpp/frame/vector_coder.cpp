#include "vector_coder.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "categories.hpp"
#include "error.hpp"
#include "packets.hpp"

namespace frame {
namespace {

using networks::Type;

constexpr std::int16_t kKept = 4096;  // of the mask where a packet arrived

// Number of the vector of least squared distance plus `price` times its bits, the first of those.
// Entropy-constrained: Chou, Lookabaugh, Gray, IEEE Trans. ASSP 37(1), 1989.
std::size_t best(const VectorTable& table, const rans::Categories& categories, std::int32_t price,
                 std::span<const std::int32_t> wanted) {
    std::size_t found = 0;
    auto least = std::numeric_limits<std::int64_t>::max();
    for (std::size_t n = 0; n < table.count; ++n) {
        const std::int16_t* const vector = table.values.data() + n * table.channels;
        std::int64_t distance = 0;
        for (std::size_t c = 0; c < table.channels; ++c) {
            const std::int64_t d = wanted[c] - vector[c];
            distance += d * d;
        }
        const std::int64_t bits = rans::entry_cost(categories.frequency(n));
        const std::int64_t cost = (distance << rans::kCostBits) + price * bits;
        if (cost < least) {
            least = cost;
            found = n;
        }
    }
    return found;
}

Array require_size(Array array, std::size_t height, std::size_t width, const char* what) {
    if (array.height != height || array.width != width) throw networks::InvalidWeightsFile(what);
    return array;
}

std::int16_t* row_of(const Array& array, std::size_t row, std::size_t column) {
    return array.as<std::int16_t>() + (row * array.width + column) * array.channels;
}

Array zeros(std::size_t height, std::size_t width, std::size_t channels) {
    const Array array = Array::make(Type::i16, height, width, channels);
    std::fill_n(array.as<std::int16_t>(), array.count(), std::int16_t{0});
    return array;
}

// A tile's vectors: coarse at 1/32, fine at 1/16. Packet p holds the coarse
// vectors of row p div 2, column p mod 2 of every square of 2 x 2, and the fine ones below them.
class Tile {
public:
    Tile(const Model& model, std::size_t height, std::size_t width, std::size_t level,
         threads::Team& team)
        : model_(model), books_(*model.codebooks()), level_(level),
          team_(team), rows_(height / 4), columns_(width / 4),
          coarse_(zeros(height / 2, width / 2, books_.coarse.channels)),
          fine_sum_(zeros(height, width, books_.coarse.channels)), start_(books_.logits_at(level)) {}

    const Array& coarse() const { return coarse_; }
    const rans::Categories& start() const { return start_; }

    // Walks the symbols of packet p in their order: symbol(categories, row, column) gives the number of
    // a vector, which is then known. Rows and columns are those of 1/32 for coarse vectors, of 1/16 for
    // fine ones.
    template <typename Coarse, typename Fine>
    void walk(std::size_t packet, Coarse&& coarse_symbol, Fine&& fine_symbol) {
        const std::size_t channels = books_.coarse.channels;
        const Array own = Array::make(Type::i16, rows_, columns_, channels);
        for (std::size_t i = 0; i < rows_; ++i) {
            for (std::size_t j = 0; j < columns_; ++j) {
                const std::size_t row = 2 * i + packet / 2, column = 2 * j + packet % 2;
                const auto vector = books_.coarse.at(coarse_symbol(start_, row, column));
                std::ranges::copy(vector, row_of(coarse_, row, column));
                std::ranges::copy(vector, row_of(own, i, j));
            }
        }
        const Array known = zeros(rows_, columns_, kSiblings * channels);
        for (std::size_t s = 0; s < kSiblings; ++s) {
            const Array logits = require_size(
                model_.index().run({own, known}, level_ * kSiblings + s, team_)[0], rows_, columns_,
                "index: another size");
            for (std::size_t i = 0; i < rows_; ++i) {
                for (std::size_t j = 0; j < columns_; ++j) {
                    const std::size_t row = 4 * i + 2 * (packet / 2) + s / 2;
                    const std::size_t column = 4 * j + 2 * (packet % 2) + s % 2;
                    const rans::Categories categories({row_of(logits, i, j), books_.fine.count});
                    const auto vector = books_.fine.at(fine_symbol(categories, row, column));
                    std::ranges::copy(vector, row_of(known, i, j) + s * channels);
                    std::ranges::copy(vector, row_of(fine_sum_, row, column));
                }
            }
        }
    }

    // What the coarse vectors alone say of the latents.
    Array expanded() const {
        return require_size(model_.expand().run({coarse_}, level_, team_)[0], 4 * rows_, 4 * columns_,
                            "expand: another size");
    }

    // y_hat from all vectors; those of packets that are not `kept` are guessed.
    Array finish(const std::array<bool, kPackets>& kept) const {
        const Array sum = expanded();
        for (std::size_t n = 0; n < sum.count(); ++n) {
            const std::int32_t value = sum.as<std::int16_t>()[n] + fine_sum_.as<std::int16_t>()[n];
            sum.as<std::int16_t>()[n] = static_cast<std::int16_t>(std::clamp(value, -32768, 32767));
        }
        if (!std::ranges::all_of(kept, [](bool k) { return k; })) fill(sum, kept);
        return require_size(model_.leave().run({sum}, level_, team_)[0], sum.height, sum.width,
                            "leave: another size");
    }

private:
    void fill(const Array& sum, const std::array<bool, kPackets>& kept) const {
        const Array mask = zeros(sum.height, sum.width, 1);
        const auto there = [&](std::size_t i, std::size_t j) {
            return kept[2 * (i / 2 % 2) + j / 2 % 2];
        };
        for (std::size_t i = 0; i < sum.height; ++i) {
            for (std::size_t j = 0; j < sum.width; ++j) {
                if (there(i, j)) *row_of(mask, i, j) = kKept;
                else std::fill_n(row_of(sum, i, j), sum.channels, std::int16_t{0});
            }
        }
        const Array guess = require_size(model_.conceal().run({sum, mask}, level_, team_)[0], sum.height,
                                         sum.width, "conceal: another size");
        for (std::size_t i = 0; i < sum.height; ++i) {
            for (std::size_t j = 0; j < sum.width; ++j) {
                if (!there(i, j)) std::copy_n(row_of(guess, i, j), sum.channels, row_of(sum, i, j));
            }
        }
    }

    const Model& model_;
    const Codebooks& books_;
    std::size_t level_;
    threads::Team& team_;
    std::size_t rows_, columns_;  // of a packet's coarse vectors
    Array coarse_, fine_sum_;
    rans::Categories start_;
};

}  // namespace

Coded compress_vectors(const Model& model, const Array& y, std::size_t level, threads::Team& team) {
    const std::vector<Array> projected = model.project().run({y}, level, team);
    const Array e = require_size(projected[0], y.height, y.width, "project: another size");
    const Array a = require_size(projected[1], y.height / 2, y.width / 2, "project: another size");
    const std::size_t channels = e.channels;
    const Codebooks& books = *model.codebooks();
    Tile tile(model, y.height, y.width, level, team);
    std::vector<std::int32_t> wanted(channels);
    // All coarse vectors first: the fine ones are what is left of what those say.
    std::vector<std::size_t> numbers(a.positions());
    for (std::size_t i = 0; i < a.height; ++i) {
        for (std::size_t j = 0; j < a.width; ++j) {
            std::copy_n(row_of(a, i, j), channels, wanted.begin());
            const std::size_t n = best(books.coarse, tile.start(), books.prices[2 * level], wanted);
            numbers[i * a.width + j] = n;
            std::ranges::copy(books.coarse.at(n), row_of(tile.coarse(), i, j));
        }
    }
    const Array said = tile.expanded();
    Coded coded;
    std::vector<std::vector<std::uint8_t>> packets;
    for (std::size_t p = 0; p < kPackets; ++p) {
        rans::CategoryEncoder encoder;
        const auto coarse = [&](const rans::Categories& categories, std::size_t row, std::size_t column) {
            const std::size_t n = numbers[row * a.width + column];
            encoder.put(categories, n);
            return n;
        };
        const auto fine = [&](const rans::Categories& categories, std::size_t row, std::size_t column) {
            for (std::size_t c = 0; c < channels; ++c) {
                wanted[c] = row_of(e, row, column)[c] - row_of(said, row, column)[c];
            }
            const std::size_t n = best(books.fine, categories, books.prices[2 * level + 1], wanted);
            encoder.put(categories, n);
            return n;
        };
        tile.walk(p, coarse, fine);
        packets.push_back(encoder.finish());
    }
    coded.payload = join_packets(packets);
    coded.y_hat = tile.finish({true, true, true, true});
    return coded;
}

Array decompress_vectors(const Model& model, std::span<const std::uint8_t> payload, std::size_t height,
                         std::size_t width, std::size_t level, bool conceal, threads::Team& team) {
    const Packets packets = split_packets(payload, kPackets);
    if (!conceal && !packets.whole) throw rans::CorruptStream("a packet is damaged or missing");
    Tile tile(model, height, width, level, team);
    std::array<bool, kPackets> kept{};
    for (std::size_t p = 0; p < kPackets; ++p) {
        if (!packets.data[p]) continue;
        rans::CategoryDecoder decoder(*packets.data[p]);
        const auto symbol = [&](const rans::Categories& categories, std::size_t, std::size_t) {
            return decoder.get(categories);
        };
        try {
            tile.walk(p, symbol, symbol);
            decoder.finish();
            kept[p] = true;
        } catch (const rans::EntropyCodingError&) {
            if (!conceal) throw;
        }
    }
    return tile.finish(kept);
}

}  // namespace frame
