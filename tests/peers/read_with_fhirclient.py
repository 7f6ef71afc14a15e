"""Reads as a practice would with PyPI's fhirclient: it finds the token endpoint by the CapabilityStatement, gets a token by
private_key_jwt (signed by PyJWT), and parses every resource with its own strict models. Prints what it found as JSON."""

import json
import os
import time
import uuid

import jwt
from fhirclient.client import FHIRClient
from fhirclient.models.encounter import Encounter
from fhirclient.models.patient import Patient
from fhirclient.models.task import Task

base, client_id = os.environ["HANDOVER_BASE"], os.environ["HANDOVER_CLIENT"]
with open(os.environ["HANDOVER_KEY"]) as file:
    key = file.read()
claims = {
    "iss": client_id,
    "sub": client_id,
    "aud": base + "/auth/token",
    "exp": int(time.time()) + 200,
    "jti": str(uuid.uuid4()),
}
assertion = jwt.encode(claims, key, algorithm="ES384", headers={"kid": os.environ["HANDOVER_KEY_ID"]})
settings = {
    "app_id": client_id,
    "api_base": base + "/fhir",
    "scope": "system/Task.rs system/Patient.rs system/Encounter.rs",
    "jwt_token": assertion,
}
smart = FHIRClient(settings=settings)
smart.wants_patient = False
smart.prepare()
smart.authorize()
assert smart.ready, "no access token"

[patient] = Patient.where({"identifier": os.environ["HANDOVER_PATIENT"]}).perform_resources(smart.server)
about = {"patient": patient.id}
encounters = list(Encounter.where({**about, "_count": "2"}).perform_resources_iter(smart.server))
again = Encounter.read(encounters[0].id, smart.server)
tasks = Task.where(about).perform_resources(smart.server)
try:
    Patient.where({"nickname": "Weber", "_count": "1"}).perform_resources(smart.server)
    unknown = "answered"
except Exception as error:  # its own and those of the library below it
    unknown = type(error).__name__
sort = lambda order, count: Encounter.where({**about, "_sort": order, "_count": count}).perform(smart.server)
people = lambda name: Patient.where({"name": name, "_count": "1"}).perform_resources(smart.server)
promises = {
    "count": Encounter.where({**about, "_summary": "count"}).perform(smart.server).total,
    "newest": [entry.resource.id for entry in sort("-date", "2").entry],
    "oldest": sort("date", "1").entry[0].resource.id,
    "named": people("okafor")[0].id,
    "stranger": people("Weber")[0].id if people("Weber") else None,
    "unknown": unknown,
}
found = {
    "promises": promises,
    "encounters": [encounter.id for encounter in encounters],
    "tasks": [task.id for task in tasks],
    "read": [again.id, again.status, again.subject.reference],
}
print(json.dumps(found))
