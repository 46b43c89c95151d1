#include "scan.hpp"

#include "bits.hpp"

namespace video {

const Prices kPrices;

const Scan& scan_of(int log2) {
    static const Scan scans[4] = {Scan(2), Scan(3), Scan(4), Scan(5)};
    return scans[log2 - 2];
}

}  // namespace video
