"""Which chat shape a base model speaks, for trainers that know templates by name only."""

from __future__ import annotations

from pathlib import Path

from tilth.errors import UserError
from tilth.models.loader import load_template
from tilth.models.template import ChatTemplate
from tilth.sample import Message
from tilth.store.files import read_json

TINY = "tiny"
_PROBE = (
    Message(role="system", content="a"),
    Message(role="user", content="b"),
    Message(role="assistant", content="c"),
    Message(role="user", content="d"),
)


def model_type(base: Path, name: str) -> str:
    """What the configuration calls the architecture. Where the model is not here, its name tells what it can."""
    path = base / "config.json"
    if path.is_file():
        return str(read_json(path).get("model_type", ""))
    return "internlm2" if "internlm2" in name.lower() else ""


def is_internlm2(base: Path, name: str) -> bool:
    """Whether a conversation looks to this model as InternLM2 writes it."""
    if name == TINY or model_type(base, name) == "internlm2":
        return True
    try:
        template = load_template(base)
        wanted = ChatTemplate(tokens=template.tokens)
        return all(
            template.render(messages, True) == wanted.render(messages, True)
            for messages in (_PROBE, _PROBE[1:2])
        )
    except UserError:
        return False
