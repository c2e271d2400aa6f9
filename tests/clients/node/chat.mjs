// Runs one turn and prints it as it comes.
//
//   PENSTOCK_ADDRESS=127.0.0.1:7420 PENSTOCK_TOKEN=... node chat.mjs [--session NAME] TEXT
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { session: { type: 'string', default: '' }, gate: { type: 'string' } },
});

const definition = protoLoader.loadSync('penstock/gateway/v1/turns.proto', {
  includeDirs: [fileURLToPath(new URL('../../../protos', import.meta.url))],
  keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true,
});
const { Turns } = grpc.loadPackageDefinition(definition).penstock.gateway.v1;
const client = new Turns(process.env.PENSTOCK_ADDRESS, grpc.credentials.createInsecure());

const metadata = new grpc.Metadata();
metadata.set('authorization', `Bearer ${process.env.PENSTOCK_TOKEN}`);
const request = {
  session: options.session,
  request_id: randomUUID(),
  turn: { input: [{ text: { text: positionals[0] } }], create_session: options.session !== '' },
};

// Tells the simulator's gate how many tokens have arrived (for tests of streaming).
const acknowledge = (text) => fetch(options.gate, {
  method: 'POST',
  body: JSON.stringify({ acknowledged: text.trim().split(/\s+/).length }),
});

let text = '';
try {
  for await (const event of client.StreamTurn(request, metadata, { deadline: Date.now() + 60_000 })) {
    if (event.event === 'queued') {
      console.error(`place ${event.queued.position}`);
    } else if (event.event === 'delta') {
      text += event.delta.text;
      process.stdout.write(event.delta.text);
      if (options.gate) await acknowledge(text);
    } else if (event.event === 'restarted') {
      text = '';
      console.log('\n[again]');
    } else if (event.event === 'finished') {
      const { state, usage, error } = event.finished.turn;
      console.log(`\n${state} ${usage?.output_tokens ?? 0} tokens ${error?.message ?? ''}`.trimEnd());
      process.exitCode = state === 'SUCCEEDED' ? 0 : 1;
    }
  }
} catch (error) {
  console.error(`${grpc.status[error.code] ?? error.name}: ${error.details ?? error.message}`);
  process.exitCode = 1;
}
client.close();
