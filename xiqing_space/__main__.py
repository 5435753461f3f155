"""`python -m xiqing_space`, for machines without make."""

from xiqing_space.cli import main

if __name__ == "__main__":
    main()
