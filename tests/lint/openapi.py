#!/usr/bin/python3
"""schemas/ against itself and against the program, in both directions.

The JSON schemas are sound and their examples keep to them; openapi.yaml has
the form of OpenAPI 3.1, its references lead somewhere, its examples keep to
their schemas; it names every route of the desk with its parameters and
scope, every problem word for word, and nothing else.
"""
import json
import re

import yaml
from jsonschema import Draft202012Validator, RefResolver
from jsonschema.exceptions import SchemaError

from tree import Tree, line_of, without_comments

API = "schemas/openapi.yaml"
DEF = "gateway/net/problem.def"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch",
           "trace")
TOP = {"openapi", "info", "servers", "tags", "paths", "webhooks", "security",
       "components", "externalDocs", "jsonSchemaDialect"}
OPERATION = {"tags", "summary", "description", "operationId", "parameters",
             "requestBody", "responses", "security", "servers", "deprecated",
             "callbacks", "externalDocs"}
PARAMETER = {"name", "in", "required", "description", "schema", "example",
             "examples", "style", "explode", "deprecated"}
RESPONSE = {"description", "headers", "content", "links"}
MEDIA = {"schema", "example", "examples", "encoding"}
KINDS = {"schemas", "responses", "parameters", "examples", "requestBodies",
         "headers", "securitySchemes", "links", "callbacks", "pathItems"}
WEBHOOK = {"webhook-id", "webhook-timestamp", "webhook-signature"}
URN = "urn:paysieve:problem:"


class Documents:
    """openapi.yaml and the schema files, by name, as parsed."""

    def __init__(self, t):
        self.t = t
        self.by_name = {}
        for path in t.files(r"schemas/[a-z]+\.schema\.json"):
            self._parse(path, json.loads)
        if API in t.all:
            self._parse(API, yaml.safe_load)
        else:
            t.fault(API, 1, "this file is missing")
        self.api = self.by_name.get("openapi.yaml", {})

    def _parse(self, path, parse):
        try:
            self.by_name[path.split("/")[-1]] = parse(self.t.read(path))
        except (ValueError, yaml.YAMLError) as e:
            self.t.fault(path, 1, "cannot be parsed: %s" % e)

    def lookup(self, home, ref):
        """What ref means in the document called home; None: nothing."""
        name, _, pointer = ref.partition("#")
        at = self.by_name.get(name or home)
        for step in pointer.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            at = at.get(step) if isinstance(at, dict) else None
        return at

    def deref(self, thing):
        """For objects of openapi.yaml."""
        while isinstance(thing, dict) and set(thing) == {"$ref"}:
            thing = self.lookup("openapi.yaml", thing["$ref"])
        return thing or {}

    def errors(self, home, schema, instance):
        resolver = RefResolver(home, self.by_name.get(home, {}),
                               store=self.by_name)
        return [e.message for e in Draft202012Validator(
            schema, resolver=resolver).iter_errors(instance)]


def walk(thing, path=()):
    """(path, mapping) of every mapping inside."""
    if isinstance(thing, dict):
        yield path, thing
        for key, value in thing.items():
            yield from walk(value, path + (str(key),))
    elif isinstance(thing, list):
        for i, value in enumerate(thing):
            yield from walk(value, path + (str(i),))


def complain(t, path, words):
    t.fault(API, 1, "%s: %s" % ("/".join(path) or "top", words))


# ---- the schemas and all references

def check_schemas(t, docs):
    for name, schema in docs.by_name.items():
        if name == "openapi.yaml":
            continue
        where = "schemas/" + name
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as e:
            t.fault(where, 1, "no schema: %s" % e.message)
            continue
        if not schema.get("examples"):
            t.fault(where, 1, "has no example")
        for example in schema.get("examples", ()):
            for words in docs.errors(name, schema, example):
                t.fault(where, 1, "its example: %s" % words)


def check_refs(t, docs):
    n = 0
    for name, doc in docs.by_name.items():
        for path, thing in walk(doc):
            ref = thing.get("$ref")
            if not isinstance(ref, str):
                continue
            n += 1
            if docs.lookup(name, ref) is None:
                t.fault("schemas/" + name, 1, "%s: %s leads nowhere" %
                        ("/".join(path), ref))
    return n


# ---- the form of openapi.yaml

def known(t, path, thing, keys):
    for key in set(thing) - keys:
        if not str(key).startswith("x-"):
            complain(t, path, "%s is no member here" % key)


def check_content(t, docs, path, content):
    for kind, media in content.items():
        here = path + (kind,)
        known(t, here, media, MEDIA)
        try:
            Draft202012Validator.check_schema(media.get("schema", {}))
        except SchemaError as e:
            complain(t, here, "no schema: %s" % e.message)
            continue
        for name, example in media.get("examples", {}).items():
            for words in docs.errors("openapi.yaml", media["schema"],
                                     example.get("value")):
                complain(t, here + (name,), words)


def check_parameters(t, docs, path, parameters, named):
    """named: what stands in braces in the path."""
    seen = set()
    for p in map(docs.deref, parameters):
        here = path + (str(p.get("name")),)
        known(t, here, p, PARAMETER)
        if p.get("in") not in ("query", "header", "path", "cookie") or \
                "schema" not in p:
            complain(t, here, "no whole parameter")
        if p.get("in") == "path":
            seen.add(p.get("name"))
            if p.get("required") is not True:
                complain(t, here, "not required, but in the path")
    if seen != named:
        complain(t, path, "parameters of the path differ: %s" %
                 sorted(seen ^ named))


def check_operation(t, docs, path, op, named):
    known(t, path, op, OPERATION)
    check_parameters(t, docs, path, op.get("parameters", ()), named)
    check_content(t, docs, path + ("requestBody",),
                  docs.deref(op.get("requestBody", {})).get("content", {}))
    if not op.get("responses"):
        complain(t, path, "has no answers")
    for status, answer in op.get("responses", {}).items():
        here = path + (str(status),)
        if not isinstance(status, str) or \
                not re.fullmatch(r"[1-5](\d\d|XX)|default", status):
            complain(t, here, "no status as text")
        answer = docs.deref(answer)
        known(t, here, answer, RESPONSE)
        if not answer.get("description"):
            complain(t, here, "has no description")
        check_content(t, docs, here, answer.get("content", {}))


def operations(docs):
    """(path as steps, path as text, method, operation)"""
    for group in ("paths", "webhooks"):
        for path, item in docs.api.get(group, {}).items():
            for method, op in item.items():
                if method in METHODS:
                    yield (group, path, method), path, method, op


def check_form(t, docs):
    api, ids = docs.api, []
    known(t, (), api, TOP)
    if not re.fullmatch(r"3\.1\.\d+", str(api.get("openapi"))):
        complain(t, (), "is not OpenAPI 3.1")
    if not isinstance(api.get("info", {}).get("title"), str) or \
            not isinstance(api.get("info", {}).get("version"), str):
        complain(t, ("info",), "title and version are texts")
    known(t, ("components",), api.get("components", {}), KINDS)
    tags = {tag["name"] for tag in api.get("tags", ())}
    for where, path, _, op in operations(docs):
        named = set(re.findall(r"{(\w+)}", path))
        check_operation(t, docs, where, op, named)
        ids.append(op.get("operationId"))
        for tag in set(op.get("tags", ())) - tags:
            complain(t, where, "%s is no tag" % tag)
    if None in ids or len(set(ids)) != len(ids):
        complain(t, (), "operationIds are missing or doubled")
    return len(ids)


def check_use(t, docs):
    """Every component is referred to."""
    used = {thing["$ref"] for _, thing in walk(docs.api)
            if isinstance(thing.get("$ref"), str)}
    for kind in set(docs.api.get("components", ())) - {"securitySchemes"}:
        for name in docs.api["components"][kind]:
            if "#/components/%s/%s" % (kind, name) not in used and \
                    kind != "responses":
                complain(t, ("components", kind, name), "is not used")


# ---- against the program

def problem_rows(t):
    if DEF not in t.all:
        t.fault(DEF, 1, "this table is missing")
        return {}
    text = without_comments(t.read(DEF))
    row = re.compile(r'^PROBLEM\(\w+, (\d+), "([^"]*)", "([^"]*)", '
                     r'"([^"]*)"\)$', re.M)
    rows = {m[2]: {"type": URN + m[2], "title": m[3], "status": int(m[1]),
                   "detail": m[4]} for m in row.finditer(text)}
    if not rows or len(rows) != text.count("PROBLEM("):
        t.fault(DEF, 1, "not every row can be read")
    return rows


def check_problems(t, docs, rows):
    schema = docs.by_name.get("problem.schema.json", {})
    enum = schema.get("properties", {}).get("type", {}).get("enum", [])
    for odd in set(enum) ^ {r["type"] for r in rows.values()}:
        t.fault("schemas/problem.schema.json", 1, "%s is only here or only "
                "in the table" % odd)
    shown = {}
    answers = docs.api.get("components", {}).get("responses", {})
    for path, thing in walk(answers):
        if "application/problem+json" in thing:
            for name, example in thing["application/problem+json"].get(
                    "examples", {}).items():
                shown[name] = example.get("value")
    for name in set(shown) | set(rows):
        if shown.get(name) != rows.get(name):
            complain(t, ("components", "responses"), "problem %s is not as "
                     "in the table" % name)
    for where, _, _, op in operations(docs):
        for status, answer in op.get("responses", {}).items():
            for _, thing in walk(docs.deref(answer).get("content", {})):
                value = thing.get("value", {})
                if isinstance(value, dict) and \
                        str(value.get("type")).startswith(URN) and \
                        str(value.get("status")) != str(status):
                    complain(t, where + (str(status),), "another status")


def routes(t):
    """(method, path with {}) -> (file, line, has a scope)"""
    found = {}
    row = re.compile(r'{\s*HTTP_([A-Z]+),\s*"([^"]+)",\s*(\w+),')
    for name in t.files(r"gateway/desk/[a-z_]+\.c"):
        text = without_comments(t.read(name))
        for m in row.finditer(text):
            path = m[2].replace("*", "{}")
            found[m[1].lower(), path] = (name, line_of(text, m.start()),
                                         m[3] != "0")
    for name in t.files(r"gateway/edge/edge\.c"):
        text = without_comments(t.read(name))
        for m in re.finditer(r'"(/[a-z/]+/)"', text):
            found["post", m[1] + "{}"] = (name, line_of(text, m.start()),
                                          False)
    if not found:
        t.fault("gateway/desk/desk.c", 1, "no route can be read")
    return found


def check_routes(t, docs):
    table = routes(t)
    default = docs.api.get("security", [])
    seen = set()
    for where, path, method, op in operations(docs):
        if where[0] != "paths":
            continue
        key = method, re.sub(r"{\w+}", "{}", path)
        seen.add(key)
        if key not in table:
            complain(t, where, "no route does this")
        elif table[key][2] != bool(op.get("security", default)):
            complain(t, where, "the route's scope says otherwise")
    for key in set(table) - seen:
        name, line, _ = table[key]
        t.fault(name, line, "%s %s is not in %s" %
                (key[0].upper(), key[1], API))
    return len(table)


def check_query(t, docs):
    """Query parameters of all of the desk's handlers together."""
    taken, told = set(), set()
    for name in t.files(r"gateway/desk/[a-z_]+\.c"):
        taken |= set(re.findall(r'\.name = "([a-z_]+)"',
                                without_comments(t.read(name))))
    for _, _, _, op in operations(docs):
        told |= {p["name"] for p in map(docs.deref, op.get("parameters", ()))
                 if p.get("in") == "query"}
    for name in taken ^ told:
        complain(t, ("paths",), "parameter %s is only here or only in the "
                 "desk" % name)


def check_webhook(t, docs):
    event = docs.by_name.get("event.schema.json", {})
    kind = event.get("properties", {}).get("type", {}).get("const")
    op = docs.api.get("webhooks", {}).get(kind, {}).get("post", {})
    fields = {p["name"] for p in map(docs.deref, op.get("parameters", ()))
              if p.get("in") == "header" and p.get("required")}
    if fields != WEBHOOK:
        complain(t, ("webhooks", str(kind)), "needs %s" %
                 ", ".join(sorted(WEBHOOK)))
    for name in t.files(r"gateway/courier/envelope\.c"):
        if '\\"type\\":\\"%s\\"' % kind not in t.read(name):
            t.fault(name, 1, "sends another type than %s" % kind)


# proves: R46
def main():
    t = Tree("openapi")
    docs = Documents(t)
    rows = problem_rows(t)
    check_schemas(t, docs)
    refs = check_refs(t, docs)
    count = check_form(t, docs)
    check_use(t, docs)
    check_problems(t, docs, rows)
    n = check_routes(t, docs)
    check_query(t, docs)
    check_webhook(t, docs)
    t.finish(", %d references, %d operations, %d routes, %d problems" %
             (refs, count, n, len(rows)))


main()
