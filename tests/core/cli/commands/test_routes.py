"""``routes`` lists what an app serves."""

from tests.core.cli.conftest import Project


def test_routes_are_listed_with_name_handler_and_place(project: Project) -> None:
    project.write(
        "admin.py",
        "import functools\nfrom turnbuckle import App\n"
        "app = App()\n"
        "class Users:\n    async def show(self, request, id): return str(id)\n"
        "@app.get('/', name='home')\nasync def home(request): return ''\n"
        "inner = app.scope('/admin', host='{tenant}.example.com')\n"
        "inner.add_route('/users/{id:int}', Users().show, methods=['GET', 'POST'])\n",
    )
    result = project.call("routes", "admin")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["METHODS", "PATH", "NAME", "HANDLER", "PLACE"],
        ["GET", "/", "home", "admin.home", "admin.py:6"],
        ["GET,POST", "{tenant}.example.com/admin/users/{id:int}", "-", "admin.Users.show", "admin.py:5"],
    ]


def test_routes_stand_in_columns(project: Project) -> None:
    lines = project.call("routes", "shop").stdout.splitlines()
    assert lines[0].index("HANDLER") == lines[1].index("shop.home")
    assert not any(line.endswith(" ") for line in lines)


def test_app_without_routes_says_so(project: Project) -> None:
    project.write("empty.py", "from turnbuckle import App\napp = App()\n")
    assert project.call("routes", "empty").stdout == "empty:app has no routes\n"


def test_routes_of_a_broken_app_exit_with_3(project: Project) -> None:
    project.write(
        "twice.py", "from turnbuckle import App\napp = App()\nfor _ in 'ab':\n    app.get('/x')(lambda: '')\n"
    )
    result = project.call("routes", "twice")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "error: TB4" in result.stderr
