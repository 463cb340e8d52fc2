/** Links between nodes, each way. */

import { connectEmbedded, startEmbeddedServer } from "../../src/cluster/engines/embedded.ts";
import { connectNatsEngine } from "../../src/cluster/engines/nats.ts";
import type { Engine } from "../../src/cluster/engine.ts";
import { failure } from "../../src/errors.ts";
import { CutProxy } from "./cut-proxy.ts";
import { LinkWorld } from "./link-node.ts";
import { type LinkGround, linkSuite } from "./link-suite.ts";
import { NatsServers, findNatsServer } from "./nats-server.ts";

/** Over sockets, each node behind a proxy. */
async function sockets(kind: "unix" | "tls"): Promise<LinkGround> {
  const world = new LinkWorld();
  const proxies = new Map<string, CutProxy>();
  let cutAfter = () => Infinity;
  let breaks = 0;
  return {
    start: async (name) => {
      const address = kind === "unix" ? {} : { address: "tls:127.0.0.1:0" };
      const node = await world.start(name, address);
      const next = () => {
        breaks++;
        return cutAfter();
      };
      const port = Number((world.addresses.get(name) ?? "").split(":")[2]);
      const proxy = new CutProxy(kind === "unix" ? { path: world.socket(name) } : { host: "127.0.0.1", port }, next);
      proxies.set(name, proxy);
      const path = world.socket(`${name}-proxy`);
      const at = await proxy.listen(kind === "unix" ? { path } : { host: "127.0.0.1", port: 0 });
      world.addresses.set(name, kind === "unix" ? `unix:${path}` : `tls:127.0.0.1:${at}`);
      return node;
    },
    breakOften: () => {
      cutAfter = () => 5000 + Math.floor(Math.random() * 1_000_000);
      for (const proxy of proxies.values()) proxy.cut();
      breaks = 0;
      return { breaks: () => breaks, stop: () => (cutAfter = () => Infinity) };
    },
    hold: (name) => {
      proxies.get(name)?.hold();
      return () => proxies.get(name)?.letGo();
    },
    close: async () => {
      await world.close();
      for (const proxy of proxies.values()) await proxy.close();
    },
  };
}

/** Through an engine: requests are lost, before they are carried out or after, and connections break. */
async function throughEngine(connect: () => Promise<Engine>, stop: () => Promise<void>): Promise<LinkGround> {
  const world = new LinkWorld();
  const engines: Engine[] = [];
  let isBreaking = false;
  let breaks = 0;
  const meddled = (engine: Engine): Engine => {
    const request: Engine["messages"]["request"] = async (subject, body, options) => {
      const chance = isBreaking ? Math.random() : 1;
      if (chance < 0.01) throw failure("ENONODE", "it is gone, says the test");
      if (chance < 0.02) throw failure("ECONNRESET", "lost on the way there");
      const reply = await engine.messages.request(subject, body, options);
      if (chance >= 0.03) return reply;
      throw failure("ECONNRESET", "lost on the way back");
    };
    const counted: Engine["messages"]["request"] = async (...args) => {
      try {
        return await request(...args);
      } catch (error) {
        breaks++;
        throw error;
      }
    };
    const { messages } = engine;
    return {
      ...engine,
      close: () => engine.close(),
      messages: {
        request: counted,
        serve: (subject, handler) => messages.serve(subject, handler),
        publish: (subject, body) => messages.publish(subject, body),
        subscribe: (subject, onEvent) => messages.subscribe(subject, onEvent),
      },
    };
  };
  return {
    start: async (name) => {
      const engine = await connect();
      engines.push(engine);
      return world.start(name, { address: "engine:", engine: meddled(engine) });
    },
    breakOften: () => {
      isBreaking = true;
      breaks = 0;
      return { breaks: () => breaks, stop: () => (isBreaking = false) };
    },
    close: async () => {
      await world.close();
      for (const engine of engines) await engine.close();
      await stop();
    },
  };
}

async function throughEmbedded(): Promise<LinkGround> {
  const folder = new LinkWorld();
  const server = await startEmbeddedServer({ folder: folder.folder });
  return throughEngine(
    () => connectEmbedded({ socket: server.socket }),
    async () => {
      await server.close();
      await folder.close();
    },
  );
}

const found = await findNatsServer();
if ("missing" in found) console.error(`NOT TESTED: links through NATS: ${found.missing}`);

async function throughNats(): Promise<LinkGround> {
  if ("missing" in found) throw new Error(found.missing);
  const servers = await NatsServers.start(found.path, 1);
  return throughEngine(
    () => connectNatsEngine({ servers: servers.urls, cluster: "links" }),
    () => servers.stop(),
  );
}

linkSuite("links over unix sockets", () => sockets("unix"));
linkSuite("links over TLS", () => sockets("tls"));
linkSuite("links through the embedded engine", throughEmbedded);
linkSuite("links through NATS", throughNats, "missing" in found ? { skip: found.missing } : {});
