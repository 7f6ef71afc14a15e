"""Writes mutants of a guide's examples, each with exactly one defect, and a list of them.

    python3 tests/conformance/mutants CORE GUIDE FOLDER [--seed N] [--most N]

CORE is hl7.fhir.r4.core as .tgz or .tar.xz, GUIDE a package with examples. FOLDER gets one JSON file for each mutant and
`manifest.tsv`: file, kind, source, location in FHIRPath, what was done. Of each kind at most `--most` are drawn, evenly over
what they break. Mutants of the kind `valid` are still valid: they guard the other side. The same seed draws the same mutants.
"""
import argparse
import collections
import json
import pathlib
import random

import us_core_invariants  # noqa: F401  registers its breakers
from bundles import bundles, made
from controls import controls
from definitions import Definitions
from extensions import extensions
from invariants import invariants
from places import walk
from profiled import fixed_values, patterns, slices
from structure import cardinality, codes, primitives, references, types

OPERATORS = (cardinality, types, primitives, codes, references, slices, patterns, fixed_values, extensions, invariants, bundles,
             controls)


def candidates(definitions):
    """All mutants that there could be, as functions that make them, by kind and by what they break."""
    sources = dict(definitions.examples)
    for name, bundle in made(definitions.examples):
        sources[f"made-{name}"] = bundle
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for source, resource in sorted(sources.items()):
        places = list(walk(resource, definitions))
        for operator in OPERATORS:
            for mutant in operator(resource, places, definitions):
                if mutant.resource != resource:
                    found[mutant.kind][mutant.group].append((source, mutant))
    return found, sources


def draw(groups, most, chance):
    """At most so many, from as many groups as there are, then more of each."""
    rounds = [chance.sample(members, len(members)) for _, members in sorted(groups.items(), key=lambda item: str(item[0]))]
    chance.shuffle(rounds)
    drawn = []
    while rounds and len(drawn) < most:
        for members in rounds[:most - len(drawn)]:
            drawn.append(members.pop())
        rounds = [members for members in rounds if members]
    return drawn


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("core", "guide", "folder"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--most", type=int, default=60)
    arguments = parser.parse_args()
    definitions = Definitions(arguments.core, arguments.guide)
    found, sources = candidates(definitions)
    chance = random.Random(arguments.seed)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, resource in sorted(sources.items()):
        if name.startswith("made-"):
            lines.append((f"{name}.json", "valid", name, "Bundle", "made of examples"))
            (arguments.folder / lines[-1][0]).write_text(json.dumps(resource, indent=1))
    for kind, groups in sorted(found.items()):
        for number, (source, mutant) in enumerate(draw(groups, arguments.most, chance), 1):
            lines.append((f"{kind}-{number:03}.json", kind, source, mutant.location, mutant.done))
            (arguments.folder / lines[-1][0]).write_text(json.dumps(mutant.resource, indent=1))
    (arguments.folder / "manifest.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))
    for kind, groups in sorted(found.items()):
        print(f"{kind}: {sum(line[1] == kind for line in lines)} of {sum(map(len, groups.values()))} in {len(groups)} groups")


main()
