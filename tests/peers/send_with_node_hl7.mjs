// Sends messages as npm's node-hl7-client builds and frames them, over one connection. Prints the acknowledgement codes as JSON.

import Client, { Message } from 'node-hl7-client';
import { readFileSync } from 'node:fs';

const messages = JSON.parse(readFileSync(process.env.HANDOVER_MESSAGES, 'utf8'));
const client = new Client({ host: '127.0.0.1', version: '2.5.1' });
const codes = [];
let arrived;
const connection = client.createConnection({ port: Number(process.env.HANDOVER_PORT), waitAck: true }, async (response) => {
  const message = response.getMessage();
  codes.push(`${message.get('MSA.1')} ${message.get('MSA.2')}`);
  arrived?.();
});
// A message that is handed over before the connection stands makes this client open a second one.
await new Promise((resolve) => connection.once('connect', resolve));
for (const text of messages) {
  const answered = new Promise((resolve) => { arrived = resolve; });
  await connection.sendMessage(new Message({ text }));
  await answered;
}
await connection.close();
console.log(JSON.stringify(codes));
