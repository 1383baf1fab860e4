"""The places to listen on, as ``server.bind`` names them."""

import pytest

from turnbuckle.server.listen.addresses import BindAddress
from turnbuckle.server.listen.endpoints import Endpoint, parse_endpoint


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("127.0.0.1:8000", Endpoint(hosts=("127.0.0.1",), port=8000)),
        ("localhost:0", Endpoint(hosts=("localhost",), port=0)),
        ("[::1]:8001", Endpoint(hosts=("[::1]",), port=8001)),
        ("[fe80::1%eth0]:65535", Endpoint(hosts=("[fe80::1%eth0]",), port=65535)),
        ("unix:/run/app.sock", Endpoint(unix="/run/app.sock")),
        ("unix:///run/app.sock", Endpoint(unix="/run/app.sock")),
        ("unix:app:1.sock", Endpoint(unix="app:1.sock")),
        ("unix:@name", Endpoint(unix="@name")),
        ("fd:3", Endpoint(fd=3)),
        ("fd://3", Endpoint(fd=3)),
    ],
)
def test_endpoint_is_parsed(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("8000", "the host is missing, as in '127.0.0.1:8000'"),
        (":8000", "'0.0.0.0:8000' and '[::]:8000' listen on every interface"),
        ("*:8000", "'127.0.0.1:8000' only on this machine"),
        ("localhost", "the port is missing, as in 'localhost:8000'"),
        ("[::1]", "the port is missing, as in '[::1]:8000'"),
        ("::1", "as in '[::1]:8000'"),
        ("::1:9000", "as in '[::1]:9000'"),
        ("[127.0.0.1]:80", "'127.0.0.1' is no IPv6 address"),
        ("http://localhost:80/", "write 'localhost:80', without a scheme"),
        ("/run/app.sock", "write 'unix:/run/app.sock'"),
        ("@name", "write 'unix:@name'"),
        ("unix:", "the path is missing"),
        ("fd:web", "the number of the descriptor is missing"),
        ("127.0.0.1:65536", "port 65536 exceeds 65535"),
        ("127.0.0.1:-1", "not one of HOST:PORT, "),
        ("127.0.0.1:\uff18\uff10", "not one of HOST:PORT, "),
        ("127.0.0.1:80:90", "not one of HOST:PORT, "),
        ("a/b:80", "not one of HOST:PORT, "),
        ("", "not one of HOST:PORT, "),
    ],
)
def test_endpoint_that_is_malformed_is_answered_with_the_right_form(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match="cannot listen on") as caught:
        parse_endpoint(text)
    assert advice in str(caught.value)
    with pytest.raises(ValueError, match="cannot listen on"):
        BindAddress(bind=[text])


def test_endpoints_of_an_address() -> None:
    assert BindAddress().endpoints == (Endpoint(hosts=("127.0.0.1",), port=8000),)
    assert BindAddress(unix="/a", port=1).endpoints == (Endpoint(unix="/a"),)
    assert BindAddress(bind=["unix:/a", "fd:3", "unix:///a"]).endpoints == (Endpoint(unix="/a"), Endpoint(fd=3))
    assert BindAddress(bind=["unix:/a"], fds=[4, 4]).endpoints == (Endpoint(fd=4),)
