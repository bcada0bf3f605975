"""The table of actions: what a person can do, each thing once, with help, and within reach."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from viewer.actions.context import Context
from viewer.actions.registry import Action, action, actions
from viewer.command_line.host import command_context
from viewer.errors import ViewerError

# Actions that need values which no menu can ask for: what triggers each instead.
PROGRAM_ONLY = {
    "file.open_paths": "paths dropped on the window or given to the command",
    "view.window": "journeys; the mouse sets the window directly",
    "view.scroll": "journeys; the wheel scrolls directly",
    "view.go_to": "journeys and the panels' rows",
    "enhance.set": "the sliders of the enhancement panel",
    "enhance.toggle": "the check boxes of the enhancement panel",
    "enhance.give_up": "a filter that failed",
    "enhance.remove": "the buttons of the enhancement panel",
    "enhance.move": "the arrows of the enhancement panel",
    "library.forget": "Del in the list of the library",
    "enhance.original": "the key O, while it is held",
    "segment.change": "the controls of the segments panel",
    "method.set": "the sliders of the method panel",
    "method.seed": "clicks and scribbles of the method in hand",
    "paint.stroke": "journeys; the brush makes its own edit",
    "paint.polygon": "journeys; the polygon makes its own edit",
    "measure.add": "journeys; the measuring tools make their own edits",
}
IDS = sorted(actions())


@pytest.fixture(scope="module")
def context() -> Iterator[Context]:
    with command_context() as found:
        yield found


def test_the_table_is_not_empty() -> None:
    assert len(IDS) > 50


@pytest.mark.parametrize("id_", IDS)
def test_an_action_says_what_it_does(id_: str) -> None:
    found = actions()[id_]
    assert found.id == id_
    assert re.fullmatch(r"[a-z]+\.[a-z0-9_]+", id_)
    assert found.title == found.title.strip()
    assert found.title[0].isupper() or not found.title[0].isalpha()
    first = found.help.splitlines()[0]
    assert first.endswith(".")
    assert first[0].isupper()
    assert first.rstrip(".") != found.title


def test_titles_can_be_told_apart_within_a_group() -> None:
    counted = Counter((found.group, found.title) for found in actions().values())
    assert {name for name, n in counted.items() if n > 1} == set()


def every_key(context: Context) -> Iterator[tuple[str, str]]:
    """Yield (key, action) of all actions and of all their choices."""
    for found in actions().values():
        yield from ((key, found.id) for key in found.keys)
        if found.choices is not None:
            for choice in found.choices(context):
                yield from ((key, found.id) for key in choice.keys)


def test_no_key_does_two_things(context: Context) -> None:
    """Two ways to write one key count as one: compared as Qt understands them."""
    from PySide6.QtGui import QKeySequence

    counted = Counter(QKeySequence(key).toString() for key, _ in every_key(context))
    assert len(counted) > 40
    assert {key for key, n in counted.items() if n > 1} == set()


def test_keys_that_the_window_takes_itself_are_free(context: Context) -> None:
    """O is held to see the original; Esc puts the tool down."""
    assert {"O", "Esc"} & {key for key, _ in every_key(context)} == set()


def test_every_key_is_one_that_a_keyboard_has(context: Context) -> None:
    from PySide6.QtGui import QKeySequence

    for key, owner in every_key(context):
        assert QKeySequence(key).count() == 1, (key, owner)
        assert QKeySequence(key).toString(), (key, owner)


def test_every_action_is_within_reach_or_named_as_the_programs_own() -> None:
    beyond = {
        found.id for found in actions().values() if not found.is_direct and found.choices is None
    }
    assert beyond == set(PROGRAM_ONLY)


def test_an_action_with_keys_needs_no_further_answer() -> None:
    """A key of an action with required parameters would be bound to nothing."""
    for found in actions().values():
        assert not found.keys or found.is_direct, found.id


def test_choices_give_all_that_the_action_asks_for(context: Context) -> None:
    some = 0
    for found in actions().values():
        for choice in found.choices(context) if found.choices is not None else ():
            some += 1
            assert set(found.required()) <= set(choice.parameters), found.id
            assert choice.title
    assert some > 10


def test_what_cannot_be_done_says_why_in_a_sentence(context: Context) -> None:
    reasons = [found.enabled(context) for found in actions().values()]
    assert any(reasons)  # nothing is open here
    for reason in filter(None, reasons):
        assert reason.endswith(".")
        assert reason[0].isupper()


def test_an_id_is_taken_once_and_help_is_asked_for() -> None:
    def documented(_context: Context) -> None:
        """Do nothing."""

    def silent(_context: Context) -> None:
        return

    before = dict(actions())
    with pytest.raises(ViewerError, match="twice"):
        action(IDS[0], "Again", group="File")(documented)
    with pytest.raises(ViewerError, match="no help"):
        action("test.silent", "Silent", group="File")(silent)
    assert dict(actions()) == before


def test_an_action_is_direct_only_without_open_questions() -> None:
    def asks(_context: Context, *, path: str) -> None:
        del path

    def knows(_context: Context, *, path: str = "") -> None:
        del path

    assert Action("a.b", "A", "File", "Help.", asks).required() == ("path",)
    assert not Action("a.b", "A", "File", "Help.", asks).is_direct
    assert Action("a.b", "A", "File", "Help.", knows).is_direct


@pytest.mark.parametrize("id_", [id_ for id_ in IDS if actions()[id_].slow_choices])
def test_choices_that_are_listed_late_have_no_keys(id_: str, context: Context) -> None:
    """Keys are bound when the window is made, and nothing that is slow is asked for then."""
    choices = actions()[id_].choices
    assert choices is not None
    assert not [choice for choice in choices(context) if choice.keys]
