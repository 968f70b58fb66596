"""The `sonnax` command: its subcommands, and how an error reaches the user."""

import errno

import click

from .._version import __version__
from .compare_command import compare, record
from .convert_command import convert
from .demo_command import demo
from .diff_command import diff
from .inspect_command import inspect
from .plain_text import one_line
from .verify_command import verify


class ErrorsAsMessages(click.Group):
    """A group whose commands end with one line on stderr and status 1 on an error.

    Wrong usage ends with status 2, as click has it; a defect of sonnax itself keeps
    its traceback.
    """

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            raise click.ClickException(one_line(str(error))) from error
        except ValueError as error:
            # Here, and not above: `sonnax --help` need not load the reader.
            from ..converters.errors import CheckpointError
            from ..parity.processes import ComparisonError
            from ..parity.recorder.recording import RecordingError

            if isinstance(error, ComparisonError):
                # Of the user's own code, which ran in another process.
                click.echo(error.traceback, err=True, nl=False)
            elif not isinstance(error, CheckpointError | RecordingError):
                raise
            raise click.ClickException(one_line(str(error))) from error


@click.group(cls=ErrorsAsMessages, context_settings={"max_content_width": 88})
@click.version_option(__version__, prog_name="sonnax")
def main() -> None:
    """Sonnet models on JAX: their checkpoints, and old models beside their ports.

    A checkpoint PATH is the prefix of its files (model/ckpt-300), a directory with a
    `checkpoint` state file (model, or model@200 for one step of it), or a SavedModel
    directory. TensorFlow is needed only where compare and record run a Sonnet model.

    Exit status: 0, 1 for an error (diff: a difference; compare, demo: a number out of
    tolerance, or something that was not compared), 2 for wrong usage.
    """


for command in (inspect, verify, diff, convert, record, compare, demo):
    main.add_command(command)
