"""Defects that only a profile can know: slices, patterns and fixed values. Slices are told apart here in the plain way that
US Core needs (a value or pattern below the item), which is enough to find the items of an example.
"""
import copy

from definitions import valued
from places import Mutant, at, changed, list_keys, list_location, without

ELSEWHERE = "http://example.org/elsewhere"


def contains(value, pattern):
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(key in value and contains(value[key], part) for key, part in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(contains(item, part) for item in value) for part in pattern)
    return value == pattern


def demanded(profile, slice_):
    """What the items of a slice have, as one pattern; None where it is not known by a value."""
    own = valued(slice_, "pattern")
    if own is not None:
        return own
    whole = {}
    for id_, element in profile.by_id.items():
        if not id_.startswith(slice_["id"] + ".") or ":" in id_[len(slice_["id"]):]:
            continue
        value = valued(element, "pattern")
        value = valued(element, "fixed") if value is None else value
        steps = id_[len(slice_["id"]) + 1:].split(".")
        if value is None or any(step.endswith("[x]") for step in steps):
            continue
        into = whole
        for step in steps[:-1]:
            into = into.setdefault(step, {})
        into[steps[-1]] = value
    return {"coding": [whole["coding"]]} if "coding" in whole else whole or None


def slices(resource, places, definitions):
    for profile in {claim.url: claim for place in places for claim in place.claims}.values():
        for sliced, slice_ in profile.slices():
            pattern = demanded(profile, slice_)
            if pattern is None:
                continue
            places_of = [place for place in places if place.path == sliced["path"] and profile in place.claims]
            lists = {}
            for place in places_of:
                lists.setdefault(tuple(list_keys(place)), []).append(place)
            for items in lists.values():
                found = [place for place in items if contains(place.value, pattern)]
                if found:
                    yield from _of_slice(resource, profile, slice_, items, found, pattern)


def _of_slice(resource, profile, slice_, items, found, pattern):
    name, where = f"{profile.name} {slice_['sliceName']}", list_location(found[0])
    if slice_["min"] > 0 and len(found) == slice_["min"]:
        if len(items) > 1:
            yield Mutant("slice", ("remove", name), where, f"removed the item of {name}",
                         without(resource, found[0].keys))
        for change, done in _broken(found[0].value, pattern):
            yield Mutant("slice", ("break", done, name), where, f"{done} that {name} is known by",
                         changed(resource, found[0].keys, change))
    if slice_["max"].isdigit() and found[0].is_item:
        copied = copy.deepcopy(resource)
        again = [copy.deepcopy(found[0].value) for _ in range(int(slice_["max"]) + 1 - len(found))]
        at(copied, found[0].keys[:-1]).extend(again)
        yield Mutant("slice", ("max", name), where, f"{name} more often than it may", copied)
    for id_, element in profile.by_id.items():
        rest = id_[len(slice_["id"]) + 1:]
        if not id_.startswith(slice_["id"] + ".") or "." in rest or ":" in rest or element["min"] == 0:
            continue
        key = next((key for key in found[0].value if key == rest or (rest.endswith("[x]") and key.startswith(rest[:-3]))), None)
        # What the slice is known by would move the item out of it.
        if key and key not in pattern and not (key in ("coding", "type", "code") and slice_["min"] > 0):
            place = f"{found[0].location}.{rest.removesuffix('[x]')}"
            yield Mutant("slice", ("inside", name, rest), place, f"removed {rest}, which {name} demands",
                         without(resource, found[0].keys + [key]))


def _broken(value, pattern):
    """The item with one value of the pattern changed."""
    for what, keys in _leaves(pattern):
        copied = copy.deepcopy(value)
        into = copied
        for key in keys[:-1]:
            if isinstance(key, int):
                # The coding that meets the pattern may stand anywhere in its list.
                into = next(item for item in into if contains(item, _part(pattern, keys[:keys.index(key) + 1])))
            else:
                into = into[key]
        into[keys[-1]] = ELSEWHERE if what.startswith("http") or what.startswith("urn:") else "elsewhere"
        yield copied, f"changed the {keys[-1]}"


def _part(pattern, keys):
    for key in keys:
        pattern = pattern[key]
    return pattern


def _leaves(pattern, keys=()):
    if isinstance(pattern, dict):
        for key, part in pattern.items():
            yield from _leaves(part, keys + (key,))
    elif isinstance(pattern, list):
        for index, part in enumerate(pattern):
            yield from _leaves(part, keys + (index,))
    elif isinstance(pattern, str):
        yield pattern, keys


def patterns(resource, places, definitions):
    """Patterns of elements that are in no slice."""
    for place in places:
        for profile in place.claims:
            said = profile.by_id.get(place.path)
            pattern = valued(said, "pattern") if said else None
            if pattern is None or not contains(place.value, pattern):
                continue
            for change, done in _broken(place.value, pattern):
                yield Mutant("pattern", (done, profile.name, place.path), place.location,
                             f"{done} of the pattern of {profile.name}", changed(resource, place.keys, change))
            if isinstance(place.value, dict) and "coding" in place.value:
                yield Mutant("pattern", ("text", profile.name, place.path), place.location,
                             f"words only, where {profile.name} has a pattern", changed(resource, place.keys, {"text": "words"}))


def fixed_values(resource, places, definitions):
    """Fixed values, in slices that are no lists of codings and in no slice."""
    for place in places:
        for profile in place.claims:
            for id_, element in profile.by_id.items():
                value = valued(element, "fixed")
                if value is None or not isinstance(value, str) or element["path"] != place.path or place.value != value:
                    continue
                if ".coding" in id_ or not _is_in_slice(resource, place, profile, id_):
                    continue
                for wrong in (["kPa", "1"] if place.type == "code" else [ELSEWHERE, "http://unitsofmeasure.org/"]):
                    yield Mutant("fixed", (profile.name, id_, wrong), place.location,
                                 f"{wrong} in place of the fixed value of {profile.name}", changed(resource, place.keys, wrong))


def _is_in_slice(resource, place, profile, id_):
    """Whether the place lies in the slice that the id names."""
    if ":" not in id_:
        return True
    slice_id = next((id_[:end] for end in range(len(id_), 0, -1) if id_[:end] in profile.by_id and "sliceName" in profile.by_id[id_[:end]]), None)
    if slice_id is None or "[x]:" in slice_id:
        return slice_id is not None
    pattern = demanded(profile, profile.by_id[slice_id])
    depth = len([step for step in slice_id.split(".")])
    return pattern is not None and contains(at(resource, _keys_of_depth(place.keys, depth - 1)), pattern)


def _keys_of_depth(keys, depth):
    """The keys down to an element so many steps below the resource, its index in a list included."""
    kept = []
    for index, key in enumerate(keys):
        if isinstance(key, str):
            if depth == 0:
                break
            depth -= 1
        kept.append(key)
    return kept
