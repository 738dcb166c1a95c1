export { makeManifest, type ManifestOptions } from './manifest.ts';
