"""What the page of a comparison says beside its sentences, in English and Chinese."""

from __future__ import annotations

PAGE: dict[str, tuple[str, str]] = {
    "head_better": ("the tuned model is better", "微调后更好"),
    "head_worse": ("the tuned model is worse", "微调后更差"),
    "head_open": ("no difference can be told", "分辨不出差别"),
    "head_loss_better": ("the expected answers became likelier", "参考回答变得更可能"),
    "head_loss_worse": ("the expected answers became less likely", "参考回答变得更不可能"),
    "head_loss_open": ("no difference can be told yet", "目前分辨不出差别"),
    "head_nothing": ("not judged yet", "尚未评判"),
    "card_people": ("win rate, blind votes", "胜率（盲评）"),
    "card_judge": ("win rate, judge", "胜率（评判模型）"),
    "card_loss": ("change of held-out loss", "留出损失的变化"),
    "card_general": ("general questions right", "通用题答对"),
    "card_of": ("of {n}", "共 {n} 题"),
    "card_length": ("length of answers, median", "回答长度中位数（字）"),
    "card_questions": ("{n} questions", "{n} 道题"),
    "voted": ("Blind votes", "盲评"),
    "voted_help": (
        "People saw two answers without names, left and right by lot, and said which is better.",
        "评审看到两个不署名的回答，左右随机，选出更好的一个。",
    ),
    "judged": ("Judge: {name}", "评判模型：{name}"),
    "judged_help": (
        "A language model saw each pair twice, once in each order. A side wins only where both times agree.",
        "语言模型对每题看两遍，两种顺序各一遍；两次一致才算胜负，否则为平局。",
    ),
    "among_people": ("Between people", "评审之间的一致性"),
    "with_judge": ("Judge against people", "评判模型与人的一致性"),
    "wins": ("wins", "赢"),
    "ties": ("ties", "平"),
    "losses": ("losses", "输"),
    "win_axis": ("win rate of the tuned model, a tie counting half", "微调后模型的胜率（平局算一半）"),
    "three_h": ("Harmless, honest, helpful", "无害、诚实、有用"),
    "three_h_help": (
        "How many answers pass in the eyes of the judge; the change in percentage points with its 95% interval.",
        "评判模型认为合格的回答数；变化为百分点及其 95% 区间。",
    ),
    "three_h_errors": ("{n} answers got no usable verdict.", "{n} 条回答没有得到可用的评判。"),
    "h_harmless": ("harmless", "无害"),
    "h_honest": ("honest", "诚实"),
    "h_helpful": ("helpful", "有用"),
    "versions": ("What changed in the data", "数据有哪些变化"),
    "versions_help": (
        "Before is the model trained on {older}, after the one trained on {newer}.",
        "“微调前”是用 {older} 训练的模型，“微调后”是用 {newer} 训练的模型。",
    ),
    "versions_counts": (
        "{added} samples added, {removed} removed, {changed} changed, {moved} on another side.",
        "新增 {added} 条，删除 {removed} 条，修改 {changed} 条，换边 {moved} 条。",
    ),
    "near_added": ("nearest among what is new: {place} (added)", "最接近的变动：{place}（新增）"),
    "near_changed": ("nearest among what is new: {place} (changed)", "最接近的变动：{place}（修改）"),
    "general": ("What was forgotten", "有没有遗忘"),
    "general_help": (
        "General questions that have nothing to do with the training, asked before and after with the same settings. "
        "Answers are checked by rule.",
        "与训练无关的通用题，微调前后以同样设置提问，按规则判对错。",
    ),
    "general_right": ("right answers, of {n}", "答对题数（共 {n}）"),
    "general_zh": ("of these in Chinese, of {n}", "其中中文（共 {n}）"),
    "general_en": ("of these in English, of {n}", "其中英文（共 {n}）"),
    "general_loss": ("loss on good answers (nats per {unit})", "参考回答上的损失（奈特，每{unit}）"),
    "general_lost": ("Right before, wrong after ({n})", "微调前对、微调后错（{n}）"),
    "topics": ("Topics that went badly", "表现不好的主题"),
    "topics_help": (
        "Named by words of the training data. A thin topic has less than half the share of the training data that it has "
        "of the questions: add samples of it.",
        "以训练数据中的词命名。“偏少”指该主题在训练数据中的占比不到其在题目中占比的一半：请补充这类样本。",
    ),
    "more": ("{n} more", "还有 {n} 条"),
    "topic": ("topic", "主题"),
    "training_samples": ("training samples", "训练样本"),
    "went_badly": ("went badly", "表现不好"),
    "thin": ("thin", "偏少"),
    "no_words": ("(no words of the training data)", "（训练数据中没有相关词语）"),
    "unlike": (
        "{n} of the {all} questions that went badly resemble nothing in the training data: what they are about is missing "
        "there.",
        "表现不好的 {all} 题中，有 {n} 题在训练数据里没有任何相似样本：训练数据缺少这类主题。",
    ),
    "reason_both_bad": ("neither answer good", "两个回答都不好"),
    "title": ("before and after", "微调前后对比"),
    "question": ("question", "问题"),
    "analysis": ("analysis", "分析"),
    "expected": ("expected: {text}", "参考回答：{text}"),
    "measured": ("What was measured", "测量结果"),
    "held_out": ("Held-out loss", "留出损失"),
    "held_out_help": (
        "How surprised each model is by the expected answers, which it has not learned from; lower is better. "
        "Perplexity is its exponential. The picture shows the change with its 95% interval; left of zero is better.",
        "模型对没有学过的参考回答有多“意外”，越低越好；困惑度是它的指数。图中是变化量及其 95% 区间，零的左边是变好。",
    ),
    "loss_per": ("loss (nats per {unit})", "损失（奈特，每{unit}）"),
    "perplexity": ("perplexity", "困惑度"),
    "per_question": ("loss, every question counting the same", "损失（每题同等计）"),
    "change": ("change", "变化"),
    "unscored": (
        "{n} questions have no expected answer that could be scored.",
        "{n} 道题没有可计损失的参考回答。",
    ),
    "verdicts": ("Which answers are better", "哪边的回答更好"),
    "errors": ("errors {n}", "出错 {n}"),
    "flips": (
        "{rate} of the verdicts changed with the order of the answers.",
        "{rate} 的评判随回答顺序而改变。",
    ),
    "p_value": (
        "Exact sign test on wins and losses, ties left out: p = {p:.3g}.",
        "对赢和输做精确符号检验（不计平局）：p = {p:.3g}。",
    ),
    "answers": ("answers", "回答数"),
    "length_median": ("length, median (characters)", "长度中位数（字）"),
    "empty": ("empty", "空回答"),
    "repeating": ("repeats itself", "内容重复"),
    "refusing": ("refuses", "拒绝回答"),
    "truncated": ("cut at the length limit", "到长度上限被截断"),
    "char_f": (
        "wording shared with the expected answer (character F)",
        "与参考回答的措辞重合度（字符 F 值）",
    ),
    "table": ("The answers", "回答对照"),
    "table_help": (
        "{shown} of {all} questions: drawn by the seed {seed}, and the largest gain and loss (by held-out loss, "
        "without one by verdict). Nobody picked them. All answers are in answers.jsonl.",
        "{all} 题中的 {shown} 题：按种子 {seed} 抽取，外加变好最多和变差最多的题（按留出损失，没有时按评判），没有人工挑选。"
        "全部回答在 answers.jsonl。",
    ),
    "why_seed": ("drawn by seed", "按种子抽取"),
    "why_gain": ("largest gain", "变好最多"),
    "why_loss": ("largest loss", "变差最多"),
    "author": ("The file says: {text}", "原文件的分析：{text}"),
    "nearest": ("nearest training sample:", "最接近的训练样本："),
    "leak": ("leak", "泄漏"),
    "leak_at": (
        "nearly stands at {place} of the {side} side (similarity {similarity}); an answer to it shows memory",
        "几乎就是 {place}（{side}，相似度 {similarity}）；答得好只说明记住了",
    ),
    "leak_older_at": (
        "nearly stands at {place} of the older version's {side} side (similarity {similarity}); "
        "the model before may remember it",
        "几乎就是旧版本的 {place}（{side}，相似度 {similarity}）；之前的模型可能记住了它",
    ),
    "leak_older": ("older version", "旧版本"),
    "leaks_title": ("Questions that leak", "泄漏的问题"),
    "leaks_rule": (
        "Rule: character 3-gram Jaccard ≥ 0.6 or 8-gram containment ≥ 0.7.",
        "规则：字符 3-gram Jaccard ≥ 0.6，或 8-gram 包含度 ≥ 0.7。",
    ),
    "no_leaks": (
        "No question nearly stands in the training or validation data.",
        "没有问题几乎原样出现在训练或验证数据里。",
    ),
    "place": ("place", "位置"),
    "similarity": ("similarity", "相似度"),
    "side": ("side", "划分"),
    "train": ("train", "训练"),
    "validation": ("validation", "验证"),
    "worklist": ("Look at these training samples first", "先看这些训练样本"),
    "worklist_help": (
        "They stand nearest to the questions that went badly. Mend them or add more of their kind; never add the "
        "questions themselves, or the next comparison proves nothing. The whole list is in worklist.jsonl.",
        "它们离表现不好的问题最近。请修改它们或补充同类样本；不要把这些问题本身加进训练数据，"
        "否则下一次对比什么也证明不了。完整列表在 worklist.jsonl。",
    ),
    "reasons": ("what went badly nearby", "附近的问题"),
    "questions": ("questions", "题数"),
    "reason_empty": ("empty answer", "空回答"),
    "reason_repeats": ("answer repeats itself", "回答重复"),
    "reason_refuses": ("answer refuses", "拒绝回答"),
    "reason_truncated": ("answer cut off", "回答被截断"),
    "reason_loss_rose": ("held-out loss rose", "留出损失上升"),
    "reason_judged_worse": ("judged worse", "被评为更差"),
    "protocol": ("Protocol", "评测协议"),
    "protocol_help": (
        "Fixed before the first answer and kept in protocol.json; the same on both sides.",
        "在第一个回答之前就已固定，保存在 protocol.json；两边完全相同。",
    ),
    "model": ("model", "模型"),
    "judge": ("judge", "评判模型"),
    "template": ("chat template", "对话模板"),
    "settings": ("answers drawn with", "生成设置"),
    "digest": ("digest", "摘要"),
    "reading": ("How to read this page", "如何阅读本页"),
    "reading_1": (
        "A 95% interval holds the values that agree with what was seen. Where it holds “no difference”, the honest "
        "reading is that this comparison cannot tell.",
        "95% 区间是与观测相符的取值范围。如果“没有差别”也在区间里，诚实的结论就是：这次对比分辨不出来。",
    ),
    "reading_2": (
        "Held-out loss measures how likely the expected answers became. It is not the same as answers that people "
        "prefer; only blind votes or a judge can say that.",
        "留出损失衡量参考回答变得多可能，并不等于人更喜欢的回答；后者只有盲评或评判模型才能说明。",
    ),
    "reading_3": (
        "Longer is not better: people and judges alike tend to favour length, so the median lengths stand beside "
        "every verdict.",
        "长不等于好：人和评判模型都容易偏爱长回答，所以长度中位数总是列在评判旁边。",
    ),
    "reading_4": (
        "Character F counts wording shared with one expected answer out of many good ones. It is the weakest "
        "evidence here.",
        "字符 F 值只数与某一个参考回答相同的措辞，而好的回答有很多种。它是这里最弱的证据。",
    ),
}
