"""Defects of structure that R4 or a profile forbids: cardinality, types, the syntax of primitives, codes, references."""
import copy

from definitions import capital, type_of
from places import SAMPLES, Mutant, at, changed, list_keys, list_location, without

# Ways to write a primitive that its regular expression, or the text beside it, does not allow.
BAD = {
    "date": ["2020-13-01", "2020-02-30", "20200101", "2020-1-1", "01/02/2020"],
    "dateTime": ["2020-02-30", "2020-01-01T10:00:00", "2020-01-01T10:00Z", "2020-01-01T25:00:00Z", "2020-01-01 10:00:00Z"],
    "instant": ["2020-01-01", "2020-01-01T10:00:00", "2020-01-01T10:00Z", "2020-02-30T10:00:00Z"],
    "time": ["25:00:00", "10:00", "10:00:00Z"],
    "uri": ["http://example.org/a b", ""],
    "url": ["http://example.org/a b", ""],
    "canonical": ["http://example.org/a b", ""],
    "oid": ["urn:oid:9.1", "1.2.3"],
    "uuid": ["urn:uuid:xyz", "c757873d-ec9a-4326-a141-556f43239520"],
    "id": ["under_score", "a" * 65, "a b", ""],
    "code": [" leading", "trailing ", "two  blanks", ""],
    "string": [""],
    "markdown": [""],
    "positiveInt": [0, -1, 1.5],
    "unsignedInt": [-1, 1.5],
    "integer": [1.5, 3000000000],
    "base64Binary": ["not*base64", "abc"],
}


def cardinality(resource, places, definitions):
    for place in places:
        if "." not in place.path:
            continue
        parent = at(resource, list_keys(place)[:-1])
        is_alone = not [key for key in parent if key not in (place.key, "_" + place.key)]
        if place.element["min"] > 0 and not is_alone and place.path.rsplit(".", 1)[-1] not in ("url", "div"):
            done = f"removed what R4 demands ({place.element['path']})"
            yield Mutant("cardinality", ("min", place.element["path"]), list_location(place), done,
                         without(resource, list_keys(place)))
        if place.element["max"] == "1" and not place.is_item and place.type != "xhtml":
            yield Mutant("cardinality", ("max", place.element["path"]), place.location, "wrote it twice, as a list",
                         changed(resource, place.keys, [place.value, place.value]))
        for mutant in _choice_twice(resource, place):
            yield mutant
        for profile in place.claims:
            yield from _profile_cardinality(resource, place, profile, is_alone)


def _choice_twice(resource, place):
    """`valueString` beside `valueQuantity`."""
    if not place.element["path"].endswith("[x]"):
        return
    stem = place.element["path"].rsplit(".", 1)[-1][:-3]
    for kind in place.element["type"]:
        if kind["code"] != place.type and kind["code"] in SAMPLES:
            keys = place.keys[:-1] + [stem + capital(kind["code"])]
            yield Mutant("cardinality", ("choice", place.element["path"]), place.location,
                         f"a {kind['code']} beside the {place.type}", changed(resource, keys, SAMPLES[kind["code"]]))
            return


def _profile_cardinality(resource, place, profile, is_alone):
    said = profile.by_id.get(place.path)
    if not said:
        return
    if said["min"] > 0 and place.element["min"] == 0 and not is_alone:
        group = ("profile min", profile.name, place.path)
        yield Mutant("cardinality", group, list_location(place), f"removed what {profile.name} demands",
                     without(resource, list_keys(place)))
    if place.is_item and said["max"].isdigit() and place.element["max"] == "*" and place.keys[-1] == 0:
        copied = copy.deepcopy(resource)
        items = at(copied, place.keys[:-1])
        items.extend(copy.deepcopy([place.value] * (int(said["max"]) + 1 - len(items))))
        group = ("profile max", profile.name, place.path)
        yield Mutant("cardinality", group, list_location(place), f"more often than {profile.name} allows", copied)


def types(resource, places, definitions):
    for place in places:
        if "." not in place.path:
            continue
        group = ("json", place.element["path"], place.type)
        if isinstance(place.value, dict) and place.type != "=":
            yield Mutant("type", group, place.location, f"a text in place of a {place.type}",
                         changed(resource, place.keys, "text"))
        elif isinstance(place.value, bool):
            yield Mutant("type", group, place.location, "a boolean in quotes",
                         changed(resource, place.keys, str(place.value).lower()))
        elif isinstance(place.value, (int, float)):
            yield Mutant("type", group, place.location, "a number in quotes",
                         changed(resource, place.keys, str(place.value)))
        elif isinstance(place.value, str) and place.type != "xhtml":
            for value in (7, True, {"value": place.value}):
                yield Mutant("type", group + (type(value).__name__,), place.location,
                             f"a {type(value).__name__} in place of a {place.type}", changed(resource, place.keys, value))
        if place.is_item and place.keys[-1] == 0:
            yield Mutant("type", ("unwrapped", place.element["path"]), list_location(place), "a list without [ ]",
                         changed(resource, list_keys(place), place.value))
        if isinstance(place.value, dict):
            yield Mutant("type", ("unknown", place.element["path"]), place.location + ".colour",
                         "an element that R4 does not have", changed(resource, place.keys + ["colour"], "red"))
        yield from _wrong_choice(resource, place)


def _wrong_choice(resource, place):
    if not place.element["path"].endswith("[x]"):
        return
    stem = place.element["path"].rsplit(".", 1)[-1][:-3]
    allowed = {kind["code"] for kind in place.element["type"]}

    def swapped(code):
        return changed(without(resource, place.keys), place.keys[:-1] + [stem + capital(code)], SAMPLES[code])

    # Without one that it must have there would be a second defect.
    for code in sorted(set(SAMPLES) - allowed) if place.element["min"] == 0 else []:
        where = f"{place.location.rsplit('.', 1)[0]}.{stem}{capital(code)}"
        yield Mutant("type", ("choice", place.element["path"], code), where, f"{code}, which R4 has no choice for",
                     swapped(code))
    for profile in place.claims:
        said = profile.by_id.get(place.path)
        if said and said.get("type"):
            narrowed = {kind["code"] for kind in said["type"]}
            for code in sorted((allowed - narrowed) & set(SAMPLES)):
                yield Mutant("type", ("profile choice", profile.name, place.path), place.location,
                             f"{code}, which {profile.name} does not allow", swapped(code))


def primitives(resource, places, definitions):
    for place in places:
        # What others refer to by it, or what chooses the profile, would be a second defect.
        if place.path.endswith((".meta.profile", "Bundle.entry.fullUrl")) or place.location == "Bundle.entry":
            continue
        for number, value in enumerate(BAD.get(place.type, [])):
            yield Mutant("primitive", (place.type, number, place.element["path"]), place.location,
                         f"a {place.type} written as {value!r}", changed(resource, place.keys, value))


def codes(resource, places, definitions):
    for place in places:
        if not place.path.count("."):
            continue
        bindings = [("R4", place.element)]
        for profile in place.claims:
            said = profile.by_id.get(place.path)
            if said and not any(key.startswith(("pattern", "slicing", "fixed")) for key in said):
                bindings.append((profile.name, said))
        for who, element in bindings:
            if element.get("binding", {}).get("strength") != "required":
                continue
            group = (who, place.element["path"])
            if place.type == "code":
                yield Mutant("code", group, place.location, f"a code that {who} does not have",
                             changed(resource, place.keys, "no-such-code"))
            elif place.type == "Coding" and "code" in place.value:
                yield Mutant("code", group, place.location, f"a code that {who} does not have",
                             changed(resource, place.keys + ["code"], "no-such-code"))
            elif place.type == "CodeableConcept" and place.value.get("coding"):
                codings = place.value["coding"]
                wrong = {
                    "code": [{**coding, "code": "no-such-code"} for coding in codings],
                    "system": [{**coding, "system": "http://example.org/no-such-system"} for coding in codings],
                }
                for what, value in wrong.items():
                    yield Mutant("code", group + (what,), place.location, f"a {what} that {who} does not have",
                                 changed(resource, place.keys + ["coding"], value))
                yield Mutant("code", group + ("text",), place.location, f"words where {who} demands a code",
                             changed(resource, place.keys, {"text": "words"}))
            # A wrong code found by a profile is one found by R4 too.
            break


def references(resource, places, definitions):
    for place in places:
        if place.type != "Reference" or "reference" not in place.value:
            continue
        allowed = targets(place.element, definitions)
        if allowed and "Resource" not in allowed:
            for wrong in [kind for kind in ("Medication", "Location", "Patient", "Slot") if kind not in allowed][:2]:
                yield Mutant("reference", ("R4", place.element["path"], wrong), place.location,
                             f"a reference to a {wrong}", _pointing(resource, place, wrong))
            wrong = next(kind for kind in ("Medication", "Slot") if kind not in allowed)
            yield Mutant("reference", ("type", place.element["path"]), place.location, f"says that it is a {wrong}",
                         changed(resource, place.keys, {"display": "x", "type": wrong}))
        kind = place.value["reference"].split("/")[0]
        for form in ("Foo/1", f"{kind}/under_score", kind) if kind in definitions.kinds else ():
            yield Mutant("reference", ("form", form, place.element["path"]), place.location, f"written as {form}",
                         changed(resource, place.keys, {"reference": form}))
        yield Mutant("reference", ("contained", place.element["path"]), place.location, "nothing contained has that id",
                     changed(resource, place.keys, {"reference": "#no-such-id"}))
        for profile in place.claims:
            said = profile.by_id.get(place.path)
            narrowed = targets(said, definitions) if said else set()
            if narrowed and "Resource" not in narrowed and "Resource" not in allowed:
                for wrong in sorted(allowed - narrowed):
                    yield Mutant("reference", ("profile", profile.name, place.path, wrong), place.location,
                                 f"a reference to a {wrong}, which {profile.name} does not allow",
                                 _pointing(resource, place, wrong))


def _pointing(resource, place, type_):
    value = {key: value for key, value in place.value.items() if key not in ("type", "identifier")}
    return changed(resource, place.keys, {**value, "reference": f"{type_}/elsewhere"})


def targets(element, definitions):
    """The types that a reference may point at."""
    found = set()
    for kind in element.get("type", []):
        for url in kind.get("targetProfile", []) if kind["code"] == "Reference" else []:
            profile = definitions.profiles.get(url.split("|")[0])
            found.add(profile.type if profile else url.rsplit("/", 1)[-1])
    return found if found <= set(definitions.kinds) else set()


__all__ = ["cardinality", "types", "primitives", "codes", "references", "type_of"]
