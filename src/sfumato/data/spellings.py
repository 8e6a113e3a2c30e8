"""Texts that differ in capitals alone: 'Yes' and 'yes', 'True', 'TRUE' and 'true' are one category each."""

from collections.abc import Mapping, Sequence

ANY_CAPITALS = "any capitals"
"""Form of categories of which other capitals are other spellings."""

TRUTHS = frozenset(["true", "false", "yes", "no"])
LETTERS = ({"y", "n"}, {"t", "f"})
"""Words for true and false, and the letters that stand for them where a column has both and nothing else."""

SHORTEST_WORD = 4
"""Letters of other words that are one in any capitals: shorter ones may be signs, such as the genes Aa and aa."""


def one_spelling(counts: Mapping[str, int]) -> tuple[dict[str, str], str]:
    """Merge the texts of a column that differ in capitals alone.

    Args:
        counts: How often each text occurs.

    Returns:
        The most frequent spelling for each text that has another, and a note; both empty where there are none.
    """
    groups: dict[str, list[str]] = {}
    for text in counts:
        groups.setdefault(text.casefold(), []).append(text)
    merged: dict[str, str] = {}
    for folded, texts in groups.items():
        if len(texts) > 1 and _is_word(folded, {*groups}):
            chosen = max(sorted(texts), key=lambda text: counts[text])
            merged |= {text: chosen for text in texts if text != chosen}
    shown = ", ".join(f"{old!r} is {new!r}" for old, new in [*merged.items()][:3])
    return merged, f"{shown}{' ...' if len(merged) > 3 else ''}, in other capitals" if merged else ""


def variants(categories: Sequence[str], *, truths_only: bool = False) -> dict[str, str]:
    """The category that each of the usual other capitals of a category means, where that is one alone.

    Args:
        categories: The categories.
        truths_only: Only where all of them are words for true and false.
    """
    folded = {text.casefold() for text in categories}
    if truths_only and not (folded <= TRUTHS or folded in LETTERS):
        return {}
    found: dict[str, str] = {}
    for text in categories:
        if _is_word(text.casefold(), folded) and len(folded) == len(categories):
            found |= dict.fromkeys((text.lower(), text.upper(), text.capitalize(), text.title()), text)
    return {other: text for other, text in found.items() if other not in categories}


def _is_word(folded: str, all_folded: set[str]) -> bool:
    return folded in TRUTHS or all_folded in LETTERS or len(folded) >= SHORTEST_WORD
