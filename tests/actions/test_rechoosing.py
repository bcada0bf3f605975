"""After undo and redo a segment is chosen, so that the hand can go on."""

from tests.actions.segment_context import a_context, layer_of
from viewer.actions.context import Context
from viewer.actions.registry import perform


def chosen(context: Context) -> tuple[str, int]:
    look = context.viewing.look
    return look.segmentation_uid, look.segment_number


def test_what_undo_and_redo_bring_is_chosen_and_what_they_take_is_not() -> None:
    with a_context() as context:
        uid = layer_of(context).uid
        perform(context, "segment.new")
        assert chosen(context) == (uid, 3)
        perform(context, "edit.undo")
        assert chosen(context) == (uid, 2)
        perform(context, "edit.redo")
        assert chosen(context) == (uid, 3)
        perform(context, "segment.choose", uid=uid, number=1)
        perform(context, "segment.delete")
        perform(context, "edit.undo")
        assert chosen(context) == (uid, 1)
        perform(context, "segment.lock")
        perform(context, "segment.choose", uid=uid, number=2)
        perform(context, "edit.undo")  # a step that brings and takes none
        assert chosen(context) == (uid, 2)


def test_a_segmentation_that_comes_back_is_chosen_again() -> None:
    with a_context() as context:
        uid = layer_of(context).uid
        n = len(context.session.history)
        perform(context, "segment.remove")
        assert chosen(context) == ("", 0)
        perform(context, "edit.undo")
        assert chosen(context) == (uid, 2)
        perform(context, "edit.go_to_step", step=0)
        assert chosen(context) == ("", 0)
        perform(context, "edit.go_to_step", step=n)
        assert chosen(context)[0] == uid
