"""The bare ASGI callable on Hypercorn with one worker: the arguments are the port and, for TLS, certificate and key."""

import asyncio
import sys

import uvloop
from asgi_app import app
from hypercorn.asyncio import serve
from hypercorn.config import Config

if __name__ == "__main__":
    config = Config()
    config.bind = [f"127.0.0.1:{sys.argv[1]}"]
    config.include_server_header = False
    config.loglevel = "ERROR"
    if sys.argv[2:]:
        config.certfile, config.keyfile = sys.argv[2:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(app, config))  # type: ignore[arg-type]
