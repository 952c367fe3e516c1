"""Records added in thought to many firms: how often a live model's risk moves the wrong way.

python benchmarks/added.py HOME [--firms 1000] [--task risk_class]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from xinheng.config import Home
from xinheng.decisions.office import live_models
from xinheng.records.lake import Lake
from xinheng.training.judging.added import judge_added


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--firms", type=int, default=1_000)
    parser.add_argument("--task", default="", help="only this one")
    asked = parser.parse_args()
    home = Home.at(asked.home)
    lake = Lake(home.lake)
    models = live_models(home)
    wanted = {task: m for task, m in models.items() if asked.task in {"", task}}
    if not wanted:
        raise SystemExit(f"no such task is live; there are {', '.join(models) or 'none'}")
    for task, model in wanted.items():
        print(f"{task} {model.version}, as of {lake.known_until():%Y-%m-%d %H:%M} UTC")
        found = list(judge_added(model, lake, lake.known_until(), most=asked.firms))
        for one in found:
            kind = "bad" if one.is_bad else "clean"
            print(
                f"  {one.record:<24}{kind:<7}{one.firms:>6,} firms{one.wrong:>6,} the wrong way"
                f"{one.worst:>8.3f} at worst{one.mean:>+8.3f} on average"
            )
        firms, wrong = sum(one.firms for one in found), sum(one.wrong for one in found)
        if firms == 0:
            raise SystemExit(f"{task}: nobody is on the register, so nothing was measured")
        print(f"  {'in all':<31}{firms:>6,} firms{wrong:>6,} the wrong way")


if __name__ == "__main__":
    main()
