"""Every element of a resource: where it stands in the JSON, its FHIRPath, and what R4 and the claimed profiles say of it."""
import copy

SAMPLES = {
    "string": "x", "markdown": "x", "boolean": True, "integer": 3, "positiveInt": 3, "unsignedInt": 3, "decimal": 1.5,
    "dateTime": "2020-01-01", "date": "2020-01-01", "time": "10:00:00", "instant": "2020-01-01T00:00:00Z",
    "uri": "http://example.org/x", "url": "http://example.org/x", "canonical": "http://example.org/x", "code": "x",
    "Quantity": {"value": 1}, "CodeableConcept": {"text": "x"}, "Coding": {"display": "x"}, "Range": {"low": {"value": 1}},
    "Ratio": {"numerator": {"value": 1}, "denominator": {"value": 2}}, "Period": {"start": "2020-01-01"},
    "Reference": {"display": "x"}, "Timing": {"event": ["2020-01-01"]}, "Identifier": {"value": "x"},
    "Attachment": {"title": "x"}, "Annotation": {"text": "x"},
}


class Place:
    def __init__(self, keys, location, path, element, type_, value, claims):
        self.keys = keys            # where it is in the JSON
        self.location = location    # its FHIRPath, with indexes
        self.path = path            # from its resource on, without indexes: `Observation.component.value[x].code`
        self.element = element      # R4's definition
        self.type = type_
        self.value = value
        self.claims = claims        # the profiles that its resource claims

    @property
    def key(self):
        return next(key for key in reversed(self.keys) if isinstance(key, str))

    @property
    def is_item(self):
        return isinstance(self.keys[-1], int)


def walk(resource, definitions):
    """All places of a resource, what is contained in it and its entries included."""
    yield from _resource(resource, [], resource["resourceType"], definitions)


def _resource(map_, keys, location, definitions):
    type_ = map_.get("resourceType")
    if type_ not in definitions.kinds:
        return
    urls = [url.split("|")[0] for url in map_.get("meta", {}).get("profile", [])]
    claims = [definitions.profiles[url] for url in urls if url in definitions.profiles]
    root = definitions.elements[type_]
    yield Place(keys, location, type_, root, type_, map_, claims)
    yield from _object(map_, type_, keys, location, type_, claims, definitions)


def _object(map_, type_, keys, location, path, claims, definitions):
    for key, value in map_.items():
        found = definitions.child(type_.lstrip("="), key)
        if not found:
            continue
        element, kind, name = found
        own_path = f"{path}.{element['path'].rsplit('.', 1)[-1]}"
        items = [(keys + [key], f"{location}.{name}", value)]
        if isinstance(value, list):
            # The list itself has no place; its items have.
            items = [(keys + [key, index], f"{location}.{name}[{index}]", item) for index, item in enumerate(value)]
        for own_keys, own_location, item in items:
            if isinstance(item, dict) and "resourceType" in item:
                yield from _resource(item, own_keys, own_location, definitions)
                continue
            yield Place(own_keys, own_location, own_path, element, kind, item, claims)
            if isinstance(item, dict):
                below = element["path"] if kind in ("BackboneElement", "Element") else kind
                yield from _object(item, below, own_keys, own_location, own_path, claims, definitions)


def at(resource, keys):
    for key in keys:
        resource = resource[key]
    return resource


def list_keys(place):
    """The keys of the whole element: of the list for an item of one."""
    return place.keys[:-1] if place.is_item else place.keys


def list_location(place):
    return place.location.rsplit("[", 1)[0] if place.is_item else place.location


def changed(resource, keys, value):
    copied = copy.deepcopy(resource)
    at(copied, keys[:-1])[keys[-1]] = copy.deepcopy(value)
    return copied


def without(resource, keys):
    """Without an element, what stands beside it, and a list that is left empty."""
    copied = copy.deepcopy(resource)
    parent = at(copied, keys[:-1])
    del parent[keys[-1]]
    if isinstance(keys[-1], str):
        parent.pop("_" + keys[-1], None)
    elif not parent:
        del at(copied, keys[:-2])[keys[-2]]
    return copied


class Mutant:
    """One defect: its kind, what it is one of (mutants are drawn over these), where, what was done, and the result."""

    def __init__(self, kind, group, location, done, resource):
        self.kind, self.group, self.location, self.done, self.resource = kind, group, location, done, resource
