"""`python -m codec` is the same as the command `codec`."""

from __future__ import annotations

from codec.cli.main import main

if __name__ == "__main__":
    main()
