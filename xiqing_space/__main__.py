"""`python -m xiqing_space`, for machines without make."""

from xiqing_space.cli import program

if __name__ == "__main__":
    program()
