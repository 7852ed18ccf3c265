"""The template's parameters and resources, with values put in: what deploy, destroy and cost ask of it."""

import json
import re
import sys

import yaml


class _Loader(yaml.CSafeLoader):
    """YAML with CloudFormation's short functions: `!Ref X` is `{"Ref": "X"}`, `!Sub …` is `{"Fn::Sub": …}`."""


def _short_function(loader, name, node):
    kinds = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: lambda one: loader.construct_sequence(one, deep=True)}
    value = kinds.get(type(node), lambda one: loader.construct_mapping(one, deep=True))(node)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _short_function)


def read(path):
    """A template as plain data, its short functions spelled out."""
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, _Loader)


class Template:
    """infra/template.yaml with some parameters given; the others have their defaults."""

    def __init__(self, path, given=None):
        self.document = read(path)
        self.given = dict(given or {})
        self.resources = self.document["Resources"]

    def value(self, name):
        """A parameter's value as text: the one given, else the default; None where there is neither."""
        if name in self.given:
            return self.given[name]
        default = self.document["Parameters"].get(name, {}).get("Default")
        return None if default is None else str(default)

    def of_type(self, kind):
        """Resources of a type: name and properties."""
        return {name: body.get("Properties", {}) for name, body in self.resources.items() if body["Type"] == kind}

    def problems(self):
        """What CloudFormation would refuse the given parameters for, a line each."""
        declared = self.document["Parameters"]
        for name, value in self.given.items():
            if name not in declared:
                yield f"{name}: the template has no such parameter; it has: {' '.join(declared)}"
                continue
            yield from _broken_rules(name, value, declared[name])
        for name, rule in declared.items():
            if "Default" not in rule and name not in self.given:
                yield f"{name} is not given; fix: add {name}=… ({rule.get('Description', 'no default')})"


def _broken_rules(name, value, rule):
    # A secret is easily given where its name, or an address without it, belongs: none is repeated.
    may_be_secret = name.endswith("Parameter") or name == "GitRepositoryUrl"
    told = "what was given" if may_be_secret else value
    # CloudFormation's patterns are those of Java, which match a whole text; the template's are anchored in any case.
    if "AllowedPattern" in rule and not re.fullmatch(rule["AllowedPattern"], value):
        form = rule.get("ConstraintDescription", rule["AllowedPattern"])
        yield f"{name}: {told} is not of the form that the template allows: {form}"
    allowed = [str(one) for one in rule.get("AllowedValues", [value])]
    if value not in allowed:
        yield f"{name}: {told} is none of {', '.join(allowed)}"
    if rule["Type"] == "Number":
        try:
            number = float(value)
        except ValueError:
            yield f"{name}: {told} is no number"
            return
        if number < float(rule.get("MinValue", number)) or number > float(rule.get("MaxValue", number)):
            yield f"{name}: {told} is not between {rule.get('MinValue', '-∞')} and {rule.get('MaxValue', '∞')}"
    elif len(value) < int(rule.get("MinLength", 0)):
        yield f"{name} is empty; fix: add {name}=… ({rule.get('Description', '')})"


if __name__ == "__main__":
    json.dump(read(sys.argv[1]), sys.stdout)
