"""How to break the invariants of US Core, and of R4's vital signs on which it builds; see `invariants.py`."""
from invariants import any_of, breaks, claims


@breaks("us-core-1", "Observation")
def _(it):
    clinical = ("us-core-observation-clinical-result", "us-core-observation-lab")
    if any(claims(it, name) for name in clinical) and "effectiveDateTime" in it:
        it["effectiveDateTime"] = "2020"
        return "Observation.effective"


@breaks("vs-1", "Observation")
def _(it):
    vital = ("us-core-heart-rate", "us-core-bmi", "us-core-body-weight", "us-core-blood-pressure", "us-core-body-height")
    if any(claims(it, name) for name in vital) and "effectiveDateTime" in it:
        it["effectiveDateTime"] = "2020-01"
        return "Observation.effective"


@breaks("us-core-2 or vs-2", "Observation")
def _(it):
    names = ("us-core-observation-lab", "us-core-observation-clinical-result", "us-core-heart-rate", "us-core-bmi")
    if any(claims(it, name) for name in names) and "component" not in it and any_of(it, "value"):
        del it[any_of(it, "value")]
        return "Observation"


@breaks("us-core-3", "Observation")
def _(it):
    if claims(it, "us-core-observation-lab") and it.get("valueQuantity", {}).get("system"):
        it["valueQuantity"]["system"] = "http://example.org/units"
        return "Observation.value"


@breaks("us-core-22", "Observation")
def _(it):
    ranges = [index for index, one in enumerate(it.get("referenceRange", [])) if "low" in one and "high" in one]
    if claims(it, "us-core-observation-lab") and ranges:
        it["referenceRange"][ranges[0]]["low"]["system"] = "http://example.org/units"
        return f"Observation.referenceRange[{ranges[0]}]"


@breaks("vs-3 or us-core-26", "Observation")
def _(it):
    if (claims(it, "us-core-blood-pressure") or claims(it, "us-core-average-blood-pressure")) and it.get("component"):
        it["component"].append({"code": {"text": "another"}})
        return f"Observation.component[{len(it['component']) - 1}]"


@breaks("us-core-24", "Observation")
def _(it):
    codes = [coding.get("code") for coding in it["code"].get("coding", [])]
    if claims(it, "us-core-smokingstatus") and "72166-2" in codes and "valueCodeableConcept" in it:
        del it["valueCodeableConcept"]
        it["valueQuantity"] = {"value": 1}
        return "Observation"


@breaks("us-core-6", "DocumentReference")
def _(it):
    attachment = it["content"][0]["attachment"]
    if claims(it, "us-core-documentreference") and attachment.get("contentType"):
        attachment.pop("url", None)
        attachment.pop("data", None)
        return "DocumentReference.content[0].attachment"


@breaks("us-core-7", "Procedure")
def _(it):
    if claims(it, "us-core-procedure") and it["status"] == "completed" and any_of(it, "performed"):
        del it[any_of(it, "performed")]
        return "Procedure"


@breaks("us-core-8 or us-core-10", "DiagnosticReport")
def _(it):
    if it["status"] == "final" and any_of(it, "effective"):
        del it[any_of(it, "effective")]
        return "DiagnosticReport"


@breaks("us-core-9", "DiagnosticReport")
def _(it):
    if claims(it, "us-core-diagnosticreport-lab") and it["status"] == "final" and it.pop("issued", None):
        return "DiagnosticReport"


@breaks("us-core-14", "RelatedPerson")
def _(it):
    if it.pop("name", None) or it.pop("relationship", None):
        it.pop("relationship", None)
        return "RelatedPerson"


@breaks("us-core-15", "Coverage")
def _(it):
    it.pop("subscriberId", None)
    it.pop("identifier", None)
    return "Coverage"


def npi(it, value):
    for index, identifier in enumerate(it.get("identifier", [])):
        if identifier.get("system") == "http://hl7.org/fhir/sid/us-npi":
            identifier["value"] = value
            return f"{it['resourceType']}.identifier[{index}]"
    return None


@breaks("us-core-16", "Organization")
def _(it):
    # Ten digits with a right check digit, and then one more.
    return npi(it, "12345678931")


@breaks("us-core-17", "Organization")
def _(it):
    return npi(it, "1234567890")


@breaks("us-core-18", "Organization")
def _(it):
    it.setdefault("identifier", []).append({"system": "urn:oid:2.16.840.1.113883.4.7", "value": "12X1234567"})
    return f"Organization.identifier[{len(it['identifier']) - 1}]"


@breaks("us-core-19", "Organization")
def _(it):
    it.setdefault("identifier", []).append({"system": "urn:oid:2.16.840.1.113883.6.300", "value": "1234"})
    return f"Organization.identifier[{len(it['identifier']) - 1}]"


@breaks("us-core-20", "MedicationDispense")
def _(it):
    if it["status"] == "completed" and it.pop("whenHandedOver", None):
        return "MedicationDispense"


@breaks("us-core-21", "MedicationRequest")
def _(it):
    if it["intent"] == "order" and it.pop("requester", None):
        return "MedicationRequest"


@breaks("us-core-23", "Patient")
def _(it):
    for index, extension in enumerate(it.get("extension", [])):
        if extension["url"].endswith("us-core-race"):
            null = {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK"}
            extension["extension"].insert(0, {"url": "ombCategory", "valueCoding": null})
            return f"Patient.extension[{index}]"
