"""`python -m xinheng.commands`: the command line without its script."""

from __future__ import annotations

from xinheng.commands import main

if __name__ == "__main__":
    main()
