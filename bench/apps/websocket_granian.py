"""WebSockets with the bare ASGI callable on Granian, with one worker."""

import sys

from granian import Granian
from granian.constants import Interfaces, Loops

if __name__ == "__main__":
    Granian(
        "websocket_asgi:app",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGINL,
        loop=Loops.uvloop,
        workers=1,
        runtime_threads=1,
        websockets=True,
        log_access=False,
        log_enabled=False,
    ).serve()
