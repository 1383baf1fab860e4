"""Test the messages of markers that are written as in other frameworks."""

import copy
import pickle
import re
from collections.abc import Callable

import pytest

from turnbuckle.web.parameters.markers import BodyMarker as Body, QueryMarker as Query


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: Query(1), "Annotated[int, Query()] = 1", id="default"),  # type: ignore[misc]
        pytest.param(lambda: Query(...), "write the default behind: Annotated[int, Query()]", id="required"),  # type: ignore[misc]
        pytest.param(lambda: Query(regex="a"), "has no option 'regex': write pattern=...", id="foreign"),  # type: ignore[call-arg]
        pytest.param(lambda: Body(embed=True), "Body has no option 'embed': write a class", id="body"),  # type: ignore[call-arg]
        pytest.param(lambda: Query(rexeg="a"), "the options are alias, default_factory,", id="unknown"),  # type: ignore[call-arg]
    ],
)
def test_option_of_another_framework_names_the_spelling_here(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        make()


def test_marker_is_shown_with_its_options() -> None:
    assert repr(Query(alias="p", ge=1)) == "Query(alias='p', ge=1)"
    assert repr(Query()) == "Query()"


def test_marker_is_copied_and_pickled() -> None:
    marker = Query(alias="p", ge=1)
    assert copy.copy(marker) == pickle.loads(pickle.dumps(marker)) == marker
