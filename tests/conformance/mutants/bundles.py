"""Bundles: valid ones made of the examples, and defects of bundles as such."""
import copy

from places import Mutant, changed

UUID = "urn:uuid:00000000-0000-4000-8000-%012d"


def made(examples):
    """A bundle of each type that the guide has no example of, with its name."""
    patient, condition = copy.deepcopy(examples["Patient-example.json"]), _first(examples, "Condition")
    observation = _first(examples, "Observation")
    observation["subject"], condition["subject"] = {"reference": UUID % 1}, {"reference": UUID % 1}
    for resource in (observation, condition):
        for element in ("encounter", "performer", "hasMember", "recorder", "asserter", "evidence", "extension", "specimen"):
            resource.pop(element, None)
    entries = [{"fullUrl": UUID % (index + 1), "resource": resource}
               for index, resource in enumerate((patient, condition, observation))]
    yield "collection", bundle("collection", entries)
    requests = [{**entry, "request": {"method": "POST", "url": entry["resource"]["resourceType"]}} for entry in entries]
    yield "transaction", bundle("transaction", requests)
    yield "batch", bundle("batch", requests)
    composition = {"resourceType": "Composition", "id": "c", "status": "final", "type": {"text": "x"}, "date": "2020-01-01",
                   "title": "x", "author": [{"reference": UUID % 1}], "subject": {"reference": UUID % 1},
                   "section": [{"title": "x", "entry": [{"reference": UUID % 2}, {"reference": UUID % 3}]}]}
    yield "document", {**bundle("document", [{"fullUrl": UUID % 9, "resource": composition}] + entries),
                       "identifier": {"system": "http://example.org/documents", "value": "1"},
                       "timestamp": "2020-01-01T00:00:00Z"}
    header = {"resourceType": "MessageHeader", "id": "m", "eventUri": "http://example.org/event",
              "source": {"endpoint": "http://example.org/source"}, "focus": [{"reference": UUID % 1}]}
    yield "message", bundle("message", [{"fullUrl": UUID % 9, "resource": header}] + entries)


def _first(examples, type_):
    return copy.deepcopy(next(it for _, it in sorted(examples.items()) if it["resourceType"] == type_ and "contained" not in it))


def bundle(type_, entries):
    return {"resourceType": "Bundle", "type": type_, "entry": copy.deepcopy(entries)}


def bundles(resource, places, definitions):
    if resource["resourceType"] != "Bundle":
        return
    type_, entries = resource["type"], resource["entry"]

    def mutant(group, where, done, keys, value):
        return Mutant("bundle", (group, type_), where, done, changed(resource, keys, value))

    if type_ not in ("history", "searchset"):
        yield mutant("total", "Bundle", "a total in a bundle that has none", ["total"], 3)
        yield mutant("search", "Bundle", "a search mode in a bundle that is no answer to a search",
                     ["entry", 0, "search"], {"mode": "match"})
    yield mutant("relative", f"Bundle.entry[{len(entries)}].fullUrl", "a relative full URL", ["entry"],
                 entries + [{**copy.deepcopy(entries[-1]), "fullUrl": "Basic/1",
                             "resource": {"resourceType": "Basic", "id": "1", "code": {"text": "x"}}}])
    # Other types have elements that depend on the type, and entries that others refer to.
    if type_ == "collection":
        yield mutant("type", "Bundle.type", "a type that there is not", ["type"], "letter")
    index = next((index for index, entry in enumerate(entries) if str(entries).count(repr(entry.get("fullUrl"))) == 1), None)
    if index is not None:
        yield mutant("fullUrl", f"Bundle.entry[{index}].fullUrl", "a full URL with a version", ["entry", index, "fullUrl"],
                     "http://example.org/fhir/Patient/1/_history/1")
    if type_ not in ("transaction", "batch"):
        yield mutant("empty entry", f"Bundle.entry[{len(entries)}]", "an entry without anything", ["entry"],
                     entries + [{"link": [{"relation": "self", "url": "http://example.org/x"}]}])
    if entries[0].get("fullUrl"):
        same = [copy.deepcopy(entries[0]), copy.deepcopy(entries[0])] + entries[1:]
        yield mutant("same", "Bundle", "two entries of one URL", ["entry"], same)
    if entries[0].get("fullUrl", "").startswith("http"):
        kind = entries[0]["resource"]["resourceType"]
        yield mutant("other id", "Bundle.entry[0].fullUrl", "a URL with another id than the resource has",
                     ["entry", 0, "fullUrl"], f"http://example.org/fhir/{kind}/another")
    if type_ in ("transaction", "batch"):
        bare = {key: value for key, value in entries[1].items() if key != "request"}
        yield mutant("request", "Bundle", "an entry without a request", ["entry", 1], bare)
        yield mutant("method", "Bundle.entry[1].request.method", "a request without a method",
                     ["entry", 1, "request"], {"url": "Condition"})
        yield mutant("method code", "Bundle.entry[1].request.method", "a method that there is not",
                     ["entry", 1, "request", "method"], "SEND")
    else:
        yield mutant("request", "Bundle", "a request where none is made",
                     ["entry", 0, "request"], {"method": "POST", "url": "Patient"})
    if type_ in ("document", "message"):
        yield mutant("first", "Bundle", "another entry comes first", ["entry"], entries[1:] + entries[:1])
    if type_ == "document":
        yield Mutant("bundle", ("identifier", type_), "Bundle", "a document without an identifier",
                     {key: value for key, value in resource.items() if key != "identifier"})
        yield Mutant("bundle", ("timestamp", type_), "Bundle", "a document without a time",
                     {key: value for key, value in resource.items() if key != "timestamp"})
    for index, entry in enumerate(entries):
        subject = entry.get("resource", {}).get("subject", {})
        if isinstance(subject, dict) and subject.get("reference", "").startswith("urn:uuid:"):
            yield mutant(("unresolved", index), f"Bundle.entry[{index}].resource.subject", "a urn:uuid that no entry has",
                         ["entry", index, "resource", "subject", "reference"], UUID % 77)
