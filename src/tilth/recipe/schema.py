"""What a recipe may say, section by section. The JSON Schema for editors is made from these models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tilth.models.settings import ModelSettings


class Section(BaseModel):
    """A part of the recipe: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class From(Section):
    """One item of `data.from`."""

    path: str
    """A file, a folder or a glob, relative to the recipe; or an address: `hf://datasets/OWNER/NAME`, `ms://…`,
    `https://…`.
    """
    format: str | None = None
    encoding: str = "utf-8"
    columns: dict[str, str | None] = {}
    """The format's key → the record's key; null hides a key from the format."""
    page: str | None = None
    """How a page or a text file is read: `article`, `list`, `thread`, `file`, `line` and `blocks` for plain text, `rows` for a
    table without a header, whose columns are then `column_1`, `column_2`…, or `items` for the list of objects in a JSON object."""


class Data(Section):
    """Where samples come from, what happens to them, and the shape they leave in."""

    from_: Annotated[str | From | list[str | From], Field(alias="from")]
    format: str = "auto"
    columns: dict[str, str | None] = {}
    max_quarantined: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Largest share of entries that may be quarantined before the run counts as failed."""
    steps: list[str | dict[str, Any]] = []
    to: str = "openai"


class Lora(Section):
    """Low-rank adapters (Hu et al. 2021, arXiv 2106.09685)."""

    rank: Annotated[int, Field(ge=1)] = 16
    alpha: Annotated[float, Field(gt=0)] = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    target: str | list[str] = "all-linear"
    """Module names, or `all-linear` for every linear layer but the language-model head."""


class Train(Section):
    """How the model is trained."""

    backend: str = "hf"
    base_model: str
    """A folder with a model, or `tiny`: a small one made on the spot from the training side."""
    method: Literal["lora", "qlora", "full"] = "lora"
    epochs: Annotated[float, Field(gt=0)] = 3
    learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    batch_size: Annotated[int, Field(ge=1)] = 4
    """Samples per device and step."""
    gradient_accumulation: Annotated[int, Field(ge=1)] = 1
    max_length: Annotated[int, Field(ge=8)] = 2048
    """Tokens per sample; longer ones are truncated, and counted."""
    packing: bool = False
    seed: int = 42
    lora: Lora = Lora()
    python: str | None = None
    """The interpreter that runs the trainer, where it lives in an environment of its own."""
    extra: dict[str, Any] = {}
    """Passed to the trainer untouched, and recorded."""


class GenerationSettings(Section):
    """How answers are drawn for the comparison; the same on both sides."""

    max_new_tokens: Annotated[int, Field(ge=1)] = 256
    temperature: Annotated[float, Field(ge=0)] = 0.0


class Compare(Section):
    """The same questions before and after."""

    questions: str | list[str] = "test"
    """`test` (the test side), a file, or the questions themselves."""
    before: str | None = None
    """A model folder or an answers file; default: the base model of `train`."""
    after: str | None = None
    judge: str | None = None
    """A name under `models`: it is asked about each pair in both orders, and about each answer's three H."""
    three_h: bool = True
    """Whether the judge also says of each answer if it is harmless, honest and helpful."""
    general: str | None = "general"
    """A regression set asked on both sides: `general` (the shipped one), a file of your own, or null for none."""
    seed: int = 42
    generation: GenerationSettings = GenerationSettings()


class Recipe(Section):
    """One YAML file that tells the whole story, in the order of the flow."""

    name: Annotated[str, Field(pattern=r"^[\w][\w.-]*$")]
    plugins: list[str] = []
    """Python files that register operators of your own."""
    data: Data
    models: dict[str, ModelSettings] = {}
    """Models by the names that steps and `compare` use."""
    train: Train | None = None
    compare: Compare | None = None
