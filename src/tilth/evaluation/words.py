"""What a comparison says, in English and Chinese: every sentence stands here once in both languages."""

from __future__ import annotations

from tilth.pages.render import Language


def say(language: Language, phrase: str, **values: object) -> str:
    """A phrase in one language with its values filled in."""
    return PHRASES[phrase][language == "zh"].format(**values)


def join(language: Language, parts: list[str]) -> str:
    """Short remarks in one line."""
    return ("；" if language == "zh" else "; ").join(parts)


def percent(share: float) -> str:
    """A share as whole per cent, with a decimal where it would read 0% or 100% and is not."""
    text = f"{100 * share:.0f}"
    return f"{100 * share:.1f}%" if text in ("0", "100") and share not in (0.0, 1.0) else f"{text}%"


PHRASES: dict[str, tuple[str, str]] = {
    # The headline
    "nobody": ("Nobody has judged these answers yet.", "这些回答还没有人评判。"),
    "nothing_held_out": (
        "Held-out loss could not be measured, so nothing here says yet which model is better.",
        "也无法测量留出损失，所以目前还不能说哪个模型更好。",
    ),
    "fell": (
        "On {n} held-out answers the loss fell from {before:.3f} to {after:.3f} nats per {unit} "
        "(95% interval of the change {low:+.3f} to {high:+.3f}): the expected answers became likelier.",
        "在 {n} 条留出的参考回答上，损失从每{unit}{before:.3f} 降到 {after:.3f} 奈特"
        "（变化的 95% 区间 {low:+.3f} 到 {high:+.3f}）：模型更可能写出参考回答。",
    ),
    "rose": (
        "On {n} held-out answers the loss rose from {before:.3f} to {after:.3f} nats per {unit} "
        "(95% interval of the change {low:+.3f} to {high:+.3f}): the expected answers became less likely.",
        "在 {n} 条留出的参考回答上，损失从每{unit}{before:.3f} 升到 {after:.3f} 奈特"
        "（变化的 95% 区间 {low:+.3f} 到 {high:+.3f}）：模型更不可能写出参考回答。",
    ),
    "level": (
        "On {n} held-out answers the loss went from {before:.3f} to {after:.3f} nats per {unit}; the 95% interval of "
        "the change, {low:+.3f} to {high:+.3f}, holds zero: before and after are not distinguishable by it.",
        "在 {n} 条留出的参考回答上，损失从每{unit}{before:.3f} 变为 {after:.3f} 奈特；"
        "变化的 95% 区间 {low:+.3f} 到 {high:+.3f} 包含零：按损失看，微调前后无法区分。",
    ),
    "unchanged": (
        "On {n} held-out answers the loss is {before:.3f} nats per {unit} both before and after: nothing changed.",
        "在 {n} 条留出的参考回答上，微调前后的损失都是每{unit}{before:.3f} 奈特：没有变化。",
    ),
    "token": ("token", " token "),
    "character": ("character", "字 "),
    "better": (
        "The tuned model is better: it wins {wins} of {n} judged questions, loses {losses} and ties {ties}, "
        "a win rate of {rate} (95% interval {low} to {high}).",
        "微调后更好：评判过的 {n} 题中赢 {wins}、输 {losses}、平 {ties}，胜率 {rate}（95% 区间 {low} 到 {high}）。",
    ),
    "worse": (
        "The tuned model is worse: it wins {wins} of {n} judged questions, loses {losses} and ties {ties}, "
        "a win rate of {rate} (95% interval {low} to {high}).",
        "微调后更差：评判过的 {n} 题中赢 {wins}、输 {losses}、平 {ties}，胜率 {rate}（95% 区间 {low} 到 {high}）。",
    ),
    "open": (
        "Before and after are not distinguishable: the tuned model wins {wins} of {n} judged questions, loses "
        "{losses} and ties {ties}; the 95% interval of the win rate, {low} to {high}, holds 50%. To tell a true "
        "60% from 50% takes about {needed} decided questions.",
        "微调前后无法区分：评判过的 {n} 题中，微调后赢 {wins}、输 {losses}、平 {ties}；胜率的 95% 区间 {low} 到 {high} "
        "包含 50%。要分辨真实的 60% 与 50%，大约需要 {needed} 道分出胜负的题。",
    ),
    "all_ties": (
        "Before and after are not distinguishable: all {n} judged questions are ties.",
        "微调前后无法区分：评判过的 {n} 题全是平局。",
    ),
    "some_errors": (
        "{errors} more ended in an error and count for neither.",
        "另有 {errors} 题出错，不计入任何一方。",
    ),
    # Warnings
    "stale": (
        "The model was trained on other data than this run holds now. Train again: tilth train RUN",
        "这个模型是用另一份数据训练的，与本次运行现在的数据不同。请重新训练：tilth train RUN",
    ),
    "same_model": ("Both sides are the same model.", "两边是同一个模型。"),
    "leaks": (
        "{n} of the questions nearly stand in the data the model learned from. Answers to them show memory, not skill.",
        "有 {n} 道题几乎就在模型学过的数据里。它们的回答只说明记住了，不说明学会了。",
    ),
    "failed": (
        "{n} of {all} answers failed. Run the same command again to ask for them again.",
        "{all} 条回答中有 {n} 条失败。再次运行同一命令会重新提问。",
    ),
    # The column 分析
    "no_answer": ("{side}: no answer ({reason})", "{side}没有得到回答（{reason}）"),
    "same_answer": ("the answer did not change", "回答没有变化"),
    "now_empty": ("after: says nothing", "微调后没有内容"),
    "was_empty": ("before: said nothing", "微调前没有内容"),
    "now_repeats": ("after: repeats itself", "微调后内容重复"),
    "was_repeats": ("no longer repeats itself", "不再重复"),
    "both_repeat": ("repeats itself before and after", "微调前后都内容重复"),
    "now_refuses": ("after: refuses", "微调后拒绝回答"),
    "was_refuses": ("no longer refuses", "不再拒绝回答"),
    "now_truncated": ("after: does not end within the limit", "微调后到长度上限仍未结束"),
    "was_truncated": ("now ends within the limit", "不再超出长度上限"),
    "shorter": ("shorter ({before} → {after} characters)", "回答变短（{before} → {after} 字）"),
    "longer": ("longer ({before} → {after} characters)", "回答变长（{before} → {after} 字）"),
    "nearer": (
        "wording closer to the reference ({before:.2f} → {after:.2f})",
        "措辞与参考更接近（{before:.2f} → {after:.2f}）",
    ),
    "farther": (
        "wording farther from the reference ({before:.2f} → {after:.2f})",
        "措辞离参考更远（{before:.2f} → {after:.2f}）",
    ),
    "loss_fell": (
        "the reference became likelier (loss {before:.2f} → {after:.2f})",
        "更可能写出参考回答（损失 {before:.2f} → {after:.2f}）",
    ),
    "loss_rose": (
        "the reference became less likely (loss {before:.2f} → {after:.2f})",
        "更不可能写出参考回答（损失 {before:.2f} → {after:.2f}）",
    ),
    "vote_after": ("judged better", "评判：微调后更好"),
    "vote_before": ("judged worse", "评判：微调后更差"),
    "vote_tie": ("judged equally good", "评判：一样好"),
    "vote_error": ("the verdict failed", "评判出错"),
    "no_difference": ("no measured difference", "没有量出差别"),
    "before": ("before", "微调前"),
    "after": ("after", "微调后"),
    # The page
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
    "verdicts": ("Verdicts", "评判"),
    "verdict_counts": (
        "wins {wins} · losses {losses} · ties {ties} · errors {errors}",
        "赢 {wins} · 输 {losses} · 平 {ties} · 出错 {errors}",
    ),
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
        "{shown} of {all} questions: drawn by the seed {seed}, and the largest gain and loss by held-out loss. Nobody "
        "picked them. All answers are in answers.jsonl.",
        "{all} 题中的 {shown} 题：按种子 {seed} 抽取，外加留出损失变好最多和变差最多的题，没有人工挑选。"
        "全部回答在 answers.jsonl。",
    ),
    "why_seed": ("drawn by seed", "按种子抽取"),
    "why_gain": ("largest gain", "变好最多"),
    "why_loss": ("largest loss", "变差最多"),
    "author": ("The file says: {text}", "原文件的分析：{text}"),
    "nearest": ("nearest training samples:", "最接近的训练样本："),
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
