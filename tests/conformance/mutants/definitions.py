"""Reads FHIR packages: the structure definitions of R4 and of a guide, and the guide's examples.

Elements come from the snapshots as the packages have them, so that mutants and validator do not share a reading.
"""
import json
import tarfile

TYPE_URL = "http://hl7.org/fhir/StructureDefinition/"
FHIRPATH_TYPE = "http://hl7.org/fhirpath/System."


def members(package, wanted):
    """The JSON files of a .tgz or .tar.xz whose name `wanted` says yes to, by name."""
    with tarfile.open(package) as archive:
        for member in archive:
            name = member.name.split("package/", 1)[-1]
            if name.endswith(".json") and wanted(name):
                yield name, json.load(archive.extractfile(member))


class Definitions:
    """Types of R4 by path of element, and profiles by URL."""

    def __init__(self, core, guide):
        self.children, self.elements, self.kinds, self.profiles = {}, {}, {}, {}
        self.examples = {}
        for package in (core, guide):
            is_guide = package is guide
            for name, json_ in members(package, lambda name: self._is_wanted(name, is_guide)):
                if name.startswith("example/"):
                    if "resourceType" in json_:
                        self.examples[name.split("/")[-1]] = json_
                else:
                    self._add(json_)

    @staticmethod
    def _is_wanted(name, is_guide):
        return name.startswith("StructureDefinition-") or (is_guide and name.startswith("example/"))

    def _add(self, definition):
        if "snapshot" not in definition:
            return
        elements = definition["snapshot"]["element"]
        if definition.get("derivation") == "constraint" or definition["url"] != TYPE_URL + definition["type"]:
            self.profiles[definition["url"]] = Profile(definition, elements)
            return
        self.kinds[definition["type"]] = definition["kind"]
        for element in elements:
            path = element["path"]
            self.elements[path] = element
            if "." in path:
                parent, name = path.rsplit(".", 1)
                self.children.setdefault(parent, {})[name] = element

    def is_primitive(self, type_):
        return self.kinds.get(type_) == "primitive-type"

    def child(self, parent, key):
        """The element that a JSON key of an object of a type is, the type of its value, and its name in paths."""
        for name, element in self.children.get(parent, {}).items():
            if not name.endswith("[x]"):
                if name == key:
                    return element, type_of(element), name
                continue
            stem = name[:-3]
            for kind in element.get("type", []):
                if key == stem + capital(kind["code"]):
                    return element, kind["code"], stem
        return None


class Profile:
    def __init__(self, definition, elements):
        self.url, self.type, self.name = definition["url"], definition["type"], definition["id"]
        self.is_modifier = elements[0].get("isModifier", False)
        self.contexts = [context["expression"] for context in definition.get("context", [])]
        self.by_id = {element["id"]: element for element in elements}

    def plain(self):
        """Elements that are said of every item: those in no slice. By their path."""
        return {id_: element for id_, element in self.by_id.items() if ":" not in id_}

    def slices(self):
        """Slices of elements that are in no slice themselves: the sliced element and the slice."""
        for id_, element in self.by_id.items():
            before, _, after = id_.rpartition(":")
            if before and ":" not in before and "." not in after and before in self.by_id:
                yield self.by_id[before], element


def capital(text):
    return text[:1].upper() + text[1:]


def type_of(element):
    """The one type of an element; `=PATH` for one that has the children of another."""
    if "contentReference" in element:
        return "=" + element["contentReference"].split("#")[-1]
    code = element["type"][0]["code"] if element.get("type") else ""
    if code.startswith(FHIRPATH_TYPE):
        named = [extension.get("valueUrl") for extension in element["type"][0].get("extension", [])]
        return next(filter(None, named), code[len(FHIRPATH_TYPE):].lower())
    return code


def valued(element, word):
    """What `fixed[x]` or `pattern[x]` says, or None."""
    return next((value for key, value in element.items() if key.startswith(word) and key[len(word):][:1].isupper()), None)
