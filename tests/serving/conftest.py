"""The tiny chat model of the models room serves here too."""

from tests.models.conftest import model_folder

__all__ = ["model_folder"]
