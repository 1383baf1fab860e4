"""Sets of characters as ranges."""

import pytest

from turnbuckle.routing.languages.charsets import ANY, SEPARATOR, complement, contains, have_overlap, single, union


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        pytest.param([], (), id="empty"),
        pytest.param([(5, 9), (1, 2)], ((1, 2), (5, 9)), id="sorts"),
        pytest.param([(1, 4), (3, 9)], ((1, 9),), id="merges-overlap"),
        pytest.param([(1, 4), (5, 9)], ((1, 9),), id="merges-neighbours"),
        pytest.param([(1, 9), (3, 4)], ((1, 9),), id="swallows"),
    ],
)
def test_union_table(ranges: list[tuple[int, int]], expected: tuple[tuple[int, int], ...]) -> None:
    assert union(ranges) == expected


@pytest.mark.parametrize(
    ("charset", "expected"),
    [
        pytest.param((), ANY, id="nothing"),
        pytest.param(ANY, (), id="everything"),
        pytest.param(((0, 9),), ((10, 0xD7FF), (0xE000, 0x10FFFF)), id="low"),
        pytest.param(((0x10FFFF, 0x10FFFF),), ((0, 0xD7FF), (0xE000, 0x10FFFE)), id="high"),
        pytest.param(((0xD000, 0xE0FF),), ((0, 0xCFFF), (0xE100, 0x10FFFF)), id="across-surrogates"),
        pytest.param(((5, 5), (7, 7)), ((0, 4), (6, 6), (8, 0xD7FF), (0xE000, 0x10FFFF)), id="holes"),
    ],
)
def test_complement_table(charset: tuple[tuple[int, int], ...], expected: tuple[tuple[int, int], ...]) -> None:
    assert complement(charset) == expected


def test_complement_twice_is_the_same() -> None:
    charset = union([(3, 8), (0xE000, 0xF000)])
    assert complement(complement(charset)) == charset


def test_contains_bounds() -> None:
    assert [contains(((3, 5), (9, 9)), code) for code in (2, 3, 5, 6, 9)] == [False, True, True, False, True]


def test_separator_is_no_character() -> None:
    assert not contains(ANY, SEPARATOR)
    assert ord(chr(0x10FFFF)) < SEPARATOR


def test_overlap_is_found_between_sets() -> None:
    assert have_overlap([single("a"), ((0x60, 0x70),)])
    assert not have_overlap([single("a"), single("b"), ()])
