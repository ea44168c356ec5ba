"""The command line, run as a person runs it."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from tilseq.cli import main, root


def tilseq(*arguments, **options):
    """Run tilseq in a process of its own; returns the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "tilseq", *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )


def exit_code(*arguments):
    """Run tilseq within this process; returns the code that it ends with."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


def invoked(*arguments):
    """Run tilseq within this process and raise its errors; returns what it wrote and what its command returns, or 0."""
    result = CliRunner().invoke(root, [str(argument) for argument in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result, result.return_value or 0
