"""The tokens page over a model folder that is there."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.loopback import running
from tilth.engine import run
from tilth.store.folder import RunFolder
from tilth.studio import app

RECIPE = """name: tokens
data: {from: raw.jsonl, format: alpaca, to: openai}
train: {base_model: MODEL, method: lora, max_length: 12, epochs: 1}
"""


@pytest.mark.train
def test_masks_are_shown_in_colour_for_all_and_for_one(tmp_path):
    from tilth.models.template import INTERNLM2
    from tilth.training.tiny import save_tokenizer, train_tokenizer

    rows = [{"instruction": f"第{n}只猫？", "input": "", "output": "喵" * (n * 9 + 1)} for n in range(3)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "raw.jsonl").write_text(text, encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("MODEL", str(tmp_path / "base")), encoding="utf-8")
    run(tmp_path / "recipe.yaml", tmp_path / "run", workers=1)
    with running(app(RunFolder(tmp_path / "run"))) as url:
        assert "there is no model at" in httpx.get(f"{url}/tokens?lang=en").text.lower()
        save_tokenizer(
            train_tokenizer([row["instruction"] + row["output"] for row in rows]), tmp_path / "base"
        )
        (tmp_path / "base" / "chat_template.jinja").write_text(INTERNLM2, encoding="utf-8")
        page = httpx.get(f"{url}/tokens?lang=en").text
        assert "tokens are learned, the rest is read." in page
        assert '<b class="learned">' in page
        assert 'href="/sample?place=raw.jsonl%3A1' in page
        one = httpx.get(f"{url}/sample?place=raw.jsonl:1&lang=en").text
        assert '<b class="learned">' in one
