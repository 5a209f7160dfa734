from tilth.engine.coverage import represented


def row(topic, before, after):
    return {"topic": topic, "before": before, "after": after}


def names(found):
    return {kind: [each["topic"] for each in rows] for kind, rows in found.items()}


def test_topics_far_from_an_even_share_are_named():
    found = represented([row("饮食", 100, 90), row("物理", 40, 30), row("诗", 10, 9), row("法律", 10, 1)])
    assert names(found) == {"over": ["饮食"], "under": ["法律", "诗"], "lost": ["法律"]}
    assert found["over"][0]["times"] == 2.77


def test_two_topics_are_judged_only_by_what_they_lost():
    assert names(represented([row("饮食", 100, 95), row("诗", 10, 1)])) == {
        "over": [],
        "under": [],
        "lost": ["诗"],
    }


def test_nothing_kept_and_nothing_found():
    assert names(represented([row("诗", 3, 0)])) == {"over": [], "under": [], "lost": []}
    assert names(represented([])) == {"over": [], "under": [], "lost": []}
