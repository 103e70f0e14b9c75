"""Does this JSON keep to the published schemas?  For tests."""

import json
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker, RefResolver
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
SUFFIX = ".schema.json"

formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _real_time(text):
    """Is there such a day and time?  Its form is the pattern's business."""
    return not isinstance(text, str) or bool(
        datetime.fromisoformat(text.replace("Z", "+00:00")))


def _pattern(validator, pattern, instance, schema):
    """In Python '$' matches before a newline at the end too; in JSON Schema
    it does not."""
    del schema
    exact = re.sub(r"(?<!\\)\$$", r"\\Z", pattern)
    if validator.is_type(instance, "string") and \
            not re.search(exact, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


Exact = extend(Draft202012Validator, {"pattern": _pattern})


def names():
    return sorted(p.name[:-len(SUFFIX)] for p in SCHEMAS.glob("*" + SUFFIX))


def load(name):
    return json.loads((SCHEMAS / (name + SUFFIX)).read_text())


@lru_cache(maxsize=None)
def validator(name):
    """A validator for the schema of this name; others are found by file."""
    store = {other + SUFFIX: load(other) for other in names()}
    schema = store[name + SUFFIX]
    Draft202012Validator.check_schema(schema)
    for each in store.values():
        del each["$schema"]  # it would choose a plain validator again
    return Exact(schema, format_checker=formats,
                 resolver=RefResolver("", schema, store=store))


def validate(instance, name):
    """Raises jsonschema.ValidationError; name: receipt, held, event, page,
    problem."""
    validator(name).validate(instance)
