"""Show, preview, restore, diff, convert, check and dry run."""

from __future__ import annotations

import json

import pytest

from tests.engine.conftest import QUESTIONS, lines, record, rows_of
from tilth.engine import check_input, convert, diff, dry_run, preview, restore, run, show
from tilth.errors import FormatError, NotFoundError, UserError
from tilth.recipe import load

STEPS = "- clean.strip_html\n- filter.length: {field: answer, min_chars: 3}\n- split.grouped: {train: 0.5, test: 0.5}"


@pytest.fixture
def finished(project):
    p = project(lines([*map(record, QUESTIONS), record("太短了吗？", "是")]), STEPS)
    run(p.recipe, p.out)
    return p


def test_quarantined_samples_are_found_by_the_reasons_that_the_run_counts(project):
    text = lines([*map(record, QUESTIONS)]) + '{"broken\n{"question": 1}\n'
    p = project(text, "- clean.strip_html", max_quarantined="0.5")
    result = run(p.recipe, p.out)
    (read, *_) = result["steps"]
    counted = {
        name: count for name, count in read["reasons"].items() if name in ("unreadable", "wrong_shape")
    }
    assert counted == {"unreadable": 1, "wrong_shape": 1}
    for reason, count in counted.items():
        assert len(list(show(p.out, reason=reason))) == count
        assert len(list(show(p.out, "quarantined", reason))) == count


def test_a_run_on_text_of_another_encoding_says_what_to_set(project):
    p = project(lines(map(record, QUESTIONS)).encode("gb18030"), "- clean.strip_html")
    result = run(p.recipe, p.out)
    assert result["status"] == "failed"
    assert result["reason"].endswith("read as GB18030: set `encoding: gb18030`.")
    assert next(iter(preview(p.raw, encoding="GB18030")))["sample"]["messages"][0]["content"] == QUESTIONS[0]


def test_a_saved_page_is_previewed_by_its_kind(tmp_path):
    pytest.importorskip("selectolax")
    item = '<li><a href="/p/{0}">第{0}个帖子的标题写在这里</a><span class="author">某人</span></li>'
    page = "<html><body><ul>" + "".join(item.format(n) for n in range(1, 9)) + "</ul></body></html>"
    (tmp_path / "list.html").write_text(page, encoding="utf-8")
    rows = list(preview(tmp_path / "list.html", "questions", page="list"))
    assert rows[0]["sample"]["messages"][0]["content"] == "第1个帖子的标题写在这里"


def test_show_kept_has_index_line_and_sample(finished):
    rows = list(show(finished.out))
    assert len(rows) == 12
    assert rows[2]["place"] == "raw.jsonl:3"
    assert rows[2]["sample"]["messages"][0]["content"] == QUESTIONS[2]


def test_show_by_door_and_reason(finished):
    assert len(list(show(finished.out, "dropped", "answer_too_short"))) == 1
    assert list(show(finished.out, "dropped", "near_duplicate")) == []
    with pytest.raises(UserError, match="no door 'lost'"):
        list(show(finished.out, "lost"))


def test_a_reason_alone_looks_behind_all_other_doors(finished):
    assert len(list(show(finished.out, reason="answer_too_short"))) == 1
    with pytest.raises(UserError, match="kept samples have no reason"):
        list(show(finished.out, "kept", "answer_too_short"))


def test_convert_never_writes_over_its_input(project):
    p = project(lines(map(record, QUESTIONS)))
    before = p.raw.read_bytes()
    with pytest.raises(UserError, match="is the input itself"):
        convert(p.raw, "auto", "openai", p.raw)
    assert p.raw.read_bytes() == before


def test_check_sees_that_the_target_cannot_carry_the_data(project):
    pair = {"prompt": [{"role": "user", "content": "问"}], "chosen": [{"role": "assistant", "content": "好"}]}
    p = project(json.dumps({**pair, "rejected": [{"role": "assistant", "content": "坏"}]}), to="openai")
    (problem,) = check_input(load(p.recipe, ["data.format=preference"]))
    assert "cannot be written as openai" in problem.message


def test_preview_shows_what_can_and_what_cannot_be_read(project):
    p = project(lines(map(record, QUESTIONS)) + "{cut")
    rows = list(preview(p.raw))
    assert len(rows) == 13
    assert rows[12]["error"]
    assert rows[12]["raw"] == "{cut"


@pytest.mark.parametrize(("what", "reason"), [(None, None), ("raw.jsonl:1", "x")])
def test_restore_wants_exactly_one_wish(finished, what, reason):
    with pytest.raises(UserError, match="which samples"):
        restore(finished.out, what, reason)


def test_restore_of_something_that_never_left(finished):
    with pytest.raises(NotFoundError, match="no sample left"):
        restore(finished.out, "raw.jsonl:1")


def test_diff_tells_added_removed_changed_and_moved(finished):
    rows = [record(q) for q in QUESTIONS[1:]]
    rows[1]["output"] = "换了一个<b>新</b>答案，比原来的更清楚。"
    finished.raw.write_text(lines([record("全新的第一个问题是什么？"), *rows]), encoding="utf-8")
    run(finished.recipe, finished.folder / "new")
    found = diff(finished.out, finished.folder / "new")
    assert [row["place"] for row in found["changed"]] == ["raw.jsonl:1", "raw.jsonl:3"]
    assert "新答案" in found["changed"][1]["after"]
    assert diff(finished.out, finished.out) == {"added": [], "removed": [], "changed": [], "moved": []}


def test_convert_writes_the_other_shape_and_says_what_it_left_out(project):
    p = project(lines(map(record, QUESTIONS)))
    out = p.folder / "x.jsonl"
    found = convert(p.raw, "auto", "xtuner", out)
    assert (found["from"], found["written"], found["meta_left_out"]) == (
        "coig_cqia",
        12,
        ["answer_from", "domain"],
    )
    assert rows_of(out)[0] == {
        "messages": [
            {"role": "user", "content": QUESTIONS[0]},
            {"role": "assistant", "content": record(QUESTIONS[0])["output"]},
        ]
    }
    assert "影子" in out.read_text(encoding="utf-8")


def test_convert_with_meta_keeps_it(project):
    p = project(lines(map(record, QUESTIONS)))
    convert(p.raw, "coig_cqia", "openai", p.folder / "x.jsonl", with_meta=True)
    assert rows_of(p.folder / "x.jsonl")[0]["answer_from"] == "human"


def test_convert_never_loses_a_turn_in_silence(project):
    talk = [{"role": "user", "content": "一"}, {"role": "assistant", "content": "二"}] * 2
    p = project(json.dumps({"messages": talk}))
    found = convert(p.raw, "openai", "prompt_completion", p.folder / "x.jsonl")
    if found["problems"]:
        assert found["written"] == 0
        assert rows_of(p.folder / "x.jsonl.rejects.jsonl")[0]["place"] == "raw.jsonl:1"
    else:
        assert "一" in json.dumps(rows_of(p.folder / "x.jsonl")[0]["prompt"], ensure_ascii=False)
    assert convert(p.raw, "openai", "coig_cqia", p.folder / "y.jsonl")["written"] == 0


def test_convert_to_an_unknown_format(project):
    p = project(lines(map(record, QUESTIONS)))
    with pytest.raises(NotFoundError, match="Did you mean 'xtuner'"):
        convert(p.raw, "auto", "xtunr", p.folder / "x.jsonl")


def test_convert_of_something_no_format_fits(project):
    p = project('{"foo": 1}\n{"foo": 2}\n')
    with pytest.raises(FormatError, match="no format fits"):
        convert(p.raw, "auto", "openai", p.folder / "x.jsonl")


def test_check_sees_the_wrong_format_before_anything_runs(project):
    p = project('{"question": "问", "answer": "答"}\n' * 30)
    (problem,) = check_input(load(p.recipe))
    assert "30 of the first 30" in problem.message


def test_check_names_another_encoding(project):
    p = project(lines(map(record, QUESTIONS)).encode("gb18030"))
    assert any("gb18030" in str(problem) for problem in check_input(load(p.recipe)))


def test_dry_run_writes_nothing_where_the_user_works(project, monkeypatch):
    p = project(lines([*map(record, QUESTIONS), record("太短了吗？", "是")]), STEPS)
    monkeypatch.chdir(p.folder)
    before = sorted(p.folder.iterdir())
    found = dry_run(load(p.recipe), limit=10)
    assert found["tried"] == 10
    assert found["of"] == 13
    assert found["thresholds"][0]["settings"]["min_chars"] == 3
    assert sorted(p.folder.iterdir()) == before
    assert dry_run(load(p.recipe), limit=10)["counts"] == found["counts"]


def test_the_items_of_a_list_are_questions(tmp_path):
    pytest.importorskip("selectolax")
    items = "".join(f"<li><a href='/p/{n}'>第{n}个问题：云为什么不会累？</a></li>" for n in range(3))
    (tmp_path / "a.html").write_text(f"<ul>{items}</ul>", encoding="utf-8")
    found = [line["sample"] for line in preview(tmp_path / "a.html", page="list")]
    assert [one["messages"][0]["content"] for one in found] == [
        f"第{n}个问题：云为什么不会累？" for n in range(3)
    ]
    assert found[1]["meta"] == {"url": "/p/1", "text": ""}


def test_pages_that_will_not_be_had_are_counted_together(tmp_path):
    pytest.importorskip("trafilatura")
    from tests.sources.loopback import Answer, serving
    from tests.sources.test_html import ARTICLE

    with serving() as site:
        site.put("/a", Answer(ARTICLE.encode(), headers={"Content-Type": "text/html"}))
        pages = "".join(f"    - {{path: '{site.url}/{name}', page: article}}\n" for name in ("a", "gone"))
        (tmp_path / "r.yaml").write_text(
            f"name: w\ndata:\n  from:\n{pages}  format: text\n  steps: []\n  to: text\n"
        )
        (problem,) = check_input(load(tmp_path / "r.yaml"))
        assert problem.path == "data.from"
        assert "1 of the first 2 entries of 2 addresses" in problem.message
        assert "the server answers 404" in problem.message
        assert "raise `data.max_quarantined`" in problem.hint
        assert not list(check_input(load(tmp_path / "r.yaml", ["data.max_quarantined=0.5"])))
