// Runs one turn whose model may call a tool of ours, `add`.
//
//   PENSTOCK_ADDRESS=127.0.0.1:7420 PENSTOCK_TOKEN=... node tools.mjs 'Use add {"a": 2, "b": 3}'
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const definition = protoLoader.loadSync('penstock/gateway/v1/turns.proto', {
  includeDirs: [fileURLToPath(new URL('../../../protos', import.meta.url))],
  keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true,
});
const { Turns } = grpc.loadPackageDefinition(definition).penstock.gateway.v1;
const client = new Turns(process.env.PENSTOCK_ADDRESS, grpc.credentials.createInsecure());
const submitToolResults = promisify(client.SubmitToolResults.bind(client));
const metadata = new grpc.Metadata();
metadata.set('authorization', `Bearer ${process.env.PENSTOCK_TOKEN}`);

const number = { type: 'number' };
const schema = {
  type: 'object', properties: { a: number, b: number }, required: ['a', 'b'], additionalProperties: false,
};
const add = {
  name: 'add', description: 'The sum of two numbers.', parameters: Buffer.from(JSON.stringify(schema)), strict: true,
};

// The result of one call. What the model wrote need not be what was asked for.
function run(call) {
  try {
    const { a, b } = JSON.parse(call.arguments.toString());
    if (typeof a !== 'number' || typeof b !== 'number') throw new TypeError('a and b are to be numbers');
    return { tool_call_id: call.id, content: Buffer.from(JSON.stringify(a + b)) };
  } catch (error) {
    return { tool_call_id: call.id, content: Buffer.from(String(error)), is_error: true };
  }
}

const turn = { input: [{ text: { text: process.argv[2] } }], overrides: { tools: [add] } };
let name = '';
try {
  const events = client.StreamTurn({ request_id: randomUUID(), turn }, metadata, { deadline: Date.now() + 60_000 });
  for await (const event of events) {
    if (event.event === 'accepted') name = event.accepted.turn;
    if (event.event === 'delta' && event.delta.kind === 'TEXT') process.stdout.write(event.delta.text);
    if (event.event === 'tool_calls_requested') {
      const results = event.tool_calls_requested.calls.map(run);
      await submitToolResults({ name, request_id: randomUUID(), results }, metadata, { deadline: Date.now() + 10_000 });
    }
    if (event.event === 'finished') {
      console.log(`\n${event.finished.turn.state}`);
      process.exitCode = event.finished.turn.state === 'SUCCEEDED' ? 0 : 1;
    }
  }
} catch (error) {
  console.error(`${grpc.status[error.code] ?? error.name}: ${error.details ?? error.message}`);
  process.exitCode = 1;
}
client.close();
