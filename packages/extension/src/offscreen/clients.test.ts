import { describe, expect, it } from 'vitest';
import type { Runtime } from 'webextension-polyfill';
import { LIFE_PORT } from '../control-words.ts';
import { makeClients } from './clients.ts';

const ORIGIN = 'chrome-extension://abc';

/** The parts of a runtime port that are used; `die` is what the browser does. */
const makeLife = (client: string, url: string) => {
  const listeners: (() => void)[] = [];
  const events: string[] = [];
  const port: unknown = {
    name: LIFE_PORT + client,
    sender: { url },
    disconnect: () => events.push('disconnected'),
    onDisconnect: {
      addListener: (listener: () => void) => listeners.push(listener),
    },
  };
  return {
    port: port as Runtime.Port,
    events,
    die: () => listeners.forEach(listener => listener()),
  };
};

const makeScene = () => {
  const events: unknown[] = [];
  const timers: (() => void)[] = [];
  const clients = makeClients({
    origin: ORIGIN,
    after: (_milliseconds, callback) => timers.push(callback),
    onClient: ({ client, privilege, port }) => {
      events.push(['client', client, privilege]);
      port.close();
    },
    onGone: client => events.push(['gone', client]),
  });
  return { clients, events, expire: () => timers.forEach(timer => timer()) };
};

describe('clients', () => {
  it.each([
    ['the port', true],
    ['the life', false],
  ])(
    'are served when both halves are there, %s first',
    (_first, isPortFirst) => {
      const { clients, events } = makeScene();
      const life = makeLife('n1', `${ORIGIN}/popup.html`);
      const steps = [
        () => clients.takePort('n1', new MessageChannel().port1),
        () => clients.takeLife(life.port),
      ];
      (isPortFirst ? steps : steps.reverse()).forEach(step => step());
      expect(events).toEqual([['client', 'n1', 'dangerous']]);
    },
  );

  it('are served once: a second port of one nonce is closed', () => {
    const { clients, events } = makeScene();
    clients.takeLife(makeLife('n1', `${ORIGIN}/popup.html`).port);
    clients.takePort('n1', new MessageChannel().port1);
    clients.takePort('n1', new MessageChannel().port1);
    expect(events).toEqual([['client', 'n1', 'dangerous']]);
  });

  it('are never served again: what comes with a nonce whose client is gone gets nothing', () => {
    const { clients, events } = makeScene();
    const life = makeLife('n1', `${ORIGIN}/popup.html`);
    clients.takePort('n1', new MessageChannel().port1);
    clients.takeLife(life.port);
    life.die();
    const again = makeLife('n1', `${ORIGIN}/popup.html`);
    clients.takePort('n1', new MessageChannel().port1);
    clients.takeLife(again.port);
    expect([events, again.events]).toEqual([
      [
        ['client', 'n1', 'dangerous'],
        ['gone', 'n1'],
      ],
      ['disconnected'],
    ]);
  });

  it('are gone when the browser says that their page is', () => {
    const { clients, events } = makeScene();
    const life = makeLife('n1', `${ORIGIN}/background.js`);
    clients.takePort('n1', new MessageChannel().port1);
    clients.takeLife(life.port);
    life.die();
    life.die();
    expect(events).toEqual([
      ['client', 'n1', 'operate'],
      ['gone', 'n1'],
    ]);
  });

  it('are refused when the browser says that they are somebody else', () => {
    const { clients, events } = makeScene();
    const life = makeLife('n1', 'https://evil.example/popup.html');
    clients.takePort('n1', new MessageChannel().port1);
    clients.takeLife(life.port);
    expect([events, life.events]).toEqual([[], ['disconnected']]);
  });

  it('wait for their other half only for a time', () => {
    const { clients, events, expire } = makeScene();
    clients.takePort('n1', new MessageChannel().port1);
    expire();
    const life = makeLife('n1', `${ORIGIN}/popup.html`);
    clients.takeLife(life.port);
    expect(events).toEqual([]);
    expire();
    expect(life.events).toEqual(['disconnected']);
  });

  it('are told when whoever served them is gone', () => {
    const { clients, events } = makeScene();
    const life = makeLife('n1', `${ORIGIN}/popup.html`);
    clients.takePort('n1', new MessageChannel().port1);
    clients.takeLife(life.port);
    clients.disconnectAll();
    expect([events, life.events]).toEqual([
      [['client', 'n1', 'dangerous']],
      ['disconnected'],
    ]);
  });
});
