"""The decisions of the fleet, without processes."""

import logging
import math

import pytest

from turnbuckle.server.workers.actions import Abort, Action, Exit, Kill, Log, Ready, Reloaded, Start, Stop
from turnbuckle.server.workers.fleet import Fleet
from turnbuckle.server.workers.settings import Workers


def a_fleet(count: int = 2, *, random: float = 0.0, abort_after: float = 0.0, **policy: object) -> Fleet:
    return Fleet(Workers(count=count, **policy), lambda: random, abort_after=abort_after)


def serving(count: int = 2, **more: object) -> Fleet:
    """Return a fleet whose workers 1 to ``count`` serve, at time 0."""
    fleet = a_fleet(count, **more)
    fleet.start(0.0)
    for number in range(1, count + 1):
        fleet.ready(number, 0.0)
    fleet.actions()
    return fleet


def acts(fleet: Fleet) -> list[Action]:
    """Return the actions without log messages."""
    return [action for action in fleet.actions() if not isinstance(action, Log)]


def said(fleet: Fleet, level: int = logging.ERROR) -> list[str]:
    return [action.text for action in fleet.actions() if isinstance(action, Log) and action.level == level]


def beat(fleet: Fleet, now: float, *numbers: int, requests: int = 0, memory: int = 0) -> None:
    for number in numbers:
        fleet.heartbeat(number, now, requests=requests, memory=memory)


# -- starting


def test_all_workers_start_at_once_and_are_ready_together() -> None:
    fleet = a_fleet(3)
    fleet.start(0.0)
    assert acts(fleet) == [Start(1, 0), Start(2, 1), Start(3, 2)]
    fleet.ready(2, 1.0)
    fleet.ready(1, 1.0)
    assert acts(fleet) == []
    fleet.ready(3, 1.0)
    assert acts(fleet) == [Ready()]


def test_worker_that_cannot_start_ends_it_all_with_the_first_reason() -> None:
    fleet = a_fleet(3)
    fleet.start(0.0)
    fleet.ready(1, 0.5)
    fleet.actions()
    fleet.refused(2, "error: no database")
    fleet.ended(2, 1.0, ending="exit status 3", status=3)
    assert acts(fleet) == [Stop(1), Stop(3)]
    fleet.refused(3, "error: no database either")
    fleet.ended(3, 1.0, ending="exit status 3", status=3)
    fleet.ended(1, 1.0, ending="exit status 0", status=0)
    fleet.tick(1000.0)
    assert acts(fleet) == [Exit("error: no database", 3)]


def test_worker_that_dies_before_it_serves_ends_it_all() -> None:
    fleet = a_fleet(1)
    fleet.start(0.0)
    fleet.ended(1, 1.0, ending="signal SIGSEGV", status=139)
    assert acts(fleet)[1:] == [Exit("error: a worker ended with signal SIGSEGV before it served", 139)]


def test_worker_that_ends_well_before_it_serves_is_a_failure_too() -> None:
    fleet = a_fleet(1)
    fleet.start(0.0)
    fleet.ended(1, 1.0, ending="exit status 0", status=0)
    (drained,) = acts(fleet)[1:]
    assert isinstance(drained, Exit)
    assert drained.status == 1


def test_failed_start_waits_for_no_worker_that_does_not_stop() -> None:
    fleet = a_fleet(2)
    fleet.start(0.0)
    fleet.ended(2, 1.0, ending="exit status 3", status=3)
    fleet.actions()
    fleet.tick(fleet.next_deadline())
    assert acts(fleet) == [Abort(1)]
    fleet.tick(fleet.next_deadline())
    assert acts(fleet) == [Kill(1)]
    assert fleet.next_deadline() == math.inf


def test_start_that_takes_too_long_fails() -> None:
    fleet = a_fleet(1, startup=60.0)
    fleet.start(0.0)
    fleet.actions()
    assert fleet.next_deadline() == 60.0
    fleet.tick(59.9)
    assert acts(fleet) == []
    fleet.tick(60.0)
    fleet.tick(60.1)
    assert acts(fleet) == [Kill(1)]
    fleet.ended(1, 60.2, ending="signal SIGKILL", status=137)
    assert acts(fleet) == [Exit("not serving within 60 s (workers.startup)", 137)]


# -- crashes


def test_crashed_worker_is_replaced_after_pauses_that_double() -> None:
    fleet = serving(2, backoff=0.5, longest_backoff=2.0)
    now, number, pauses = 10.0, 1, []
    beat(fleet, now, 1, 2)
    for _ in range(4):
        fleet.ended(number, now, ending="signal SIGKILL", status=137)
        assert acts(fleet) == []
        pauses.append(fleet.next_deadline() - now)
        now = fleet.next_deadline()
        fleet.tick(now)
        (start,) = acts(fleet)
        assert isinstance(start, Start)
        assert start.slot == 0
        number = start.number
        fleet.ready(number, now)
        beat(fleet, now, 2)
    assert pauses == [0.5, 1.0, 2.0, 2.0]


def test_crash_after_a_healthy_time_counts_as_the_first() -> None:
    fleet = serving(1, backoff=0.5, healthy=60.0, heartbeat=0.0)
    fleet.ended(1, 1.0, ending="exit status 1", status=1)
    assert said(fleet) == ["worker 1 ended with exit status 1; starting another in 0.5 s"]
    fleet.tick(1.5)
    fleet.ready(2, 2.0)
    fleet.ended(2, 62.0, ending="exit status 1", status=1)
    assert said(fleet) == ["worker 2 ended with exit status 1; starting another in 0.5 s"]


def test_replacement_that_cannot_start_is_tried_again_and_says_why() -> None:
    fleet = serving(1)
    fleet.ended(1, 1.0, ending="exit status 1", status=1)
    fleet.tick(1.5)
    fleet.actions()
    fleet.refused(2, "error: TB203 no settings\nTB204 none at all")
    fleet.ended(2, 2.0, ending="exit status 3", status=3)
    assert said(fleet) == [
        "worker 2: error: TB203 no settings",
        "worker 2: TB204 none at all",
        "worker 2 ended with exit status 3; starting another in 1 s",
    ]
    fleet.tick(3.0)
    assert acts(fleet) == [Start(3, 0)]


# -- hangs


def test_worker_that_stops_answering_is_killed_and_replaced() -> None:
    fleet = serving(2, heartbeat=30.0)
    beat(fleet, 20.0, 1)
    assert fleet.next_deadline() == 30.0
    fleet.tick(29.9)
    assert acts(fleet) == []
    fleet.tick(30.0)
    assert fleet.actions() == [
        Log(logging.ERROR, "killing worker 2, which has not answered for 30 s (workers.heartbeat)"),
        Kill(2),
    ]
    fleet.tick(31.0)
    assert acts(fleet) == []
    fleet.ended(2, 31.0, ending="signal SIGKILL", status=137)
    fleet.tick(fleet.next_deadline())
    assert acts(fleet) == [Start(3, 1)]


def test_worker_that_hangs_while_it_drains_is_killed() -> None:
    fleet = serving(1, heartbeat=30.0)
    fleet.stop(10.0)
    beat(fleet, 20.0, 1)
    fleet.actions()
    fleet.tick(50.0)
    assert acts(fleet) == [Kill(1)]


def test_heartbeat_0_lets_workers_be_silent() -> None:
    fleet = serving(1, heartbeat=0.0)
    assert fleet.next_deadline() == math.inf
    fleet.tick(1e9)
    assert acts(fleet) == []


# -- recycling


@pytest.mark.parametrize(
    ("limit", "report", "reason"),
    [
        pytest.param({"max_requests": 1000}, {"requests": 1000}, "1000 requests", id="requests"),
        pytest.param({"max_memory": 10_000}, {"memory": 10_001}, "growing to 10001 bytes", id="memory"),
        pytest.param({"max_age": 5.0}, {}, "5 s", id="age"),
    ],
)
def test_worn_out_worker_stops_when_another_serves(
    limit: dict[str, float], report: dict[str, int], reason: str
) -> None:
    fleet = serving(2, **limit, jitter=0.0)
    beat(fleet, 4.9, 1, 2)
    assert acts(fleet) == []
    beat(fleet, 5.0, 2, 1, **report)
    actions = fleet.actions()
    number = 2 if report else 1
    assert actions == [Log(logging.INFO, f"replacing worker {number} after {reason}"), Start(3, number - 1)]
    fleet.ready(3, 6.0)
    # Only now is it the other's turn.
    assert acts(fleet) == [Stop(number), Start(4, 2 - number)]
    fleet.ended(number, 7.0, ending="exit status 0", status=0)
    fleet.ready(4, 8.0)
    assert acts(fleet) == [Stop(3 - number)]


def test_age_wakes_the_supervisor() -> None:
    fleet = serving(2, max_age=5.0, heartbeat=0.0, startup=60.0)
    assert fleet.next_deadline() == 5.0
    fleet.tick(5.0)
    assert acts(fleet) == [Start(3, 0)]
    # The second is due too, but has to wait: nothing is to be done before the successor is late.
    assert fleet.next_deadline() == 65.0


def test_jitter_lets_workers_last_longer() -> None:
    fleet = serving(1, max_requests=1000, jitter=0.5, random=0.5)
    beat(fleet, 1.0, 1, requests=1249)
    assert acts(fleet) == []
    beat(fleet, 1.0, 1, requests=1250)
    assert acts(fleet) == [Start(2, 0)]


def test_recycling_pauses_after_a_successor_that_failed() -> None:
    fleet = serving(1, max_requests=10, jitter=0.0, backoff=0.5)
    beat(fleet, 1.0, 1, requests=10)
    fleet.actions()
    fleet.ended(2, 2.0, ending="exit status 3", status=3)
    assert said(fleet) == ["worker 2, which was to replace another, ended with exit status 3"]
    beat(fleet, 2.4, 1, requests=11)
    assert acts(fleet) == []
    beat(fleet, 2.5, 1, requests=12)
    assert acts(fleet) == [Start(3, 0)]


def test_worker_that_crashes_while_it_is_replaced_leaves_its_place_to_the_successor() -> None:
    fleet = serving(1, max_requests=10, jitter=0.0)
    beat(fleet, 1.0, 1, requests=10)
    fleet.actions()
    fleet.ended(1, 2.0, ending="signal SIGKILL", status=137)
    assert acts(fleet) == []
    fleet.ready(2, 3.0)
    fleet.tick(3.1)
    assert acts(fleet) == []
    assert fleet.next_deadline() == 33.0


# -- reloading


def test_reload_replaces_one_worker_after_the_other() -> None:
    fleet = serving(2)
    fleet.reload(1.0)
    assert fleet.actions() == [Log(logging.INFO, "reloading"), Start(3, 0)]
    fleet.ready(3, 2.0)
    assert acts(fleet) == [Stop(1), Start(4, 1)]
    fleet.ended(1, 2.5, ending="exit status 0", status=0)
    fleet.ready(4, 3.0)
    assert fleet.actions() == [Stop(2), Log(logging.INFO, "reloaded"), Reloaded("reloaded")]
    fleet.ended(2, 3.5, ending="exit status 0", status=0)
    assert fleet.actions() == []


def test_reload_that_fails_keeps_the_workers_of_before() -> None:
    fleet = serving(2)
    fleet.reload(1.0)
    fleet.actions()
    fleet.refused(3, "error: 'shop' cannot be imported: SyntaxError: invalid syntax")
    fleet.ended(3, 2.0, ending="exit status 3", status=3)
    actions = fleet.actions()
    assert [action for action in actions if not isinstance(action, Log)] == [Reloaded("reload failed")]
    assert Log(logging.ERROR, "worker 3: error: 'shop' cannot be imported: SyntaxError: invalid syntax") in actions
    fleet.tick(3.0)
    assert acts(fleet) == []
    fleet.reload(4.0)
    assert acts(fleet) == [Start(4, 0)]


def test_reload_during_a_reload_starts_again() -> None:
    fleet = serving(2)
    fleet.reload(1.0)
    fleet.ready(3, 2.0)
    fleet.actions()
    fleet.reload(3.0)
    # Worker 4 may have loaded code that has changed since; worker 3 is replaced once more.
    assert acts(fleet) == [Stop(4), Start(5, 0)]
    fleet.ready(4, 3.1)
    fleet.ended(4, 3.2, ending="signal SIGTERM", status=143)
    assert acts(fleet) == []
    fleet.ready(5, 4.0)
    assert acts(fleet) == [Stop(3), Start(6, 1)]
    fleet.ready(6, 5.0)
    assert acts(fleet) == [Stop(2), Reloaded("reloaded")]


def test_reload_while_starting_follows_the_start() -> None:
    fleet = a_fleet(1)
    fleet.start(0.0)
    fleet.reload(0.5)
    assert acts(fleet) == [Start(1, 0)]
    fleet.ready(1, 1.0)
    assert acts(fleet) == [Ready(), Start(2, 0)]


def test_reload_does_not_wait_for_the_pause_after_a_crash() -> None:
    fleet = serving(2, backoff=20.0)
    fleet.ended(1, 1.0, ending="exit status 1", status=1)
    fleet.actions()
    fleet.reload(2.0)
    assert acts(fleet) == [Start(3, 0), Start(4, 1)]
    fleet.ready(4, 3.0)
    assert acts(fleet) == [Stop(2)]
    fleet.ready(3, 3.0)
    assert acts(fleet) == [Reloaded("reloaded")]


def test_crash_during_a_reload_is_replaced_with_the_new_code() -> None:
    fleet = serving(2)
    fleet.reload(1.0)
    fleet.actions()
    fleet.ended(2, 1.5, ending="exit status 1", status=1)
    fleet.ready(3, 2.0)
    fleet.tick(2.0)
    assert acts(fleet) == [Stop(1), Start(4, 1)]
    fleet.ready(4, 3.0)
    assert acts(fleet) == [Reloaded("reloaded")]


# -- stopping


def test_stop_lets_all_workers_finish() -> None:
    fleet = serving(2)
    fleet.stop(1.0)
    assert acts(fleet) == [Stop(1), Stop(2)]
    fleet.ended(1, 2.0, ending="exit status 0", status=0)
    fleet.ended(2, 3.0, ending="exit status 0", status=0)
    assert acts(fleet) == [Exit()]


def test_second_stop_cuts_and_then_kills() -> None:
    fleet = serving(1)
    fleet.stop(1.0)
    fleet.stop(2.0)
    assert acts(fleet) == [Stop(1), Abort(1)]
    fleet.tick(6.9)
    assert acts(fleet) == []
    fleet.tick(7.0)
    assert acts(fleet) == [Kill(1)]


def test_stopping_fleet_neither_starts_nor_reloads_workers() -> None:
    fleet = serving(2)
    fleet.ended(1, 1.0, ending="exit status 1", status=1)
    fleet.stop(1.1)
    fleet.reload(1.2)
    fleet.tick(100.0)
    assert not [action for action in acts(fleet) if isinstance(action, Start)]


def test_stop_without_workers_is_over_at_once() -> None:
    fleet = serving(1)
    fleet.ended(1, 1.0, ending="exit status 1", status=1)
    fleet.stop(1.1)
    assert acts(fleet) == [Exit()]


def test_stop_during_a_reload_is_no_failure_of_it() -> None:
    fleet = serving(1)
    fleet.reload(1.0)
    fleet.stop(1.5)
    fleet.actions()
    fleet.ended(2, 2.0, ending="signal SIGTERM", status=143)
    assert fleet.actions() == []
    fleet.ended(1, 2.0, ending="exit status 0", status=0)
    assert fleet.actions() == [Exit()]


def test_old_worker_is_aborted_soon_during_development() -> None:
    fleet = serving(1, abort_after=2.0)
    fleet.reload(1.0)
    fleet.ready(2, 2.0)
    fleet.actions()
    assert fleet.next_deadline() == 4.0
    fleet.tick(4.0)
    assert acts(fleet) == [Abort(1)]


def test_events_of_ended_workers_are_ignored() -> None:
    fleet = serving(1)
    fleet.ready(7, 1.0)
    fleet.heartbeat(7, 1.0, requests=1, memory=1)
    fleet.refused(7, "error")
    fleet.ended(7, 1.0, ending="exit status 0", status=0)
    assert fleet.actions() == []
