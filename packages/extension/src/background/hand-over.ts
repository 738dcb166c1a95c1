import {
  isConnectRequest,
  type ConnectAnswer,
  type ConnectRequest,
} from '../control-words.ts';
import { kindOfClient } from '../privilege.ts';
import { findOffscreen } from './offscreen-document.ts';

/** Gives a client's port to the offscreen document, which alone knows the kernel. */
export const handOver = async (
  client: string,
  port: MessagePort,
): Promise<void> => {
  const offscreen = await findOffscreen();
  const request: ConnectRequest = { tag: 'cooperage-connect', client, port };
  offscreen.postMessage(request, [port]);
};

const isAllowed = (source: unknown): boolean =>
  source instanceof WindowClient &&
  kindOfClient(source.url, location.origin) !== undefined;

/** Answers a page that asks for a connection; undefined when the message is something else. */
export const serveConnect = (
  event: ExtendableMessageEvent,
): Promise<void> | undefined => {
  const data: unknown = event.data;
  const [, answer] = event.ports;
  if (!isConnectRequest(data) || answer === undefined) {
    return undefined;
  }
  const say = (word: ConnectAnswer): void => answer.postMessage(word);
  if (!isAllowed(event.source)) {
    say({ ok: false, problem: 'this page may not connect' });
    return Promise.resolve();
  }
  return handOver(data.client, data.port).then(
    () => say({ ok: true }),
    (problem: unknown) => say({ ok: false, problem: String(problem) }),
  );
};
