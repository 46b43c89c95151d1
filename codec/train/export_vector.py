"""From a trained model of the profile vq to a weights file: its two small networks are trained
here, on code vectors alone, and everything becomes integers.
"""

from __future__ import annotations

from codec.errors import OptionError
from codec.models import registry
from codec.models.weights import read_verified
from codec.train.data import Crops
from codec.train.vector_networks import SIDE, look, train_conceal, train_index
from codec.trainable.vector_integers import Trained, write_vectors
from codec.trainable.vector_model import VectorModel
from networks import weights_file
from networks.program import Program

__all__ = ["export_vectors"]

INDEX_STEPS = 1200
CONCEAL_STEPS = 2500


def export_vectors(model: VectorModel, crops: Crops, count: int = 48, looked: int = 300) -> bytes:
    """The weights file of a trained model; prints what its small networks reach.

    Args:
        model: as it was trained.
        crops: of photographs. count: how many ranges are measured on. looked: how many the small
            networks learn from.

    Raises:
        InvalidNetwork: the overflow proof fails.
        OptionError: the photographs are smaller than 512 pixels a side.
    """
    model = model.cpu().eval()
    if crops.largest_side < SIDE:
        raise OptionError(f"photographs must have {SIDE} pixels a side to export profile vq")
    seen = look(model, crops, looked)
    network, bits = train_index(model, seen, INDEX_STEPS)
    hidden, shares = train_conceal(model, seen, CONCEAL_STEPS)
    said = ", ".join(f"{b:.2f}" for b in bits)
    print(f"# bits of a fine vector by level: {said}")
    lost = ", ".join(f"{s:.3f}" for s in shares)
    print(f"# share of the variance left where 1, 2, 3 of 4 packets are lost: {lost}")
    landed = registry.by_name(model.config.landed)
    analysis = weights_file.read(read_verified(landed))["analysis"]
    assert isinstance(analysis, Program)
    samples = list(crops.batch(count, SIDE).cpu())
    return write_vectors(Trained(model, network, hidden), analysis, samples)
