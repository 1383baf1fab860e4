"""Compare HTTP/2 in the clear and over TLS: `python -m bench.http2` (part of `make bench`; needs h2load and openssl).

The requests are the GETs of `item`: each has a new target, while the other fields repeat, as they do in browsers.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench.cpu import cpu_seconds, pinned, two_cores
from bench.load import Sample
from bench.rate import FIELDS, TARGETS
from bench.servers import APPS, Running, Server, start_all
from bench.summary import paired_ratio
from bench.table import aligned

CONNECTIONS: Final = 8
STREAMS: Final = 16
DEFAULT: Final = "turnbuckle"
# The most CPU time of Turnbuckle with some engine, divided by the server's.
TARGET_RATIOS: Final = {("turnbuckle", "hypercorn"): 0.2, ("turnbuckle-zttp", "granian-rsgi"): 1.0}

_ANSWERED: Final = re.compile(r"requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored")
_PROTOCOL: Final = re.compile(r"Application protocol: (\S+)")


def servers(folder: Path | None) -> tuple[Server, ...]:
    """Return the compared servers; they serve TLS if `folder` has a certificate."""
    certificate = () if folder is None else (str(folder / "cert.pem"), str(folder / "key.pem"))
    tls = {"is_tls": folder is not None}
    return (
        *(_turnbuckle(name, engine, certificate) for name, engine in ENGINES.items()),
        Server("hypercorn", "Hypercorn (h2), bare ASGI", (str(APPS / "hypercorn_app.py"), "PORT", *certificate), **tls),
        Server(
            "granian-rsgi", "Granian (Rust), RSGI", (str(APPS / "granian_app.py"), "PORT", "rsgi", *certificate), **tls
        ),
        Server(
            "granian-asgi",
            "Granian (Rust), bare ASGI",
            (str(APPS / "granian_app.py"), "PORT", "asgi", *certificate),
            **tls,
        ),
        Server(
            "uvicorn-zttp",
            "uvicorn with zttp, bare ASGI",
            (str(APPS / "asgi_app.py"), "PORT", "zttp", "http2", *certificate),
            **tls,
        ),
    )


# The name in the table, and the setting `http2.engine`.
ENGINES: Final = {"turnbuckle": "hpack", "turnbuckle-zttp": "zttp"}


def _turnbuckle(name: str, engine: str, certificate: Sequence[str]) -> Server:
    options = [
        "--port",
        "PORT",
        "--log-level",
        "warning",
        "--plugin",
        "http2",
        "--set",
        f"plugin.http2.engine={engine}",
    ]
    if certificate:
        options += ["--tls-cert", certificate[0], "--tls-key", certificate[1]]
    else:
        options += ["--set", "plugin.http2.cleartext=true"]
    command = ("-m", "turnbuckle", "serve", str(APPS / "turnbuckle_app.py"), *options)
    return Server(name, f"Turnbuckle, engine {engine}", command, is_tls=bool(certificate))


NAMES: Final = tuple(server.name for server in servers(None))


@dataclass(frozen=True)
class Result:
    """The samples of each server by its name, the titles, and the targets that were missed."""

    samples: dict[str, list[Sample]]
    titles: dict[str, str]


def main() -> int:
    """Print one table; return 1 if there were errors of Turnbuckle."""
    parser = argparse.ArgumentParser(prog="bench.http2", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="SERVER", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds, after one that does not count")
    parser.add_argument("--seconds", type=int, default=2, help="length of each run of h2load")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    options = parser.parse_args()
    for program, package in (("h2load", "nghttp2-client"), ("openssl", "openssl")):
        if shutil.which(program) is None:
            print(
                f"bench: {program} is not installed (on Debian or Ubuntu: apt-get install {package})", file=sys.stderr
            )
            return 1
    with tempfile.TemporaryDirectory() as folder:
        _make_certificate(Path(folder))
        clear, tls = _measure(None, options), _measure(Path(folder), options)
    print(f"\nHTTP/2, {CONNECTIONS} connections with {STREAMS} streams each:")
    print("\n".join(_table(clear, tls)))
    if options.json:
        options.json.write_text(json.dumps({"clear": _as_json(clear), "tls": _as_json(tls)}, indent=2) + "\n")
    errors = sum(
        sample.errors for result in (clear, tls) for name in ENGINES for sample in result.samples.get(name, ())
    )
    if errors:
        print(f"bench: {errors} answers of Turnbuckle were errors, so its figures are meaningless", file=sys.stderr)
    return 1 if errors else 0


def _make_certificate(folder: Path) -> None:
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    argv += ["-subj", "/CN=localhost", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(argv, capture_output=True, check=True)


def _measure(folder: Path | None, options: argparse.Namespace) -> Result:
    server_core, load_core = two_cores()
    chosen = [server for server in servers(folder) if server.name in options.only]
    samples: dict[str, list[Sample]] = {server.name: [] for server in chosen}
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.NamedTemporaryFile("w"))
        targets = start_all(stack, chosen, server_core)
        # The first round warms up caches, allocators and the specializing interpreter, and is discarded.
        for number in range(options.rounds + 1):
            for target in targets:
                sample = _run(target, file.name, load_core, options.seconds)
                samples[target.server.name].extend([sample] if number else [])
    return Result(samples, {server.name: server.title for server in chosen})


def _run(target: Running, file: str, core: int, seconds: int) -> Sample:
    """Load a server with h2load."""
    base = f"{'https' if target.server.is_tls else 'http'}://127.0.0.1:{target.port}"
    Path(file).write_text("".join(f"{base}/items/{number}\n" for number in range(TARGETS)))
    argv = ["h2load", "-t1", f"-c{CONNECTIONS}", f"-m{STREAMS}", f"-D{seconds}", f"--input-file={file}"]
    argv += [argument for line in FIELDS for argument in ("-H", line)]
    cpu, clock = cpu_seconds(target.pid), time.monotonic()
    with pinned(core):
        # A server that cuts connections can make h2load wait for the rest for ever.
        finished = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=seconds * 10 + 30)
    spent, took = cpu_seconds(target.pid) - cpu, time.monotonic() - clock
    found = _ANSWERED.search(finished.stdout)
    protocol = _PROTOCOL.search(finished.stdout)
    if found is None or (protocol is not None and protocol[1] not in {"h2", "h2c"}):
        return Sample(0, 1, spent, took)
    done, succeeded, _, errored = map(int, found.groups())
    return Sample(succeeded, done - succeeded + errored, spent, min(took, float(seconds)))


def _table(clear: Result, tls: Result) -> list[str]:
    columns = ("server", "µs", "requests/s", "Turnbuckle ÷", "TLS: µs", "requests/s", "Turnbuckle ÷", "errors")
    return aligned(columns, [_line(name, clear, tls) for name in clear.titles])


def _line(name: str, clear: Result, tls: Result) -> tuple[str, ...]:
    cells = [f"  {clear.titles[name]}"]
    errors = 0
    for result in (clear, tls):
        samples = result.samples.get(name, [])
        errors += sum(sample.errors for sample in samples)
        if samples:
            cells += [f"{median(sample.cpu_micros for sample in samples):.1f}", f"{_per_second(samples):,.0f}"]
            cells += [_ratios(name, result)]
        else:
            cells += ["", "", ""]
    return (*cells, str(errors))


def _per_second(samples: Sequence[Sample]) -> float:
    return median(sample.requests / sample.seconds for sample in samples)


def _ratios(name: str, result: Result) -> str:
    """Return the ratios of the engines to a server, with the targets."""
    found = []
    for ours in ENGINES:
        ratio = paired_ratio(result.samples.get(ours, []), result.samples[name])
        at_most = TARGET_RATIOS.get((ours, name))
        if name in ENGINES or ratio is None:
            continue
        verdict = "" if at_most is None else f" {'pass' if ratio <= at_most else 'fail'}"
        found.append(f"{ratio:.2f}{verdict}")
    return ", ".join(found)


def _as_json(result: Result) -> dict[str, object]:
    return {
        name: {
            "cpu_micros": median(sample.cpu_micros for sample in samples),
            "per_second": _per_second(samples),
            "errors": sum(sample.errors for sample in samples),
        }
        for name, samples in result.samples.items()
        if samples
    }


if __name__ == "__main__":
    sys.exit(main())
