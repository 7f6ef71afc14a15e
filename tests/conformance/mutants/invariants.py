"""How to break invariants of R4 and US Core, one function each: it changes a copy of a resource and says where the invariant
stands that no longer holds, or nothing when the resource does not suit.
"""
import copy

from places import Mutant, walk

BREAKERS = []


def breaks(key, *types):
    def keep(function):
        BREAKERS.append((key, types, function))
        return function
    return keep


def invariants(resource, places, definitions):
    for key, types, function in BREAKERS:
        if types and resource["resourceType"] not in types:
            continue
        copied = copy.deepcopy(resource)
        where = function(copied) if types else function(copied, walk(copied, definitions))
        if where:
            yield Mutant("invariant", (key,), where, f"broke {key}", copied)


def claims(resource, name):
    return any(url.split("|")[0].endswith("/" + name) for url in resource.get("meta", {}).get("profile", []))


def any_of(resource, name):
    return next((key for key in resource if key.startswith(name) and key[len(name):len(name) + 1].isupper()), None)


def first(places, type_, suits=lambda place: True):
    return next((place for place in places if place.type == type_ and isinstance(place.value, dict) and suits(place)), None)


@breaks("obs-6", "Observation")
def _(it):
    if any_of(it, "value") and "dataAbsentReason" not in it:
        it["dataAbsentReason"] = {"text": "unknown"}
        return "Observation"


@breaks("obs-7", "Observation")
def _(it):
    if any_of(it, "value") and "component" not in it and it["code"].get("coding"):
        it["component"] = [{"code": copy.deepcopy(it["code"]), "valueString": "x"}]
        return "Observation"


@breaks("obs-3", "Observation")
def _(it):
    if "referenceRange" not in it:
        it["referenceRange"] = [{"appliesTo": [{"text": "everybody"}]}]
        return "Observation.referenceRange[0]"


@breaks("con-4", "Condition")
def _(it):
    if it.get("clinicalStatus", {}).get("coding", [{}])[0].get("code") == "active" and not any_of(it, "abatement"):
        it["abatementDateTime"] = "2099-01-01"
        return "Condition"


@breaks("con-5", "Condition")
def _(it):
    if "clinicalStatus" in it and "verificationStatus" in it:
        it["verificationStatus"]["coding"][0]["code"] = "entered-in-error"
        it["verificationStatus"]["coding"][0].pop("display", None)
        return "Condition"


@breaks("con-1", "Condition")
def _(it):
    it["stage"] = [{"type": {"text": "x"}}]
    return "Condition.stage[0]"


@breaks("que-2", "Questionnaire")
def _(it):
    if len(it.get("item", [])) > 1:
        it["item"][1]["linkId"] = it["item"][0]["linkId"]
        return "Questionnaire"


# What is displayed has no items; that a group has none is advice (profiles/errata.txt).
SHOWN_WITH_ITEMS = {
    "linkId": "no-such-link",
    "type": "display",
    "item": [{"linkId": "no-such-link-either", "type": "string"}],
}


@breaks("que-1", "Questionnaire")
def _(it):
    it["item"].append(SHOWN_WITH_ITEMS)
    return f"Questionnaire.item[{len(it['item']) - 1}]"


@breaks("que-1 (an item in an item)", "Questionnaire")
def _(it):
    for index, item in enumerate(it["item"]):
        if item.get("item"):
            item["item"].append(SHOWN_WITH_ITEMS)
            return f"Questionnaire.item[{index}].item[{len(item['item']) - 1}]"


@breaks("que-3", "Questionnaire")
def _(it):
    it["item"].append({"linkId": "no-such-link", "type": "display", "code": [{"code": "x"}]})
    return f"Questionnaire.item[{len(it['item']) - 1}]"


@breaks("que-5", "Questionnaire")
def _(it):
    it["item"].append({"linkId": "no-such-link", "type": "boolean", "answerOption": [{"valueString": "x"}]})
    return f"Questionnaire.item[{len(it['item']) - 1}]"


@breaks("que-6", "Questionnaire")
def _(it):
    it["item"].append({"linkId": "no-such-link", "type": "display", "required": True})
    return f"Questionnaire.item[{len(it['item']) - 1}]"


@breaks("que-8", "Questionnaire")
def _(it):
    it["item"].append({"linkId": "no-such-link", "type": "display", "initial": [{"valueString": "x"}]})
    return f"Questionnaire.item[{len(it['item']) - 1}]"


@breaks("que-11", "Questionnaire")
def _(it):
    option = [{"valueString": "x"}]
    it["item"].append({"linkId": "no-such-link", "type": "choice", "answerOption": option, "initial": option})
    return f"Questionnaire.item[{len(it['item']) - 1}]"


@breaks("que-13", "Questionnaire")
def _(it):
    values = [{"valueString": "x"}, {"valueString": "y"}]
    it["item"].append({"linkId": "no-such-link", "type": "string", "initial": values})
    return f"Questionnaire.item[{len(it['item']) - 1}]"


@breaks("qrs-1", "QuestionnaireResponse")
def _(it):
    for index, item in enumerate(it.get("item", [])):
        if "answer" in item and "item" not in item:
            item["item"] = [{"linkId": "no-such-link"}]
            return f"QuestionnaireResponse.item[{index}]"


@breaks("org-3", "Organization")
def _(it):
    if it.get("telecom"):
        it["telecom"][0]["use"] = "home"
        return "Organization.telecom[0]"


@breaks("org-2", "Organization")
def _(it):
    if it.get("address"):
        it["address"][0]["use"] = "home"
        return "Organization.address[0]"


@breaks("pat-1", "Patient")
def _(it):
    it["contact"] = it.get("contact", []) + [{"gender": "other"}]
    return f"Patient.contact[{len(it['contact']) - 1}]"


@breaks("ait-1", "AllergyIntolerance")
def _(it):
    return "AllergyIntolerance" if it.pop("clinicalStatus", None) else None


@breaks("ait-2", "AllergyIntolerance")
def _(it):
    if "clinicalStatus" in it and "verificationStatus" in it:
        it["verificationStatus"]["coding"][0]["code"] = "entered-in-error"
        return "AllergyIntolerance"


@breaks("cpl-3", "CarePlan")
def _(it):
    it["activity"] = [{"detail": {"status": "completed"}, "reference": {"display": "x"}}]
    return "CarePlan.activity[0]"


@breaks("gol-1", "Goal")
def _(it):
    it["target"] = [{"detailString": "x", "dueDate": "2020-01-01"}]
    return "Goal.target[0]"


@breaks("prr-1", "ServiceRequest")
def _(it):
    # US Core demands a code as well: this is broken where it is not claimed.
    it["orderDetail"] = [{"text": "x"}]
    it.pop("meta", None)
    del it["code"]
    return "ServiceRequest"


@breaks("mdd-1", "MedicationDispense")
def _(it):
    it["whenPrepared"], it["whenHandedOver"] = "2020-01-02", "2020-01-01"
    return "MedicationDispense"


@breaks("imm-1", "Immunization")
def _(it):
    it["education"] = [{"publicationDate": "2020-01-01"}]
    return "Immunization.education[0]"


@breaks("per-1")
def _(it, places):
    place = first(places, "Period")
    if place:
        place.value.update(start="2020-02-01", end="2020-01-01")
        return place.location


@breaks("qty-3")
def _(it, places):
    place = first(places, "Quantity", lambda place: "." in place.path and "system" in place.value and "code" in place.value
                  and not place.claims)
    if place:
        del place.value["system"]
        return place.location


@breaks("rat-1")
def _(it, places):
    place = first(places, "Ratio", lambda place: "denominator" in place.value)
    if place:
        del place.value["denominator"]
        return place.location


@breaks("cpt-2")
def _(it, places):
    place = first(places, "ContactPoint", lambda place: place.value.get("system") and place.value.get("value")
                  and not (place.claims and place.claims[0].by_id.get(place.path + ".system", {}).get("min")))
    if place:
        del place.value["system"]
        return place.location


@breaks("att-1")
def _(it, places):
    place = first(places, "Attachment", lambda place: not place.claims or "contentType" not in place.value)
    if place:
        place.value.pop("contentType", None)
        place.value["data"] = "eHg="
        return place.location


@breaks("ele-1")
def _(it, places):
    place = first(places, "CodeableConcept", lambda place: not place.is_item and place.element["min"] == 0)
    if place:
        place.value.clear()
        return place.location


@breaks("txt-2")
def _(it, places):
    if "div" in it.get("text", {}):
        it["text"]["div"] = "<div xmlns=\"http://www.w3.org/1999/xhtml\">  </div>"
        return f"{it['resourceType']}.text.div"


@breaks("txt-1")
def _(it, places):
    if "div" in it.get("text", {}):
        it["text"]["div"] = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>alert(1)</script>x</div>"
        return f"{it['resourceType']}.text.div"


@breaks("txt-1 (attribute)")
def _(it, places):
    if "div" in it.get("text", {}):
        it["text"]["div"] = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p onclick=\"x()\">x</p></div>"
        return f"{it['resourceType']}.text.div"


def contain(it, resource, reference=True):
    if "contained" in it or it["resourceType"] == "Bundle":
        return None
    it["contained"] = [resource]
    if reference:
        it.setdefault("extension", []).append({"url": "http://example.org/points", "valueReference": {"reference": "#inner"}})
    return it["resourceType"]


@breaks("dom-2")
def _(it, places):
    inner = {"resourceType": "Basic", "id": "innermost", "code": {"text": "x"}}
    return contain(it, {"resourceType": "Basic", "id": "inner", "contained": [inner], "code": {"text": "x"},
                        "subject": {"reference": "#innermost"}})


@breaks("dom-3")
def _(it, places):
    return contain(it, {"resourceType": "Basic", "id": "inner", "code": {"text": "x"}}, reference=False)


@breaks("dom-4")
def _(it, places):
    return contain(it, {"resourceType": "Basic", "id": "inner", "meta": {"versionId": "1"}, "code": {"text": "x"}})


@breaks("dom-5")
def _(it, places):
    security = [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]
    return contain(it, {"resourceType": "Basic", "id": "inner", "meta": {"security": security}, "code": {"text": "x"}})
