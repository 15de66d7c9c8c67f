"""Pictures as SVG, from templates that stand beside the code that fills them."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template


def svg_template(beside: str) -> Template:
    """Return the template chart.svg.jinja that stands beside a module's file."""
    environment = Environment(
        loader=FileSystemLoader(Path(beside).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("chart.svg.jinja")
