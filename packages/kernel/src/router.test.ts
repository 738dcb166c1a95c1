import { describe, expect, it } from 'vitest';
import {
  encodeError,
  makeVatId,
  type EndpointId,
  type Kref,
  type Vref,
} from '@cooperage/protocol';
import { findRoute, standsFor } from './router.ts';
import { REVOCATION } from './services/objects.ts';
import { makeRandomTables } from './testing/random-tables.ts';

const [ALICE, BOB] = [makeVatId(1), makeVatId(2)];

const setScene = () => {
  const { state, parts, refused } = makeRandomTables([]);
  const root = state.vats.get(BOB)?.root as Kref;
  let made = 0;
  const add = (kind: 'o' | 'p'): Kref => {
    made += 1;
    const kref = parts.clists.addExport(ALICE, `${kind}+${made}` as Vref);
    parts.refcounts.hold(kref);
    return kref;
  };
  const addAlias = (target: Kref | null): Kref => {
    const kref = `ko${900 + state.aliases.size}` as Kref;
    state.objects.put({
      kref,
      owner: REVOCATION,
      iface: 'alias',
      reachable: 1,
      recognizable: 1,
    });
    state.aliases.put({
      kref,
      target,
      depth: 1,
      maker: null,
      cluster: null,
    });
    return kref;
  };
  return {
    state,
    parts,
    refused,
    root,
    add,
    addAlias,
    /** Where a message to what that makes goes. */
    routeTo: (make: () => Kref) =>
      parts.rehearse(() => findRoute(state, make())),
  };
};
const rejection = (name: string, message: string) => ({
  to: 'reject',
  data: encodeError(name, message),
});

describe('a message to an object', () => {
  it('goes to its exporter, through all aliases, unless one was revoked', () => {
    const { state, parts, routeTo, root, addAlias } = setScene();
    const bobs = { to: 'inbox', endpoint: BOB, target: root };
    expect(routeTo(() => root)).toEqual(bobs);
    expect(routeTo(() => addAlias(addAlias(root)))).toEqual(bobs);
    expect(routeTo(() => addAlias(addAlias(null)))).toEqual(
      rejection('Error', 'ko901 was revoked'),
    );
    parts.rehearse(() => {
      const service = addAlias(root);
      state.aliases.delete(service);
      expect(standsFor(state, service)).toBe(service);
    });
  });

  it('rejects when nobody can get it, and says why', () => {
    const { state, routeTo, root } = setScene();
    const gone = rejection(
      'Error',
      `${root} is gone: its vat has ended or lost it`,
    );
    const endBob = (): void =>
      state.endings.put({ endpoint: BOB, reason: 'no more' });
    expect(
      routeTo(() => {
        endBob();
        return root;
      }),
    ).toEqual(gone);
    expect(
      routeTo(() => {
        const row = state.objects.get(root);
        if (row) {
          state.objects.put({ ...row, owner: null });
        }
        return root;
      }),
    ).toEqual(gone);
    expect(
      routeTo(() => {
        const row = state.vats.get(BOB);
        if (row) {
          state.vats.put({ ...row, failure: 'it throws' });
        }
        return root;
      }),
    ).toEqual(rejection('Error', "vat v2 can't run: it throws"));
  });
});

describe('a message to a promise', () => {
  it('waits until it is settled, unless the one who decides has ended', () => {
    const { state, routeTo, add } = setScene();
    const open = () => add('p');
    expect(routeTo(open)).toMatchObject({ to: 'park', target: 'kp1' });
    expect(
      routeTo(() => {
        const kref = open();
        state.endings.put({ endpoint: ALICE, reason: 'no more' });
        return kref;
      }),
    ).toEqual(rejection('Error', 'no more'));
  });

  it('goes on by its answer', () => {
    const { parts, routeTo, root, add } = setScene();
    const settled = (isRejected: boolean, body: string, ...slots: Kref[]) =>
      routeTo(() => {
        const kref = add('p');
        parts.promises.resolve(kref, isRejected, { body, slots });
        return kref;
      });
    expect(settled(false, '#"$0"', root)).toEqual({
      to: 'inbox',
      endpoint: BOB,
      target: root,
    });
    expect(settled(true, '#"$0"', root)).toEqual({
      to: 'reject',
      data: { body: '#"$0"', slots: [root] },
    });
    const noObject = rejection(
      'TypeError',
      'Cannot send a message to kp1: it was fulfilled with data, not with an object',
    );
    expect(settled(false, '#7')).toEqual(noObject);
    expect(
      routeTo(() => {
        const [kref, other] = [add('p'), add('p')];
        parts.promises.resolve(kref, false, { body: '#"&0"', slots: [other] });
        return kref;
      }),
    ).toEqual(noObject);
  });
});

describe('a message for which there is no room', () => {
  it('rejects its answer, or its sender is told, and the others go on', () => {
    const { state, parts, refused, root, add } = setScene();
    const most = 1_000;
    const send = (
      sender: EndpointId | null,
      target: Kref,
      result: Kref | null,
      body = '',
    ) =>
      parts.run(() =>
        parts.route({
          target,
          methargs: { body, slots: [] },
          result,
          sender,
        }),
      );
    const parkedOn = parts.run(() => add('p'));
    for (let nth = 0; nth < most / 2; nth += 1) {
      send(ALICE, root, null);
      send(ALICE, parkedOn, null);
    }
    const [one, two] = parts.run(() =>
      [add('p'), add('p')].map(kref => {
        parts.promises.setDecider(kref, null);
        return kref;
      }),
    ) as [Kref, Kref];
    send(ALICE, root, one);
    send(ALICE, parkedOn, two);
    send(ALICE, root, null);
    const problem = (queue: string) =>
      `500 messages of ${ALICE} wait for ${queue}, and no more may`;
    const words = (queue: string) => encodeError('Error', problem(queue)).body;
    expect([
      parts.promises.get(one).body,
      parts.promises.get(two).body,
      parts.inbox.length(BOB),
      parts.inbox.length(parkedOn),
    ]).toEqual([words(BOB), words(parkedOn), 500, 500]);
    expect(refused).toEqual([[ALICE, problem(BOB)]]);
    send(null, root, null, 'x'.repeat(1_000_001));
    expect(refused).toHaveLength(1); // who sent it is nobody
    send(null, root, null);
    expect(state.queueByName.count(BOB)).toBe(501);
  });
});
