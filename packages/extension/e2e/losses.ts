import type { Extension } from './harness.ts';

/** A way to lose the kernel or the vats, and to have an extension that works again. */
export type Lose = (extension: Extension) => Promise<Extension>;

/** The console may not know yet that its session is over: what it asks then rejects, and the next question opens a new one. */
const reconnect = async (extension: Extension): Promise<Extension> => {
  await extension.inConsole(
    `E(kernel).status().catch(() => E(kernel).status()).then(() => {})`,
  );
  return extension;
};

export const loseKernelWorker: Lose = async extension => {
  await extension.killKernelWorker();
  return reconnect(extension);
};

export const loseOffscreen: Lose = async extension => {
  await extension.closeOffscreen();
  return reconnect(extension);
};

/** No session ends by it: the kernel lives. */
export const loseSandbox: Lose = async extension => {
  await extension.killSandboxProcess();
  return extension;
};

export const reloadExtension: Lose = async extension => {
  await extension.reload();
  return extension;
};
