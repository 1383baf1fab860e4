"""HTTP/2 without I/O: frames, states, windows and field blocks."""
