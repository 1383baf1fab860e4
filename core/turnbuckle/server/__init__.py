"""Sockets, connections and deadlines: the only owner of transports and clocks.

The folders, from the bottom up; each imports only folders named before it:

``model``
    What the others share: the compiled application, timeouts, capacity, clock, facts about a connection.
``stalls``
    Where a task waits, and what blocks the event loop.
``logs``
    The access log and the server's log.
``lifespan``
    Lifespans and their background tasks.
``connection``
    One HTTP/1.1 connection, and the set of open connections.
``tls``
    Certificates, the handshake, the encrypted transport.
``listen``
    Listening sockets, accepted connections, the PROXY header.
``run``
    One server in one process: start, signals, readiness, shutdown.
``workers``
    Many processes: the supervisor, and the worker's side.
"""
