/** How a switch chooses among the processes of a service. Pure. */

import { SERVICE_NAME } from "../abi/channel.ts";
import { unreachable } from "../assert.ts";
import { failure, GodwitError } from "../errors.ts";
import { HOST_MAX_CHARS, NAME_MAX_CHARS, POLICY_RULES_MAX } from "../limits.ts";

/** What a request is told apart by. */
export type AffinityKey =
  { readonly of: "remote" | "host" | "path" } | { readonly of: "header" | "cookie" | "query"; readonly name: string };

/** What is for `host` (for any, when it is ""), and of requests those whose path is `prefix` or below, goes to the processes of `service`. */
export interface ContentRule {
  readonly host: string;
  readonly prefix: string;
  readonly service: string;
}

export type Policy =
  | { readonly kind: "round-robin" | "least-loaded" | "local" }
  | { readonly kind: "hash"; readonly key: AffinityKey }
  | { readonly kind: "content"; readonly rules: readonly ContentRule[] };

/** A process that can take one more. */
export interface Candidate {
  readonly pid: number;
  /** What it has of this switch's clients. */
  readonly open: number;
  /** Whether its home is the switch's own node. */
  readonly isLocal: boolean;
}

/** What is known of a client's request, or connection, when a process is chosen for it. */
export interface Inquiry {
  /** `HOST:PORT` of the client. */
  readonly remote: string;
  /** Absolute; of a request. */
  readonly url?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Of a connection over TLS: the name of the server that its client wants. */
  readonly serverName?: string;
}

/** The one of `candidates` (by pid) that is to serve. @param turn counts up. */
export function choose<C extends Candidate>(
  policy: Policy,
  candidates: readonly C[],
  inquiry: Inquiry,
  turn: number,
): C | undefined {
  switch (policy.kind) {
    case "round-robin":
      return candidates[turn % candidates.length];
    case "least-loaded":
    case "content":
      return leastLoaded(candidates, turn);
    case "local": {
      const near = candidates.filter(({ isLocal }) => isLocal);
      return leastLoaded(near.length > 0 ? near : candidates, turn);
    }
    case "hash":
      return highest(candidates, keyOf(policy.key, inquiry));
    default:
      return unreachable(policy, "policy");
  }
}

/** The service whose processes are to serve: a front's own, unless a rule names another: one for the host first, then the longest prefix. */
export function serviceFor(policy: Policy, own: string, inquiry: Inquiry): string {
  if (policy.kind !== "content") return own;
  const path = inquiry.url === undefined ? "/" : new URL(inquiry.url).pathname;
  const host = hostOf(inquiry);
  let best: ContentRule | undefined;
  for (const rule of policy.rules) {
    if (!isBelow(path, rule.prefix) || (rule.host !== "" && rule.host !== host)) continue;
    const isCloser =
      rule.host === (best?.host ?? "") ? rule.prefix.length >= (best?.prefix.length ?? 0) : rule.host !== "";
    if (isCloser) best = rule;
  }
  return best?.service ?? own;
}

/** Whom the client wants, in lower case; "" when it does not say. */
function hostOf({ url, serverName }: Inquiry): string {
  return (url === undefined ? (serverName ?? "") : new URL(url).hostname).toLowerCase();
}

function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

/** Those with the same load are taken in turn. */
function leastLoaded<C extends Candidate>(candidates: readonly C[], turn: number): C | undefined {
  let least: C | undefined;
  for (let index = 0; index < candidates.length; index++) {
    const one = candidates[(turn + index) % candidates.length];
    if (one !== undefined && (least === undefined || one.open < least.open)) least = one;
  }
  return least;
}

/** Rendezvous hashing: when a process comes or goes, only the keys change their process that were its own. */
function highest<C extends Candidate>(candidates: readonly C[], key: string): C | undefined {
  let best: C | undefined;
  let bestWeight = -1;
  for (const one of candidates) {
    const weight = hashOf(`${key}\0${one.pid}`);
    if (weight <= bestWeight) continue;
    best = one;
    bestWeight = weight;
  }
  return best;
}

/** FNV-1a, and the finish of MurmurHash3, so that keys that are alike are spread. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A request without its key is told apart by its client's host. */
function keyOf(key: AffinityKey, inquiry: Inquiry): string {
  const { remote, url, headers = [] } = inquiry;
  const host = remote.slice(0, remote.lastIndexOf(":"));
  switch (key.of) {
    case "remote":
      return host;
    case "host":
      return hostOf(inquiry) || host;
    case "path":
      return url === undefined ? host : new URL(url).pathname;
    case "query":
      return (url === undefined ? null : new URL(url).searchParams.get(key.name)) ?? host;
    case "header":
      return headers.find(([name]) => name === key.name)?.[1] ?? host;
    case "cookie":
      return cookieOf(headers, key.name) ?? host;
    default:
      return unreachable(key, "key");
  }
}

function cookieOf(headers: readonly (readonly [string, string])[], wanted: string): string | undefined {
  for (const [header, value] of headers) {
    if (header !== "cookie") continue;
    for (const pair of value.split(";")) {
      const [name = "", ...rest] = pair.split("=");
      if (name.trim() === wanted) return rest.join("=").trim();
    }
  }
  return undefined;
}

// ---- As it is written

const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HOST = /^(\[[\da-f:.]+\]|[\da-z]([\d.a-z-]*[\da-z])?)$/;

/**
 * `round-robin`, `least-loaded`, `local`, `hash:KEY` (KEY is `remote`, `host`, `path`, `header.NAME`, `cookie.NAME` or
 * `query.NAME`), `content:PREFIX=SERVICE,...` (PREFIX is `/PATH`, `HOST` or `HOST/PATH`).
 * @throws GodwitError EINVAL.
 */
export function policyOf(text: string): Policy {
  const colon = text.indexOf(":");
  const kind = colon < 0 ? text : text.slice(0, colon);
  const rest = colon < 0 ? undefined : text.slice(colon + 1);
  if (rest === undefined && (kind === "round-robin" || kind === "least-loaded" || kind === "local")) return { kind };
  if (kind === "hash" && rest !== undefined) return { kind, key: affinityKey(rest) };
  if (kind === "content" && rest !== undefined) return { kind, rules: contentRules(rest) };
  const known = "round-robin, least-loaded, local, hash:KEY or content:PREFIX=SERVICE,...";
  throw failure("EINVAL", `"${text}" is no policy: write ${known}`);
}

/** Whether {@link policyOf} reads it: a node of another version may write others. */
export function isPolicy(text: string): boolean {
  try {
    policyOf(text);
    return true;
  } catch (error) {
    if (error instanceof GodwitError) return false;
    throw error;
  }
}

function affinityKey(text: string): AffinityKey {
  if (text === "remote" || text === "host" || text === "path") return { of: text };
  const dot = text.indexOf(".");
  const of = text.slice(0, Math.max(0, dot));
  const name = text.slice(dot + 1);
  const isName = dot > 0 && NAME.test(name) && name.length <= NAME_MAX_CHARS;
  if (isName && of === "header") return { of, name: name.toLowerCase() };
  if (isName && (of === "cookie" || of === "query")) return { of, name };
  throw failure("EINVAL", `"${text}" is no key: write remote, host, path, header.NAME, cookie.NAME or query.NAME`);
}

function contentRules(text: string): ContentRule[] {
  const rules = text.split(",").map((rule) => {
    const [where = "", service = "", more] = rule.split("=");
    const slash = where.indexOf("/");
    const host = (slash < 0 ? where : where.slice(0, slash)).toLowerCase();
    const prefix = slash < 0 ? "/" : where.slice(slash);
    const isHost = host === "" ? slash === 0 : HOST.test(host) && host.length <= HOST_MAX_CHARS;
    if (isHost && SERVICE_NAME.test(service) && more === undefined) return { host, prefix, service };
    throw failure(
      "EINVAL",
      `"${rule}" is no rule: write PREFIX=SERVICE, as in /images=images or mail.example.com=mail`,
    );
  });
  if (rules.length > POLICY_RULES_MAX) throw failure("EINVAL", `a policy has at most ${POLICY_RULES_MAX} rules`);
  return rules;
}

/** As {@link policyOf} reads it. */
export function policyText(policy: Policy): string {
  if (policy.kind === "content") return `content:${policy.rules.map(ruleText).join(",")}`;
  if (policy.kind !== "hash") return policy.kind;
  return `hash:${"name" in policy.key ? `${policy.key.of}.${policy.key.name}` : policy.key.of}`;
}

function ruleText({ host, prefix, service }: ContentRule): string {
  return `${host}${host !== "" && prefix === "/" ? "" : prefix}=${service}`;
}
