import type { Platform, VatPort } from '@cooperage/kernel';

/** A platform that can be lost at any moment, as a killed process loses it. */
export type MortalPlatform = {
  readonly platform: Platform;
  /** How many vats' workers have not been killed. */
  countVats(): number;
  /** From now on no callback comes, no vat runs, and nothing is written. */
  die(): void;
};

export const makeMortalPlatform = (platform: Platform): MortalPlatform => {
  const { clock, vats, db, stores } = platform;
  const ports = new Set<VatPort>();
  let isDead = false;

  const whileAlive = (callback: () => void) => () => {
    if (!isDead) {
      callback();
    }
  };

  const adopt = (port: VatPort): VatPort => {
    ports.add(port);
    if (isDead) {
      port.kill();
    }
    return Object.freeze({
      send: (...args: Parameters<VatPort['send']>) => port.send(...args),
      receive: (...args: Parameters<VatPort['receive']>) =>
        port.receive(...args),
      kill: () => {
        ports.delete(port);
        port.kill();
      },
    });
  };

  return Object.freeze({
    platform: Object.freeze({
      ...platform,
      clock: Object.freeze({
        now: clock.now,
        after: (milliseconds: number, callback: () => void) =>
          clock.after(milliseconds, whileAlive(callback)),
        soon: (callback: () => void) => clock.soon(whileAlive(callback)),
      }),
      vats: Object.freeze({
        launch: async (...args: Parameters<typeof vats.launch>) => {
          if (isDead) {
            throw Error('the platform is dead');
          }
          return adopt(await vats.launch(...args));
        },
      }),
    }),
    countVats: () => ports.size,
    die: () => {
      isDead = true;
      ports.forEach(port => port.kill());
      db.close();
      stores.close();
    },
  });
};
