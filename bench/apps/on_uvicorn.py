"""Run an ASGI app on uvicorn with the settings of every peer: uvloop, no access log, no Server field."""

import sys
from typing import Any, Literal

import uvicorn


def serve(app: Any, lifespan: Literal["on", "off"] = "off") -> None:
    """Serve an ASGI app on the port of the first argument, with the HTTP parser of the second (`httptools`).

    `http2` as the third argument enables HTTP/2; certificate and key may follow, for TLS.
    """
    certificate, key = sys.argv[4:] or (None, None)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http=sys.argv[2] if len(sys.argv) > 2 else "httptools",
        lifespan=lifespan,
        access_log=False,
        server_header=False,
        log_level="warning",
        http2=sys.argv[3:4] == ["http2"],
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
