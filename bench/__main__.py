"""Run the parts of the benchmark one after the other: `python -m bench [PART ...] [OPTIONS]` (`make bench`).

Options are passed to the parts, so with options there should be only one part.
"""

import subprocess
import sys
import time
from typing import Final

PARTS: Final = {
    "run": "CPU time per request, beside other servers",
    "stages": "where the time of a request goes",
    "growth": "cost against the number of fields, routes, connections, ...",
    "rate": "latency under a fixed rate",
    "http2": "HTTP/2, beside other servers",
    "large": "files, uploads and streams",
    "content": "forms, events and pages",
    "websockets": "echo, fan-out and memory of WebSockets",
    "idle": "memory of idle connections",
    "startup": "cost of plugins and middleware",
}


def main() -> int:
    """Run the chosen parts, by default all; return 1 if one of them failed."""
    arguments = sys.argv[1:]
    first_option = next((at for at, argument in enumerate(arguments) if argument.startswith("-")), len(arguments))
    chosen, options = arguments[:first_option] or list(PARTS), arguments[first_option:]
    if not PARTS.keys() >= set(chosen) or options in (["-h"], ["--help"]):
        print(__doc__, *(f"  {name:10} {title}" for name, title in PARTS.items()), sep="\n")
        return 0 if PARTS.keys() >= set(chosen) else 2
    status = 0
    for part in chosen:
        began = time.monotonic()
        status |= subprocess.run([sys.executable, "-m", f"bench.{part}", *options], check=False).returncode
        print(f"\n-- {part}: {PARTS[part]}; {time.monotonic() - began:.0f} s\n", flush=True)
    return int(bool(status))


if __name__ == "__main__":
    sys.exit(main())
