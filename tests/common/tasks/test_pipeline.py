"""The pipeline itself; what each task answers is in the tests of its file."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

import albert
from albert.common.names import PARTS
from albert.common.tasks.backend import PREFIXES
from albert.common.tasks.pipeline import Pipeline, pipeline
from albert.common.tasks.registry import TASKS, task_class, task_of
from albert.common.tasks.streaming import InputError, Stream

TEXT = "The capital of [MASK] is Paris."
OTHER = "He went to the [MASK] and sat down."


@pytest.fixture(scope="module")
def model():
    return albert.AlbertForMaskedLM.from_pretrained("albert-demo")


@pytest.fixture(scope="module")
def tokenizer():
    return albert.AlbertTokenizerFast.from_pretrained("albert-demo")


@pytest.fixture(scope="module")
def fill(model, tokenizer):
    return pipeline("fill-mask", model=model, tokenizer=tokenizer)


def _words(answer):
    return [filling["token_str"] for filling in answer]


def test_the_public_function():
    assert albert.pipeline is pipeline


def test_a_name_is_enough():
    fill = pipeline("fill-mask", framework="pt", device="cpu")
    assert _words(fill(TEXT))[:2] == ["france", "germany"]


def test_what_it_shows(fill):
    assert fill.task == "fill-mask"
    assert fill.framework == "pt"
    assert str(fill.device) == "cpu"
    assert isinstance(fill, Pipeline)
    assert repr(fill) == (
        "Pipeline(task='fill-mask', framework='pt', model=AlbertForMaskedLM, "
        "device='cpu')"
    )


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_gives_a_list_in_order(fill, kind):
    answers = fill(kind([OTHER, TEXT, OTHER]))
    assert isinstance(answers, list)
    assert len(answers) == 3
    assert answers[0] == answers[2]
    assert _words(answers[1])[0] == "france"


def test_an_empty_list(fill):
    assert fill([]) == []


class Indexed:
    """A dataset of PyTorch's kind, without `__iter__`."""

    def __getitem__(self, index):
        if not 0 <= index < 2:
            raise RuntimeError("read past the end")
        return (TEXT, OTHER)[index]

    def __len__(self):
        return 2


class Columns:
    """A dataset as the library `datasets` has it."""

    column_names = ("text", "label")

    def __iter__(self):
        yield {"text": TEXT, "label": 3}
        yield {"text": OTHER, "label": 1}

    def __len__(self):
        return 2


@pytest.mark.parametrize(
    "given",
    [lambda: iter([TEXT, OTHER]), Indexed, Columns, lambda: np.array([TEXT, OTHER])],
    ids=["iterator", "indexed", "columns", "array"],
)
def test_whatever_can_be_iterated_gives_a_generator(fill, given):
    answers = fill(given())
    assert inspect.isgenerator(answers)
    first, second = answers
    assert _words(first)[0] == "france"
    assert _words(second) == _words(fill(OTHER))


def test_a_list_is_read_for_answers_together(fill, monkeypatch):
    asked, answers = [], Stream.answers

    def watched(self, inputs, together=False):
        asked.append(together)
        return answers(self, inputs, together)

    monkeypatch.setattr(Stream, "answers", watched)
    assert len(fill([TEXT, OTHER])) == len(list(fill(iter([TEXT, OTHER])))) == 2
    assert asked == [True, False]


def test_a_generator_is_read_when_it_is_asked(fill):
    read = []

    def texts():
        for number in range(5):
            read.append(number)
            yield TEXT

    answers = fill(texts(), batch_size=1)
    assert read == []
    next(answers)
    assert read == [0]


def test_options_of_the_constructor_and_of_the_call(model, tokenizer):
    fill = pipeline("fill-mask", model=model, tokenizer=tokenizer, top_k=2)
    assert len(fill(TEXT)) == 2
    assert len(fill(TEXT, top_k=3)) == 3
    assert len(fill(TEXT)) == 2


def test_unknown_options(fill, model, tokenizer):
    text = (
        "fill-mask has no option 'topk' (did you mean top_k?); it has top_k, targets, "
        "tokenizer_kwargs."
    )
    with pytest.raises(TypeError) as error:
        fill(TEXT, topk=2)
    assert str(error.value) == text
    with pytest.raises(TypeError) as error:
        pipeline("fill-mask", model=model, tokenizer=tokenizer, topk=2)
    assert str(error.value) == text


def test_the_input_by_name(fill):
    assert fill(inputs=TEXT) == fill(TEXT)
    with pytest.raises(TypeError) as error:
        fill(TEXT, inputs=TEXT)
    assert str(error.value) == (
        "fill-mask takes one input, or several in a list, but was given 2 arguments."
    )


def test_workers_are_accepted(fill, model, tokenizer):
    assert fill([TEXT, OTHER], num_workers=4) == fill([TEXT, OTHER])
    same = pipeline("fill-mask", model=model, tokenizer=tokenizer, num_workers=4)
    assert same(TEXT) == fill(TEXT)


def test_what_from_pretrained_takes():
    for name in ("dtype", "torch_dtype"):
        fill = pipeline(
            "fill-mask",
            framework="pt",
            model_kwargs={"device_map": "cpu", name: "auto"},
        )
        assert _words(fill(TEXT))[0] == "france"
    with pytest.raises(ValueError) as error:
        pipeline("fill-mask", device=-1, model_kwargs={"device_map": "cpu"})
    assert str(error.value) == "device and device_map mean the same: give one of them."


def test_whole_numbers_of_numpy(fill):
    assert len(fill([TEXT], top_k=np.int64(3), batch_size=np.int32(2))) == 3


def test_it_is_saved_and_opened(fill, tmp_path):
    fill.save_pretrained(tmp_path)
    opened = pipeline("fill-mask", model=tmp_path, framework="pt", device="cpu")
    assert opened(TEXT) == fill(TEXT)


def test_a_table_is_refused(fill):
    class Table:
        columns = ("text",)
        shape = (2, 1)

        def __iter__(self):
            return iter(self.columns)

    with pytest.raises(TypeError) as error:
        fill(Table())
    assert str(error.value) == (
        "a table must be given by a column, such as table['text'], or by its rows, "
        "such as table.to_dict('records'); iterated, it would give its header."
    )


def test_an_array_without_axes_is_one_input(fill):
    with pytest.raises(TypeError) as error:
        fill(np.array(TEXT))
    assert str(error.value) == "the input must be a text, but is of type ndarray."


def test_a_dataset_without_a_column_of_the_task(fill):
    class Others(Columns):
        column_names = ("sentence", "label")

    with pytest.raises(ValueError) as error:
        list(fill(Others()))
    assert str(error.value) == (
        "the dataset has the columns sentence, label, but of text none: rename one, or "
        "give one alone, such as dataset['sentence']."
    )


def test_a_streamed_dataset_that_does_not_know_its_columns(fill):
    class Streamed(Columns):
        column_names = None

    first, _ = fill(Streamed())
    assert _words(first)[0] == "france"


def test_errors_name_the_index(fill):
    text = "the text must hold [MASK] where a word is to be found, but is 'No mask.'."
    with pytest.raises(ValueError) as error:
        fill("No mask.")
    assert str(error.value) == text
    with pytest.raises(InputError) as error:
        fill([TEXT, OTHER, "No mask."])
    assert str(error.value) == f"input 2: {text}"
    assert error.value.index == 2


def test_errors_in_place(fill):
    first, second, third = fill([TEXT, None, OTHER], on_error="return")
    assert isinstance(second, InputError)
    assert str(second) == "input 1: the input must be a text, but is of type NoneType."
    assert _words(first)[0] == "france"
    assert _words(third) == _words(fill(OTHER))


def test_progress(fill, capsys):
    fill([TEXT, OTHER], progress=True)
    assert "2/2" in capsys.readouterr().err
    fill([TEXT, OTHER])
    fill([TEXT] * 40, progress=False)
    found = capsys.readouterr()
    assert (found.out, found.err) == ("", "")


def test_over_long_text_is_cut_with_one_warning(fill):
    long = f"{TEXT} " + "word " * 600
    with pytest.warns(UserWarning) as warned:
        answers = fill([OTHER, long, long])
    assert len(warned) == 1
    assert str(warned[0].message) == (
        "input 1 is longer than its limit and is cut; so will be others that "
        "are (this is said once)."
    )
    assert len(answers[1][0]["sequence"].split()) > 400


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1"),
        ({"progress": "yes"}, "progress must be one of True, False, None"),
        ({"on_error": "skip"}, "on_error must be one of 'raise', 'return'"),
        ({"top_k": 0}, "top_k must be a whole number of at least 1"),
    ],
)
def test_bad_values(fill, model, tokenizer, arguments, text):
    (value,) = arguments.values()
    whole = f"{text}, but is {value!r}."
    with pytest.raises(ValueError) as error:
        fill(TEXT, **arguments)
    assert str(error.value) == whole
    with pytest.raises(ValueError) as error:
        pipeline("fill-mask", model=model, tokenizer=tokenizer, **arguments)
    assert str(error.value) == whole


def test_the_task_comes_from_the_configuration(tmp_path, model, tokenizer):
    assert pipeline(model="albert-demo", framework="pt").task == "fill-mask"
    assert pipeline(model=model, tokenizer=tokenizer).task == "fill-mask"
    assert task_of("TFAlbertForMultipleChoice") == "multiple-choice"
    config = albert.AlbertConfig.from_pretrained("albert-demo")
    config.architectures = None
    config.save_pretrained(tmp_path)
    with pytest.raises(ValueError) as error:
        pipeline(model=tmp_path)
    assert str(error.value) == (
        "task must be given, since the model's configuration does not say what it is "
        f"for; it may be one of {', '.join(TASKS)}."
    )


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (
            {},
            ValueError,
            "task must be given, such as 'fill-mask', or a model.",
        ),
        (
            {"task": "fill-masks"},
            ValueError,
            (
                f"task must be one of {', '.join(TASKS)}, but is 'fill-masks' "
                "(did you mean fill-mask?)."
            ),
        ),
        (
            {"task": "ner"},
            ValueError,
            (
                "model must be given: the checkpoint in the package has no head for "
                "ner. Give a checkpoint that was fine-tuned for it."
            ),
        ),
        (
            {"task": "fill-mask", "framework": "torch"},
            ValueError,
            "framework must be 'pt', 'tf' or 'flax', but is 'torch'.",
        ),
        (
            {"task": "fill-mask", "device": "cpu", "device_map": "auto"},
            ValueError,
            "device and device_map mean the same: give one of them.",
        ),
        (
            {"task": "fill-mask", "model": 3, "tokenizer": "albert-demo"},
            TypeError,
            (
                "model must be a checkpoint's name or a model of this package, but is "
                "of type int."
            ),
        ),
    ],
)
def test_bad_arguments(arguments, kind, text):
    with pytest.raises(kind) as error:
        pipeline(**arguments)
    assert str(error.value) == text


def test_a_model_that_is_loaded(model, tokenizer):
    def refused(*task, **arguments):
        with pytest.raises(ValueError) as error:
            pipeline(*task, model=model, **arguments)
        return str(error.value)

    assert refused("fill-mask") == (
        "tokenizer must be given, since the model is not a checkpoint's name."
    )
    assert refused("ner", tokenizer=tokenizer) == (
        "model must be of the class AlbertForTokenClassification for "
        "token-classification, but is of AlbertForMaskedLM."
    )
    assert refused("fill-mask", tokenizer=tokenizer, framework="tf") == (
        "framework is 'tf', but the model is one of 'pt': leave framework out."
    )
    assert refused("fill-mask", tokenizer=tokenizer, dtype="float16") == (
        "dtype is not that of the model that was given, which is loaded already: leave "
        "dtype out, or give a checkpoint's name."
    )
    config = albert.AlbertConfig.from_pretrained("albert-demo", num_labels=7)
    assert refused("fill-mask", tokenizer=tokenizer, config=config) == (
        "config is not that of the model that was given, which is loaded already: "
        "leave config out, or give a checkpoint's name."
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"device": -1},
        {"device": "cpu"},
        {"device_map": "auto"},
        {"device_map": {"": "cpu"}},
        {"torch_dtype": "float32"},
        {"dtype": np.float32},
        {"dtype": "auto"},
    ],
)
@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_what_fits_a_model_that_is_loaded(prefix, arguments, tokenizer):
    kind = getattr(albert, f"{prefix}AlbertForMaskedLM")
    model = kind.from_pretrained("albert-demo", device_map="cpu")
    fill = pipeline(
        "fill-mask", model=model, tokenizer=tokenizer, config=model.config, **arguments
    )
    assert fill.model is model
    assert _words(fill(TEXT))[0] == "france"


def test_a_loaded_model_is_moved(tokenizer):
    torch = pytest.importorskip("torch")
    model = albert.AlbertForMaskedLM.from_pretrained("albert-demo", device_map="cpu")
    given = []
    model.to = given.append
    pipeline("fill-mask", model=model, tokenizer=tokenizer, device="cpu")
    pipeline("fill-mask", model=model, tokenizer=tokenizer)
    assert given == [torch.device("cpu")]


@pytest.mark.parametrize("given", [("albert-demo", {}), 3])
def test_what_is_no_tokenizer(model, given):
    with pytest.raises(TypeError) as error:
        pipeline("fill-mask", model=model, tokenizer=given)
    assert str(error.value) == (
        "tokenizer must be a checkpoint's name or a tokenizer of this package, but is "
        f"of type builtins.{type(given).__name__}."
    )


def test_a_device_that_is_not_there():
    with pytest.raises(ValueError) as error:
        pipeline("fill-mask", framework="pt", device="everywhere")
    assert str(error.value).startswith(
        "device must be one device, such as 'auto', 'cpu', 'cuda', 'cuda:1', 'gpu', "
    )


def test_every_task_has_a_class():
    names = {task_class(name).name for name in TASKS}
    assert names == set(TASKS) - {"sentiment-analysis", "ner"}
    for name in names:
        kind = task_class(name)
        assert kind.options_class() is not None
        assert kind.keys
        assert kind.model_class in PARTS
        assert kind.fields


def test_it_imports_no_framework():
    code = (
        "import sys, albert; albert.pipeline; heavy = {'torch', 'tensorflow', 'keras', "
        "'jax'}; print(heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
