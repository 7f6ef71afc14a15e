"""Asks the types of fhir.resources (PyPI, its R4B models) about every resource and payload in the expected results.

    python3 -m venv peers && peers/bin/pip install fhir.resources==8.3.0 && peers/bin/python tests/golden/peers.py

R4B differs from R4 in a few types that do not occur here. Prints how many of each type there were, and every fault. Ends with
1 when a resource is not valid, with 0 and a word when the package is not installed.
"""
import collections
import json
import pathlib
import sys

try:
    from fhir.resources.R4B import get_fhir_model_class
except ImportError:
    print("skipped: fhir.resources is not installed")
    sys.exit(0)


def resources(value):
    if isinstance(value, dict):
        if "resourceType" in value:
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from resources(item)


folder = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "messages"
counts, faults = collections.Counter(), []
for file in sorted(folder.rglob("*.json")):
    for resource in resources(json.loads(file.read_text())):
        counts[resource["resourceType"]] += 1
        try:
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        except Exception as fault:
            faults.append(f"{file.relative_to(folder)}: {resource['resourceType']}: {fault}")
print(", ".join(f"{count} {name}" for name, count in counts.most_common()))
print(f"{counts.total()} resources, {len(faults)} faults")
print("\n".join(faults[:20]))
sys.exit(1 if faults else 0)
