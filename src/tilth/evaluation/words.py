"""What a comparison says, in English and Chinese: every sentence stands here once in both languages."""

from __future__ import annotations

from tilth.evaluation.page_words import PAGE
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
    "by_people": ("Blind votes ({n} voting): ", "盲评（{n} 人）："),
    "by_judge": ("Judge {name}, asked in both orders: ", "评判模型 {name}（两种顺序各问一次）："),
    "general_forgot": (
        "Forgetting: of {n} general questions {before} were answered right before and {after} after ({lost} lost, "
        "{gained} gained; 95% interval of the change {low:+.0f} to {high:+.0f} points).",
        "出现遗忘：{n} 道通用题中，微调前答对 {before} 道，微调后答对 {after} 道（丢失 {lost}，新增 {gained}；"
        "变化的 95% 区间 {low:+.0f} 到 {high:+.0f} 个百分点）。",
    ),
    "general_gained": (
        "Of {n} general questions {before} were answered right before and {after} after ({lost} lost, {gained} "
        "gained; 95% interval of the change {low:+.0f} to {high:+.0f} points): nothing was forgotten.",
        "{n} 道通用题中，微调前答对 {before} 道，微调后答对 {after} 道（丢失 {lost}，新增 {gained}；"
        "变化的 95% 区间 {low:+.0f} 到 {high:+.0f} 个百分点）：没有遗忘。",
    ),
    "general_kept": (
        "Of {n} general questions {before} were answered right before and {after} after ({lost} lost, {gained} "
        "gained): no forgetting can be told, though the 95% interval of the change still reaches from {low:+.0f} to "
        "{high:+.0f} points.",
        "{n} 道通用题中，微调前答对 {before} 道，微调后答对 {after} 道（丢失 {lost}，新增 {gained}）：看不出遗忘，"
        "但变化的 95% 区间仍是 {low:+.0f} 到 {high:+.0f} 个百分点。",
    ),
    "general_none": (
        "Of {n} general questions none was answered right before or after, so they cannot show forgetting.",
        "{n} 道通用题微调前后都没有答对，因此看不出遗忘与否。",
    ),
    "general_unchecked": (
        "The {n} general questions have no checks, so read their answers yourself.",
        "这 {n} 道通用题没有判定规则，请自行阅读回答。",
    ),
    "general_drift": (
        " The loss on good answers to general questions rose from {before:.3f} to {after:.3f}: the model moved away "
        "from them.",
        "通用题参考回答上的损失从 {before:.3f} 升到 {after:.3f}：模型离它们更远了。",
    ),
    "agree": (
        "On {n} questions: equal verdicts {share}, ordinal α {alpha}, quadratic κ {kappa}.",
        "{n} 题上：相同评判 {share}，序数 α {alpha}，二次加权 κ {kappa}。",
    ),
    "undefined": ("not defined", "无法计算"),
    "why_not_nobody": (
        "No question has the verdicts of two.",
        "没有一道题得到两方评判。",
    ),
    "why_not_equal": (
        "All verdicts are the same, so agreement cannot be told from chance.",
        "所有评判都相同，无法区分一致与巧合。",
    ),
    "why_not_two": ("κ is for two voters; with more of them read α.", "κ 只适用于两人；多人请看 α。"),
    "bootstrap": (
        "Win rate by paired bootstrap: 95% interval {low} to {high}.",
        "胜率的配对自助法 95% 区间：{low} 到 {high}。",
    ),
    "controlled": (
        "At equal length the win rate would be {rate} (95% interval {low} to {high}).",
        "若两边回答一样长，胜率约为 {rate}（95% 区间 {low} 到 {high}）。",
    ),
    # Warnings
    "position_bias": (
        "The judge leans to the answer shown {where}: in both orders it chose it {many} times, the other {few} times. "
        "Such pairs count as ties.",
        "评判模型偏向{where}的回答：两种顺序都选它的有 {many} 题，都选另一个的有 {few} 题。这些题按平局计。",
    ),
    "first": ("first", "先出现"),
    "second": ("second", "后出现"),
    "length_bias": (
        "In {share} of the judge's decisions the longer answer won. Read the win rate at equal length beside the raw one.",
        "评判模型的胜负中，{share} 是较长的回答获胜。请同时看等长条件下的胜率。",
    ),
    "length_bias_short": (
        "In {share} of the judge's decisions the shorter answer won. Read the win rate at equal length beside the raw one.",
        "评判模型的胜负中，{share} 是较短的回答获胜。请同时看等长条件下的胜率。",
    ),
    "forgot": (
        "The model forgot: see the general questions below.",
        "模型出现遗忘：见下方通用题。",
    ),
    "stale": (
        "The model was trained on other data than this run holds now. Train again: tilth train RUN",
        "这个模型是用另一份数据训练的，与本次运行现在的数据不同。请重新训练：tilth train RUN",
    ),
    "templates": (
        "The two models are asked through different chat templates, so a difference may come from those.",
        "两个模型使用不同的对话模板，差别可能来自模板。",
    ),
    "same_model": ("Both sides are the same model.", "两边是同一个模型。"),
    "leaks": (
        "{n} of the questions nearly stand in the data the model learned from. Answers to them show memory, not skill.",
        "有 {n} 道题几乎就在模型学过的数据里。它们的回答只说明记住了，不说明学会了。",
    ),
    "leaks_older": (
        "{n} of the questions nearly stand in the data of the older version, from which the model before learned: it may "
        "remember their answers, so the comparison favours it. The held-out loss leaves them out.",
        "有 {n} 道题几乎就在旧版本的数据里，之前的模型学过它们：它可能记住了答案，比较因此偏向它。留出损失不计这些题。",
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
    "judge_says": ("judge {name}: {text}", "评判模型 {name}：{text}"),
    "person_says": ("{name}: {text}", "{name} 说：{text}"),
    "no_difference": ("no measured difference", "没有量出差别"),
    "before": ("before", "微调前"),
    "after": ("after", "微调后"),
}
PHRASES |= PAGE
