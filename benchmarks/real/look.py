"""What a person saw in the pages of changes; written by hand after looking, with the day."""

LOOK = """## What was looked at

2026-11-25: up to thirty changes of each operator over the tutorial's rows, the better answers, the idioms, the two lists of
forum posts and BELLE's seeds.

* `clean.join_split_words`, `squeeze_whitespace`, `strip_boilerplate` (如题 at ends), `strip_list_number`, `normalize.punctuation`
  and the drops of `dedup.exact` and `dedup.near`: no harm seen.
* `normalize.numbers`: right, and sometimes a matter of taste: in one sentence 七秒 and 每7秒 may stand side by side, because a
  repeated or vague numeral stays.
* `normalize.currency`: right; 15元8角 became 15.8元.
* `denoise.wrong_characters`: proposals only, and it needs its person: it offers the plain word where a trick question plays with
  the sound (先斩后揍), and takes a name it does not know for a word (戴夫 for 大夫). Accept nothing unseen in puns.
"""
