"""Defects of extensions: unknown ones that change meaning, wrong values, wrong parts, wrong places."""
import copy

from definitions import capital
from places import SAMPLES, Mutant, at, changed, without

MODIFIER = {"url": "http://example.org/fhir/StructureDefinition/not-known-to-anybody", "valueBoolean": True}


def extensions(resource, places, definitions):
    for place in places:
        is_holder = "modifierExtension" in definitions.children.get(place.element["path"], {})
        if (is_holder and "contained" not in place.keys) or place.type == "BackboneElement":
            modifiers = place.value.get("modifierExtension", [])
            yield Mutant("extension", ("modifier", place.path), f"{place.location}.modifierExtension",
                         "a modifier extension that nobody knows",
                         changed(resource, place.keys + ["modifierExtension"], modifiers + [MODIFIER])
                         if place.keys else {**copy.deepcopy(resource), "modifierExtension": modifiers + [MODIFIER]})
        if place.type == "Extension" and isinstance(place.value, dict):
            yield from _of_known(resource, place, definitions)
    yield from _misplaced(resource, definitions)


def _of_known(resource, place, definitions):
    url = place.value.get("url", "")
    profile = definitions.profiles.get(url)
    group = url.rsplit("/", 1)[-1]
    own = next((key for key in place.value if key.startswith("value")), None)
    if ":" in url:
        yield Mutant("extension", ("relative url", group), place.location, "a url without a scheme",
                     changed(resource, place.keys + ["url"], "colour"))
    yield Mutant("extension", ("no url", group), f"{place.location}.url", "removed the url", without(resource, place.keys + ["url"]))
    yield Mutant("extension", ("nothing", group), place.location, "neither value nor parts", changed(resource, place.keys, {"url": url}))
    if own:
        both = {**place.value, "extension": [{"url": "http://example.org/part", "valueString": "x"}]}
        yield Mutant("extension", ("both", group), place.location, "a value and parts", changed(resource, place.keys, both))
    if not profile:
        return
    if own:
        for wrong in ("integer", "Period"):
            swapped = changed(without(resource, place.keys + [own]), place.keys + ["value" + capital(wrong)], SAMPLES[wrong])
            yield Mutant("extension", ("value", group, wrong), f"{place.location}.value", f"a value of type {wrong}", swapped)
    if place.keys[-2] == "extension" and not profile.is_modifier:
        moved = without(resource, place.keys)
        holder = at(moved, place.keys[:-2])
        definition_of_holder = place.path.rsplit(".", 1)[0]
        if "." not in definition_of_holder and "contained" not in place.keys:
            holder["modifierExtension"] = holder.get("modifierExtension", []) + [copy.deepcopy(place.value)]
            head = place.location.rsplit(".extension[", 1)[0]
            where = f"{head}.modifierExtension[{len(holder['modifierExtension']) - 1}]"
            yield Mutant("extension", ("list", group), where, "an extension among the modifier extensions", moved)
    yield from _parts(resource, place, profile, group)


def _parts(resource, place, profile, group):
    if "extension" not in place.value:
        return
    parts = place.value["extension"]
    known = {element["sliceName"]: element for id_, element in profile.by_id.items()
             if id_.startswith("Extension.extension:") and "." not in id_.split(":", 1)[1] and "sliceName" in element}
    yield Mutant("extension", ("unknown part", group), f"{place.location}.extension[{len(parts)}]",
                 f"a part that {profile.name} does not define",
                 changed(resource, place.keys + ["extension"], parts + [{"url": "colour", "valueString": "red"}]))
    for index, part in enumerate(parts):
        said = known.get(part.get("url"))
        if not said:
            continue
        alone = [other for other in parts if other.get("url") == part["url"]]
        if said["min"] > 0 and len(alone) == said["min"] and len(parts) > 1:
            yield Mutant("extension", ("part min", group, part["url"]), f"{place.location}.extension",
                         f"removed the part {part['url']}", without(resource, place.keys + ["extension", index]))
        if said["max"].isdigit() and alone[0] is part:
            more = parts + [copy.deepcopy(part) for _ in range(int(said["max"]) + 1 - len(alone))]
            yield Mutant("extension", ("part max", group, part["url"]), f"{place.location}.extension",
                         f"the part {part['url']} more often than it may", changed(resource, place.keys + ["extension"], more))
        own = next((key for key in part if key.startswith("value")), None)
        if own and own != "valueInteger":
            swapped = copy.deepcopy(part)
            del swapped[own]
            swapped["valueInteger"] = 3
            yield Mutant("extension", ("part value", group, part["url"]), f"{place.location}.extension[{index}].value",
                         f"the part {part['url']} with an integer",
                         changed(resource, place.keys + ["extension", index], swapped))


BIRTH_SEX = {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex", "valueCode": "F"}
RACE = {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": [{"url": "text", "valueString": "x"}]}
DIRECT = {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-direct", "valueBoolean": True}
BIRTH_TIME = {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": "2020-01-01T10:00:00Z"}
ADHERENCE = {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-genderIdentity", "valueCodeableConcept": {"text": "x"}}


def _misplaced(resource, definitions):
    """Known extensions on resources that their context does not name."""
    type_ = resource["resourceType"]
    if type_ in ("Bundle", "Patient", "Practitioner", "RelatedPerson"):
        return
    for extension in (BIRTH_SEX, RACE, DIRECT, BIRTH_TIME, ADHERENCE):
        own = resource.get("extension", [])
        copied = copy.deepcopy(resource)
        copied["extension"] = own + [extension]
        name = extension["url"].rsplit("/", 1)[-1]
        yield Mutant("extension", ("place", name, type_), f"{type_}.extension[{len(own)}]", f"{name}, which has no place here", copied)
