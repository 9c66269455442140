"""Strings that break tokenizers."""

# ruff: noqa: RUF001

from hypothesis import settings
from hypothesis import strategies as st

CHEAP = settings(derandomize=True, deadline=None, database=None, max_examples=200)

_POOLS = (
    "ab x",
    "aab12 x!h,",
    'hxaz"(. ',
    "0123456789,. ",
    "\x00\x01\x07\x1c\x1f\x7f\x85\u2028\u2029 a",
    "e\u0301\u0315\u0323\u0345\u0300\u200d ",
    "\u1100\u1161\u11a8가각ㄱ ",
    "ΣσςΑ. ",
    "ﬁﬀ①½Ⅷ㎏ſ",
    "אבשׁ\u200f\u200e\u202e ",
    "👨\u200d👩🏽\ufe0f a",
    "\xa0\u200b\u3000\ufeff\t\n a",
    "`'\" a",
    "\ufffd\ue000\ufdd0\uffff a",
    "▁ a.",
    "हिन्दीक्षि ",
    "かがガﾞ\u3099 ",
    "\U00010400\U0001d400İıÅẞÿ",
    '–£€-()."',
)
_WORDS = (
    *("[MASK]", "[CLS]", "[SEP]", "<pad>", "<unk>", "[mask]", " [MASK]. "),
    *("3.0,", "1,000,", "2001,", "x99,", "９，９,", "²,", "٣,", "``", "''", "it's"),
)
_texts = [st.text(pool, max_size=12) for pool in _POOLS]
_any = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)

TEXTS = st.lists(st.one_of(st.sampled_from(_WORDS), *_texts, _any), max_size=6).map(
    "".join
)
