// Memory on the GPU, owned; and CUDA's error codes as exceptions.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rans::cuda {

class CudaError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void check(cudaError_t code, const char* what) {
    if (code != cudaSuccess) {
        throw CudaError(std::string(what) + ": " + cudaGetErrorString(code));
    }
}

template <typename T>
class DeviceBuffer {
public:
    DeviceBuffer() = default;
    explicit DeviceBuffer(std::size_t size) : size_(size) {
        if (size)
            check(cudaMalloc(reinterpret_cast<void**>(&data_), size * sizeof(T)), "cudaMalloc");
    }
    explicit DeviceBuffer(std::span<const T> values) : DeviceBuffer(values.size()) {
        upload(values);
    }
    DeviceBuffer(DeviceBuffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    DeviceBuffer(const DeviceBuffer&) = delete;
    DeviceBuffer& operator=(const DeviceBuffer&) = delete;
    ~DeviceBuffer() { cudaFree(data_); }

    T* data() const { return data_; }
    std::size_t size() const { return size_; }

    // values.size() <= size()
    void upload(std::span<const T> values) {
        if (values.empty()) return;
        check(cudaMemcpyAsync(data_, values.data(), values.size_bytes(), cudaMemcpyHostToDevice,
                              cudaStreamPerThread),
              "upload");
    }

    // Waits for all work before it.
    void download(std::size_t first, std::span<T> values) const {
        if (!values.empty()) {
            check(cudaMemcpyAsync(values.data(), data_ + first, values.size_bytes(),
                                  cudaMemcpyDeviceToHost, cudaStreamPerThread),
                  "download");
        }
        check(cudaStreamSynchronize(cudaStreamPerThread), "synchronize");
    }

    std::vector<T> download() const {
        std::vector<T> values(size_);
        download(0, values);
        return values;
    }

private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace rans::cuda
