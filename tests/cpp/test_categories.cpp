// Categories there and back, and what damaged payloads and packets give: an error, never a crash.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "categories.hpp"
#include "error.hpp"
#include "packets.hpp"

namespace {

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) {                                                          \
            std::fprintf(stderr, "line %d: " #condition " does not hold\n", __LINE__); \
            std::exit(1);                                                            \
        }                                                                            \
    } while (false)

using Bytes = std::vector<std::uint8_t>;

std::vector<std::int16_t> logits_of(std::mt19937& random, std::size_t count, int spread) {
    std::vector<std::int16_t> logits(count);
    for (auto& logit : logits) {
        logit = static_cast<std::int16_t>(static_cast<int>(random() % (2 * spread + 1)) - spread);
    }
    return logits;
}

void frequencies_sum_to_the_total(std::mt19937& random) {
    for (const std::size_t count : {1, 2, 3, 255, 1024, 4096}) {
        for (const int spread : {0, 1, 300, 32767}) {
            const rans::Categories categories(logits_of(random, count, spread));
            std::uint32_t total = 0;
            for (std::size_t n = 0; n < count; ++n) {
                CHECK(categories.start(n) == total);
                CHECK(categories.frequency(n) >= 1);
                CHECK(categories.find(total) == n);
                total += categories.frequency(n);
                CHECK(categories.find(total - 1) == n);
            }
            CHECK(total == rans::kTotal);
        }
    }
    bool refused = false;
    try {
        rans::Categories(std::vector<std::int16_t>(4097));
    } catch (const std::invalid_argument&) {
        refused = true;
    }
    CHECK(refused);
}

// Decodes all symbols; whether it ended without an error.
bool decodes(const Bytes& data, const std::vector<rans::Categories>& models,
             std::vector<std::size_t>& symbols) {
    symbols.clear();
    try {
        rans::CategoryDecoder decoder(data);
        for (const auto& model : models) symbols.push_back(decoder.get(model));
        decoder.finish();
        return true;
    } catch (const rans::EntropyCodingError&) {
        return false;
    }
}

void symbols_come_back(std::mt19937& random) {
    for (int round = 0; round < 60; ++round) {
        rans::CategoryEncoder encoder;
        std::vector<rans::Categories> models;
        std::vector<std::size_t> symbols, found;
        for (std::size_t n = 0, count = random() % 200; n < count; ++n) {
            const std::size_t categories = 1 + random() % 300;
            models.emplace_back(logits_of(random, categories, 400));
            symbols.push_back(random() % categories);
            encoder.put(models.back(), symbols.back());
        }
        const Bytes data = encoder.finish();
        CHECK(decodes(data, models, found) && found == symbols);
        if (data.empty()) continue;
        for (int n = 0; n < 20; ++n) {
            Bytes damaged = data;
            damaged[random() % data.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
            decodes(damaged, models, found);  // any symbols, or an error
            damaged = data;
            damaged.resize(random() % data.size());
            CHECK(!decodes(damaged, models, found));
            damaged = data;
            damaged.push_back(0);
            CHECK(!decodes(damaged, models, found));
        }
    }
}

void packets_survive_their_neighbours(std::mt19937& random) {
    CHECK(frame::crc16(Bytes{'1', '2', '3', '4', '5', '6', '7', '8', '9'}) == 0x29b1);
    std::vector<Bytes> packets(4);
    for (auto& packet : packets) {
        packet.resize(random() % 300);
        for (auto& byte : packet) byte = static_cast<std::uint8_t>(random());
    }
    packets[1].clear();
    const Bytes payload = frame::join_packets(packets);
    const auto whole = frame::split_packets(payload, 4);
    CHECK(whole.whole);
    for (std::size_t p = 0; p < 4; ++p) CHECK(std::ranges::equal(*whole.data[p], packets[p]));
    for (std::size_t end = 0; end < payload.size(); ++end) {
        const auto cut = frame::split_packets(frame::Packet(payload).first(end), 4);
        CHECK(!cut.whole);
        for (std::size_t p = 0; p < 4; ++p) {
            CHECK(!cut.data[p] || std::ranges::equal(*cut.data[p], packets[p]));
        }
    }
    std::size_t behind = payload.size();
    for (std::size_t p = 4; p-- > 0;) {
        behind -= packets[p].size();
        if (packets[p].empty()) continue;
        Bytes damaged = payload;
        damaged[behind + random() % packets[p].size()] ^= 1;
        const auto found = frame::split_packets(damaged, 4);
        CHECK(!found.whole && !found.data[p]);
        for (std::size_t q = 0; q < 4; ++q) CHECK(q == p || found.data[q]);
    }
    Bytes longer = payload;
    longer.push_back(7);
    CHECK(!frame::split_packets(longer, 4).whole);
    for (int n = 0; n < 2000; ++n) {
        Bytes noise(random() % 40);
        for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
        frame::split_packets(noise, 4);
    }
}

}  // namespace

int main() {
    std::mt19937 random(1);
    frequencies_sum_to_the_total(random);
    symbols_come_back(random);
    packets_survive_their_neighbours(random);
    std::puts("test_categories: ok");
    return 0;
}
