"""Training of coder P: photographs to `codec/models/data/predictive-12.weights`."""
