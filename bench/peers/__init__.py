"""The codecs of the benchmark, ours and its peers, behind one interface; `make` builds one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.peers import own, reference, stills, video, zoo
from bench.peers.base import RGB, Peer, PeerFailed, PeerMissing

__all__ = ["NAMES", "RGB", "Peer", "PeerFailed", "PeerMissing", "close", "make"]

NAMES = own.NAMES + stills.NAMES + video.NAMES + reference.NAMES + zoo.NAMES


def make(name: str, paths: Mapping[str, str] | None = None) -> Peer:
    """The codec of that name.

    Args:
        paths: of other programs, see `ReferencePeer`.

    Raises:
        PeerMissing: it cannot run here.
        ValueError: no codec has that name.
    """
    if name in own.NAMES:
        return own.OwnPeer(name)
    if name in stills.NAMES:
        return stills.PillowPeer(name)
    if name in video.NAMES:
        return video.VideoPeer(name)
    if name in reference.NAMES:
        return reference.ReferencePeer(name, paths)
    if name in zoo.NAMES:
        return zoo.ZooPeer(name)
    raise ValueError(f"no codec is called {name!r}; known: {', '.join(NAMES)}")


def close(found: Iterable[Peer]) -> None:
    """End the processes that codecs have started."""
    for peer in found:
        end = getattr(peer, "close", None)
        if end is not None:
            end()
