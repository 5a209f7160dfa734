"""What a recipe says of a model, under `models:`. A value `$NAME` stands for an environment variable.

Variables are read when the model is made, so that no secret ever stands in a recipe, a lock or a run folder.
"""

from __future__ import annotations

import os
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tilth.errors import UserError

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Price(_Settings):
    """What tokens cost, per million."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]
    currency: str = "USD"

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The price of so many tokens, in `currency`."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6


class Budget(_Settings):
    """What a recipe may spend on a model in all its runs together. Requests answered from the cache cost nothing."""

    money: Annotated[float, Field(ge=0)] | None = None
    """In the currency of `price`."""
    tokens: Annotated[int, Field(ge=0)] | None = None
    requests: Annotated[int, Field(ge=0)] | None = None


class Endpoint(_Settings):
    """A server that speaks the OpenAI chat API: a cloud service, vLLM, SGLang, Ollama, `tilth serve`."""

    kind: Literal["endpoint"]
    base_url: str
    """With the version: `https://host/v1`."""
    name: str
    api_key: str | None = None
    """`$NAME` of the environment variable that holds the key; a key itself is refused."""
    temperature: Annotated[float, Field(ge=0)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=1)] = 1024
    """The longest answer; a longer one is truncated, and its sample held."""
    timeout_s: Annotated[float, Field(gt=0)] = 120.0
    """Seconds without an answer after which an attempt counts as failed."""
    retries: Annotated[int, Field(ge=0)] = 5
    """Attempts after the first, for what may pass: 429, 5xx, timeouts, broken connections."""
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 16
    """Most requests in flight; fewer where the server asks for it."""
    price: Price | None = None
    budget: Budget | None = None
    extra: dict[str, Any] = {}
    """Sent with every request as it stands, for what a server of yours needs; part of the cache key."""

    @field_validator("api_key")
    @classmethod
    def _only_a_name(cls, value: str | None) -> str | None:
        if value is not None and not _VARIABLE.fullmatch(value):
            raise ValueError("a key does not belong in a recipe: write $NAME of an environment variable")
        return value

    @field_validator("base_url")
    @classmethod
    def _no_password(cls, value: str) -> str:
        if re.match(r"^\w+://[^/]*@", value):
            raise ValueError("a password does not belong in a recipe: put the address into a variable, $NAME")
        return value

    @model_validator(mode="after")
    def _priced(self) -> Endpoint:
        if self.budget is not None and self.budget.money is not None and self.price is None:
            raise ValueError("a budget of money needs price: {input, output}")
        return self


class Local(_Settings):
    """A model folder, run in this process by transformers."""

    kind: Literal["local"]
    path: str
    adapter: str | None = None
    temperature: Annotated[float, Field(ge=0)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=1)] = 1024


class Scripted(_Settings):
    """Answers written beforehand in a file, for tests and examples."""

    kind: Literal["scripted"]
    answers: str
    """JSON lines `{when, say}`: the first line whose `when` (one text or several) stands in the request answers it."""
    name: str = "scripted"
    max_tokens: Annotated[int, Field(ge=1)] = 4096
    price: Price | None = None
    budget: Budget | None = None


ModelSettings = Annotated[Endpoint | Local | Scripted, Field(discriminator="kind")]
KINDS: dict[str, type[Endpoint] | type[Local] | type[Scripted]] = {
    "endpoint": Endpoint,
    "local": Local,
    "scripted": Scripted,
}


def variables(value: Any) -> list[str]:
    """Names of the environment variables that settings refer to."""
    if isinstance(value, str):
        return [a or b for a, b in _VARIABLE.findall(value)]
    if isinstance(value, BaseModel):
        value = value.model_dump()
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [name for item in inner for name in variables(item)]


def resolve(text: str) -> str:
    """A text with its environment variables filled in.

    Raises:
        UserError: a variable is not set.
    """

    def filled(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if not os.environ.get(name):
            raise UserError(f"the environment variable {name} is not set.", f"Set it: export {name}=…")
        return os.environ[name]

    return _VARIABLE.sub(filled, text)
