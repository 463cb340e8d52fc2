/** `node:perf_hooks`: what of it is a global of the web. */

const web = globalThis as unknown as { readonly performance: object };

export const performance = web.performance;
export default { performance };
