"""Every word of the pages, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

WORDS: Mapping[str, tuple[str, str]] = {
    "product": ("信衡", "Xinheng"),
    "tagline": ("企业信用风险分类监管", "Enterprise credit-risk supervision"),
    "list": ("检查名单", "Inspection list"),
    "internal": (
        "内部参考,用于配置监管资源;不对外公开,不作为信用评价或惩戒依据,任何等级均不免于抽查。",
        "Internal reference for allocating supervision: not public, not a rating of "
        "creditworthiness, no ground for sanctions; no class is exempt from checks.",
    ),
    "draft": ("草稿:未指定责任人员,不得据以开展检查。", "Draft: no officer is named, so nobody may act on it."),
    "officer": ("责任人员", "Officer"),
    "as_of": ("截至", "As of"),
    "as_of_meaning": ("只使用此刻已知的记录", "only records known by then are used"),
    "drawn_at": ("抽取时间", "Drawn at"),
    "model": ("模型版本", "Model version"),
    "scored": ("已评分企业", "Enterprises scored"),
    "rank": ("序号", "Rank"),
    "enterprise": ("企业", "Enterprise"),
    "uscc": ("统一社会信用代码", "USCC"),
    "risk_class": ("风险等级", "Class"),
    "score": ("风险分", "Score"),
    "score_range": ("0–1000,越高风险越大", "0–1000, higher is riskier"),
    "probability": ("问题概率", "Probability"),
    "probability_meaning": ("检查发现问题的校准概率", "calibrated, that a visit finds a problem"),
    "reasons": ("主要原因", "Main reasons"),
    "last_inspection": ("上次检查", "Last inspection"),
    "never": ("无记录", "none on record"),
    "data_gaps": ("缺数据来源", "Sources not delivered"),
    "no_gaps": ("无", "none"),
    "low_confidence": ("数据不足", "thin data"),
    "low_confidence_meaning": (
        "成立未满一年或成立日期不详:等级不优于B,且不单凭模型定为D。",
        "Under one year old, or founding day unknown: never better than B, and not D by the model alone.",
    ),
    "why": ("为什么是这个分数", "Why this score"),
    "why_meaning": (
        "每一条表示一项指标把问题概率的对数几率推高(右,红)或降低(左,蓝)多少;全部相加即为结果。",
        "Each bar is how far one indicator pushes the log-odds of a problem up (right, red) or "
        "down (left, blue); all of them add up to the result.",
    ),
    "base": ("基准(平均企业)", "Base (average enterprise)"),
    "others": ("其余指标合计", "All other indicators"),
    "result": ("结果", "Result"),
    "log_odds": ("对数几率", "log-odds"),
    "contribution": ("贡献(对数几率)", "Contribution (log-odds)"),
    "value": ("指标值", "Value"),
    "records": ("依据记录", "Records behind it"),
    "no_records": ("无记录(由没有记录本身得出)", "none (the absence of records is the fact)"),
    "more_records": ("等", "and more"),
    "contest": (
        "企业可通过主管部门查询依据记录并提出异议;记录更正或修复后立即重新评分。",
        "The enterprise may see these records through the authority and object; "
        "a corrected or repaired record re-scores it at once.",
    ),
    "find": ("查询企业", "Find an enterprise"),
    "find_hint": ("18位统一社会信用代码", "18-character USCC"),
    "open": ("打开", "Open"),
    "back": ("返回名单", "Back to the list"),
    "other_language": ("English", "中文"),
    "error": ("无法显示", "This cannot be shown"),
    "empty": ("名单为空", "The list is empty"),
    "class_shares": ("等级分布", "Classes"),
    "skip": ("跳到正文", "Skip to content"),
}


def words(language: Language) -> dict[str, str]:
    """All words in one language."""
    place = LANGUAGES.index(language)
    return {key: pair[place] for key, pair in WORDS.items()}
