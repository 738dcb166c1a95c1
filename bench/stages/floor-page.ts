/** The page of the floor: joins its kernel's worker with the shipped sandboxed page that hosts vats. */
import { PROTOCOL_VERSION } from '@cooperage/protocol';
import { offerPort } from '@cooperage/streams';
import { PROGRAM } from '../program.ts';
import { driveFloor, type FloorDoor, type FloorWork } from './drive-floor.ts';

/** Two vats as workers of the sandboxed page; gives the kernel's ends of their ports. */
const startVats = async (): Promise<MessagePort[]> => {
  const text = await fetch('floor-vat.js').then(answer => answer.text());
  const nonce = crypto.randomUUID();
  const { port1: host, port2: port } = new MessageChannel();
  const frame = document.createElement('iframe');
  frame.src = `vat-host.html#${nonce}`;
  const isLoaded = new Promise(resolve => {
    frame.onload = resolve;
  });
  document.body.append(frame);
  await isLoaded;
  const target = frame.contentWindow;
  if (target === null) {
    throw Error('the host of vats has no window');
  }
  const version = PROTOCOL_VERSION;
  offerPort({ target, opaqueReceiver: true, nonce, version, port });
  host.postMessage({ type: 'script', text });
  return [1, 2].map(launch => {
    const { port1, port2 } = new MessageChannel();
    host.postMessage({ type: 'launch', launch, label: 'floor', port: port2 }, [
      port2,
    ]);
    return port1;
  });
};

const startKernel = (ports: MessagePort[]): FloorDoor => {
  const kernel = new Worker('floor-kernel.js', { type: 'module' });
  kernel.postMessage({ source: PROGRAM, ports }, ports);
  const waiting = new Map<number, (value: unknown) => void>();
  let requests = 0;
  kernel.onmessage = ({ data: { id, value } }) => {
    waiting.get(id)?.(value);
    waiting.delete(id);
  };
  const ask =
    (name: 'call' | 'hop') =>
    (...args: unknown[]) =>
      new Promise<unknown>(resolve => {
        requests += 1;
        waiting.set(requests, resolve);
        kernel.postMessage({ id: requests, name, args });
      });
  return { call: ask('call'), hop: ask('hop') };
};

const floor = startVats().then(startKernel);

Object.assign(globalThis, {
  measureFloor: async (work: FloorWork) => driveFloor(await floor, work),
});
