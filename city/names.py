"""Made-up codes and names: valid in form, belonging to nobody."""

from __future__ import annotations

import numpy as np

from xinheng.domain import ALPHABET, check_character, organisation_check

DISTRICTS = ("640302", "640303", "640323", "640324", "640381")
"""County codes of Wuzhong (GB/T 2260), used as places only."""
_FIRST = "禾丰源泰和福瑞祥嘉顺兴隆盛鑫恒达悦味鲜香醇康清沁谷麦稻穗溪泉云岭塞北贺兰"
_SECOND = "香园记坊轩阁庄苑居楼社里家味品选集优尚鲜和源盛"
KINDS = {
    "H6210": "餐饮有限公司", "H6220": "快餐服务有限公司", "F5222": "食品商行有限公司",
    "F5121": "食品批发有限公司", "C1411": "食品制造有限公司", "H6291": "小吃店有限公司",
    "F5251": "大药房有限公司", "F5151": "医药有限公司", "C2720": "制药有限公司",
    "F5154": "医疗器械有限公司", "E4710": "建筑工程有限公司", "E4813": "市政工程有限公司",
    "E4910": "安装工程有限公司", "E5011": "装饰工程有限公司", "F5299": "商贸有限公司",
    "F5179": "物资有限公司", "L7211": "企业管理有限公司", "I6510": "软件科技有限公司",
    "C3399": "金属制品有限公司", "G5430": "物流有限公司", "K7010": "房地产开发有限公司",
    "M7512": "技术服务有限公司", "O8111": "汽车服务有限公司", "R8810": "文化传媒有限公司",
}  # fmt: skip


def made_up_codes(rng: np.random.Generator, districts: list[str]) -> list[str]:
    """One valid, unique USCC a district given; organisation codes start with MA, as new ones do."""
    numbers = rng.choice(31**6, size=len(districts), replace=False)
    return [_code(int(n), district) for n, district in zip(numbers, districts, strict=True)]


def _code(number: int, district: str) -> str:
    symbols = "MA"
    for _ in range(6):
        number, value = divmod(number, 31)
        symbols += ALPHABET[value]
    first_17 = f"91{district}{symbols}{organisation_check(symbols)}"
    return first_17 + check_character(first_17)


def made_up_names(rng: np.random.Generator, industries: list[str]) -> list[str]:
    """Names such as 示例市禾丰园餐饮有限公司; 示例市 says that the town is an example."""
    names = []
    for industry in industries:
        first = "".join(rng.choice(list(_FIRST), 2))
        names.append(f"示例市{first}{rng.choice(list(_SECOND))}{KINDS[industry]}")
    return names


def authority_code(department: str) -> str:
    """A made-up code of an authority (characters 1-2: `11`, a state organ)."""
    symbols = "MB" + "".join(ALPHABET[ord(c) % 31] for c in f"{department:x<6}"[:6])
    first_17 = f"11640300{symbols}{organisation_check(symbols)}"
    return first_17 + check_character(first_17)
