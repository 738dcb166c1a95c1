import type { Runtime } from 'webextension-polyfill';
import { LIFE_PORT } from '../control-words.ts';
import { kindOfClient, type ClientKind } from '../privilege.ts';

/** A client with everything that serving it needs. */
export type Client = ClientKind & {
  readonly client: string;
  readonly port: MessagePort;
};

export type ClientsOptions = {
  /** Of this extension. */
  readonly origin: string;
  readonly after: (milliseconds: number, callback: () => void) => void;
  /** Owns the client's port from now on. */
  readonly onClient: (client: Client) => void;
  readonly onGone: (client: string) => void;
};

/** So many nonces that were used are remembered, the latest. */
const MOST_SPENT = 10_000;

/** One half may wait that long for the other, and so many may wait. */
const WAIT_MILLISECONDS = 20_000;
const MOST_WAITING = 64;

/**
 * Pairs the two halves of a client: the message port, handed over by the
 * service worker, and the `runtime` port of the same nonce, of which the
 * browser itself says whose it is and when it dies. A nonce that has been used
 * is good for nothing any more, whoever has it.
 */
export const makeClients = (options: ClientsOptions) => {
  const { origin, after, onClient, onGone } = options;
  const ports = new Map<string, MessagePort>();
  const lives = new Map<string, Runtime.Port>();
  const served = new Set<string>();
  /** The oldest first. */
  const spent = new Set<string>();

  const spend = (client: string): void => {
    spent.add(client);
    if (spent.size > MOST_SPENT) {
      const [oldest = ''] = spent;
      spent.delete(oldest);
    }
  };

  const dropPort = (client: string): void => {
    ports.get(client)?.close();
    ports.delete(client);
  };
  const dropLife = (client: string): void => {
    const life = lives.get(client);
    lives.delete(client);
    life?.disconnect();
  };

  const pair = (client: string): void => {
    const port = ports.get(client);
    const life = lives.get(client);
    if (port === undefined || life === undefined) {
      after(WAIT_MILLISECONDS, () => {
        if (!served.has(client)) {
          dropPort(client);
          dropLife(client);
        }
      });
      return;
    }
    ports.delete(client);
    const kind = kindOfClient(life.sender?.url, origin);
    if (kind === undefined) {
      port.close();
      dropLife(client);
      return;
    }
    served.add(client);
    spend(client);
    onClient({ ...kind, client, port });
  };

  const onLifeEnd = (client: string): void => {
    lives.delete(client);
    dropPort(client);
    if (served.delete(client)) {
      onGone(client);
    }
  };

  return Object.freeze({
    /** A message port that the service worker hands over. */
    takePort: (client: string, port: MessagePort): void => {
      if (
        ports.size >= MOST_WAITING ||
        ports.has(client) ||
        served.has(client) ||
        spent.has(client)
      ) {
        port.close();
        return;
      }
      ports.set(client, port);
      pair(client);
    },
    /** Any `runtime` port that somebody connects; ports of other names are let be. */
    takeLife: (life: Runtime.Port): void => {
      if (!life.name.startsWith(LIFE_PORT)) {
        return;
      }
      const client = life.name.slice(LIFE_PORT.length);
      if (lives.has(client) || spent.has(client)) {
        life.disconnect();
        return;
      }
      lives.set(client, life);
      life.onDisconnect.addListener(() => onLifeEnd(client));
      pair(client);
    },
    /** Tells every client that whoever served it is gone; they connect anew. */
    disconnectAll: (): void => {
      for (const client of [...served]) {
        served.delete(client);
        dropLife(client);
      }
    },
  });
};
