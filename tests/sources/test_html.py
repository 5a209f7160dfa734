import pytest

pytest.importorskip("trafilatura")
pytest.importorskip("selectolax")

from tilth.sources import sniff
from tilth.sources.html import records_of, text_of_page

from .helpers import put, read, told

SENTENCE = "路灯把影子拉得很长，所以影子总比人先到家，这和谁走得快没有关系。"
ARTICLE = f"""<html><head><title>影子的速度</title></head><body>
<nav><a href="/">首页</a><a href="/about">关于</a></nav>
<article><h1>影子的速度</h1><p>{SENTENCE}</p><p>{SENTENCE * 3}</p></article>
<footer>版权所有</footer></body></html>"""


def item(n, classes="item"):
    return f"""<li class="{classes}"><div class="wrap"><a href="/p/{n}">第{n}个问题：云为什么不会累？</a><a href="#">回复</a>
    <span class="author" title="楼主: 种豆得瓜的人{n}"><a href="/u/{n}">种豆得瓜的人...</a></span>
    <div class="abs">{f"这是第{n}个问题的说明，<br>有两行。" if n % 2 else ""}</div></div></li>"""


AD = '<li class="x1f9"><div class="wrap"><a href="//ads.test">点击就送大礼包，今天不领明天没有</a></div></li>'


def post(n):
    return f"""<div class="post"><a class="author_name">住户{n}</a>
    <div class="post_content"><div class="content_main">第{n}楼的话<b>很长</b>，<p>要分两段说。</p></div>
    <span class="tail">来自手机</span></div></div>"""


LIST = f"""<ul class="menu">{"".join(f'<li><a href="/c/{n}">栏目{n}</a></li>' for n in range(40))}</ul>
<ul>{"".join(map(item, range(1, 6)))}{AD}</ul><ul>{item(6, "item pinned")}</ul><script>var a = "<li>";</script>"""
THREAD = f"<title>网站名</title><h1>云会不会累</h1><div>{''.join(map(post, range(1, 4)))}</div>"


def found(page, html, url="https://site.test/f/list"):
    return list(records_of(page, html, url))


def test_an_article_is_its_text_without_the_page_around_it():
    ((record, error),) = found("article", ARTICLE, "https://site.test/a")
    assert (error, record["url"], record["title"]) == ("", "https://site.test/a", "影子的速度")
    assert SENTENCE in record["text"]
    assert "首页" not in record["text"]
    assert "版权所有" not in record["text"]


def test_a_list_is_one_record_an_item():
    records = [record for record, _ in found("list", LIST)]
    assert [record["url"] for record in records] == [f"https://site.test/p/{n}" for n in range(1, 7)]
    assert records[0] == {
        "url": "https://site.test/p/1",
        "title": "第1个问题：云为什么不会累？",
        "author": "种豆得瓜的人1",
        "text": "这是第1个问题的说明，\n有两行。",
    }
    assert records[1]["text"] == ""


def test_a_list_that_a_script_would_unpack():
    hidden = (
        f'<ul><li><a href="/x">关于我们的站点</a></li></ul><code style="display:none"><!-- {LIST} --></code>'
    )
    assert found("list", hidden) == found("list", LIST)


def test_a_thread_is_one_record_a_post():
    records = [record for record, _ in found("thread", THREAD)]
    assert [record["post"] for record in records] == [1, 2, 3]
    assert records[1] == {
        "url": "https://site.test/f/list",
        "title": "云会不会累",
        "post": 2,
        "author": "住户2",
        "text": "第2楼的话很长，\n要分两段说。",
    }


CODE = "<pre><code class='language-python'><span>def</span> f(a):\n    <b>if</b> a &lt; 1:\n        return  a\n</code></pre>"
FENCED = "```\ndef f(a):\n    if a < 1:\n        return  a\n```"


@pytest.mark.parametrize(
    "code",
    [
        CODE,
        CODE.replace("<code", "<CODE").replace("pre>", "PRE>"),
        "<pre class='prettyprint'>def f(a):<br>    if a &lt; 1:<br>        return  a</pre>",
        "<pre class='brush: py'><ol><li>def f(a):</li><li>    if a &lt; 1:</li><li>        return  a</li></ol></pre>",
    ],
)
def test_code_keeps_its_lines_and_its_indent(code):
    ((article, _),) = found("article", ARTICLE.replace("</h1>", f"</h1><p>{SENTENCE}</p>{code}", 1))
    assert FENCED in article["text"]
    html = THREAD.replace('<span class="tail">', f"<div class='content_more'>{SENTENCE}{code}</div><span>", 1)
    assert f"{SENTENCE}\n{FENCED}" in found("thread", html)[0][0]["text"]


def test_prose_in_a_pre_is_no_code():
    html = ARTICLE.replace("</h1>", f"</h1><pre>{SENTENCE}\n  {SENTENCE}</pre>", 1)
    ((article, _),) = found("article", html)
    assert "```" not in article["text"]


DISCUZ = """<div id="post_{n}" class="plhin"><div class="pls"><a class="xw1" href="/u{n}">住户{n}</a><p>积分 7</p></div>
<div class="plc"><em>发表于 2023-1-1</em><div class="t_f" id="postmessage_{n}">第{n}楼的话<br>很长。</div></div></div>"""
ANSWERS = """<div class="answer"><div class="votes">3</div><div class="post-text"><p>第{n}楼的话</p>很长。</div>
<div class="user-info"><a href="/users/{n}">住户{n}</a> <span>2023-01-01</span></div></div>"""


@pytest.mark.parametrize("shape", [DISCUZ, ANSWERS])
def test_posts_whose_writers_are_marked_otherwise(shape):
    html = f"<h1>云会不会累</h1>{''.join(shape.format(n=n) for n in range(1, 4))}"
    records = [record for record, _ in found("thread", html)]
    assert [(record["author"], record["text"]) for record in records] == [
        (f"住户{n}", f"第{n}楼的话\n很长。") for n in range(1, 4)
    ]


@pytest.mark.parametrize(
    ("page", "message"),
    [("article", "no article was found"), ("list", "no list was found"), ("thread", "no posts were found")],
)
def test_a_page_without_anything_to_read_says_so(page, message):
    ((record, error),) = found(page, "<html><body><script>load()</script></body></html>")
    assert (record, error) == ({}, f"{message} on this page")


TRADITIONAL = (
    "影子為什麼總是比人先到家？因為路燈在身後，人走得越快，影子就拉得越長，這和誰走得快沒有關係。" * 3
)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", SENTENCE),
        ("utf-8-sig", SENTENCE),
        ("utf-16", SENTENCE),
        ("gb18030", SENTENCE * 3),
        ("big5", TRADITIONAL),
    ],
)
@pytest.mark.parametrize("claim", ["utf-8", "gb2312", "iso-8859-1"])
def test_the_charset_is_what_the_bytes_are_not_what_the_page_claims(encoding, text, claim):
    html = f'<html><head><meta charset="{claim}"></head><body>{text}</body></html>'
    assert text_of_page(html.encode(encoding)) == html


def test_an_encoding_in_the_recipe_is_obeyed(tmp_path):
    path = put(tmp_path, "a.html", ARTICLE.encode("gb18030"))
    assert SENTENCE in read(path, page="article", encoding="gb18030")[0].record["text"]
    (entry,) = read(path, page="article", encoding="utf-16")
    assert entry.error
    assert entry.raw == path.read_bytes()


def test_saved_pages_are_read_where_they_are_declared(tmp_path):
    put(tmp_path, "a.html", LIST)
    put(tmp_path, "b.htm", LIST.replace("/p/", "/q/"))
    put(tmp_path, "c.jsonl", "{}\n")
    entries = read(tmp_path, page="list")
    assert [entry.n for entry in entries] == [1, 2, 3, 4, 5, 6] * 2
    assert entries[0].record["url"] == "/p/1"
    assert "fetched" not in entries[0].record
    assert sniff(str(tmp_path / "a.html"), page="list").layout == "list"
    assert told(read(tmp_path)) == [(1, {})]


def test_an_empty_page_is_quarantined_with_its_bytes(tmp_path):
    path = put(tmp_path, "a.html", "<html><body></body></html>")
    (entry,) = read(path, page="thread")
    assert (entry.error, entry.raw) == ("no posts were found on this page", path.read_bytes())


@pytest.mark.real_data
def test_a_saved_forum_list(real_data):
    entries = read(real_data / "html_gne" / "test_list_page_tieba_1.html", page="list")
    assert len(entries) == 50
    assert all(
        entry.record["title"] and "/p/" in entry.record["url"] and entry.record["author"] for entry in entries
    )
    assert not any(entry.record["author"].endswith("...") for entry in entries)


@pytest.mark.real_data
def test_saved_articles(real_data):
    pages = sorted((real_data / "html_gne").glob("tests_*.html"))
    assert len(pages) == 15
    for page in pages:
        (entry,) = read(page, page="article")
        assert len(entry.record["text"]) > 200, page.name
        assert entry.record["title"], page.name
