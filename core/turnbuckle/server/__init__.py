"""Sockets, connections and deadlines: the only owner of transports and clocks."""
