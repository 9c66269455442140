"""A corpus of made-up sentences."""

import random

WORDS = """
the a cell water of light and plants in leaf grows under sun rain falls on warm stone
river bank old house stands near forest people walk there every unbelievably day
photosynthesis nitrogen birds sing early winter snow covers mountain quietly
""".split()  # noqa: SIM905


def document(seed):
    """Give a document of 3 to 20 sentences in one to three lines."""
    chosen = random.Random(seed)
    sentences = [
        " ".join(chosen.choices(WORDS, k=chosen.randint(3, 14))).capitalize() + "."
        for _ in range(chosen.randint(3, 20))
    ]
    cuts = sorted(chosen.sample(range(1, len(sentences)), 2))
    parts = sentences[: cuts[0]], sentences[cuts[0] : cuts[1]], sentences[cuts[1] :]
    return "\n".join(" ".join(part) for part in parts)


def write_corpus(path, number, first=0):
    """Write documents with blank lines between them, and give the path as a text."""
    texts = (document(seed) for seed in range(first, first + number))
    path.write_text("\n\n".join(texts) + "\n")
    return str(path)
