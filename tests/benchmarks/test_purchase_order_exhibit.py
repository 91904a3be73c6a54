"""The exhibit is what its command prints, and the false stories are paid nothing for what was not made."""

from __future__ import annotations

from benchmarks import purchase_order


def test_the_page_is_current() -> None:
    """`python -m benchmarks.purchase_order --write` writes it."""
    assert purchase_order.PAGE.read_text(encoding="utf-8") == purchase_order.page()


def test_nothing_is_paid_on_what_was_not_made() -> None:
    honest, *false = [(story, purchase_order.tell(story)) for story in purchase_order.stories()]
    assert honest[1][-1].release.exposure_minor == purchase_order.AMOUNT * 85 // 100
    for story, looks in false:
        made = story.made.sum() / purchase_order.UNITS
        earned = max(0.40, 0.85 * made * 1.12)  # a start that was seen; and a tenth of tolerance on what was earned
        assert looks[-1].release.exposure_minor <= earned * purchase_order.AMOUNT
