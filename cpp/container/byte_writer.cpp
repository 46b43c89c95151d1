#include "byte_writer.hpp"

namespace container {

void ByteWriter::put(Bytes data) { data_.insert(data_.end(), data.begin(), data.end()); }

}  // namespace container
