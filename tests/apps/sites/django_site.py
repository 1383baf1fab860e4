"""A site on Django, as an ASGI and as a WSGI app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import django
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect as redirect_to
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tests.apps.sites.requests import COMMON, Sent

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="x" * 50,
    LOGGING_CONFIG=None,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
    ],
)
django.setup(set_prefix=False)


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"<h1>{request.path} {request.get_full_path()}</h1>")


async def item(request: HttpRequest, number: int) -> HttpResponse:
    return JsonResponse({"id": number, "q": request.GET.getlist("q")})


def paths(request: HttpRequest, rest: str) -> HttpResponse:
    return JsonResponse({"rest": rest})


@csrf_exempt
def form(request: HttpRequest) -> HttpResponse:
    files = {name: [file.name, file.size] for name, file in request.FILES.items()}
    return JsonResponse({"fields": dict(request.POST.lists()), "files": files})


@csrf_exempt
def echo(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"size": len(request.body)})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def pieces() -> AsyncIterator[str]:
        for number in range(10):
            await asyncio.sleep(0)
            yield f"line {number}\n" * 100

    def plain_pieces() -> Iterator[str]:
        for number in range(10):
            yield f"line {number}\n" * 100

    is_async = hasattr(request, "scope")
    return StreamingHttpResponse(pieces() if is_async else plain_pieces(), content_type="text/plain")


def redirect(request: HttpRequest) -> HttpResponse:
    return redirect_to("/items/5")


def error(request: HttpRequest) -> HttpResponse:
    raise ValueError("broken")


def cookies(request: HttpRequest) -> HttpResponse:
    response = JsonResponse({"cookies": request.COOKIES, "names": request.headers.get("x-name")})
    response.set_cookie("c", "3", httponly=True)
    response.set_cookie("d", "4")
    return response


def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).with_name("requests.py").open("rb"))


urlpatterns = [
    path("", page),
    path("items/<int:number>", item),
    path("paths/<path:rest>", paths),
    path("form", form),
    path("upload", form),
    path("echo", echo),
    path("stream", stream),
    path("redirect", redirect),
    path("error", error),
    path("cookies", cookies),
    path("empty", empty),
    path("file", file),
    path("slash/", page),
]

from django.core.asgi import get_asgi_application  # noqa: E402  # after the settings
from django.core.wsgi import get_wsgi_application  # noqa: E402

app = get_asgi_application()
wsgi = get_wsgi_application()

REQUESTS = [*COMMON, Sent("GET", "/slash")]
# waitress sends the content that Django makes for HEAD, which clients take for the next response. As a WSGI app, Django
# reads no content without a Content-Length, as under gunicorn; waitress stores the content, and adds the field.
WSGI_REQUESTS = [sent for sent in REQUESTS if sent.method != "HEAD" and isinstance(sent.content, bytes)]
WEBSOCKETS: list[str] = []
