#include "failure.hpp"

#include <cstdio>
#include <new>
#include <system_error>

#include "container_error.hpp"
#include "error.hpp"
#include "network_error.hpp"

namespace capi {
namespace {

lic_status told(lic_error* error, lic_status status, const char* message) noexcept {
    if (error != nullptr) {
        error->status = status;
        std::snprintf(error->message, sizeof error->message, "%s", message);
    }
    return status;
}

lic_status status_of(container::Kind kind) {
    using container::Kind;
    switch (kind) {
        case Kind::truncated: return LIC_TRUNCATED;
        case Kind::bad_magic: return LIC_NOT_A_FILE;
        case Kind::unsupported_version: return LIC_UNSUPPORTED_VERSION;
        case Kind::bad_checksum: return LIC_BAD_CHECKSUM;
        case Kind::bad_field: return LIC_BAD_FIELD;
        case Kind::limit_exceeded: return LIC_LIMIT_EXCEEDED;
        case Kind::trailing_data: return LIC_TRAILING_DATA;
        case Kind::missing_chunk: return LIC_MISSING_CHUNK;
        case Kind::duplicate_chunk: return LIC_DUPLICATE_CHUNK;
        case Kind::chunk_order: return LIC_CHUNK_ORDER;
        case Kind::unknown_critical_chunk: return LIC_UNKNOWN_CHUNK;
        case Kind::out_of_range: return LIC_BAD_ARGUMENT;
    }
    return LIC_INTERNAL_ERROR;
}

}  // namespace

lic_status caught(lic_error* error) noexcept {
    try {
        throw;
    } catch (const Failure& e) {
        return told(error, e.status(), e.what());
    } catch (const container::Error& e) {
        return told(error, status_of(e.kind()), e.what());
    } catch (const rans::StreamExhausted& e) {
        return told(error, LIC_DAMAGED_TILE, e.what());
    } catch (const rans::CorruptStream& e) {
        return told(error, LIC_DAMAGED_TILE, e.what());
    } catch (const networks::UnknownInstructionSet& e) {
        return told(error, LIC_UNSUPPORTED, e.what());
    } catch (const networks::InvalidWeightsFile& e) {
        return told(error, LIC_BAD_WEIGHTS, e.what());
    } catch (const networks::InvalidNetwork& e) {
        return told(error, LIC_BAD_WEIGHTS, e.what());
    } catch (const rans::InvalidTable& e) {
        return told(error, LIC_BAD_WEIGHTS, e.what());
    } catch (const std::invalid_argument& e) {  // networks that do not fit each other
        return told(error, LIC_BAD_WEIGHTS, e.what());
    } catch (const std::bad_alloc&) {
        return told(error, LIC_OUT_OF_MEMORY, "there is not enough memory");
    } catch (const std::system_error& e) {  // no more threads
        return told(error, LIC_OUT_OF_MEMORY, e.what());
    } catch (const std::exception& e) {
        return told(error, LIC_INTERNAL_ERROR, e.what());
    } catch (...) {
        return told(error, LIC_INTERNAL_ERROR, "an unknown error");
    }
}

}  // namespace capi
