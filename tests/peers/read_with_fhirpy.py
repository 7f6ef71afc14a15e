"""Reads as a practice would with PyPI's fhirpy, which follows the pages by itself. Prints what it found as JSON."""

import json
import os
import time
import uuid

import jwt
import requests
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import BaseFHIRError

base, client_id = os.environ["HANDOVER_BASE"], os.environ["HANDOVER_CLIENT"]
with open(os.environ["HANDOVER_KEY"]) as file:
    key = file.read()
token_url = requests.get(base + "/fhir/.well-known/smart-configuration").json()["token_endpoint"]
claims = {
    "iss": client_id,
    "sub": client_id,
    "aud": token_url,
    "exp": int(time.time()) + 200,
    "jti": str(uuid.uuid4()),
}
form = {
    "grant_type": "client_credentials",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": jwt.encode(claims, key, algorithm="ES384", headers={"kid": os.environ["HANDOVER_KEY_ID"]}),
    "scope": "system/Task.rs system/Patient.rs system/Encounter.rs",
}
answer = requests.post(token_url, data=form)
answer.raise_for_status()

client = SyncFHIRClient(base + "/fhir", authorization="Bearer " + answer.json()["access_token"])
patient = client.resources("Patient").search(identifier=os.environ["HANDOVER_PATIENT"]).get()
about = client.resources("Encounter").search(patient=patient.id)
encounters = about.limit(2).fetch_all()
again = client.reference("Encounter", encounters[0].id).to_resource()
tasks = client.resources("Task").search(patient=patient.to_reference().reference).fetch_all()
try:
    client.reference("Encounter", "nobody").to_resource()
    refused = "nothing"
except BaseFHIRError as error:
    refused = type(error).__name__
people = client.resources("Patient")
try:
    people.search(nickname="Weber").first()
    unknown = "answered"
except BaseFHIRError as error:
    unknown = type(error).__name__
stranger = people.search(name="Weber").first()
promises = {
    "count": about.count(),
    "newest": [one.id for one in about.sort("-date").limit(2).fetch()],
    "oldest": about.sort("date").first().id,
    "named": people.search(name="okafor").sort("family").first().id,
    "stranger": stranger and stranger.id,
    "unknown": unknown,
}
found = {
    "promises": promises,
    "encounters": [encounter.id for encounter in encounters],
    "tasks": [task.id for task in tasks],
    "read": [again.id, again.status, again.subject.reference],
    "refused": refused,
    "valid": [again.is_valid(), client.resource("Patient", gender="F").is_valid()],
}
print(json.dumps(found))
