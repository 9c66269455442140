"""The calls whose answers are recorded: own sentences, and two texts under CC0.

`WAR` and `PACT` are from the Office of the Historian, U.S. Department of State,
Milestones (github.com/HistoryAtState/milestones), in the public domain; the first is
longer than 512 pieces, the second than 384.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

WAR = """\
As an important neutral trading nation, the United States became ensnarled in the \
European conflict that pitted Napoleonic France against Great Britain and her \
continental allies.
In 1806 France prohibited all neutral trade with Great Britain and in 1807 Great \
Britain banned trade between France, her allies, and the Americas. Congress passed an \
embargo act in 1807 in retaliation, prohibiting U.S. vessels from trading with \
European nations, and later the Non-Intercourse Acts, aimed solely at France and \
Britain. The embargo and non-intercourse act proved ineffective and in 1810 the United \
States reopened trade with France and Great Britain provided they ceased their \
blockades against neutral trading. Great Britain continued to stop American merchant \
ships to search for Royal Navy deserters, to impress American seamen on the high seas \
into the Royal Navy, and to enforce its blockade of neutral commerce. Madison made the \
issue of impressment from ships under the American flag a matter of national \
sovereignty\N{EM DASH}even after the British agreed to end the \
practice\N{EM DASH}and asked Congress for a declaration of War on Great Britain on \
June 1, 1812. Many who supported the call to arms saw British and Spanish territory in \
North America as potential prizes to be won by battle or negotiations after a \
successful war.
Pro-British Federalists in Washington were outraged by what they considered Republican \
favoritism toward France. The leading Republican, Thomas Jefferson responded, that \
"the English being equally tyrannical at sea as he [Napoleon] is on land, and that \
tyranny bearing on us in every point of either honor or interest, I say 'down with \
England.'" The United States declared the war on Britain. After Napoleon's disastrous \
Russian campaign of 1812, the British concentrated on the American continent, enacting \
a crippling blockading of the east coast, attacking Washington and burning the White \
House and other Government buildings, and acquiring territory in Maine and the Great \
Lakes region. American forces, however, won important naval and military victories at \
sea, on Lake Champlain, and at Baltimore and Detroit."""

PACT = """\
The Warsaw Treaty Organization (also known as the Warsaw Pact) was a political and \
military alliance established on May 14, 1955 between the Soviet Union and several \
Eastern European countries. The Soviet Union formed this alliance as a counterbalance \
to the North Atlantic Treaty Organization (NATO), a collective security alliance \
concluded between the United States, Canada and Western European nations in 1949.
The Warsaw Pact supplemented existing agreements. Following World War II, the Soviet \
Union had concluded bilateral treaties with each of the East European states except \
for East Germany, which was still part of the Soviet occupied-territory of Germany. \
When the Federal Republic of Germany entered NATO in early May 1955, the Soviets \
feared the consequences of a strengthened NATO and a rearmed West Germany and hoped \
that the Warsaw Treaty Organization could both contain West Germany and negotiate with \
NATO as an equal partner. Soviet leadership also noted that civil unrest was on the \
rise in Eastern European countries and determined that a unified, multilateral \
political and military alliance would tie Eastern European capitals more closely to \
Moscow.
The original signatories to the Warsaw Treaty Organization were the Soviet Union, \
Albania, Poland, Czechoslovakia, Hungary, Bulgaria, Romania, and the German Democratic \
Republic. Although the members of the Warsaw Pact pledged to defend each other if one \
or more of them came under attack, emphasized non-interference in the internal affairs \
of its members, and supposedly organized itself around collective decision-making, the \
Soviet Union ultimately controlled most of the Pact's decisions. The Soviet Union also \
used the Pact to contain popular dissent in its European satellites, for example in \
Hungary in 1956, in Czechoslovakia in 1968, and in Poland in 1981."""

LONG_TEXTS = {"war": WAR, "pact": PACT}

PLANTS = "Plants create [MASK] through a process known as photosynthesis."
EINSTEIN = (
    "Albert Einstein was a [MASK] physicist who developed the theory of relativity."
)
SEA = "The [MASK] sailed across the [MASK] in search of land."
BORN = (
    "Albert Einstein was born in Ulm in 1879. In 1895 he left Munich for Zurich, and "
    "in 1921 he was awarded the Nobel Prize in Physics for his work on light."
)
NAMES = "In 1879 Albert Einstein was born in Ulm, and in 1921 he won the Nobel Prize."
ACCENTS = (
    "Søren  Kierkegaard met Antonín Dvořák at a café in   Zürich \N{EM DASH} "
    "12 tables \N{GRINNING FACE} near São Paulo."
)
LINES = "Mr. Smith-Jones left\nBerlin at 9:45,\twith 1,000 pounds for O'Brien."
LONG_WORDS = (
    "Photosynthesising organisms in Constantinople counterbalanced Czechoslovakia."
)
WORDS = ["Marie", "Curie", "moved", "to", "Paris", "in", "1891", "."]
QUESTION = "Where was Albert Einstein born?"


class Call(NamedTuple):
    """One call of a pipeline.

    Fields:
        name: tells the calls of a group apart.
        inputs: the first argument; None if `arguments` has everything.
        arguments: of the call.
        settings: of the pipeline's making.
    """

    name: str
    inputs: Any
    arguments: Mapping[str, Any] = {}
    settings: Mapping[str, Any] = {}


class Group(NamedTuple):
    """Calls of one task and checkpoint.

    Fields:
        task: of the pipeline.
        model: a checkpoint of `checkpoints.names()`, or "albert-demo".
        calls: in the order they are recorded in.
    """

    task: str
    model: str
    calls: tuple[Call, ...]


_FILL_MASK = (
    Call("one text", PLANTS),
    Call("Einstein", EINSTEIN),
    Call("top_k 3", PLANTS, {"top_k": 3}),
    Call("top_k 1", PLANTS, {"top_k": 1}),
    Call("a list", [PLANTS, EINSTEIN], {"top_k": 2}),
    Call("a list of one", [PLANTS], {"top_k": 2}),
    Call("two masks", SEA, {"top_k": 3}),
    Call("two masks in a list of one", [SEA], {"top_k": 1}),
    Call("lists of one mask and two", [PLANTS, SEA], {"top_k": 1}),
    Call("a mask first", "[MASK] is the capital of France.", {"top_k": 4}),
    Call("a mask last", "He opened the [MASK]", {"top_k": 4}),
    Call("part of a word", "They were work[MASK] in the garden.", {"top_k": 2}),
    Call("targets as pieces", PLANTS, {"targets": ["▁food", "▁energy", "▁water"]}),
    Call("targets as words", PLANTS, {"targets": ["food", "Energy", " water"]}),
    Call("one target", PLANTS, {"targets": "food"}),
    Call("targets of several pieces", PLANTS, {"targets": ["photosynthesis", "food"]}),
    Call("targets twice", PLANTS, {"targets": ["food", "▁food", "energy"]}),
    Call("targets and top_k", PLANTS, {"targets": ["food", "energy"], "top_k": 1}),
    Call("targets and two masks", SEA, {"targets": ["▁ship", "▁ocean", "▁sea"]}),
    Call("cut", EINSTEIN + WAR, {"tokenizer_kwargs": {"truncation": True}, "top_k": 1}),
    Call("set beforehand", PLANTS, {}, {"top_k": 2}),
)
_BANK = "Please transfer one hundred dollars from my savings to my checking account."
_BREAD = "What is a good recipe for banana bread?"
_FLIGHT = "Has my flight to Boston been delayed?"
_TOPICS = (
    Call("one text", _BANK),
    Call("a list", [_BANK, _BREAD, _FLIGHT]),
    Call("a list of one", [_BREAD]),
    Call("top_k None", _BANK, {"top_k": None}),
    Call("top_k None and a list", [_BREAD, _FLIGHT], {"top_k": None}),
    Call("top_k 1", _BREAD, {"top_k": 1}),
    Call("top_k 1 and a list", [_BREAD, _BANK], {"top_k": 1}),
    Call("top_k 3", _FLIGHT, {"top_k": 3}),
    Call("top_k 99", _FLIGHT, {"top_k": 99}),
    Call("softmax", _FLIGHT, {"function_to_apply": "softmax", "top_k": 2}),
    Call("sigmoid", _FLIGHT, {"function_to_apply": "sigmoid", "top_k": 3}),
    Call("none", _FLIGHT, {"function_to_apply": "none", "top_k": 3}),
    Call("none without top_k", _FLIGHT, {"function_to_apply": "none"}),
    Call("empty", ""),
    Call("a mapping without a pair", {"text": _BANK}),
    Call("cut", f"{_BREAD} {WAR}", {"truncation": True}),
    Call("every score, the old way", _BANK, {"return_all_scores": True}),
    Call("every score of a list, the old way", [_BREAD], {"return_all_scores": True}),
    Call("top_k set beforehand", _BANK, {}, {"top_k": 2}),
    Call("top_k set beforehand and a list", [_BANK], {}, {"top_k": None}),
)
_PAIR = {
    "text": "Two women are sitting on a bench in the park.",
    "text_pair": "Some women are outside.",
}
_OTHER = {
    "text": "A man in a red shirt is climbing a rock.",
    "text_pair": "Nobody is wearing a shirt; the man is asleep in bed.",
}
_NLI = (
    Call("a pair", _PAIR),
    Call("a pair and top_k None", _PAIR, {"top_k": None}),
    Call("a pair and top_k 1", _PAIR, {"top_k": 1}),
    Call("pairs", [_PAIR, _OTHER]),
    Call("pairs and top_k 2", [_PAIR, _OTHER], {"top_k": 2}),
    Call("a list of one pair", [_OTHER]),
    Call("a pair and sigmoid", _PAIR, {"function_to_apply": "sigmoid", "top_k": None}),
)
_CAPTIONS = {
    "text": "A black dog is running through the snow.",
    "text_pair": "A dog runs in the snow.",
}
_SIMILARITY = (
    Call("a pair", _CAPTIONS),
    Call("a pair and top_k None", _CAPTIONS, {"top_k": None}),
    Call("pairs", [_CAPTIONS, _PAIR]),
    Call("sigmoid", _CAPTIONS, {"function_to_apply": "sigmoid"}),
    Call("softmax", _CAPTIONS, {"function_to_apply": "softmax"}),
)
_MULTI_LABEL = (
    Call("one text", NAMES),
    Call("top_k None", NAMES, {"top_k": None}),
    Call("top_k None and a list", [NAMES, "Wait for me"], {"top_k": None}),
    Call("softmax", NAMES, {"function_to_apply": "softmax", "top_k": None}),
    Call("none", NAMES, {"function_to_apply": "none", "top_k": 2}),
)
_POS = (
    Call("one text", "The quick brown fox jumps over the lazy dog."),
    Call("a list", ["She sings well.", "Two dogs bark loudly in Rome."]),
    Call("a list of one", ["She sings well."]),
    Call("empty", ""),
    Call("blanks", "   "),
    Call("simple", LONG_WORDS, {"aggregation_strategy": "simple"}),
    Call("first", LONG_WORDS, {"aggregation_strategy": "first"}),
    Call("average", LONG_WORDS, {"aggregation_strategy": "average"}),
    Call("max", LONG_WORDS, {"aggregation_strategy": "max"}),
    Call("accents", ACCENTS),
    Call("accents and first", ACCENTS, {"aggregation_strategy": "first"}),
    Call("some labels ignored", NAMES, {"ignore_labels": ["PUNCT", "NOUN", "VERB"]}),
    Call("words given", WORDS, {"is_split_into_words": True}),
    Call(
        "words given and average",
        WORDS,
        {"is_split_into_words": True, "aggregation_strategy": "average"},
    ),
    Call(
        "words given with a delimiter",
        [WORDS[:3], WORDS[3:]],
        {
            "is_split_into_words": True,
            "delimiter": "_",
            "aggregation_strategy": "simple",
        },
    ),
)
_STRATEGIES = ("none", "simple", "first", "average", "max")
_ENTITIES = (
    *(Call(way, NAMES, {"aggregation_strategy": way}) for way in _STRATEGIES),
    *(
        Call(f"{way}, everything", BORN, {"aggregation_strategy": way} | kept)
        for kept in [{"ignore_labels": []}]
        for way in _STRATEGIES
    ),
    *(
        Call(f"{way}, accents", ACCENTS, {"aggregation_strategy": way})
        for way in _STRATEGIES
    ),
    *(
        Call(f"{way}, lines", LINES, {"aggregation_strategy": way})
        for way in _STRATEGIES
    ),
    Call("names ignored", NAMES, {"ignore_labels": ["B-NAME", "I-NAME", "O"]}),
    Call(
        "names ignored, in groups",
        NAMES,
        {"aggregation_strategy": "simple", "ignore_labels": ["NAME", "O"]},
    ),
    Call("cut", WAR, {"aggregation_strategy": "simple"}),
    *(
        Call(f"{way}, stride", WAR, {"aggregation_strategy": way, "stride": 64})
        for way in _STRATEGIES[1:]
    ),
    Call("stride 0", WAR, {"aggregation_strategy": "simple", "stride": 0}),
    Call(
        "a short text and stride", NAMES, {"aggregation_strategy": "max", "stride": 8}
    ),
    Call("set beforehand", NAMES, {}, {"aggregation_strategy": "first"}),
)
_ASKED = {"question": QUESTION, "context": BORN}
_WHEN = {"question": "When was the Warsaw Pact established?", "context": PACT}
_WHO = {"question": "Who controlled the decisions of the Pact?", "context": PACT}
_NOBODY = {"question": "Why do cats purr at night?", "context": BORN}
_QA = (
    Call("question and context", None, _ASKED),
    Call("a mapping", _ASKED),
    Call("a list of one", [_ASKED]),
    Call("a list", [_ASKED, _NOBODY]),
    Call("questions, one context", None, {**_ASKED, "question": [QUESTION, "Who?"]}),
    Call(
        "questions and contexts",
        None,
        {
            "question": [QUESTION, "Who won the Nobel Prize?"],
            "context": [BORN, NAMES],
        },
    ),
    Call("lists of one", None, {"question": [QUESTION], "context": [BORN]}),
    Call("top_k 3", None, {**_ASKED, "top_k": 3}),
    Call("top_k 1", None, {**_ASKED, "top_k": 1}),
    Call("max_answer_len 1", None, {**_ASKED, "max_answer_len": 1, "top_k": 2}),
    Call("max_answer_len 30", None, {**_ASKED, "max_answer_len": 30, "top_k": 2}),
    Call("pieces", None, {**_ASKED, "align_to_words": False, "top_k": 3}),
    Call("max_question_len", None, {**_ASKED, "max_question_len": 32}),
    Call(
        "perhaps no answer",
        None,
        {**_ASKED, "handle_impossible_answer": True, "top_k": 3},
    ),
    Call("no answer", None, {**_NOBODY, "handle_impossible_answer": True}),
    Call("accents", None, {"question": "Who met Dvořák?", "context": ACCENTS}),
    Call("long", None, {**_WHEN, "top_k": 3}),
    Call("long, another", None, _WHO),
    Call("short windows", None, {**_WHEN, "max_seq_len": 96, "top_k": 2}),
    Call(
        "short windows with little overlap",
        None,
        {**_WHO, "max_seq_len": 64, "doc_stride": 8, "top_k": 2},
    ),
    Call(
        "windows without overlap", None, {**_WHEN, "max_seq_len": 128, "doc_stride": 0}
    ),
    Call(
        "short windows, perhaps no answer",
        None,
        {**_WHO, "max_seq_len": 96, "handle_impossible_answer": True, "top_k": 2},
    ),
    Call("long, pieces", None, {**_WHO, "align_to_words": False, "top_k": 2}),
    Call("set beforehand", None, _ASKED, {"top_k": 2, "max_answer_len": 4}),
)
_FEATURES = (
    Call("one text", "A small test."),
    Call("a list", ["A small test.", "Plants need light and water."]),
    Call("a list of one", ["A small test."]),
    Call("empty", ""),
    Call("tensors", "A small test.", {"return_tensors": True}),
)
_LABELS = ["sports", "politics", "cooking"]
_VOTE = "The senator won the election by twelve votes."
_CAKE = "Mix the flour with the butter and bake it for an hour."
_ZERO_SHOT = (
    Call("one text", _VOTE, {"candidate_labels": _LABELS}),
    Call("a list", [_VOTE, _CAKE], {"candidate_labels": _LABELS}),
    Call("a list of one", [_CAKE], {"candidate_labels": _LABELS}),
    Call(
        "labels in a text", _VOTE, {"candidate_labels": "sports, politics,, cooking "}
    ),
    Call("one label", _VOTE, {"candidate_labels": "politics"}),
    Call("multi_label", _VOTE, {"candidate_labels": _LABELS, "multi_label": True}),
    Call(
        "a template",
        _CAKE,
        {"candidate_labels": _LABELS, "hypothesis_template": "The people are {}."},
    ),
    Call(
        "a template and multi_label",
        [_VOTE, _CAKE],
        {
            "candidate_labels": _LABELS,
            "hypothesis_template": "Somebody talks about {}.",
            "multi_label": True,
        },
    ),
    Call("cut", f"{_VOTE} {WAR}", {"candidate_labels": _LABELS}),
)
_CHOICES = (
    Call(
        "one question",
        {
            "question": "The woman opened her umbrella because it",
            "choices": ["was raining.", "was made of bread.", "sang.", "is blue."],
        },
    ),
    Call(
        "two choices",
        {
            "question": "The boy put the milk back into the",
            "choices": ["refrigerator.", "telephone line of his grandmother."],
        },
    ),
)
_ORDER = (
    Call(
        "in order",
        {
            "text": "In 1806 France prohibited all neutral trade with Great Britain.",
            "text_pair": "In 1807 Great Britain banned trade between France and her "
            "allies.",
        },
    ),
    Call(
        "swapped",
        {
            "text": "In 1807 Great Britain banned trade between France and her allies.",
            "text_pair": "In 1806 France prohibited all neutral trade with Great "
            "Britain.",
        },
    ),
    Call("a story", {"text": "He opened the door.", "text_pair": "Then he went in."}),
)

GROUPS = {
    "fill-mask": Group("fill-mask", "albert-demo", _FILL_MASK),
    "text-classification-topics": Group("text-classification", "topics", _TOPICS),
    "text-classification-nli": Group("text-classification", "nli", _NLI),
    "text-classification-similarity": Group(
        "text-classification", "similarity", _SIMILARITY
    ),
    "text-classification-multi-label": Group(
        "text-classification", "multi-label", _MULTI_LABEL
    ),
    "token-classification-pos": Group("token-classification", "pos", _POS),
    "token-classification-entities": Group(
        "token-classification", "entities", _ENTITIES
    ),
    "question-answering": Group("question-answering", "qa", _QA),
    "feature-extraction": Group("feature-extraction", "albert-demo", _FEATURES),
    "zero-shot-classification": Group("zero-shot-classification", "nli", _ZERO_SHOT),
    "multiple-choice": Group("multiple-choice", "choice", _CHOICES),
    "sentence-order": Group("sentence-order", "albert-demo", _ORDER),
}
"""File of recorded answers, without its suffix -> what is recorded in it."""
