"""`python -m edgetl`."""

from edgetl.cli.main import main

if __name__ == "__main__":
    main()
