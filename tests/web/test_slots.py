"""Who is admitted when there is more work than room: the table of slots, over several processes."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from coprod_kg.access import Grant, Role
from coprod_kg.errors import Overloaded, RequestError
from coprod_kg.settings import Settings
from coprod_kg.store.base import Cancellation
from coprod_kg.web.client_slots import Client, Limits, Slots, client, fair
from tests.working import happens


def grant(name: str) -> Grant:
    return Grant(name, Role.CURATOR, None, "", "")


CORA = client("127.0.0.1", grant("cora"))
DORA = client("127.0.0.1", grant("dora"))


def limits(**changed: float) -> Limits:
    numbers = {"places": 8, "reserved": 1, "ahead": 0, "client": 3, "waiting": 8, "seconds": 0.2}
    return Limits("queries", "client-queries", again=5, **(numbers | changed))  # type: ignore[arg-type]  # some are whole


def address(number: int) -> Client:
    return client(f"192.0.2.{number}")


def full(slots: Slots, who: Client) -> int:
    """How many slots one client gets before it has to wait."""
    taken = 0
    while True:
        try:
            slots.take_at_once(who)
        except BlockingIOError:
            return taken
        taken += 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:7::1", "2001:db8:0:7:ffff::2", True),
        ("2001:db8:0:7::1", "2001:db8:0:8::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("unknown", "unknown", True),
    ],
)
def test_a_network_of_ipv6_is_one_client(one: str, other: str, same: bool) -> None:
    assert (client(one) == client(other)) is same


def test_a_token_is_the_client_wherever_it_is_used() -> None:
    assert client("192.0.2.1", grant("cora")) == client("2001:db8::1", grant("cora"))
    assert client("192.0.2.1", grant("cora")) != client("192.0.2.1")
    assert client("cora").key != client("192.0.2.1", grant("cora")).key, "no address is a token"


def test_a_share_leaves_something_for_the_next() -> None:
    free, shares = 8, []
    for _ in range(4):
        own = 0
        while fair(own, free):
            own, free = own + 1, free - 1
        shares.append(own)
    assert shares == [4, 2, 1, 1]


def test_three_greedy_clients_leave_room_for_a_fourth() -> None:
    slots = Slots(None, limits())
    assert [full(slots, address(number)) for number in range(4)] == [3, 3, 1, 1]


def test_strangers_leave_places_that_only_tokens_take() -> None:
    slots = Slots(None, limits())
    for number in range(20):
        full(slots, address(number))
    assert slots.take_at_once(CORA).reserved
    with pytest.raises(BlockingIOError):
        slots.take_at_once(DORA)
    assert slots.numbers() == (8, 1, 0)


def test_one_client_may_have_all_where_its_limit_says_so() -> None:
    assert full(Slots(None, limits(client=8)), address(1)) == 8


def test_a_client_without_any_may_wait_where_the_work_is_done() -> None:
    slots = Slots(None, limits(places=4, ahead=2))
    assert [full(slots, address(number)) for number in range(6)] == [2, 1, 1, 1, 1, 0]


def test_those_who_wait_are_served_in_their_order_and_nobody_overtakes() -> None:
    slots = Slots(None, limits(places=1, client=1, seconds=60))
    first, order = slots.take_at_once(address(1)), list[int]()

    def wait(number: int) -> None:
        slot = slots.take(address(number), Cancellation())
        order.append(number)
        slot.give_back()

    threads = []
    for number in (2, 3, 4):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        assert happens(lambda: slots.numbers()[2] == len(threads))
    with pytest.raises(BlockingIOError):
        slots.take_at_once(address(5))
    first.give_back()
    for thread in threads:
        thread.join()
    assert order == [2, 3, 4]
    assert slots.numbers() == (0, 0, 0)


def test_one_who_waits_for_itself_holds_nobody_up() -> None:
    slots = Slots(None, limits(places=4, client=1, seconds=60))
    mine = slots.take_at_once(address(1))
    cancellation = Cancellation()

    def wait() -> None:
        with pytest.raises(RequestError, match="left"):
            slots.take(address(1), cancellation)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert happens(lambda: slots.numbers()[2] == 1)
    slots.take_at_once(address(2)).give_back()
    cancellation.cancel()
    waiting.join()
    mine.give_back()


def test_who_is_refused_is_told_the_place_and_when_to_try_again() -> None:
    slots = Slots(None, limits(places=1, client=1))
    slots.take_at_once(address(1))
    with pytest.raises(Overloaded, match="0 waited before this one") as refused:
        slots.take(address(2), Cancellation())
    assert (refused.value.retry_after, refused.value.setting) == (5, "client-queries")
    assert slots.numbers() == (1, 0, 0), "the refused one waits no more"


def test_one_client_cannot_fill_the_queue_and_strangers_not_all_of_it() -> None:
    slots = Slots(None, limits(places=1, reserved=0, client=1, seconds=60, waiting=8))
    first, cancellations, threads = (
        slots.take_at_once(address(0)),
        list[Cancellation](),
        list[threading.Thread](),
    )

    def joins(who: Client) -> bool:
        """Whether one more of a client may wait."""
        before, cancellation = slots.numbers()[2], Cancellation()
        ended = threading.Event()

        def wait() -> None:
            try:
                slots.take(who, cancellation).give_back()
            except (Overloaded, RequestError):
                ended.set()

        thread = threading.Thread(target=wait)
        thread.start()
        threads.append(thread)
        cancellations.append(cancellation)
        assert happens(lambda: ended.is_set() or slots.numbers()[2] > before)
        return not ended.is_set()

    try:
        assert [joins(address(1)) for _ in range(4)] == [True, True, True, False]
        for number in range(2, 8):
            joins(address(number))
        assert not joins(address(9)), "what is left is for tokens"
        assert joins(CORA)
    finally:
        for cancellation in cancellations:
            cancellation.cancel()
        for thread in threads:
            thread.join()
        first.give_back()


HOLDER = """
import sys, time
from pathlib import Path
from coprod_kg.settings import Settings
from coprod_kg.web.client_slots import Limits, client, slots
table = slots(Path(sys.argv[1]), Limits.checks(Settings(checks=1)))
held = table.take_at_once(client("192.0.2.1"))
print("held", flush=True)
time.sleep(600)
"""


def test_processes_share_the_places_and_one_that_dies_gives_them_back(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, run], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout:
        try:
            assert process.stdout.readline() == "held\n"
            table = Slots(run / "slots" / "checks", Limits.checks(Settings(checks=1)))
            with pytest.raises(BlockingIOError):
                table.take_at_once(address(2))
        finally:
            process.send_signal(signal.SIGKILL)
    table.take(address(2), Cancellation()).give_back()
    assert table.numbers() == (0, 0, 0)
    modes = {file.stat().st_mode & 0o777 for file in (run / "slots" / "checks").iterdir()}
    assert modes == {0o600}
