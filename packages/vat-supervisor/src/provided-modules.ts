import harden from '@endo/harden';
import type { PROVIDED_MODULES } from '@cooperage/protocol';
import * as errors from '@endo/errors';
import * as eventualSend from '@endo/eventual-send';
import * as exo from '@endo/exo';
import * as far from '@endo/far';
import * as marshal from '@endo/marshal';
import * as passStyle from '@endo/pass-style';
import * as patterns from '@endo/patterns';
import * as promiseKit from '@endo/promise-kit';
import type { InescapableGlobals, VatData } from './liveslots.ts';
import { makeVatDataModule } from './vat-data-module.ts';

/** A namespace by specifier. */
export type ProvidedModules = Readonly<
  Record<(typeof PROVIDED_MODULES)[number], object>
>;

/** What vat code gets when it imports one of PROVIDED_MODULES: the supervisor's own copies, hardened. */
export const makeProvidedModules = (
  vatData: VatData,
  inescapable: InescapableGlobals,
): ProvidedModules =>
  harden({
    '@agoric/vat-data': makeVatDataModule(vatData, inescapable),
    '@endo/errors': { ...errors },
    '@endo/eventual-send': { ...eventualSend },
    '@endo/exo': { ...exo },
    '@endo/far': { ...far },
    '@endo/marshal': { ...marshal },
    '@endo/pass-style': { ...passStyle },
    '@endo/patterns': { ...patterns },
    '@endo/promise-kit': { ...promiseKit },
  });
harden(makeProvidedModules);
