"""A site on Flask, a WSGI app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, make_response, redirect, request, send_file

from tests.apps.sites.requests import COMMON

wsgi = Flask(__name__)


@wsgi.get("/")
def page() -> str:
    return f"<h1>{request.path} {request.full_path}</h1>"


@wsgi.get("/items/<int:number>")
def item(number: int) -> Any:
    return {"id": number, "q": request.args.getlist("q")}


@wsgi.get("/paths/<path:rest>")
def paths(rest: str) -> Any:
    return jsonify(rest)


@wsgi.post("/form")
@wsgi.post("/upload")
def form() -> Any:
    files = {name: len(file.read()) for name, file in request.files.items()}
    return {"fields": request.form.to_dict(flat=False), "files": files}


@wsgi.post("/echo")
def echo() -> Any:
    size = 0
    while piece := request.stream.read(1000):
        size += len(piece)
    return {"size": size}


@wsgi.get("/stream")
def stream() -> Any:
    def pieces() -> Iterator[bytes]:
        for number in range(10):
            yield f"line {number}\n".encode() * 100

    return pieces(), 200, {"Content-Type": "text/plain"}


@wsgi.get("/redirect")
def to_item() -> Any:
    return redirect("/items/5")


@wsgi.get("/error")
def error() -> Any:
    raise ValueError("broken")


@wsgi.get("/cookies")
def cookies() -> Response:
    response = make_response({"cookies": dict(request.cookies), "names": request.headers.get("x-name")})
    response.set_cookie("c", "3", httponly=True)
    response.set_cookie("d", "4")
    return response


@wsgi.get("/empty")
def empty() -> Any:
    return "", 204


@wsgi.get("/file")
def file() -> Any:
    return send_file(Path(__file__).with_name("requests.py"), conditional=True)


REQUESTS = COMMON
WEBSOCKETS: list[str] = []
