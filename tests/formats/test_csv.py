import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS

from .reading import read


@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_every_row_has_every_column(name):
    sample = read(name, {"question": "问", "answer": "答"})
    assert FORMATS.get(name).write(sample) == {"question": "问", "answer": "答", "system": ""}
    assert FORMATS.get(name).container == name


@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_a_short_row_is_said_to_lack_its_answer(name):
    with pytest.raises(FormatError, match=f"not a {name} record: `answer` is missing"):
        read(name, {"question": "问"})
