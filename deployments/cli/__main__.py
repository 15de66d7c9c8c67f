"""The pipeline's verbs for a terminal: `python -m deployments.cli --help`."""

import typer

from deployments.cli import admin, campaigns, links, operations

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__)
for verbs in (campaigns, links, operations, admin):
    app.add_typer(verbs.app)

if __name__ == "__main__":
    app()
