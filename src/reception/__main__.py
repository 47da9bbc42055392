"""`python -m reception`: the command line, where the `reception` script is not on the path."""

from reception.bootstrap.cli import main

if __name__ == "__main__":
    main(prog_name="reception")
