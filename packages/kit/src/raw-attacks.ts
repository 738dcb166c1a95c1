/**
 * Workers without a supervisor, that speak the protocol themselves and use it
 * for an attack: scripts, for the browser's vats and for Node's.
 */
export type RawAttack = {
  readonly what: string;
  /** Said when the vat is asked to attack, in a realm with `crank`, `say`, `post`, `done` and `Channel`. */
  readonly strike: string;
  /** Of the vat's config. */
  readonly rules?: {
    readonly deadline?: number;
    readonly limits?: Readonly<Record<string, number>>;
  };
  /** Why the vat is suspended then. */
  readonly reason: RegExp;
};

const sendOf = (methargs: string): string =>
  `done({ syscalls: [['send', 'o-50', { methargs: ${methargs}, result: null }]] })`;

const TOO_MUCH = /^it broke the protocol: its crank carries too much text$/;

/** Of the stream's frames; who breaks these three times is suspended. */
const MALFORMED = (what: string): RegExp =>
  new RegExp(`: the other side sent ${what}$`);

export const RAW_ATTACKS: readonly RawAttack[] = [
  {
    what: 'a body of a hundred megabytes',
    strike: `say(${sendOf(`{ body: '#"' + 'x'.repeat(1e8) + '"', slots: [] }`)})`,
    reason: TOO_MUCH,
  },
  {
    what: 'a body of a hundred megabytes in characters of two bytes',
    strike: `say(${sendOf(`{ body: '#"' + '\\u4e00'.repeat(5e7) + '"', slots: [] }`)})`,
    reason: TOO_MUCH,
  },
  {
    what: 'a hundred thousand slots',
    strike: `say(${sendOf(`{ body: '#0', slots: Array(1e5).fill('o-50') }`)})`,
    reason:
      /^it broke the protocol: list of vrefs has 100000 entries, more than 10000$/,
  },
  {
    what: 'two hundred thousand syscalls',
    strike: `say(done({ syscalls: Array.from({ length: 2e5 }, () => ['subscribe', 'p-1']) }))`,
    reason:
      /^it broke the protocol: syscalls has 200000 entries, more than 20000$/,
  },
  {
    what: 'a list of four billion holes',
    strike: `const holes = []; holes.length = 2 ** 32 - 1; say(done({ changes: holes }))`,
    reason:
      /^it broke the protocol: changes has 4294967295 entries, more than 15000$/,
  },
  {
    what: 'a message of a million small lists',
    strike: `say(done({ changes: Array.from({ length: 1e6 }, () => []) }))`,
    reason:
      /^it broke the protocol: changes has 1000000 entries, more than 15000$/,
  },
  {
    what: 'a port in the place of a text',
    strike: `const { port1 } = new Channel(); post([done({ changes: [['key', port1]] })], [port1])`,
    reason: /^it broke the protocol: stored value is /,
  },
  {
    what: 'promises that make more of themselves, crank by crank,',
    strike: `say(done({ syscalls: Array.from({ length: 2e3 }, (_, nth) => [
      'send', 'o+0',
      { methargs: { body: '#["attack",[]]', slots: [] }, result: 'p+' + (crank * 1e5 + nth) },
    ]) }))`,
    rules: { limits: { promises: 5_000 } },
    reason:
      /^illegal syscall: v\d+ has made 5000 promises that it has not been told of, and may have no more$/,
  },
  {
    what: 'a store that grows crank by crank',
    strike: `say(done({
      syscalls: [['send', 'o+0', { methargs: { body: '#["attack",[]]', slots: [] }, result: null }]],
      changes: Array.from({ length: 4e3 }, (_, nth) => [crank + '.' + nth, 'x'.repeat(1_000)]),
    }))`,
    rules: { limits: { storeBytes: 10_000_000 } },
    reason:
      /^its store would have \d{8} bytes, more than its share of 10000000$/,
  },
  {
    what: 'and stores without end what would fit once',
    strike: `for (;;) say(done({ changes: [['key', 'x'.repeat(3e6)]] }))`,
    reason: /^it broke the protocol: "done" while it is idle$/,
  },
  {
    what: 'lines of log without end',
    strike: `for (;;) say({ type: 'log', level: 'log', text: 'spam' })`,
    reason: /^it broke the protocol: it floods its log$/,
  },
  {
    what: 'batches of nothing without end',
    strike: `for (;;) post([])`,
    reason: MALFORMED('a batch of 0 messages'),
  },
  {
    what: 'a batch of four billion messages',
    strike: `const holes = []; holes.length = 2 ** 32 - 1; post(holes)`,
    reason: MALFORMED('a batch of 4294967295 messages'),
  },
  {
    what: 'announcements of its window without end',
    strike: `for (;;) post({ window: 5 })`,
    reason: MALFORMED('its window twice'),
  },
  {
    what: 'acknowledgements that nobody is owed',
    strike: `for (;;) post({ ack: 1 })`,
    reason: MALFORMED('an ack of more messages than were on their way'),
  },
  {
    what: 'done twice',
    strike: `say(done(), done())`,
    reason: /^it broke the protocol: "done" while it is idle$/,
  },
  {
    what: 'done for another crank',
    strike: `say({ ...done(), crank: crank + 1 })`,
    reason:
      /^it broke the protocol: done for crank \d+ while \d+ is in flight$/,
  },
  {
    what: 'done never',
    strike: '',
    rules: { deadline: 1_000 },
    reason: /^it did not finish its delivery within 1 s$/,
  },
  {
    what: 'a goodbye of a million characters',
    strike: `post({ close: { name: 'Error', message: 'x'.repeat(1e6) } })`,
    reason: /^.{0,100}closed by the other side: Error: x{3000,4000}$/,
  },
];

/** A worker that is as good as any until it is asked to `attack`; the text defines `attack(port, Channel)`. */
export const rawWorkerScript = (strike: string): string => `
globalThis.attack = (port, Channel) => {
  const post = (frame, transfer) => port.postMessage(frame, transfer);
  const say = (...words) => post(words);
  let crank = 0;
  const done = fields => ({
    type: 'done', crank, outcome: { ok: true }, syscalls: [], changes: [], ...fields,
  });
  const answer = ([kind, , message]) => {
    if (kind === 'message' && message.methargs.body.includes('"attack"')) {
      ${strike};
    } else if (kind === 'message' && message.result) {
      const data = { body: '#0', slots: [] };
      say(done({ syscalls: [['resolve', [[message.result, false, data]]]] }));
    } else {
      say(done());
    }
  };
  port.onmessage = ({ data }) => {
    for (const word of Array.isArray(data) ? data : []) {
      if (word.type === 'start') {
        say({ type: 'ready' });
      } else {
        crank = word.crank;
        answer(word.delivery);
      }
    }
  };
  say({ type: 'hello', version: 1 });
};
`;

/** Workers that break the rules before they have said hello: what they say, and why the launch fails. */
export const EARLY_WORDS: readonly {
  what: string;
  script: string;
  reason: RegExp;
}[] = [
  {
    what: 'done before hello',
    script: `globalThis.attack = port => port.postMessage([{ type: 'done', crank: 0, outcome: { ok: true }, syscalls: [], changes: [] }]);`,
    reason: /it broke the protocol: "done" while it is launching/,
  },
  {
    what: 'hello in another version',
    script: `globalThis.attack = port => port.postMessage([{ type: 'hello', version: 99 }]);`,
    reason: /it broke the protocol: it speaks version 99, not 1/,
  },
];
