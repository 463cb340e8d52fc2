/** The service that is loaded: it answers requests, WebSockets, streams of events and downloads. */

import { createHash } from "node:crypto";

/** Pieces of a download, each told by its number: all its bytes are the number's last, but for the first 4, which are it. */
export const PIECE_BYTES = 64 * 1024;
const EVENT_EVERY_MS = 5;

/**
 * Ends of streams tell how much was sent, so that one that is cut short is known from one that is whole. Who asks says for
 * how long it is to go on, since the next request may go to another process of the service.
 */
export const siteOf = (address: string): string => `
const { serve, upgradeWebSocket } = globalThis.__godwit.exports;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const encoder = new TextEncoder();

function events(forMs) {
  const untilMs = Date.now() + forMs;
  let count = 0;
  return new ReadableStream({
    async pull(controller) {
      await pause(${EVENT_EVERY_MS});
      if (Date.now() < untilMs) return controller.enqueue(encoder.encode("data: " + count++ + "\\n\\n"));
      controller.enqueue(encoder.encode("event: end\\ndata: " + count + "\\n\\n"));
      controller.close();
    },
  });
}

function pieces(count) {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at === count) return controller.close();
      const piece = new Uint8Array(${PIECE_BYTES}).fill(at);
      new DataView(piece.buffer).setUint32(0, at++);
      controller.enqueue(piece);
    },
  });
}

function echo(request) {
  const { socket, response } = upgradeWebSocket(request);
  let said = 0;
  socket.onmessage = ({ data }) => socket.send(data + " " + said++);
  return response;
}

const server = serve((request) => {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname.startsWith("/item/")) return new Response("item " + pathname.slice(6));
  if (pathname === "/echo") return echo(request);
  if (pathname === "/download") return new Response(pieces(Number(searchParams.get("pieces"))));
  if (pathname === "/events")
    return new Response(events(Number(searchParams.get("ms"))), { headers: { "content-type": "text/event-stream" } });
  return new Response("nothing there", { status: 404 });
}, { address: ${JSON.stringify(address)} });
console.log(server.address);
`;

/** SHA-256 of a download of so many pieces, in hexadecimal. */
export function digestOf(pieces: number): string {
  const hash = createHash("sha256");
  for (let at = 0; at < pieces; at++) {
    const piece = Buffer.alloc(PIECE_BYTES, at & 255);
    piece.writeUInt32BE(at);
    hash.update(piece);
  }
  return hash.digest("hex");
}
