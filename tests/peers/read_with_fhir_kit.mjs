// Reads as a practice would with npm's fhir-kit-client: token by private_key_jwt, search, pages, read, versions. Prints what it
// found as JSON.

import { readFileSync } from 'node:fs';
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { Client } from 'fhir-kit-client';

const { HANDOVER_BASE: base, HANDOVER_CLIENT: clientId, HANDOVER_KEY_ID: kid } = process.env;
const key = createPrivateKey(readFileSync(process.env.HANDOVER_KEY));
const client = new Client({ baseUrl: `${base}/fhir` });
const { tokenUrl } = await client.smartAuthMetadata();

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { iss: clientId, sub: clientId, aud: String(tokenUrl), exp: Math.floor(Date.now() / 1000) + 200, jti: randomUUID() };
const signed = `${encode({ alg: 'ES384', kid, typ: 'JWT' })}.${encode(claims)}`;
const signature = sign('sha384', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
const answer = await fetch(tokenUrl, {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: `${signed}.${signature}`,
    scope: 'system/Task.rs system/Patient.rs system/Encounter.rs',
  }),
});
if (!answer.ok) throw new Error(await answer.text());
client.bearerToken = (await answer.json()).access_token;

const resources = (bundle) => (bundle.entry ?? []).map((entry) => entry.resource);
const identifier = process.env.HANDOVER_PATIENT;
const [patient] = resources(await client.search({ resourceType: 'Patient', searchParams: { identifier } }));
const encounters = [];
let page = await client.search({ resourceType: 'Encounter', searchParams: { patient: patient.id, _count: 2 } });
while (page) {
  encounters.push(...resources(page));
  page = await client.nextPage({ bundle: page });
}
const tasks = resources(await client.search({ resourceType: 'Task', searchParams: { patient: patient.id } }));
const again = await client.read({ resourceType: 'Encounter', id: encounters[0].id });
const first = await client.vread({ resourceType: 'Encounter', id: again.id, version: 1 });
const history = await client.history({ resourceType: 'Encounter', id: again.id });
const refused = await client.read({ resourceType: 'Encounter', id: 'nobody' }).catch((error) => error.response?.status);
const validated = await client.operation({ name: 'validate', resourceType: 'Patient', input: { resourceType: 'Patient', gender: 'F' } });
const about = { patient: patient.id };
const search = (resourceType, searchParams) => client.search({ resourceType, searchParams });
const sorted = async (order, count) => resources(await search('Encounter', { ...about, _sort: order, _count: count })).map(({ id }) => id);
const named = async (name) => resources(await search('Patient', { name, _count: 1 }))[0]?.id ?? null;
const promises = {
  count: (await search('Encounter', { ...about, _summary: 'count' })).total,
  newest: await sorted('-date', 2),
  oldest: (await sorted('date', 1))[0],
  named: await named('okafor'),
  stranger: await named('Weber'),
  unknown: await search('Patient', { nickname: 'Weber' }).then(() => 'answered', (error) => String(error.response?.status)),
};
console.log(JSON.stringify({
  promises,
  encounters: encounters.map(({ id }) => id),
  tasks: tasks.map(({ id }) => id),
  read: [again.id, again.status, again.subject.reference],
  versions: [first.meta.versionId, history.type],
  refused,
  validated: validated.issue.filter(({ severity }) => severity === 'error').map(({ expression, location }) => [...expression, ...location]),
}));
