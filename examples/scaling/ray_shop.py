"""The shop on Ray Serve, with two replicas.

``python ray_shop.py`` starts a local Ray, sends requests until both replicas have answered, and stops it again. On a
cluster, ``serve run ray_shop:deployment`` in this folder does the same and goes on serving.

Needs ``pip install 'ray[serve]' websockets``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.request import Request, urlopen

import ray
from ray import serve
from websockets.sync.client import connect

from turnbuckle import SettingsSources
from turnbuckle_plugins.asgi import ASGIApp, asgi

FOLDER = Path(__file__).parent
REPLICAS = 2


def build() -> ASGIApp:
    """Return the ASGI application; each replica calls it, so the app itself is never pickled."""
    from shop import app

    return asgi(app, sources=SettingsSources.of_project(FOLDER))


@serve.deployment(
    num_replicas=REPLICAS,
    # Requests that a replica has at a time; more than these wait at the proxy, or go to another replica.
    max_ongoing_requests=100,
    ray_actor_options={"num_cpus": 0.1},
    # Longer than timeouts.shutdown.
    graceful_shutdown_timeout_s=35,
)
@serve.ingress(build)
class Shop:
    """The deployment; Ray Serve passes each request to the ASGI application."""


deployment = Shop.bind()


def main() -> int:
    """Serve on a local Ray, print how many requests each replica has answered, and return 0 if all have."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args().port
    # Replicas import the module of the app.
    paths = os.pathsep.join([str(FOLDER), os.environ.get("PYTHONPATH", "")])
    ray.init(include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": paths}})
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        serve.run(deployment, name="shop", route_prefix="/")
        answers = Counter(_process_of(f"http://127.0.0.1:{port}/") for _ in range(100))
        print(f"replicas: {sorted(answers.values())} requests")
        print(f"upload: {_upload(f'http://127.0.0.1:{port}/upload')}")
        print(f"echo: {_echo(f'ws://127.0.0.1:{port}/echo')}")
        print(f"events: {_events(f'http://127.0.0.1:{port}/ticks?count=3&pause=0.2')}")
    finally:
        serve.shutdown()
        ray.shutdown()
    return 0 if len(answers) == REPLICAS else 1


def _process_of(url: str) -> int:
    with urlopen(url, timeout=30) as response:
        return int(json.load(response)["process"])


def _upload(url: str) -> str:
    with urlopen(Request(url, data=bytes(3_000_000), method="POST"), timeout=30) as response:
        return str(response.read().decode())


def _echo(url: str) -> str:
    with connect(url) as client:
        client.send("hello")
        return str(client.recv(timeout=30))


def _events(url: str) -> str:
    """Return how long after the first event the last one arrives: more than nothing if events are not collected."""
    with urlopen(url, timeout=30) as response:
        times = [time.monotonic() for line in response if line.startswith(b"data:")]
    return f"{len(times)} within {times[-1] - times[0]:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
