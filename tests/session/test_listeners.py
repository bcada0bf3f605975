import gc

from viewer.session.listeners import Listeners


class Pane:
    def __init__(self) -> None:
        self.heard: list[int] = []

    def hear(self, value: int) -> None:
        self.heard.append(value)


def test_a_listener_that_raises_harms_nobody() -> None:
    faults: list[Exception] = []
    heard: list[int] = []
    signal = Listeners[int](faults.append)

    def broken(_value: int) -> None:
        raise RuntimeError("the widget is gone")

    signal.connect(heard.append)
    signal.connect(broken)
    signal.connect(lambda value: heard.append(-value))
    signal.emit(1)
    assert heard == [1, -1]
    assert [str(fault) for fault in faults] == ["the widget is gone"]


def test_what_is_told_inside_a_telling_comes_to_all_in_order() -> None:
    signal = Listeners[int](lambda _: None)
    first: list[int] = []
    second: list[int] = []

    def reacts(value: int) -> None:
        first.append(value)
        if value < 3:
            signal.emit(value + 1)

    signal.connect(reacts)
    signal.connect(second.append)
    signal.emit(1)
    assert first == second == [1, 2, 3]


def test_an_object_that_listens_may_go() -> None:
    signal = Listeners[int](lambda _: None)
    pane = Pane()
    signal.connect(pane.hear)
    signal.emit(1)
    assert pane.heard == [1]
    del pane
    gc.collect()
    signal.emit(2)
    assert len(signal) == 0


def test_who_disconnects_hears_nothing_more() -> None:
    signal = Listeners[int](lambda _: None)
    pane, heard = Pane(), list[int]()
    signal.connect(pane.hear)
    signal.connect(heard.append)
    signal.disconnect(pane.hear)
    signal.disconnect(print)
    signal.emit(1)
    assert (pane.heard, heard) == ([], [1])
    signal.disconnect()
    signal.emit(2)
    assert heard == [1]
