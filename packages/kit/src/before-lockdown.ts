/**
 * What only a bundler can make, made while the realm still lets one run: to be
 * imported before `@cooperage/client/lockdown`.
 */
import { provideNodeVatText } from './node-vat-text.ts';
import { bundleSamples } from './samples.ts';

const [samples] = await Promise.all([bundleSamples(), provideNodeVatText()]);

export const SAMPLES = samples;
