import { runVat } from '../floor/vat.ts';
import { parentPort } from 'node:worker_threads';

if (parentPort) {
  runVat(parentPort);
}
