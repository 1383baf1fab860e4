"""A site of Datasette, over a database in memory."""

from __future__ import annotations

from datasette.app import Datasette

from tests.apps.sites.requests import Sent

app = Datasette(memory=True, settings={"num_sql_threads": 1}).app()

REQUESTS = [
    Sent("GET", "/_memory.json?sql=select+1+as+x&_shape=array"),
    Sent("GET", "/_memory.csv?sql=select+1+as+x%2C+%27%C3%A9%27+as+y"),
    Sent(
        "GET", "/_memory.csv?sql=with+recursive+n(x)+as+(select+1+union+select+x%2B1+from+n+limit+900)+select+*+from+n"
    ),
    Sent("GET", "/-/static/app.css"),
    Sent("HEAD", "/-/static/app.css"),
    Sent("GET", "/-/databases.json"),
    Sent("OPTIONS", "/-/databases.json"),
    Sent("GET", "/missing"),
    Sent("GET", "/-/static/missing.css"),
    Sent("GET", "/_memory/"),
]
WEBSOCKETS: list[str] = []
