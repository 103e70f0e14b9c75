#!/usr/bin/python3
"""openapi.yaml with the schemas that it names, as one JSON document.

bundle.py [--c]: to standard output, as it is or as C string literals.
"""
import json
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent


def name_of(path):
    """receipt.schema.json -> Receipt"""
    return "".join(part.capitalize()
                   for part in path.name.removesuffix(".schema.json").split("-"))


def rewrite(thing, names, home):
    """References into schema files become references into this document."""
    if isinstance(thing, list):
        return [rewrite(t, names, home) for t in thing]
    if not isinstance(thing, dict):
        return thing
    out = {k: rewrite(v, names, home) for k, v in thing.items()
           if k not in ("$schema", "$id")}
    ref = thing.get("$ref")
    if isinstance(ref, str):
        file, _, pointer = ref.partition("#")
        if file or home:
            out["$ref"] = "#/components/schemas/%s%s" % (
                names[file or home], pointer)
    return out


def bundle():
    files = sorted(HERE.glob("*.schema.json"))
    names = {f.name: name_of(f) for f in files}
    api = rewrite(yaml.safe_load((HERE / "openapi.yaml").read_text()),
                  names, None)
    schemas = api["components"]["schemas"]
    for f in files:
        assert names[f.name] not in schemas, f.name
        schemas[names[f.name]] = rewrite(json.loads(f.read_text()),
                                         names, f.name)
    return json.dumps(api, separators=(",", ":"), ensure_ascii=True)


def literals(text, width=72):
    """Short lines, which the compiler puts together again."""
    for at in range(0, len(text), width):
        piece = text[at:at + width]
        yield '"%s"' % piece.replace("\\", "\\\\").replace('"', '\\"')


def main():
    text = bundle()
    if sys.argv[1:] == ["--c"]:
        print("\n".join(literals(text)))
    else:
        print(text)


main()
