/** Prints what the SEI reader finds in a file: one JSON line a snapshot. */
import { readFileSync } from 'node:fs';
import { SeiReader } from '../../../web/client/sei.js';

const CUT_BYTES = 1400; // about what a network packet brings
const [, , path] = process.argv;
const stream = readFileSync(path);
const reader = new SeiReader();
for (let at = 0; at < stream.length; at += CUT_BYTES) {
  for (const snapshot of await reader.push(stream.subarray(at, at + CUT_BYTES))) {
    console.log(JSON.stringify(snapshot));
  }
}
if (reader.damaged > 0) process.exitCode = 1;
