"""Changes that leave a resource valid, so that what refuses everything is not taken for what finds everything."""
import copy

from definitions import valued
from places import Mutant, at, changed, list_keys, without


def controls(resource, places, definitions):
    unknown = {"url": "http://example.org/fhir/StructureDefinition/nobody-knows-it", "valueString": "x"}
    for place in places:
        if place.type in ("Identifier", "HumanName", "CodeableConcept", "Period") and place.keys:
            own = place.value.get("extension", [])
            yield Mutant("valid", ("unknown extension", place.element["path"]), place.location, "an extension that nobody knows",
                         changed(resource, place.keys + ["extension"], own + [unknown]))
        for profile in place.claims:
            said = profile.by_id.get(place.path, {})
            rules = said.get("slicing", {}).get("rules")
            if rules == "open" and place.type == "CodeableConcept" and place.is_item and not said.get("binding", {}).get("strength") == "required":
                copied = copy.deepcopy(resource)
                at(copied, list_keys(place)).append({"coding": [{"system": "http://example.org/own", "code": "x"}]})
                yield Mutant("valid", ("open slicing", profile.name, place.path), place.location, "one more, in no slice", copied)
            pattern = valued(said, "pattern") if said else None
            if isinstance(pattern, dict) and "coding" in pattern:
                codings = place.value.get("coding", []) + [{"system": "http://example.org/own", "code": "x"}]
                yield Mutant("valid", ("more than the pattern", profile.name, place.path), place.location,
                             "a coding beside that of the pattern", changed(resource, place.keys + ["coding"], codings))
        if place.type == "Narrative" and not resource["resourceType"] == "Bundle":
            yield Mutant("valid", ("optional", place.path), place.location, "removed what nobody demands",
                         without(resource, place.keys))
        # The ends of a period are compared, and a day cannot be compared with a second of it (per-1).
        if place.type == "dateTime" and ".period" not in place.path.lower() and len(place.value) == 10:
            yield Mutant("valid", ("precision", place.element["path"]), place.location, "a date to the second",
                         changed(resource, place.keys, place.value + "T10:00:00.125+01:00"))
        if place.type == "Reference" and not place.value.get("reference", "#").startswith("#") and resource["resourceType"] != "Bundle":
            yield Mutant("valid", ("absolute", place.element["path"]), place.location, "an absolute reference of unknown type",
                         changed(resource, place.keys, {"reference": "http://example.org/anything"}))
