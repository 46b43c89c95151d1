"""Video: pictures in time to packets and back; see docs/video.md."""
