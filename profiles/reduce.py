#!/usr/bin/env python3
"""Reduces a FHIR package to the compact, prose-free text under profiles/<release>/, which a person can diff.

    profiles/reduce.py PACKAGE_FOLDER profiles/r4

Writes types/<Type>.txt for every datatype and resource type, and codes.txt for every value set that a required binding
names and that enumerates its codes. profiles/README.md describes both forms. Never writes definitions' prose.
"""
import glob
import json
import os
import sys

VALUE_SETS = "http://hl7.org/fhir/ValueSet/"
PROFILES = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = PROFILES + "structuredefinition-fhir-type"
INHERITED = ("Element", "BackboneElement", "Resource", "DomainResource", "MetadataResource", "Quantity")


def load(folder, kind):
    for name in sorted(glob.glob(os.path.join(folder, kind + "-*.json"))):
        with open(name, encoding="utf-8") as file:
            yield json.load(file)


def short(url, base):
    return url[len(base):] if url.startswith(base) else url


def type_text(kind):
    code = kind["code"]
    if code.startswith("http://hl7.org/fhirpath/"):
        code = next((x.get("valueUrl") for x in kind.get("extension", []) if x["url"] == FHIR_TYPE), "string")
    targets = [short(url, PROFILES) for url in kind.get("targetProfile", [])]
    targets = [] if targets == ["Resource"] else targets
    return code + ("(" + ",".join(targets) + ")" if targets else "")


def element_line(element, root):
    path = element["path"][len(root) + 1:]
    types = "|".join(type_text(kind) for kind in element.get("type", []))
    if element["path"] == "Resource.id":
        types = "id"  # The package says string here, the specification's own page says id.
    if "contentReference" in element:
        types = "=" + element["contentReference"].split("#")[1]
    parts = [path, f'{element["min"]}..{element["max"]}', types]
    parts += [word for word, key in (("summary", "isSummary"), ("modifier", "isModifier")) if element.get(key)]
    binding = element.get("binding")
    if binding and "valueSet" in binding:
        parts.append(binding["strength"] + ":" + short(binding["valueSet"].split("|")[0], VALUE_SETS))
    return " ".join(parts)


def constraint_lines(element, url):
    for rule in element.get("constraint", []):
        if rule.get("source", url) == url and rule.get("expression") and rule["key"] != "ele-1":
            expression = " ".join(rule["expression"].split())
            yield f'  {rule["severity"]} {rule["key"]} {expression}'


def reduce_type(definition):
    name, url = definition["name"], definition["url"]
    kind = {"complex-type": "datatype", "primitive-type": "primitive", "resource": "resource"}[definition["kind"]]
    base = definition.get("baseDefinition", "").rsplit("/", 1)[-1]
    head = ("abstract " if definition["abstract"] else "") + f"{kind} {name}" + (f" : {base}" if base else "")
    lines = [head]
    root = definition["snapshot"]["element"][0]
    lines += constraint_lines(root, url)
    if kind != "primitive":
        for element in definition["snapshot"]["element"][1:]:
            origin = element.get("base", {}).get("path", element["path"]).split(".")[0]
            if origin != name and (origin in INHERITED or element["path"].split(".")[0] != name):
                continue
            lines.append(element_line(element, name))
            lines += constraint_lines(element, url)
    return kind, name, lines


def concepts(items):
    for item in items:
        yield item["code"]
        yield from concepts(item.get("concept", []))


def enumerate_codes(url, value_sets, code_systems, seen):
    """All (system, code) of a value set, or none when it does not enumerate them here."""
    value_set = value_sets.get(url)
    if value_set is None or url in seen or "exclude" in value_set.get("compose", {}):
        return None
    found = {}
    for include in value_set["compose"]["include"]:
        if "filter" in include:
            return None
        for other in include.get("valueSet", []):
            nested = enumerate_codes(other.split("|")[0], value_sets, code_systems, seen | {url})
            if nested is None:
                return None
            for system, codes in nested.items():
                found.setdefault(system, []).extend(codes)
        if "system" not in include:
            continue
        if "concept" in include:
            codes = [item["code"] for item in include["concept"]]
        else:
            system = code_systems.get(include["system"])
            if system is None or system["content"] != "complete":
                return None
            codes = list(concepts(system.get("concept", [])))
        found.setdefault(include["system"], []).extend(codes)
    return found


def reduce_codes(folder, bound):
    value_sets = {item["url"]: item for item in load(folder, "ValueSet")}
    code_systems = {item["url"]: item for item in load(folder, "CodeSystem")}
    lines = []
    for url in sorted(bound):
        found = enumerate_codes(url, value_sets, code_systems, frozenset())
        if not found:
            continue
        for system, codes in found.items():
            words = " ".join(dict.fromkeys(code for code in codes if " " not in code))
            lines.append(f"{short(url, VALUE_SETS)} {system} {words}")
    return lines


def write(path, lines):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def main():
    folder, target = sys.argv[1:]
    bound = set()
    for definition in load(folder, "StructureDefinition"):
        if definition.get("derivation") == "constraint" or definition["kind"] == "logical":
            continue
        kind, name, lines = reduce_type(definition)
        plural = {"datatype": "datatypes", "primitive": "primitives", "resource": "resources"}[kind]
        write(os.path.join(target, plural, name + ".txt"), lines)
        for element in definition["snapshot"]["element"]:
            binding = element.get("binding", {})
            if binding.get("strength") == "required" and "valueSet" in binding:
                bound.add(binding["valueSet"].split("|")[0])
    write(os.path.join(target, "codes.txt"), reduce_codes(folder, bound))


if __name__ == "__main__":
    main()
