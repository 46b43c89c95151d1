#include "batch.hpp"
#include "device_warp.cuh"
#include "warp_encoder.hpp"

namespace rans::cuda {
namespace {

__global__ void encode_kernel(TablesView tables, WarpEncoderJob* jobs, std::uint32_t count) {
    const std::uint32_t payload = blockIdx.x * kWarpsPerBlock + threadIdx.x / kWarpSize;
    if (payload >= count) return;
    warp_encode_payload(DeviceWarp{threadIdx.x % kWarpSize}, tables, jobs[payload]);
}

}  // namespace

std::vector<std::vector<std::uint8_t>> encode_batch(std::span<const std::vector<Segment>> payloads,
                                                    const DeviceTables& tables, unsigned lanes) {
    if (payloads.empty()) return {};

    // 1. all segments in one piece
    std::vector<std::int16_t> symbols;
    std::vector<std::uint8_t> indexes;
    std::vector<std::uint32_t> sizes;
    for (const std::vector<Segment>& segments : payloads) {
        for (const Segment& segment : segments) {
            symbols.insert(symbols.end(), segment.symbols.begin(), segment.symbols.end());
            indexes.insert(indexes.end(), segment.indexes.begin(), segment.indexes.end());
            sizes.push_back(static_cast<std::uint32_t>(segment.symbols.size()));
        }
    }
    const DeviceBuffer<std::int16_t> device_symbols(symbols);
    const DeviceBuffer<std::uint8_t> device_indexes(indexes);
    const DeviceBuffer<std::uint32_t> device_sizes(sizes);
    const DeviceBuffer<std::uint32_t> entries(symbols.size());
    const DeviceBuffer<std::uint32_t> coded_ends(sizes.size());
    const DeviceBuffer<Word> words(symbols.size());
    const DeviceBuffer<std::uint8_t> escapes(kMaxEscapeBytes * symbols.size());

    // 2. one warp per payload
    std::vector<WarpEncoderJob> jobs;
    std::vector<std::size_t> firsts;
    std::size_t first = 0, first_segment = 0;
    for (const std::vector<Segment>& segments : payloads) {
        std::size_t size = 0;
        for (const Segment& segment : segments) size += segment.symbols.size();
        WarpEncoderJob job{};
        job.symbols = device_symbols.data() + first;
        job.indexes = device_indexes.data() + first;
        job.segment_sizes = device_sizes.data() + first_segment;
        job.segment_count = static_cast<std::uint32_t>(segments.size());
        job.entries = entries.data() + first;
        job.coded_ends = coded_ends.data() + first_segment;
        job.words = words.data() + first;
        job.words_capacity = static_cast<std::uint32_t>(size);
        job.escapes = escapes.data() + kMaxEscapeBytes * first;
        job.lanes = lanes;
        jobs.push_back(job);
        firsts.push_back(first);
        first += size;
        first_segment += segments.size();
    }
    const DeviceBuffer<WarpEncoderJob> device_jobs(jobs);
    const auto count = static_cast<std::uint32_t>(jobs.size());
    const unsigned blocks = (count + kWarpsPerBlock - 1) / kWarpsPerBlock;
    encode_kernel<<<blocks, kWarpsPerBlock * kWarpSize, 0, cudaStreamPerThread>>>(
        tables.view(), device_jobs.data(), count);
    check(cudaGetLastError(), "encode_kernel");

    // 3. the payloads
    jobs = device_jobs.download();
    std::vector<std::vector<std::uint8_t>> result;
    for (std::size_t p = 0; p < jobs.size(); ++p) {
        const WarpEncoderJob& job = jobs[p];
        if (job.status != Status::kOk) throw_status(job.status, p, job.bad_index);
        std::vector<Word> payload_words(job.word_count);
        std::vector<std::uint8_t> payload_escapes(job.escape_bytes);
        words.download(firsts[p] + job.words_capacity - job.word_count, payload_words);
        escapes.download(kMaxEscapeBytes * firsts[p], payload_escapes);
        result.push_back(build_payload({job.states, job.lanes}, payload_words, payload_escapes));
    }
    return result;
}

}  // namespace rans::cuda
